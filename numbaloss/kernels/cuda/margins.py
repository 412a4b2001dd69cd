"""Losses of how far the other classes' scores come up to those of the right ones."""

from __future__ import annotations

import math
from typing import Any

from numba import cuda, int32, int64

from numbaloss.kernels.cuda.device import WARPS, divided, larger, put_sum, real
from numbaloss.kernels.cuda.group import LANES, first_row, group_max, group_order, group_sum, group_wait, once, row_step
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

NAN, INFINITY = math.nan, math.inf


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


def hardest_row(held, logits, at, to, label, classes, params, factor, gradient, curvature, spare, shared):  # type: ignore[no-untyped-def]
    """The value against the highest wrong class, the first of several; writes `factor` times its derivatives."""
    own = fetch(logits, at + label)
    highest = -INFINITY
    for c in range(first_run(at), classes, VECTORS * (LANES * RUN)):
        low, room, mine = int32(-c), int32(classes - c), int32(label - c)
        take_part(logits, at + c, low, room, None, held)
        for v in range(VECTORS):
            for w in range(RUN):
                step, score = v * (LANES * RUN) + w, held[v * RUN + w]
                if within(step, low, room) and int32(step) != mine:
                    highest = larger(highest, score)
    highest = group_max(highest, shared)
    nearest = -real(classes)
    for c in range(first_run(at), classes, VECTORS * (LANES * RUN)):
        low, room, mine = int32(-c), int32(classes - c), int32(label - c)
        take_part(logits, at + c, low, room, None, held)
        for v in range(VECTORS):
            for w in range(RUN):
                step, score = v * (LANES * RUN) + w, held[v * RUN + w]
                same = score == highest or (score != score and highest != highest)
                if same and within(step, low, room) and int32(step) != mine:
                    nearest = larger(nearest, -real(c + step))
    rival = int64(-group_max(nearest, shared))
    value, slope, bend = link(highest - own, params)
    if rival == classes:  # a single class has no rival
        value, slope, bend = 0.0, 0.0, 0.0
    group_order()  # all have read the label's score, which the gradient may overwrite
    fill(0.0, classes, to, None, held, gradient)
    fill(0.0, classes, to, None, held, curvature)
    if gradient is not None:
        if rival < classes and owns(rival, to):
            place(gradient, to + rival, factor * slope)
        if owns(label, to):
            place(gradient, to + label, -factor * slope)
    if curvature is not None:
        if rival < classes and owns(rival, to):
            place(curvature, to + rival, factor * bend)
        if owns(label, to):
            place(curvature, to + label, factor * bend)
    return value


def against(held, logits, at, to, label, classes, params, factor, gradient, curvature, spare, shared):  # type: ignore[no-untyped-def]
    """Open name: `margin_row` or `hardest_row`."""
    raise NotImplementedError


def margin_rows(  # type: ignore[no-untyped-def]
    rows, classes, logits, stride, labels, weights, pairs, row_weights, spread, params, scale, masses, parts, empty,
    values, gradient, curvature, partials,
):
    """All rows, each by a group; values are divided by `pairs`. A label that is no class makes its row nan."""
    shared = cuda.shared.array(WARPS, real)
    held, spare = cuda.local.array(HELD, real), cuda.local.array(RUN, real)
    scale = divided(scale, masses, parts, empty, shared)
    total = real(0.0)
    for row in range(first_row(), rows, row_step()):
        label, at, to = int64(labels[row]), row * stride, row * classes
        value = NAN
        if label >= 0 and label < classes:
            share = weight_of(row, weights, row_weights, spread, label) / real(pairs)
            value = share * against(
                held, logits, at, to, label, classes, params, scale * share, gradient, curvature, spare, shared
            )
        else:
            fill(NAN, classes, to, None, held, gradient)
            fill(NAN, classes, to, None, held, curvature)
        total += once(value, values, row)
    put_sum(total, partials, shared)


# ---- a list of right classes for each row, ended by its first negative entry


def slot_of(c, first):  # type: ignore[no-untyped-def]
    """Which of the lane's elements class `c` is, if it is one of them."""
    return (c - first) // (LANES * RUN) * RUN + (c - first) % RUN


def listed(labels, at, classes):  # type: ignore[no-untyped-def]
    """How many classes a row's list has; -1 if one of them does not exist."""
    count = int64(0)
    while count < classes and labels[at + count] >= 0:
        if labels[at + count] >= classes:
            return int64(-1)
        count += 1
    return count


def set_row(  # type: ignore[no-untyped-def]
    held, slopes, bends, logits, at, to, labels, count, classes, params, factor, gradient, curvature, shared
):
    """The sum of the values of all pairs; writes `factor` times its derivatives where these are not None."""
    first = first_run(at)
    low, room, right = int32(-first), int32(classes - first), int64(0)
    take_part(logits, at + first, low, room, None, held)
    for n in range(count):
        label = int64(labels[to + n])
        if owns(label, at):
            right |= int64(1) << slot_of(label, first)
    for k in range(HELD):
        slopes[k] = 0.0
        bends[k] = 0.0
    values = 0.0
    for n in range(count):
        label = int64(labels[to + n])
        own, pushed, bent = fetch(logits, at + label), 0.0, 0.0
        for v in range(VECTORS):
            for w in range(RUN):
                k = v * RUN + w
                if within(v * (LANES * RUN) + w, low, room) and (right >> k) & 1 == 0:
                    value, slope, bend = link(held[k] - own, params)
                    values += value
                    pushed += slope
                    bent += bend
                    slopes[k] += slope
                    bends[k] += bend
        pushed = group_sum(pushed, shared)
        if curvature is not None:
            bent = group_sum(bent, shared)
        mine = int32(slot_of(label, first) if owns(label, at) else -1)
        for k in range(HELD):
            slopes[k] -= pushed if int32(k) == mine else 0.0
            bends[k] += bent if int32(k) == mine else 0.0
    values = group_sum(values, shared)
    group_order()  # all have read what the gradient may overwrite
    for k in range(HELD):
        slopes[k] *= factor
        bends[k] *= factor
    for v in range(VECTORS):
        put_run(gradient, to + first, v * (LANES * RUN), low, room, None, slopes, v * RUN)
        put_run(curvature, to + first, v * (LANES * RUN), low, room, None, bends, v * RUN)
    return values


def set_rows(  # type: ignore[no-untyped-def]
    rows, classes, logits, stride, labels, row_weights, spread, params, scale, masses, parts, empty, values, gradient,
    curvature, partials,
):
    """All rows of a set of right classes each, every row kept by a group; a class that is none makes its row nan."""
    shared = cuda.shared.array(WARPS, real)
    held, slopes, bends = cuda.local.array(HELD, real), cuda.local.array(HELD, real), cuda.local.array(HELD, real)
    scale = divided(scale, masses, parts, empty, shared)
    total = real(0.0)
    for row in range(first_row(), rows, row_step()):
        at, to, value = row * stride, row * classes, NAN
        count = listed(labels, to, classes)
        if count >= 0:
            share = weight_of(row, None, row_weights, spread, 0) / real(classes)
            value = share * set_row(
                held, slopes, bends, logits, at, to, labels, count, classes, params, scale * share, gradient, curvature,
                shared,
            )  # fmt: skip
        else:
            fill(NAN, classes, to, None, held, gradient)
            fill(NAN, classes, to, None, held, curvature)
        total += once(value, values, row)
    put_sum(total, partials, shared)
