"""Checks that how arrays lie in memory changes nothing, that inputs stay as they are, and that `out` is used."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from numbaloss.testing import inputs as drawn
from numbaloss.testing.basics import Array, LossFunction, as_tuple, differentiable, made, same_bits, unreduced


def _strided(array: Array) -> Array:
    wide = np.zeros([2 * length for length in array.shape], array.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def _padded_rows(array: Array) -> Array:
    wide = np.zeros((*array.shape[:-1], array.shape[-1] + 3), array.dtype)
    view = wide[..., : array.shape[-1]]
    view[...] = array
    return view


def _backwards(array: Array) -> Array:
    turned = tuple(slice(None, None, -1) for _ in array.shape)
    return np.ascontiguousarray(array[turned])[turned]


def _read_only(array: Array) -> Array:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def _swapped(array: Array) -> Array:
    return array.astype(array.dtype.newbyteorder())


def _unaligned(array: Array) -> Array:
    room = np.zeros(array.nbytes + 1, np.uint8)
    view = room[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


def _class_last(array: Array) -> Array:
    if array.ndim < 3:
        return array.copy(order="F")
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 1, -1)), -1, 1)


def _laid(lay: Callable[[Array], Array], arrays: Iterable[Array]) -> tuple[Array, ...]:
    """Arrays in another layout; a single number has none."""
    return tuple(lay(array) if array.ndim else array.copy() for array in arrays)


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "column by column": lambda array: array.copy(order="F"),
    "class axis last": _class_last,
    "every second": _strided,
    "rows with padding": _padded_rows,
    "backwards": _backwards,
    "read-only": _read_only,
    "other byte order": _swapped,
    "unaligned": _unaligned,
    "a matrix's subclass": lambda array: array.view(np.memmap),
}


def check_layouts(loss: LossFunction) -> None:
    """Strides, order, byte order, alignment and read-only memory give the bits that plain arrays give."""
    facts = loss.definition
    for kind in drawn.kinds(facts):
        arrays = drawn.draw(facts, kind=kind, rows=5, salt="layouts")
        values, gradients = unreduced(loss, arrays)
        for layout, lay in LAYOUTS.items():
            got, slopes = unreduced(loss, _laid(lay, arrays))
            what = f"{kind}, {layout}"
            _nearly_bits(got, values, f"{what}: values")
            for one, gradient in zip(slopes, gradients, strict=True):
                _nearly_bits(one, gradient, f"{what}: gradient")


def _nearly_bits(got: Array, wanted: Array, what: str) -> None:
    """The same type and shape, and the same numbers to two units of the last place.

    Which layout picks which kernel is free, and a kernel for rows adds in another order than one for planes.
    """
    assert got.shape == wanted.shape, f"{what}: shape {got.shape}, wanted {wanted.shape}"
    assert got.dtype.newbyteorder("=") == wanted.dtype, f"{what}: dtype {got.dtype}, wanted {wanted.dtype}"
    scale = float(np.max(np.abs(wanted), initial=0.0))
    np.testing.assert_allclose(got, wanted, rtol=1e-14, atol=1e-15 * scale, err_msg=what)


def check_memory_mapped(loss: LossFunction) -> None:
    """Inputs may be files opened read-only."""
    facts = loss.definition
    arrays = drawn.draw(facts, rows=5, salt="layouts")
    criterion = made(loss)
    with tempfile.TemporaryDirectory() as folder:
        mapped = []
        for number, array in enumerate(arrays):
            path = Path(folder) / f"{number}.npy"
            np.save(path, array)
            mapped.append(np.load(path, mmap_mode="r"))
        same_bits(criterion(*mapped), criterion(*arrays), "value of memory-mapped arrays")
        del mapped


def check_lists(loss: LossFunction) -> None:
    """Lists of numbers are read as float64 arrays, and lists of whole numbers, too."""
    facts = loss.definition
    arrays = drawn.draw(facts, rows=3, salt="layouts")
    criterion = made(loss)
    lists = [array.tolist() for array in arrays]
    same_bits(criterion(*lists), criterion(*arrays), "value of lists")
    gradient, wanted = (criterion.value_and_grad(*given, wrt=facts.wrt[:1])[1] for given in (lists, arrays))
    assert isinstance(gradient, np.ndarray), f"the gradient of lists is a {type(gradient)}"
    same_bits(gradient, wanted, "gradient of lists")


def check_inputs_untouched(loss: LossFunction) -> None:
    """No call changes its inputs, however they lie."""
    facts = loss.definition
    for kind in drawn.kinds(facts):
        arrays = drawn.draw(facts, kind=kind, rows=5, salt="layouts")
        for lay in (np.copy, _strided, _swapped):
            given = _laid(lay, arrays)
            weight = np.ones(5)
            criterion = made(loss, reduction="none")
            unreduced(loss, given)
            if kind == drawn.kinds(facts)[0]:
                criterion(*given)
                criterion.total(*given, sample_weight=weight)
                if facts.hessian:
                    criterion.grad_and_hess(*given)
            for name, array, kept in zip(facts.inputs, given, arrays, strict=True):
                assert np.array_equal(array, kept), f"{kind}: {name} was changed"
            assert np.all(weight == 1.0), f"{kind}: sample_weight was changed"


def check_out(loss: LossFunction) -> None:
    """Gradients are written to `out`, which is returned; any layout, and the input itself, will do."""
    facts = loss.definition
    for kind in drawn.kinds(facts):
        arrays = drawn.draw(facts, kind=kind, rows=5, salt="layouts")
        names = differentiable(facts, arrays)
        places = [facts.inputs.index(name) for name in names]
        criterion = made(loss, reduction="none")
        values, gradients = unreduced(loss, arrays)
        for layout in ("", "column by column", "every second", "backwards", "unaligned"):
            lay = LAYOUTS.get(layout, np.copy)
            out = _laid(lay, (np.full_like(arrays[place], 7.0) for place in places))
            got, slopes = criterion.value_and_grad(*arrays, wrt=names, out=out if len(out) > 1 else out[0])
            what = f"{kind}, out {layout or 'plain'}"
            _same_buffers(slopes, out, what)
            for one, gradient in zip(out, gradients, strict=True):
                _nearly_bits(one, gradient, f"{what}: gradient")
            _nearly_bits(got, values, f"{what}: values")
        given = [array.copy() for array in arrays]
        over = tuple(given[place] for place in places)
        got, slopes = criterion.value_and_grad(*given, wrt=names, out=over if len(over) > 1 else over[0])
        _same_buffers(slopes, over, f"{kind}, out is the input")
        for one, gradient in zip(over, gradients, strict=True):
            _nearly_bits(one, gradient, f"{kind}, out is the input: gradient")
        _nearly_bits(got, values, f"{kind}, out is the input: values")


def _same_buffers(returned: object, given: tuple[Array, ...], what: str) -> None:
    buffers = as_tuple(returned)
    assert len(buffers) == len(given), f"{what}: {len(buffers)} gradients"
    for one, two in zip(buffers, given, strict=True):
        assert one is two, f"{what}: another array was returned"
