"""Losses that read one entry of each row, that of its class."""

from __future__ import annotations

import math
from typing import Any

from numba import cuda, int64

from numbaloss.kernels.cuda.device import THREADS, WARPS, WIDTH, divided, load, put_sum, real, store
from numbaloss.kernels.cuda.group import first_row, group_wait, once, row_step
from numbaloss.kernels.cuda.row import HELD, along, begin, fill, owns, put_wide, weight_of

NAN = math.nan


def link(picked: Any, params: Any) -> Any:
    """Open name: (value, slope, curvature) as a function of the entry."""
    raise NotImplementedError


def picked(row, logits, at, label, ignored, classes, positions, weights, row_weights, spread, params):  # type: ignore[no-untyped-def]
    """A row's weighted value and slope; both 0 if its label is ignored, nan if that is no class."""
    if label < 0 or label >= classes or label == ignored:
        return (0.0, 0.0) if label == ignored else (NAN, NAN)
    value, slope, _ = link(load(logits, at + along(label, positions)), params)
    weight = weight_of(row, weights, row_weights, spread, label)
    return value * weight, slope * weight


def pick_rows(  # type: ignore[no-untyped-def]
    rows, classes, logits, stride, positions, labels, ignored, weights, row_weights, spread, params, scale, masses,
    parts, empty, values, gradient, partials,
):
    """All rows, each by a group: its gradient is 0 but in one place."""
    shared = cuda.shared.array(WARPS, real)
    held = cuda.local.array(HELD, real)
    scale = divided(scale, masses, parts, empty, shared)
    step = classes if positions is None else classes * positions
    total = real(0.0)
    for row in range(first_row(), rows, row_step()):
        label, to = int64(labels[row]), begin(row, step, positions)
        value, slope = picked(
            row, logits, begin(row, stride, positions), label, ignored, classes, positions, weights, row_weights,
            spread, params,
        )  # fmt: skip
        if gradient is not None:
            group_wait()  # all have read
            known = label >= 0 and label < classes
            fill(0.0 if known or label == ignored else NAN, classes, to, positions, held, gradient)
            if known and label != ignored and owns(label, to):
                store(gradient, to + along(label, positions), scale * slope)
        total += once(value, values, row)
    put_sum(total, partials, shared)


def pick_tiles(  # type: ignore[no-untyped-def]
    rows, classes, logits, labels, ignored, weights, row_weights, spread, params, scale, masses, parts, empty, values,
    gradient, partials,
):
    """The same for short rows without a gap between them, `THREADS` at a time, so that zeros are written together."""
    shared = cuda.shared.array(WARPS, real)
    zeros = cuda.local.array(WIDTH, real)
    for w in range(WIDTH):
        zeros[w] = 0.0
    scale = divided(scale, masses, parts, empty, shared)
    total = real(0.0)
    for low in range(int64(cuda.blockIdx.x) * THREADS, rows, cuda.gridDim.x * THREADS):
        row, label, value, slope = low + cuda.threadIdx.x, int64(-1), real(0.0), real(0.0)
        if row < rows:
            label = int64(labels[row])
            value, slope = picked(
                row, logits, row * classes, label, ignored, classes, None, weights, row_weights, spread, params
            )
            total += value
            if values is not None:
                store(values, row, value)
        if gradient is not None:
            cuda.syncthreads()  # all have read
            size = min(int64(THREADS), rows - low) * classes
            i = cuda.threadIdx.x * WIDTH
            while i + WIDTH <= size:
                put_wide(gradient, low * classes + i, zeros, 0)
                i += THREADS * WIDTH
            while i < size:
                store(gradient, low * classes + i, real(0.0))
                i += 1
            cuda.syncthreads()  # the zeros are written
            if row < rows and label != ignored:
                if label >= 0 and label < classes:
                    store(gradient, row * classes + label, scale * slope)
                else:
                    for c in range(classes):
                        store(gradient, row * classes + c, real(NAN))
    put_sum(total, partials, shared)
