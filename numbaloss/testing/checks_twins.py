"""Checks that the serial twin, the parallel twin and any number of threads give the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import numpy as np

from numbaloss.compile.twins import Twins
from numbaloss.testing import inputs as drawn
from numbaloss.testing.basics import (
    LossFunction,
    as_tuple,
    differentiable,
    made,
    only_if,
    same_bits,
    separable,
    unreduced,
)

ELEMENTS = 20_000  # several blocks of every kernel, and an unfinished one


@contextmanager
def twin(parallel: bool, threads: int | None = None) -> Iterator[None]:
    """Run one twin of every kernel while the block lasts, whatever the size; the parallel one on so many threads.

    Kernels said to have no work for threads stay serial.
    """
    import numba

    kept = Twins.__call__
    attribute = "_parallel" if parallel else "_serial"

    def call(self: Twins, work: float, *arguments: Any) -> Any:
        return getattr(self, attribute if work else "_serial")(*arguments)

    before = numba.get_num_threads() if threads is not None else None
    Twins.__call__ = call  # type: ignore[method-assign]
    try:
        if threads is not None:
            numba.set_num_threads(threads)
        yield
    finally:
        Twins.__call__ = kept  # type: ignore[method-assign]
        if before is not None:
            numba.set_num_threads(before)


def check_twins(loss: LossFunction) -> None:
    """Serial and parallel twins, on one thread and on all, give the same bits, over several blocks and on every run."""
    import numba

    facts = loss.definition
    most = int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
    for kind in drawn.kinds(facts):
        width = drawn.draw(facts, kind=kind, rows=2, salt="twins")[0].size // 2
        arrays = drawn.draw(facts, kind=kind, rows=ELEMENTS // width + 3, dtype=np.float32, salt="twins")
        results = {}
        for name, parallel, threads in (
            ("serial", False, None),
            ("serial again", False, None),
            ("parallel, 1 thread", True, 1),
            (f"parallel, {most} threads", True, most),
            ("parallel again", True, most),
        ):
            with twin(parallel, threads):
                value, gradient = made(loss).value_and_grad(*arrays, wrt=facts.wrt[:1])
                results[name] = np.asarray(value), gradient
        wanted = results["serial"]
        for name, got in results.items():
            same_bits(got[0], wanted[0], f"{kind}, {name}: value")
            same_bits(got[1], wanted[1], f"{kind}, {name}: gradient")


def check_short_calls(loss: LossFunction) -> None:
    """Calls of the plainest kind, which take a shorter way through Python, give what all others do."""
    facts = loss.definition
    usual = drawn.kinds(facts)[0]
    for kind, dtype in product(drawn.kinds(facts), (np.float32, np.float64)):
        arrays = drawn.draw(facts, kind=kind, rows=9, dtype=dtype, salt="short calls")
        settings: list[dict[str, Any]] = [{"reduction": one} for one in ("mean", "sum") if one in facts.reductions]
        if facts.weight == "class":
            weight = np.linspace(0.5, 2.0, drawn.classes_of(facts, arrays))
            settings += [{**setting, "weight": weight} for setting in settings]
        for arguments in settings:
            where = f"{kind}, {np.dtype(dtype)}, {arguments}"
            short = made(loss, **arguments)
            assert not short._quick_when or kind != usual or short._quick(arrays, None), f"{where}: not a short call"
            value, gradients = short.value_and_grad(*arrays)
            wanted, slopes = made(loss, **arguments).value_and_grad(*arrays, wrt=facts.wrt)
            assert type(value) is type(wanted), f"{where}: {value!r}, wanted {wanted!r}"
            same_bits(value, wanted, f"{where}: value")
            for got, slope in zip(as_tuple(gradients), as_tuple(slopes), strict=True):
                same_bits(got, slope, f"{where}: gradient")


def check_places(loss: LossFunction) -> None:
    """Where in memory the arrays lie changes no bit of value and gradient."""
    facts = loss.definition
    name = facts.wrt[0]
    for kind in drawn.kinds(facts):
        for rows in (1, 2, 5, 17):
            arrays = drawn.draw(facts, kind=kind, rows=rows, dtype=np.float32, salt="places")
            wanted = None
            for gap in (0, 16, 64, 4096):
                for out_first in (True, False):
                    out, placed = _placed(arrays, facts.inputs.index(name), gap, out_first)
                    value, gradient = made(loss).value_and_grad(*placed, wrt=(name,), out=out)
                    if wanted is None:
                        wanted = value, gradient.copy()
                    where = f"{kind}, {rows} rows, {gap} bytes between arrays"
                    same_bits(np.asarray(value), np.asarray(wanted[0]), f"{where}: value")
                    same_bits(gradient, wanted[1], f"{where}: gradient")


def _placed(arrays: tuple[Any, ...], index: int, gap: int, out_first: bool) -> tuple[Any, tuple[Any, ...]]:
    """A buffer for the gradient by one of the inputs and copies of all, one after another in a piece of memory."""
    sizes = [np.asarray(array).nbytes for array in (*arrays, arrays[index])]
    memory = np.zeros(sum(sizes) + (gap + 16) * len(sizes) + 64, np.uint8)
    start = -memory.ctypes.data % 64

    def place(array: Any) -> Any:
        nonlocal start
        copy = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
        copy[...] = array
        start += array.nbytes + gap
        start += -start % 16
        return copy

    out = place(np.zeros_like(arrays[index])) if out_first else None
    copies = tuple(place(array) if isinstance(array, np.ndarray) else array for array in arrays)
    return place(np.zeros_like(arrays[index])) if out is None else out, copies


@only_if(separable)
def check_order_of_rows(loss: LossFunction) -> None:
    """The order of the rows changes no row's value or gradient, and the mean by rounding at most."""
    facts = loss.definition
    arrays = drawn.draw(facts, rows=37, salt="twins")
    shuffle = drawn.generator(facts, "shuffle").permutation(37)
    shuffled = tuple(map(np.ascontiguousarray, drawn.rows_of(facts, arrays, shuffle)))
    values, gradients = unreduced(loss, arrays)
    got, slopes = unreduced(loss, shuffled)
    same_bits(got, values[shuffle], "values of shuffled rows")
    for name, slope, gradient in zip(differentiable(facts, arrays), slopes, gradients, strict=True):
        if name in drawn.shared(facts):  # a sum over rows
            continue
        same_bits(slope, drawn.rows_of(facts, (gradient,), shuffle)[0], "gradients of shuffled rows")
    mean, wanted = made(loss)(*shuffled), made(loss)(*arrays)
    assert abs(mean - wanted) <= 1e-13 * abs(wanted), f"the mean of shuffled rows is {mean!r}, wanted {wanted!r}"
