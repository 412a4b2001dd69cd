"""Benchmarks of losses for asv, to subclass: a plugin's whole benchmark file is

    from numbaloss.bench import asv

    class Losses(asv.LossBenchmarks):
        losses = ["robust_loss"]
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

import numbaloss as nl
from numbaloss.definition import Definition


def facts(name: str) -> Definition:
    """What is known of a loss."""
    return nl.get(name).definition


@lru_cache(maxsize=8)
def inputs(name: str, size: str, dtype: str) -> tuple[Any, ...]:
    """Inputs of a loss; asv runs `setup` before every timed call, so they are made once."""
    from numbaloss.bench.cases import shapes
    from numbaloss.bench.data import inputs

    known = facts(name)
    return tuple(inputs(known, shapes(known, size)[0], np.dtype(dtype)))


@lru_cache(maxsize=8)
def call(name: str, size: str, dtype: str) -> Any:
    """A call of value_and_grad that reuses its buffers, compiled and run once."""
    loss, arrays = nl.get(name), inputs(name, size, dtype)
    known = loss.definition
    buffers = tuple(np.empty_like(arrays[known.inputs.index(wanted)]) for wanted in known.wrt)
    out = buffers[0] if len(buffers) == 1 else buffers
    loss.value_and_grad(*arrays, out=out)
    return lambda: loss.value_and_grad(*arrays, out=out)


@lru_cache(maxsize=8)
def hessian_call(name: str, size: str, dtype: str) -> Any:
    """A call of grad_and_hess, compiled and run once."""
    loss, arrays = nl.get(name, reduction="sum"), inputs(name, size, dtype)
    loss.grad_and_hess(*arrays)
    return lambda: loss.grad_and_hess(*arrays)


@lru_cache(maxsize=32)
def _errors(name: str) -> tuple[float, float]:
    from numbaloss.bench.accuracy import errors

    return errors(facts(name))


class LossBenchmarks:
    """Time of value_and_grad and grad_and_hess, and the largest error against float64.

    A subclass names the `losses`; `sizes` are of "small", "cache" and "large", `dtypes` names of float types. Import
    the module, not this class: asv takes every class it finds in a benchmark file for benchmarks.
    """

    losses: ClassVar[list[str]] = []
    sizes: ClassVar[list[str]] = ["small", "cache"]
    dtypes: ClassVar[list[str]] = ["float32"]
    params: ClassVar[tuple[list[str], ...]] = ()
    param_names = ("loss", "size", "dtype")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if not cls.losses:
            raise TypeError(f"{cls.__name__} must name its losses, such as losses = ['robust_loss']")
        cls.params = (list(cls.losses), list(cls.sizes), list(cls.dtypes))

    def setup(self, loss: str, size: str, dtype: str) -> None:
        """Inputs, and a compiled kernel."""
        self.call = call(loss, size, dtype)
        self.hessian_call = hessian_call(loss, size, dtype) if facts(loss).hessian else None

    def time_value_and_grad(self, loss: str, size: str, dtype: str) -> None:
        """One call that writes the gradient to a buffer."""
        self.call()

    def time_grad_and_hess(self, loss: str, size: str, dtype: str) -> None:
        """One call, as boosting asks for it; of a loss without a Hessian, value_and_grad once more."""
        (self.hessian_call or self.call)()

    def track_value_error(self, loss: str, size: str, dtype: str) -> float:
        """Units in the last place of float32 for elementwise losses, relative for rows."""
        return _errors(loss)[0]

    def track_gradient_error(self, loss: str, size: str, dtype: str) -> float:
        """The same for the gradient."""
        return _errors(loss)[1]
