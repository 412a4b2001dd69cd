"""The distances between rows that a loss can be stated in, by name, and what a kernel needs of each."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

DISTANCES = ("euclidean", "squared_euclidean", "manhattan", "chebyshev", "cosine")
FAMILY = {1.0: "manhattan", 2.0: "euclidean", math.inf: "chebyshev"}  # exponents that have a loop of their own


@dataclass(frozen=True)
class Measure:
    """A distance: the functions of `kernels.cpu.measures` that compute it, and how many numbers it tells a loss."""

    function: str
    eps: float = 0.0  # unless the loss says otherwise
    tells: int = 1  # 1: the distance; 2: the cosine as well
    length: str | None = None


MEASURES = {
    "euclidean": Measure("euclidean"),
    "squared_euclidean": Measure("squared_euclidean"),
    "manhattan": Measure("manhattan"),
    "chebyshev": Measure("chebyshev"),
    "minkowski": Measure("minkowski"),
    "cosine": Measure("cosine", 1e-8, 2, "length_at_least"),
    "softened_cosine": Measure("cosine", 1e-12, 2, "length_softened"),
}
GIVEN = Measure("given")

# Sums of squares between these are neither too small nor too large; the factor, a power of 2, brings all others there.
RANGES = {np.dtype(np.float32): (1e-30, 1e30, 2.0**100), np.dtype(np.float64): (1e-280, 1e280, 2.0**664)}
STRIP = 4096  # elements of a row that kernels add up in their own type, in one go


def checked_function(loss: str, name: str, function: Any) -> Callable[..., Any]:
    """A user's distance; TypeError or ValueError naming the argument where it cannot be compiled into a kernel."""
    if not isinstance(function, FunctionType):
        raise TypeError(
            f"{loss}: {name} must be one of {DISTANCES} or a plain Python function "
            f"(x, y, by_x, by_y) -> distance, got {function!r}"
        )
    arguments = inspect.signature(function).parameters.values()
    needed = [one for one in arguments if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD]
    if len(needed) != 4 or len(arguments) != 4:
        raise ValueError(
            f"{loss}: {name} must take two vectors and the two vectors to write its gradient to, "
            f"(x, y, by_x, by_y) -> distance, got {function.__name__}{inspect.signature(function)}"
        )
    return function


def holes(
    distance: str | Callable[..., Any], exponent: float | None, dtype: np.dtype[Any], device: bool = False
) -> dict[str, Any]:
    """The meaning of the open names of a kernel that measures rows in this way."""
    from numbaloss.kernels.cpu import measures as on_host

    measures: Any = on_host
    if device:
        from numbaloss.kernels.cuda import measures
    measure = GIVEN if callable(distance) else MEASURES[distance]
    low, high, grow = RANGES[dtype]
    found = {
        "measure": getattr(measures, measure.function),
        "slopes_at": getattr(measures, f"{measure.function}_slopes"),
        "LOW": low,
        "HIGH": high,
        "GROW": grow,
        "P": 2.0 if exponent is None else exponent,
    }
    if measure.length is not None:
        found["length_of"] = getattr(on_host, measure.length)
    if callable(distance):
        found["plain"] = distance
    return found
