"""Losses of an author outside the package: the arithmetic of a built-in one, defined as any plugin defines its own.

Its time over that of the built-in one says what it costs to come from outside: nothing, so about 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numbaloss.bench.cases import Case
from numbaloss.bench.runner import Runner
from numbaloss.primitives import copysign
from numbaloss.structures.pointwise import pointwise


def own_square_loss(input: Any, target: Any) -> Any:
    """The arithmetic of `mse_loss`."""
    error = input - target
    return error * error, (2.0 * error, -2.0 * error), 2.0


def own_huber_loss(input: Any, target: Any, delta: float = 1.0) -> Any:
    """The arithmetic of `huber_loss`."""
    error = input - target
    size = abs(error)
    slope = error if size <= delta else copysign(delta, error)
    value = 0.5 * slope * slope + delta * (size - abs(slope))
    return value, (slope, -slope), 1.0 if size <= delta else 0.0


BOTH = ("input", "target")
LOSSES: dict[str, Callable[..., Any]] = {
    "mse_loss": pointwise(own_square_loss, differentiable=BOTH),
    "huber_loss": pointwise(own_huber_loss, differentiable=BOTH, limits={"delta": "(0, inf)"}),
}


def prepare(case: Case, threads: int) -> Runner | None:
    """The loss from outside, called as the built-in one is; None for a loss that has no twin here."""
    if case.facts.name not in LOSSES or case.hessian:
        return None
    loss, arrays = LOSSES[case.facts.name].Loss(), case.inputs()  # type: ignore[attr-defined]
    out = None if case.size == "small" else np.empty_like(arrays[0])
    return Runner(lambda: loss.value_and_grad(*arrays, out=out), lambda result: (float(result[0]), (result[1],)))
