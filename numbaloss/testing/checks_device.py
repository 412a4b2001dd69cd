"""Checks that a loss gives on a device what it gives on the host; the device is simulated."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from numbaloss.definition import Definition
from numbaloss.testing import inputs as drawn
from numbaloss.testing.basics import Array, LossFunction, differentiable, made, only_if, same_bits
from numbaloss.testing.devices import place
from numbaloss.testing.parameters import two_sets

TOLERANCES = {"float64": 1e-12, "float32": 2e-5, "float16": 4e-3, "bfloat16": 3e-2}
CANCELLED = 1e-3  # what is smaller throughout is what slopes leave that cancel: precise to this size only


def _simulated(facts: Definition) -> bool:
    """Whether the simulator can run here: it needs greenlet."""
    return find_spec("greenlet") is not None


def _compiles(facts: Definition) -> bool:
    """Whether CUDA kernels can be compiled here."""
    from numbaloss.compile.cuda.assembler import ptxas
    from numbaloss.compile.cuda.kernel import NoCudaError, toolchain

    try:
        toolchain()
    except NoCudaError:
        return False
    return ptxas() is not None and _simulated(facts)


def on_device(array: Array, kind: str = "") -> Any:
    return place().put(array, kind)


def host(array: Any) -> Array:
    """A result on the host, bfloat16 in float32."""
    return place().get(array)


def close(one: Any, two: Any, kind: str, what: str) -> None:
    """Assert that two results agree as well as the type allows, by the size of the largest; nan only with nan."""
    found, wanted = np.asarray(host(one), np.float64), np.asarray(two, np.float64)
    assert found.shape == wanted.shape, f"{what}: shape {found.shape} on the device, {wanted.shape} on the host"
    finite = np.abs(wanted[np.isfinite(wanted)])
    scale = finite.max(initial=CANCELLED)
    np.testing.assert_allclose(
        found, wanted, rtol=TOLERANCES[kind], atol=TOLERANCES[kind] * scale, equal_nan=True, err_msg=f"{kind}: {what}"
    )


def compare(
    loss: LossFunction, arrays: Sequence[Array], kind: str, weights: Array | None = None, **arguments: Any
) -> None:
    """Assert that value and gradients by every input are those of the host."""
    wrt = differentiable(loss.definition, arrays)
    criterion = made(loss, **arguments)
    host_arrays = arrays
    if kind == "bfloat16":
        host_arrays = tuple(host(on_device(array, kind)) for array in arrays)
    value, gradients = criterion.value_and_grad(*host_arrays, wrt=wrt, sample_weight=weights)
    given = None if weights is None else on_device(weights)
    found, slopes = criterion.value_and_grad(*(on_device(a, kind) for a in arrays), wrt=wrt, sample_weight=given)
    close(found, value, kind, f"value, {arguments}")
    pairs = zip(slopes, gradients, strict=True) if len(wrt) > 1 else [(slopes, gradients)]
    for name, (one, two) in zip(wrt, pairs, strict=True):
        close(one, two, kind, f"gradient by {name}, {arguments}")


@only_if(_simulated)
def check_device(loss: LossFunction) -> None:
    """Values and gradients on a device are those of the host: kinds of input, hyper-parameters, reductions, weights."""
    facts = loss.definition
    for kind in drawn.kinds(facts):
        for arguments in two_sets(facts, kind):
            arrays = drawn.draw(facts, rows=4, dtype=np.float32, salt="device", kind=kind, parameters=arguments)
            reduction = facts.reductions[0]
            compare(loss, arrays, "float32", reduction=reduction, **arguments)
    arrays = drawn.draw(facts, rows=5, dtype=np.float64, salt="device")
    weights = np.array([0.5, 2.0, 0.0, 1.0, 3.0])
    for reduction in facts.reductions:
        compare(loss, arrays, "float64", reduction=reduction)
        compare(loss, arrays, "float64", weights, reduction=reduction)


@only_if(lambda facts: facts.hessian and _simulated(facts))
def check_device_hessian(loss: LossFunction) -> None:
    """Gradient and diagonal Hessian on a device are those of the host."""
    facts = loss.definition
    for kind in drawn.kinds(facts):
        arrays = drawn.draw(facts, rows=3, dtype=np.float32, salt="device", kind=kind)
        wanted = made(loss).grad_and_hess(*arrays)
        found = made(loss).grad_and_hess(*map(on_device, arrays))
        for what, one, two in zip(("gradient", "Hessian"), found, wanted, strict=True):
            close(one, two, "float32", f"{kind}: {what}")


@only_if(_simulated)
def check_device_out(loss: LossFunction) -> None:
    """The gradient goes into `out`, which may be the input itself."""
    facts = loss.definition
    arrays = drawn.draw(facts, rows=4, dtype=np.float32, salt="device")
    wanted = made(loss).value_and_grad(*arrays, wrt=facts.wrt[:1])
    index = facts.inputs.index(facts.wrt[0])
    given = [on_device(array) for array in arrays]
    for out in (on_device(np.full_like(arrays[index], np.nan)), given[index]):
        value, gradient = made(loss).value_and_grad(*given, wrt=facts.wrt[:1], out=out)
        assert gradient is out, "the gradient is not the buffer given as out"
        close(value, wanted[0], "float32", "value")
        close(gradient, wanted[1], "float32", "gradient in out")


@only_if(_simulated)
def check_device_types(loss: LossFunction) -> None:
    """float16 and bfloat16 on a device: read and written in 16 bits, computed in float32."""
    facts = loss.definition
    arrays = drawn.draw(facts, rows=4, dtype=np.float32, salt="device")
    for kind in ("float16", "bfloat16"):
        given = tuple(a.astype(np.float16) if kind == "float16" and a.dtype == np.float32 else a for a in arrays)
        compare(loss, given, kind)


@only_if(_simulated)
def check_device_orders(loss: LossFunction) -> None:
    """The order in which a device's threads run does not change a bit: no barrier is missing."""
    from numbaloss.arrays.simulated import simulating

    facts = loss.definition
    arrays = drawn.draw(facts, rows=7, dtype=np.float32, salt="device")
    seen = []
    for order in ("ascending", "descending", "shuffled"):
        with simulating(order):
            value, gradient = made(loss).value_and_grad(*map(on_device, arrays), wrt=facts.wrt[:1])
        seen.append((host(value), host(gradient)))
    for value, gradient in seen[1:]:
        same_bits(value, seen[0][0], "value by the order of threads")
        same_bits(gradient, seen[0][1], "gradient by the order of threads")


@only_if(_simulated)
def check_device_layouts(loss: LossFunction) -> None:
    """Strided, transposed and misaligned arrays on a device are read as they are; inputs stay what they were."""
    facts = loss.definition
    for kind in drawn.kinds(facts):
        arrays = drawn.draw(facts, rows=4, dtype=np.float32, salt="device", kind=kind)
        wanted = made(loss).value_and_grad(*arrays, wrt=facts.wrt[:1])
        for lay in (strided, transposed, shifted):
            given = [lay(array) for array in arrays]
            value, gradient = made(loss).value_and_grad(*given, wrt=facts.wrt[:1])
            close(value, wanted[0], "float32", f"{kind}, {lay.__name__}: value")
            close(gradient, wanted[1], "float32", f"{kind}, {lay.__name__}: gradient")
            for one, two in zip(given, arrays, strict=True):
                same_bits(host(one), two, "an input after the call")


@only_if(_simulated)
def check_device_empty(loss: LossFunction) -> None:
    """No rows: the mean is what `on_empty` says, on a device too."""
    facts = loss.definition
    arrays = drawn.rows_of(facts, drawn.draw(facts, rows=2, dtype=np.float32, salt="device"), slice(0))
    for on_empty in ("nan", "zero"):
        compare(loss, arrays, "float32", on_empty=on_empty)


@only_if(lambda facts: facts.structure == "kernel" and _compiles(facts))
def check_device_precision(loss: LossFunction) -> None:
    """An author's float32 kernel for a device computes nothing in float64: a whole number that meets a float would."""
    from numbaloss.arrays.simulated import simulating

    facts = loss.definition
    arrays = drawn.draw(facts, rows=2, dtype=np.float32, salt="device")
    with simulating(None) as device:
        made(loss).value_and_grad(*map(on_device, arrays), wrt=facts.wrt)
    for kernel, kinds in device.launches:
        if kernel.label != "common":
            doubles = kernel.compiled(kinds, (8, 0))[1].count(b".f64")
            assert doubles == 0, (
                f"the float32 kernel has {doubles} float64 instructions on a CUDA device: write float literals (2.0, "
                "not 2), and count in floats where a count is multiplied with one"
            )


def strided(array: Array) -> Any:
    """Every second element of a wider array."""
    every: Any = (*(slice(None, None, 2) for _ in array.shape), ...)
    wide = np.zeros([2 * length for length in array.shape], array.dtype)
    wide[every] = array
    return place().view(on_device(wide), every)


def transposed(array: Array) -> Any:
    """Column by column."""
    whole = on_device(np.array(array.T, order="C"))
    return whole.T


def shifted(array: Array) -> Any:
    """One element past an aligned address."""
    room = on_device(np.concatenate([np.zeros(1, array.dtype), array.reshape(-1)]))
    return place().view(room, slice(1, None)).reshape(array.shape)
