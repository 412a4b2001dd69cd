"""Softmax losses with a probability for every class: the expectation of the loss of one class over the target."""

from __future__ import annotations

from typing import Any

from numba import cuda, int32, int64

from numbaloss.compile.primitives import exp, expm1, log1p
from numbaloss.kernels.cpu.row import cap_curvature, cap_slope, capped, log_probability
from numbaloss.kernels.cuda.device import THREADS, WARPS, WIDTH, divided, put_sum, real, store
from numbaloss.kernels.cuda.group import LANES, first_row, group_max, group_sum, once, row_step
from numbaloss.kernels.cuda.row import (
    HELD,
    RUN,
    TILE,
    VECTORS,
    along,
    begin,
    bring,
    first_run,
    put_run,
    send,
    take_part,
    take_run,
    weight_of,
    within,
)
from numbaloss.kernels.cuda.softmax_labels import class_weight

AGAIN = False  # open name: whether rows have several parts, so that each is read again
LOWEST = -1.0  # open name: the smallest finite number


def link(log_prob: Any, rest: Any, params: Any) -> Any:
    """Open name: (value, slope, curvature) as a function of a log-probability and of one minus the probability."""
    raise NotImplementedError


def normalise(held, aims, logits, targets, at, to, classes, positions, softcap, shared):  # type: ignore[no-untyped-def]
    """The highest logit, and log sum exp(logit - highest), from sums relative to the highest so far.

    Leaves logits and targets of the whole row in `held` and `aims`, unless they are read `AGAIN`.
    """
    top, total, ties = LOWEST, 0.0, 0.0
    for c in range(first_run(at), classes, VECTORS * (LANES * RUN)):
        low, room = int32(-c), int32(classes - c)
        take_part(logits, at + along(c, positions), low, room, positions, held)
        if not AGAIN:  # the targets, too, are then there for all that follows
            take_part(targets, to + along(c, positions), low, room, positions, aims)
        for k in range(HELD):
            held[k] = capped(held[k], softcap)
        peak = top
        for v in range(VECTORS):
            for w in range(RUN):
                logit = held[v * RUN + w]
                peak = logit if within(v * (LANES * RUN) + w, low, room) and logit > peak else peak
        if peak > top:
            total, ties, top = (total + ties) * exp(top - peak), 0.0, peak
        for v in range(VECTORS):
            for w in range(RUN):
                if within(v * (LANES * RUN) + w, low, room):
                    apart = held[v * RUN + w] - top
                    total += exp(apart) if apart != 0.0 else 0.0
                    ties += 1.0 if apart == 0.0 else 0.0
    highest = group_max(top, shared)
    if highest > top:
        total, ties = (total + ties) * exp(top - highest), 0.0
    return highest, log1p(group_sum(total, shared) + (group_sum(ties, shared) - 1.0))


def take_both(held, aims, logits, targets, start, target, low, room, positions, softcap):  # type: ignore[no-untyped-def]
    """Reads a part of the logits and of the targets."""
    take_part(logits, start, low, room, positions, held)
    take_part(targets, target, low, room, positions, aims)
    for k in range(HELD):
        held[k] = capped(held[k], softcap)


def expect(  # type: ignore[no-untyped-def]
    held, aims, logits, targets, at, to, classes, positions, weights, smoothing, softcap, params, highest, log_total
):
    """This lane's part of the expectations of value, slope and curvature over the target."""
    values, slopes, bends = 0.0, 0.0, 0.0
    for c in range(first_run(at), classes, VECTORS * (LANES * RUN)):
        low, room = int32(-c), int32(classes - c)
        if AGAIN:
            take_both(
                held, aims, logits, targets, at + along(c, positions), to + along(c, positions), low, room, positions,
                softcap,
            )  # fmt: skip
        for v in range(VECTORS):
            for w in range(RUN):
                step = v * (LANES * RUN) + w
                if within(step, low, room):
                    share = wish(aims[v * RUN + w], weights, smoothing, classes, c, step, low, room)
                    log_prob = log_probability(held[v * RUN + w], highest, log_total)
                    value, slope, bend = link(log_prob, -expm1(log_prob), params)
                    values += value * share if share != 0.0 else 0.0
                    slopes += slope * share
                    bends += bend * share
    return values, slopes, bends


def derive(  # type: ignore[no-untyped-def]
    held, aims, logits, targets, at, to, classes, positions, weights, smoothing, softcap, params, highest, log_total,
    terms, gradient, curvature, target_gradient, spare,
):
    """Writes all derivatives of the row."""
    for c in range(first_run(at), classes, VECTORS * (LANES * RUN)):
        low, room = int32(-c), int32(classes - c)
        start, target = at + along(c, positions), to + along(c, positions)
        if AGAIN:
            take_both(held, aims, logits, targets, start, target, low, room, positions, softcap)
        for v in range(VECTORS):
            write_run(
                held, aims, v * RUN, logits, start, target, c, v * (LANES * RUN), low, room, classes, positions,
                weights, smoothing, softcap, params, highest, log_total, terms, gradient, curvature, target_gradient,
                spare,
            )  # fmt: skip


def wish(target, weights, smoothing, classes, first, step, low, room):  # type: ignore[no-untyped-def]
    """The smoothed and weighted target of the class `step` after the lane's `first`."""
    if smoothing is not None:
        target = target * (1.0 - smoothing) + smoothing / real(classes)
    if weights is not None:
        target = target * class_weight(weights, first, step, low, room)
    return target


def write_run(  # type: ignore[no-untyped-def]
    held, aims, k, logits, start, target, first, step, low, room, classes, positions, weights, smoothing, softcap,
    params, highest, log_total, terms, gradient, curvature, target_gradient, spare,
):
    """The derivatives of the run `step` after the lane's `first`, from its logits in ``held[k:]`` and its targets in
    ``aims[k:]``."""
    slopes, bends, lse_pull, lift, factor = terms
    if softcap is not None:
        take_run(logits, start, step, low, room, positions, spare, 0)
    for w in range(RUN):
        log_prob = log_probability(held[k + w], highest, log_total)
        chance = exp(log_prob)
        value, slope, bend = link(log_prob, -expm1(log_prob), params)
        share = wish(aims[k + w], weights, smoothing, classes, first, step + w, low, room)
        pull = share * slope - chance * (slopes - lse_pull)
        logit = 0.0 if softcap is None else spare[w]
        tilt = cap_slope(logit, softcap)
        held[k + w] = factor * pull * tilt
        if curvature is not None:
            second = (
                share * bend * (1.0 - 2.0 * chance)
                + chance * chance * (bends + lift)
                - chance * (1.0 - chance) * (slopes - lse_pull)
            )
            spare[w] = factor * (second * tilt * tilt + pull * cap_curvature(logit, softcap))
        if target_gradient is not None:
            by_target = factor * value
            if weights is not None:
                by_target = by_target * class_weight(weights, first, step + w, low, room)
            if smoothing is not None:
                by_target = by_target * (1.0 - smoothing)
            aims[k + w] = by_target
    put_run(gradient, target, step, low, room, positions, held, k)
    put_run(curvature, target, step, low, room, positions, spare, 0)
    put_run(target_gradient, target, step, low, room, positions, aims, k)


def probability_row(  # type: ignore[no-untyped-def]
    row, held, aims, logits, targets, at, to, classes, positions, weights, row_weights, spread, smoothing, z_loss,
    softcap, params, scale, gradient, curvature, target_gradient, spare, shared,
):
    """The weighted value of a row; writes its derivatives where these are not None."""
    highest, log_total = normalise(held, aims, logits, targets, at, to, classes, positions, softcap, shared)
    values, slopes, bends = expect(
        held, aims, logits, targets, at, to, classes, positions, weights, smoothing, softcap, params, highest, log_total
    )
    value = group_sum(values, shared)
    lse_pull, lift = 0.0, 0.0
    if z_loss is not None:
        log_normaliser = highest + log_total
        value += z_loss * log_normaliser * log_normaliser
        lse_pull = 2.0 * z_loss * log_normaliser
        lift = 2.0 * z_loss
    own_weight = weight_of(row, None, row_weights, spread, 0)
    if gradient is not None or target_gradient is not None:
        slopes = group_sum(slopes, shared)
        if curvature is not None:
            bends = group_sum(bends, shared)
        terms = (slopes, bends, lse_pull, lift, scale * own_weight)
        derive(
            held, aims, logits, targets, at, to, classes, positions, weights, smoothing, softcap, params, highest,
            log_total, terms, gradient, curvature, target_gradient, spare,
        )  # fmt: skip
    return value * own_weight


def probability_rows(  # type: ignore[no-untyped-def]
    rows, classes, logits, targets, stride, positions, weights, row_weights, spread, smoothing, z_loss, softcap, params,
    scale, masses, parts, empty, values, gradient, curvature, target_gradient, partials,
):
    """All rows, each by a group. Slopes are multiplied by `scale`, and divided by the sum of `masses` if not None."""
    shared = cuda.shared.array(WARPS, real)
    held = cuda.local.array(HELD, real)
    aims = cuda.local.array(HELD, real)
    spare = cuda.local.array(RUN, real)
    scale = divided(scale, masses, parts, empty, shared)
    step = classes if positions is None else classes * positions
    total = real(0.0)
    for row in range(first_row(), rows, row_step()):
        value = probability_row(
            row, held, aims, logits, targets, begin(row, stride, positions), begin(row, step, positions), classes,
            positions, weights, row_weights, spread, smoothing, z_loss, softcap, params, scale, gradient, curvature,
            target_gradient, spare, shared,
        )  # fmt: skip
        total += once(value, values, row)
    put_sum(total, partials, shared)


def probability_tiles(  # type: ignore[no-untyped-def]
    rows, classes, logits, targets, weights, row_weights, spread, smoothing, z_loss, softcap, params, scale, masses,
    parts, empty, values, gradient, target_gradient, partials,
):
    """The same for short rows without a gap between them: `THREADS` at a time by way of shared memory, one a thread."""
    shared = cuda.shared.array(WARPS, real)
    tile = cuda.shared.array(TILE, real)
    aim_tile = cuda.shared.array(TILE, real)
    held = cuda.local.array(HELD, real)
    aims = cuda.local.array(HELD, real)
    spare = cuda.local.array(1, real)
    strip = cuda.local.array(WIDTH, real)
    scale = divided(scale, masses, parts, empty, shared)
    total = real(0.0)
    for low in range(int64(cuda.blockIdx.x) * THREADS, rows, cuda.gridDim.x * THREADS):
        size = min(int64(THREADS), rows - low) * classes
        bring(logits, low * classes, size, tile, strip)
        bring(targets, low * classes, size, aim_tile, strip)
        row, at = low + cuda.threadIdx.x, int64(cuda.threadIdx.x) * classes
        if row < rows:
            value = probability_row(
                row, held, aims, tile, aim_tile, at, at, classes, None, weights, row_weights, spread, smoothing,
                z_loss, softcap, params, scale, None if gradient is None else tile, None,
                None if target_gradient is None else aim_tile, spare, shared,
            )  # fmt: skip
            total += value
            if values is not None:
                store(values, row, value)
        send(tile, size, gradient, low * classes, strip)
        send(aim_tile, size, target_gradient, low * classes, strip)
    put_sum(total, partials, shared)
