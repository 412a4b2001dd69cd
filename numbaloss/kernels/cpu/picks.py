"""Losses that read one entry of each row, that of its class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from numbaloss.kernels.cpu.intrinsics import disjoint, out_of_line
from numbaloss.kernels.cpu.pointwise import in_order
from numbaloss.kernels.cpu.row import fill

TASK = 4096  # rows a parallel task takes on


def link(picked: Any, params: Any) -> Any:
    """Open name: (value, slope, curvature) as a function of the entry."""
    raise NotImplementedError


@disjoint
@out_of_line
def pick_block(
    first, last, flat, stride, positions, classes, labels, ignored, weights, row_weights, params, scale, values,
    gradient,
):  # type: ignore[no-untyped-def]
    """The rows of one parallel task; row i is position ``i % positions`` of sample ``i // positions``."""
    total = np.float64(0.0)
    for i in range(first, last):
        label = np.int64(labels[i])
        value = 0.0
        if label != ignored:
            place = i * stride + label
            if positions > 1:
                place = (i // positions) * classes * positions + label * positions + i % positions
            value, slope, _ = link(flat[place], params)
            weight = 1.0
            if weights is not None:
                weight = weights[label]
            if row_weights is not None:
                weight = weight * row_weights[i]
            value = value * weight
            if gradient is not None:
                if positions == 1:
                    place = i * classes + label
                gradient[place] = scale * weight * slope
        if values is not None:
            values[i] = value
        total += value
    return total


def pick_rows(
    flat, stride, positions, classes, labels, ignored, weights, row_weights, params, scale, values, gradient
):  # type: ignore[no-untyped-def]
    """All rows: the float64 sum of the weighted values, in row order."""
    rows = labels.size
    partials = np.empty((rows + TASK - 1) // TASK, np.float64)
    if gradient is not None:
        share = (gradient.size + partials.size - 1) // partials.size
        for b in prange(partials.size):
            fill(gradient[b * share : b * share + share], 0.0)
    for b in prange(partials.size):
        partials[b] = pick_block(
            b * TASK, min(b * TASK + TASK, rows), flat, stride, positions, classes, labels, ignored, weights,
            row_weights, params, scale, values, gradient,
        )
    return in_order(partials)
