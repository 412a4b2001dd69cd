"""Softmax losses of scaled cosines in which the label's cosine is moved first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from numbaloss.kernels.cpu.intrinsics import empty, out_of_line, part
from numbaloss.kernels.cpu.pointwise import in_order
from numbaloss.kernels.cpu.row import RUN, fill
from numbaloss.kernels.cpu.softmax_labels import label_row


def shift(cosine: Any, params: Any) -> Any:
    """Open name: (the label's cosine once moved, its derivative by the cosine)."""
    raise NotImplementedError


def task(
    first, last, flat, stride, classes, labels, ignored, weights, row_weights, smoothing, steepness, moves, params,
    scale, values, gradient,
):  # type: ignore[no-untyped-def]
    """Open name, `cosine_block` or `small_cosine_block`: the rows of one parallel task."""
    raise NotImplementedError


def cosine_rows(
    step, flat, stride, classes, labels, ignored, weights, row_weights, smoothing, steepness, moves, params, scale,
    values, gradient,
):  # type: ignore[no-untyped-def]
    """All rows, `step` a task; logits are `steepness` times the cosines. The float64 sum of the weighted values."""
    rows = labels.size
    partials = empty((rows + step - 1) // step, np.float64)
    for b in prange(partials.size):
        partials[b] = task(
            b * step, min(b * step + step, rows), flat, stride, classes, labels, ignored, weights, row_weights,
            smoothing, steepness, moves, params, scale, values, gradient,
        )
    return in_order(partials)


@out_of_line
def cosine_block(
    first, last, flat, stride, classes, labels, ignored, weights, row_weights, smoothing, steepness, moves, params,
    scale, values, gradient,
):  # type: ignore[no-untyped-def]
    """The rows of one parallel task: the logits of a row lie in scratch memory while it lasts."""
    total = np.float64(0.0)
    logits = empty(classes, flat.dtype)
    spare = empty(2 * RUN, flat.dtype)
    for i in range(first, last):
        label = np.int64(labels[i])
        slopes = part(gradient, i * classes, i * classes + classes)
        value = 0.0
        if label == ignored:
            fill(slopes, 0.0)
        else:
            cosines = part(flat, i * stride, i * stride + classes)
            for j in range(classes):
                logits[j] = steepness * cosines[j]
            moved, tilt = shift(cosines[label], moves)
            logits[label] = steepness * moved
            factor = scale * steepness
            if row_weights is not None:
                factor = factor * row_weights[i]
            value = label_row(logits, label, weights, smoothing, None, None, True, params, factor, slopes, None, spare)
            if gradient is not None:
                slopes[label] *= tilt
            if row_weights is not None:
                value = value * row_weights[i]
        if values is not None:
            values[i] = value
        total += value
    return total
