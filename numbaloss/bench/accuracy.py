"""How far float32 results are from float64 ones on the same inputs, ordinary and extreme."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbaloss.bench import data
from numbaloss.bench.cases import by_row
from numbaloss.definition import Definition

Array = np.ndarray[Any, Any]
TINY = float(np.finfo(np.float32).tiny)  # below it float32 has fewer digits, and relative errors no meaning
SCALES = (1e-4, 1e-2, 1.0, 10.0, 40.0)  # of real-valued inputs: from differences that cancel to saturation


def errors(facts: Definition) -> tuple[float, float]:
    """Largest error of values and of gradients: units in the last place, or relative ones for losses of rows.

    A gradient of a row is measured against its largest entry. The reference are the float64 kernels, whose own error
    is 2**-29 of what is measured.
    """
    from numbaloss.plugins.registry import get

    pointwise = facts.structure == "pointwise"
    worst = [0.0, 0.0]
    for seed, scale in enumerate(SCALES):
        shape = (400, 12) if by_row(facts) else (20_000,)
        narrow = [_scaled(facts, name, array, scale) for name, array in
                  zip(facts.inputs, data.inputs(facts, shape, np.float32, seed=seed), strict=True)]
        wide = [array.astype(np.float64) if array.dtype == np.float32 else array for array in narrow]
        found = []
        for arrays in (narrow, wide):
            values = get(facts.name, reduction="none")(*arrays)
            gradients = get(facts.name, reduction="sum").value_and_grad(*arrays)[1]
            found.append((values, gradients if isinstance(gradients, tuple) else (gradients,)))
        (values, gradients), (true_values, true_gradients) = found
        distance = _ulps if pointwise else _relative
        worst[0] = max(worst[0], distance(values, true_values))
        for gradient, true_gradient in zip(gradients, true_gradients, strict=True):
            worst[1] = max(worst[1], distance(gradient, true_gradient))
    return worst[0], worst[1]


def _scaled(facts: Definition, name: str, array: Array, scale: float) -> Array:
    """Real-valued network outputs at another scale; other inputs have their domain to keep."""
    return array * np.float32(scale) if data.domain(facts, name) == "real" and name != "target" else array


def _ulps(found: Array, true: Array) -> float:
    """The largest distance in float32 units in the last place."""
    with np.errstate(over="ignore"):
        unit = np.spacing(np.abs(true).astype(np.float32)).astype(np.float64)
    return _largest(np.abs(found.astype(np.float64) - true) / unit, found, true)


def _relative(found: Array, true: Array) -> float:
    """The largest distance relative to the value, or to the largest entry of a row."""
    size = np.abs(true)
    if true.ndim > 1:
        size = size.max(axis=1, keepdims=True)
    return _largest(np.abs(found.astype(np.float64) - true) / np.maximum(size, TINY), found, true)


def _largest(distance: Array, found: Array, true: Array) -> float:
    """The maximum; the same infinity on both sides, or nan on both, is no distance."""
    with np.errstate(over="ignore"):
        narrowed = true.astype(np.float32)
    same = (found == narrowed) | (np.isnan(found) & np.isnan(true))
    return float(np.where(same & ~np.isfinite(narrowed), 0.0, distance).max(initial=0.0))
