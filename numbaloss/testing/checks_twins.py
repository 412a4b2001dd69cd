"""Checks that the serial twin, the parallel twin and any number of threads give the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from numbaloss.structures.twins import Twins
from numbaloss.testing import inputs as drawn
from numbaloss.testing.basics import LossFunction, differentiable, made, rows_of, same_bits, shared, unreduced

ELEMENTS = 20_000  # several blocks of every kernel, and an unfinished one


@contextmanager
def twin(parallel: bool, threads: int | None = None) -> Iterator[None]:
    """Run one twin of every kernel while the block lasts, whatever the size; the parallel one on so many threads.

    Kernels said to have no work for threads stay serial.
    """
    import numba

    kept = Twins.__call__
    attribute = "_parallel" if parallel else "_serial"

    def call(self: Twins, work: int, *arguments: Any) -> Any:
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


def check_order_of_rows(loss: LossFunction) -> None:
    """The order of the rows changes no row's value or gradient, and the mean by rounding at most."""
    facts = loss.definition
    arrays = drawn.draw(facts, rows=37, salt="twins")
    shuffle = drawn.generator(facts, "shuffle").permutation(37)
    shuffled = tuple(map(np.ascontiguousarray, rows_of(facts, arrays, shuffle)))
    values, gradients = unreduced(loss, arrays)
    got, slopes = unreduced(loss, shuffled)
    same_bits(got, values[shuffle], "values of shuffled rows")
    for name, slope, gradient in zip(differentiable(facts, arrays), slopes, gradients, strict=True):
        if name in shared(facts):  # a sum over rows
            continue
        same_bits(slope, gradient[shuffle], "gradients of shuffled rows")
    mean, wanted = made(loss)(*shuffled), made(loss)(*arrays)
    assert abs(mean - wanted) <= 1e-13 * abs(wanted), f"the mean of shuffled rows is {mean!r}, wanted {wanted!r}"
