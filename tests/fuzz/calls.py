"""How the rules call a loss."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from cases import Array, Case

from numbaloss.testing import inputs as drawn
from numbaloss.testing.basics import differentiable, made


def computed(case: Case, **more: Any) -> tuple[Array, tuple[Array, ...]]:
    """Values and all gradients; warnings are errors, and the inputs must come out as they went in.

    A loss without values of its own for rows or images gives its sum.
    """
    kept = [array.tobytes() for array in case.arrays]
    names = named(case)
    reduction = "none" if "none" in case.facts.reductions else "sum"
    criterion = made(case.loss, reduction=reduction, **case.setting)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values, gradients = criterion.value_and_grad(*case.arrays, wrt=names, **more)
    assert kept == [array.tobytes() for array in case.arrays], "an input was changed"
    return np.asarray(values), gradients if len(names) > 1 else (gradients,)


def named(case: Case) -> tuple[str, ...]:
    """The inputs that have a gradient."""
    return differentiable(case.facts, case.arrays)


def input_of(case: Case, name: str) -> Array:
    """One of the inputs."""
    return case.arrays[case.facts.inputs.index(name)]


def agree(got: Any, wanted: Any, tolerance: float, what: str, floor: float = 0.0) -> None:
    """Assert that arrays agree relative to their entries, or to a tenth of that to the largest of all or `floor`."""
    got, wanted = np.asarray(got, np.float64), np.asarray(wanted, np.float64)
    largest = np.abs(wanted[np.isfinite(wanted)]).max(initial=max(floor, 1e-290))
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=0.1 * tolerance * largest, err_msg=what)


def tolerance_of(case: Case) -> float:
    """How far results may be apart that are added in another order; a head's are sums of sums, by the BLAS."""
    tolerance = 2e-6 if case.arrays[0].dtype == np.float32 else 1e-13
    return 5.0 * tolerance if case.facts.structure == "head" else tolerance


def floor_of(case: Case) -> float:
    """What values are at least taken for: between distributions they are differences of rounded logarithms."""
    return 1e-3 if case.facts.structure == "distributions" else 0.0


def inside(case: Case, index: int, array: Array) -> Array:
    """Which entries lie in the domain of an input."""
    kind = case.domain(index)
    low, high = {
        "probability": (0.0, 1.0),
        "log_probability": (-np.inf, 0.0),
        "cosine": (-1.0, 1.0),
        "positive": (np.finfo(np.float64).smallest_subnormal, np.inf),
        "nonnegative": (0.0, np.inf),
        "count": (0.0, np.inf),
    }.get(kind, (-np.inf, np.inf))
    return np.asarray((array >= low) & (array <= high))


def along_rows(case: Case, factors: Array, gradient: Array) -> Any:
    """What the mean multiplies each row's value by, shaped to multiply the gradient."""
    if "row_divisor" not in case.facts.facts:
        return 1.0
    return factors if case.single else drawn.along(case.facts, factors, gradient)


def squares_overflow(case: Case) -> bool:
    """Whether a loss of products of vectors would need numbers beyond the type."""
    products = case.facts.structure in ("pairs", "triplets", "tiles", "head")
    largest = max(float(np.abs(case.arrays[k]).max(initial=0.0)) for k in case.floating())
    return products and case.arrays[0].size * largest > float(np.sqrt(np.finfo(case.arrays[0].dtype).max))


def steepest_turn(case: Case, by: str) -> float:
    """What a slope by a vector may be before the part along the vector, which changes no cosine, is taken off.

    Of a scale's slope: what the cosines that it adds up may be.
    """
    setting, facts = {**case.facts.parameters, **case.setting}, case.facts
    turned = "rivals" in facts.facts or "cosine" in str(setting.get("distance_function", facts.facts.get("measure")))
    if not turned:
        return 0.0
    if input_of(case, by).ndim == 0:
        return 1.0
    lengths = np.sqrt((input_of(case, by).astype(np.float64) ** 2).sum(axis=-1))
    steepness = [1.0 / setting.get("temperature", 1.0), *(abs(float(a)) for a in case.arrays if a.ndim == 0)]
    lengths = np.where(lengths > 0.0, lengths, 1e-8)  # what nothing is taken for
    shortest = float(np.min(lengths, initial=np.inf))
    return max(1.0, *steepness) / max(shortest, float(np.finfo(np.float32).tiny))
