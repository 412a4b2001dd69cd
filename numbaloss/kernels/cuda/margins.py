"""Losses of how far the other classes' scores come up to that of the right one."""

from __future__ import annotations

import math
from typing import Any

from numba import cuda, int32, int64

from numbaloss.kernels.cuda.device import WARPS, block_sum, inverse, real, store, sum_of
from numbaloss.kernels.cuda.group import LANES, first_row, group_sum, group_wait, lane, row_step
from numbaloss.kernels.cuda.row import (
    HELD,
    RUN,
    VECTORS,
    fetch,
    fill,
    first_run,
    owns,
    place,
    put_run,
    take_part,
    weight_of,
    within,
)

NAN = math.nan


def link(gap: Any, params: Any) -> Any:
    """Open name: (value, slope, curvature) as a function of how far one score is above that of the right class."""
    raise NotImplementedError


def margin_row(held, logits, at, to, label, classes, params, factor, gradient, curvature, spare, shared):  # type: ignore[no-untyped-def]
    """The sum of the values of all pairs; writes `factor` times its derivatives where these are not None."""
    own = fetch(logits, at + label)
    group_wait()  # before the gradient overwrites it
    values, slopes, bends = 0.0, 0.0, 0.0
    for c in range(first_run(at), classes, VECTORS * (LANES * RUN)):
        low, room, mine = int32(-c), int32(classes - c), int32(label - c)
        take_part(logits, at + c, low, room, None, held)
        for v in range(VECTORS):
            for w in range(RUN):
                step = v * (LANES * RUN) + w
                value, slope, bend = link(held[v * RUN + w] - own, params)
                if within(step, low, room) and int32(step) != mine:
                    values += value
                    slopes += slope
                    bends += bend
                held[v * RUN + w] = factor * slope
                if curvature is not None:
                    spare[w] = factor * bend
            put_run(gradient, to + c, v * (LANES * RUN), low, room, None, held, v * RUN)
            put_run(curvature, to + c, v * (LANES * RUN), low, room, None, spare, 0)
    values = group_sum(values, shared)
    if gradient is not None:
        slopes = group_sum(slopes, shared)
        if owns(label, to):
            place(gradient, to + label, -factor * slopes)
        if curvature is not None:
            bends = group_sum(bends, shared)
            if owns(label, to):
                place(curvature, to + label, factor * bends)
    return values


def margin_rows(  # type: ignore[no-untyped-def]
    rows, classes, logits, stride, labels, weights, row_weights, spread, params, scale, masses, parts, empty, values,
    gradient, curvature, partials,
):
    """All rows, each by a group; a label that is no class makes its row nan."""
    shared = cuda.shared.array(WARPS, real)
    held, spare = cuda.local.array(HELD, real), cuda.local.array(RUN, real)
    if masses is not None:
        scale = scale * inverse(sum_of(masses, parts, shared), empty)
    total = real(0.0)
    for row in range(first_row(), rows, row_step()):
        label, at, to = int64(labels[row]), row * stride, row * classes
        value = NAN
        if label >= 0 and label < classes:
            share = weight_of(row, weights, row_weights, spread, label) / real(classes)
            value = share * margin_row(
                held, logits, at, to, label, classes, params, scale * share, gradient, curvature, spare, shared
            )
        else:
            fill(NAN, classes, to, None, held, gradient)
            fill(NAN, classes, to, None, held, curvature)
        if lane() == 0:
            total += value
            if values is not None:
                store(values, row, value)
    total = block_sum(total, shared)
    if cuda.threadIdx.x == 0:
        partials[cuda.blockIdx.x] = total
