"""Softmax losses with one class label a row: all derivatives from one reading of the row, or two where it is long."""

from __future__ import annotations

import math
from typing import Any

from numba import cuda, int32, int64

from numbaloss.compile.primitives import exp
from numbaloss.kernels.cpu.row import cap_curvature, cap_slope, capped, log_probability, log_sum
from numbaloss.kernels.cuda.device import THREADS, WARPS, WIDTH, divided, put_sum, real, store
from numbaloss.kernels.cuda.group import LANES, first_row, group_max, group_order, group_sum, once, row_step
from numbaloss.kernels.cuda.row import (
    HELD,
    RUN,
    TILE,
    VECTORS,
    along,
    begin,
    bring,
    fetch,
    fill,
    first_run,
    owns,
    place,
    put_run,
    send,
    take_part,
    take_run,
    weight_of,
    within,
)

NOTHING = -math.inf
NAN = math.nan
LOWEST = -1.0  # open name: the smallest finite number


def logit_of(x, softcap, params):  # type: ignore[no-untyped-def]
    """The logit of an input; an open name where that is not the input itself, or its soft cap."""
    return capped(x, softcap)


def own_logit_of(x, softcap, params):  # type: ignore[no-untyped-def]
    """The logit of the label's input and its derivative, for the gradient by the input."""
    return capped(x, softcap), cap_slope(x, softcap)


def link(log_prob: Any, rest: Any, params: Any) -> Any:
    """Open name: (value, slope, curvature) by the label's log-probability and one minus its probability."""
    raise NotImplementedError


def survey(
    held: Any, logits: Any, at: Any, label: Any, own: Any, classes: Any, positions: Any, weights: Any, smoothing: Any,
    softcap: Any, params: Any, shared: Any,
) -> Any:  # fmt: skip
    """Open name, `survey_kept` or `survey_twice`: of all classes but the label, whose logit is `own`, the sum of
    exp(logit - highest), and the sum of the weighted distances to the highest logit, which comes first."""
    raise NotImplementedError


def derive(
    held: Any, logits: Any, at: Any, to: Any, classes: Any, positions: Any, weights: Any, smoothing: Any, softcap: Any,
    params: Any, highest: Any, terms: Any, gradient: Any, curvature: Any, spare: Any,
) -> None:  # fmt: skip
    """Open name, `derive_kept` or `derive_twice`: writes the derivatives of every class, as of one that is not the
    label."""
    raise NotImplementedError


# ---- rows kept in registers: first the logits, then their exponentials, then the gradient


def survey_kept(held, logits, at, label, own, classes, positions, weights, smoothing, softcap, params, shared):  # type: ignore[no-untyped-def]
    first = first_run(at)
    low, room, mine = int32(-first), int32(classes - first), int32(label - first)
    take_part(logits, at + along(first, positions), low, room, positions, held)
    highest = own
    for v in range(VECTORS):
        for w in range(RUN):
            step = v * (LANES * RUN) + w
            other = within(step, low, room) and int32(step) != mine
            logit = logit_of(held[v * RUN + w], softcap, params) if other else NOTHING
            held[v * RUN + w] = logit
            highest = logit if logit > highest else highest  # a nan comes with the sum
    highest = group_max(highest, shared)
    gaps = 0.0
    if smoothing is not None:
        for v in range(VECTORS):
            for w in range(RUN):
                step = v * (LANES * RUN) + w
                if within(step, low, room) and int32(step) != mine:
                    gaps += gap(highest - held[v * RUN + w], weights, first + step)
        gaps = group_sum(gaps, shared)
    total = 0.0
    for k in range(HELD):
        term = exp(held[k] - highest)
        held[k] = term
        total += term
    return highest, group_sum(total, shared), gaps


def derive_kept(  # type: ignore[no-untyped-def]
    held, logits, at, to, classes, positions, weights, smoothing, softcap, params, highest, terms, gradient, curvature,
    spare,
):
    first = first_run(at)
    write_part(
        held, logits, at + along(first, positions), to + along(first, positions), first, int32(-first),
        int32(classes - first), positions, weights, smoothing, softcap, terms, gradient, curvature, spare,
    )  # fmt: skip


# ---- rows read twice, part by part


def survey_twice(held, logits, at, label, own, classes, positions, weights, smoothing, softcap, params, shared):  # type: ignore[no-untyped-def]
    """Sums relative to the highest logit so far, brought to a new one where it changes."""
    top = LOWEST if own < LOWEST else own
    total, gaps, mass = 0.0, 0.0, 0.0
    for c in range(first_run(at), classes, VECTORS * (LANES * RUN)):
        low, room, mine = int32(-c), int32(classes - c), int32(label - c)
        take_part(logits, at + along(c, positions), low, room, positions, held)
        peak = top
        for v in range(VECTORS):
            for w in range(RUN):
                step = v * (LANES * RUN) + w
                other = within(step, low, room) and int32(step) != mine
                logit = logit_of(held[v * RUN + w], softcap, params) if other else NOTHING
                held[v * RUN + w] = logit
                peak = logit if logit > peak else peak
        if peak > top:
            total *= exp(top - peak)
            if smoothing is not None:
                gaps += mass * (peak - top)
            top = peak
        for k in range(HELD):
            total += exp(held[k] - top)
        if smoothing is not None:
            for v in range(VECTORS):
                for w in range(RUN):
                    step = v * (LANES * RUN) + w
                    if within(step, low, room) and int32(step) != mine:
                        gaps += gap(top - held[v * RUN + w], weights, c + step)
                        mass += 1.0 if weights is None else weights[c + step]
    highest = group_max(top, shared)
    if highest > top:
        total *= exp(top - highest)
        if smoothing is not None:
            gaps += mass * (highest - top)
    if smoothing is not None:
        gaps = group_sum(gaps, shared)
    return highest, group_sum(total, shared), gaps


def derive_twice(  # type: ignore[no-untyped-def]
    held, logits, at, to, classes, positions, weights, smoothing, softcap, params, highest, terms, gradient, curvature,
    spare,
):
    for c in range(first_run(at), classes, VECTORS * (LANES * RUN)):
        low, room = int32(-c), int32(classes - c)
        take_part(logits, at + along(c, positions), low, room, positions, held)
        for k in range(HELD):
            held[k] = exp(logit_of(held[k], softcap, params) - highest)
        write_part(
            held, logits, at + along(c, positions), to + along(c, positions), c, low, room, positions, weights,
            smoothing, softcap, terms, gradient, curvature, spare,
        )  # fmt: skip


# ---- what both have in common


def gap(distance, weights, c):  # type: ignore[no-untyped-def]
    """A distance to the highest logit, weighed; a weight of 0 counts nothing."""
    if weights is None:
        return distance
    return weights[c] * distance if weights[c] != 0.0 else 0.0


def write_part(  # type: ignore[no-untyped-def]
    held, logits, start, target, first, low, room, positions, weights, smoothing, softcap, terms, gradient, curvature,
    spare,
):
    """Gradient and Hessian of the runs from the lane's `first` class on, from the exponentials in `held`."""
    for v in range(VECTORS):
        write_run(
            held, v * RUN, logits, start, target, first, v * (LANES * RUN), low, room, positions, weights, smoothing,
            softcap, terms, gradient, curvature, spare,
        )  # fmt: skip


def write_run(  # type: ignore[no-untyped-def]
    held, k, logits, start, target, first, step, low, room, positions, weights, smoothing, softcap, terms, gradient,
    curvature, spare,
):
    """Gradient and Hessian of the run `step` after the lane's `first`, from the exponentials in ``held[k:]``."""
    even, pull, bend, lift, per_total, factor = terms
    if curvature is None and softcap is None:
        scale, wish = pull * per_total * factor, even * factor
        for w in range(RUN):
            slope = held[k + w] * scale
            if smoothing is not None:
                slope -= wish if weights is None else wish * class_weight(weights, first, step + w, low, room)
            held[k + w] = slope
    else:
        if softcap is not None:
            take_run(logits, start, step, low, room, positions, spare, 0)
        for w in range(RUN):
            logit = 0.0 if softcap is None else spare[w]
            chance = held[k + w] * per_total
            slope = pull * chance
            if smoothing is not None:
                slope -= even if weights is None else even * class_weight(weights, first, step + w, low, room)
            tilt = cap_slope(logit, softcap)
            held[k + w] = factor * slope * tilt
            if curvature is not None:
                second = (bend + lift) * chance * chance + pull * chance * (1.0 - chance)
                spare[w] = factor * (second * tilt * tilt + slope * cap_curvature(logit, softcap))
        if curvature is not None:
            put_run(curvature, target, step, low, room, positions, spare, 0)
    put_run(gradient, target, step, low, room, positions, held, k)


def class_weight(weights, first, step, low, room):  # type: ignore[no-untyped-def]
    """The weight of the class `step` after the lane's `first`; 0 of what is outside of the row."""
    return weights[first + step] if within(step, low, room) else 0.0


def label_row(  # type: ignore[no-untyped-def]
    held, logits, at, to, label, classes, positions, weights, weight_sum, smoothing, z_loss, softcap, params, factor,
    gradient, curvature, spare, shared,
):
    """The row's unreduced value; writes ``factor`` times its gradient and Hessian where these are not None."""
    own_input = fetch(logits, at + along(label, positions))
    own_logit, tilt = own_logit_of(own_input, softcap, params)
    highest, rest_sum, gaps = survey(
        held, logits, at, label, own_logit, classes, positions, weights, smoothing, softcap, params, shared
    )
    distance = highest - own_logit  # nan of two infinities: so is the value then
    own_sum = exp(-distance)
    total = rest_sum + own_sum
    log_total = log_sum(rest_sum, own_sum, distance)
    rest = rest_sum / total
    value, slope, bend = link(log_probability(own_logit, highest, log_total), rest, params)
    keep = 1.0
    if weights is not None:
        keep = weights[label]
    if smoothing is not None:
        keep = keep * (1.0 - smoothing)
    value, slope, bend = value * keep, slope * keep, bend * keep
    extra, even, lift = 0.0, 0.0, 0.0  # of every probability; of every class of weight 1; of every square
    if smoothing is not None:
        even = smoothing / real(classes)
        value += even * (gaps + gap(distance, weights, label) + weight_sum * log_total)
        extra += even * weight_sum
    if z_loss is not None:
        log_normaliser = highest + log_total
        value += z_loss * log_normaliser * log_normaliser
        extra += 2.0 * z_loss * log_normaliser
        lift = 2.0 * z_loss
    if gradient is not None:
        pull = extra - slope
        terms = (even, pull, bend, lift, 1.0 / total, factor)
        own = own_sum / total  # the label's own derivatives first, so that few numbers are kept meanwhile
        own_even = even if weights is None else even * weights[label]
        own_gradient = slope * rest + extra * own - own_even
        own_bend = 0.0
        if curvature is not None:
            own_bend = bend * rest * rest + pull * own * rest + lift * own * own
            own_bend = factor * (own_bend * tilt * tilt + own_gradient * cap_curvature(own_input, softcap))
        own_gradient = factor * own_gradient * tilt
        group_order()  # all have read the label's logit, which the gradient may overwrite
        derive(
            held, logits, at, to, classes, positions, weights, smoothing, softcap, params, highest, terms, gradient,
            curvature, spare,
        )  # fmt: skip
        if owns(label, to):  # once more, after the run that it is part of
            place(gradient, to + along(label, positions), own_gradient)
            if curvature is not None:
                place(curvature, to + along(label, positions), own_bend)
    return value


def any_row(  # type: ignore[no-untyped-def]
    row, held, logits, at, to, labels, ignored, classes, positions, weights, weight_sum, row_weights, spread,
    smoothing, z_loss, softcap, params, scale, gradient, curvature, spare, shared,
):
    """The weighted value of a row: 0 if its label is ignored, nan if that is no class."""
    label = int64(labels[row])
    if label < 0 or label >= classes or label == ignored:
        value = 0.0 if label == ignored else NAN
        fill(value, classes, to, positions, held, gradient)
        fill(value, classes, to, positions, held, curvature)
        return value
    own_weight = weight_of(row, None, row_weights, spread, label)
    value = label_row(
        held, logits, at, to, label, classes, positions, weights, weight_sum, smoothing, z_loss, softcap, params,
        scale * own_weight, gradient, curvature, spare, shared,
    )  # fmt: skip
    return value * own_weight


def label_rows(  # type: ignore[no-untyped-def]
    rows, classes, logits, stride, positions, labels, ignored, weights, weight_sum, row_weights, spread, smoothing,
    z_loss, softcap, params, scale, masses, parts, empty, values, gradient, curvature, partials,
):
    """All rows, each by a group. Slopes are multiplied by `scale`, and divided by the sum of `masses` if not None."""
    shared = cuda.shared.array(WARPS, real)
    held, spare = cuda.local.array(HELD, real), cuda.local.array(RUN, real)
    scale = divided(scale, masses, parts, empty, shared)
    step = classes if positions is None else classes * positions
    total = real(0.0)
    for row in range(first_row(), rows, row_step()):
        value = any_row(
            row, held, logits, begin(row, stride, positions), begin(row, step, positions), labels, ignored, classes,
            positions, weights, weight_sum, row_weights, spread, smoothing, z_loss, softcap, params, scale, gradient,
            curvature, spare, shared,
        )  # fmt: skip
        total += once(value, values, row)
    put_sum(total, partials, shared)


def label_tiles(  # type: ignore[no-untyped-def]
    rows, classes, logits, labels, ignored, weights, weight_sum, row_weights, spread, smoothing, z_loss, softcap,
    params, scale, masses, parts, empty, values, gradient, partials,
):
    """The same for short rows without a gap between them: `THREADS` at a time by way of shared memory, one a thread."""
    shared = cuda.shared.array(WARPS, real)
    tile = cuda.shared.array(TILE, real)
    held, spare, strip = cuda.local.array(HELD, real), cuda.local.array(1, real), cuda.local.array(WIDTH, real)
    scale = divided(scale, masses, parts, empty, shared)
    total = real(0.0)
    for low in range(int64(cuda.blockIdx.x) * THREADS, rows, cuda.gridDim.x * THREADS):
        size = min(int64(THREADS), rows - low) * classes
        bring(logits, low * classes, size, tile, strip)
        row, at = low + cuda.threadIdx.x, int64(cuda.threadIdx.x) * classes
        if row < rows:
            written = None if gradient is None else tile
            value = any_row(
                row, held, tile, at, at, labels, ignored, classes, None, weights, weight_sum, row_weights, spread,
                smoothing, z_loss, softcap, params, scale, written, None, spare, shared,
            )  # fmt: skip
            total += value
            if values is not None:
                store(values, row, value)
        send(tile, size, gradient, low * classes, strip)
    put_sum(total, partials, shared)
