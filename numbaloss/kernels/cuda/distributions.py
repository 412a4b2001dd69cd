"""Losses between the softmaxes of two rows of logits."""

from __future__ import annotations

from typing import Any

from numba import cuda, int32

from numbaloss.compile.cuda.unroll import unrolled
from numbaloss.compile.primitives import exp, log1p
from numbaloss.kernels.cpu.distributions import log_chance
from numbaloss.kernels.cuda.device import WARPS, divided, put_sum, real
from numbaloss.kernels.cuda.group import LANES, first_row, group_max, group_sum, once, row_step
from numbaloss.kernels.cuda.row import (
    HELD,
    RUN,
    VECTORS,
    along,
    begin,
    first_run,
    put_run,
    take_part,
    weight_of,
    within,
)

AGAIN = False  # open name: whether rows have several parts, so that each is read again
LOWEST = -1.0  # open name: the smallest finite number


def link(log_p: Any, log_q: Any, params: Any) -> Any:
    """Open name: (value, slopes by both) as a function of the two log-probabilities of one class."""
    raise NotImplementedError


@unrolled
def normalise(held, logits, at, classes, positions, cooled, shared):  # type: ignore[no-untyped-def]
    """The highest logit, and log sum exp(cooled * (logit - highest)), from sums relative to the highest so far."""
    top, total, ties = LOWEST, 0.0, 0.0
    for c in range(first_run(at), classes, VECTORS * (LANES * RUN)):
        low, room = int32(-c), int32(classes - c)
        take_part(logits, at + along(c, positions), low, room, positions, held)
        peak = top
        for v in range(VECTORS):
            for w in range(RUN):
                logit = held[v * RUN + w]
                peak = logit if within(v * (LANES * RUN) + w, low, room) and logit > peak else peak
        if peak > top:
            total, ties, top = (total + ties) * exp((top - peak) * cooled), 0.0, peak
        for v in range(VECTORS):
            for w in range(RUN):
                if within(v * (LANES * RUN) + w, low, room):
                    apart = held[v * RUN + w] - top
                    total += exp(apart * cooled) if apart != 0.0 else 0.0
                    ties += 1.0 if apart == 0.0 else 0.0
    highest = group_max(top, shared)
    if highest > top:
        total, ties = (total + ties) * exp((top - highest) * cooled), 0.0
    return highest, log1p(group_sum(total, shared) + (group_sum(ties, shared) - 1.0))


@unrolled
def pair_row(  # type: ignore[no-untyped-def]
    ones, twos, logits, targets, at, to, classes, positions, temperature, params, factor, gradient, target_gradient,
    shared,
):
    """The unreduced value of a pair of rows; writes `factor` times its gradients where these are not None."""
    cooled = 1.0 / temperature
    high1, log1 = normalise(ones, logits, at, classes, positions, cooled, shared)
    high2, log2 = normalise(twos, targets, to, classes, positions, cooled, shared)
    values, slopes1, slopes2 = 0.0, 0.0, 0.0
    for c in range(first_run(at), classes, VECTORS * (LANES * RUN)):
        low, room = int32(-c), int32(classes - c)
        if AGAIN:
            take_part(logits, at + along(c, positions), low, room, positions, ones)
            take_part(targets, to + along(c, positions), low, room, positions, twos)
        for v in range(VECTORS):
            for w in range(RUN):
                k = v * RUN + w
                if within(v * (LANES * RUN) + w, low, room):
                    log_p = log_chance(ones[k], high1, cooled, log1)
                    value, slopes = link(log_p, log_chance(twos[k], high2, cooled, log2), params)
                    values += value
                    slopes1 += slopes[0]
                    slopes2 += slopes[1]
    value = temperature * temperature * group_sum(values, shared)
    if gradient is None and target_gradient is None:
        return value
    slopes1, slopes2 = group_sum(slopes1, shared), group_sum(slopes2, shared)
    factor = factor * temperature
    for c in range(first_run(at), classes, VECTORS * (LANES * RUN)):
        low, room = int32(-c), int32(classes - c)
        if AGAIN:
            take_part(logits, at + along(c, positions), low, room, positions, ones)
            take_part(targets, to + along(c, positions), low, room, positions, twos)
        for v in range(VECTORS):
            for w in range(RUN):
                k = v * RUN + w
                log_p = log_chance(ones[k], high1, cooled, log1)
                log_q = log_chance(twos[k], high2, cooled, log2)
                _, slopes = link(log_p, log_q, params)
                ones[k] = factor * (slopes[0] - exp(log_p) * slopes1)
                twos[k] = factor * (slopes[1] - exp(log_q) * slopes2)
            step = v * (LANES * RUN)
            put_run(gradient, to + along(c, positions), step, low, room, positions, ones, v * RUN)
            put_run(target_gradient, to + along(c, positions), step, low, room, positions, twos, v * RUN)
    return value


def pair_rows(  # type: ignore[no-untyped-def]
    rows, classes, logits, targets, stride, positions, row_weights, spread, temperature, params, scale, masses, parts,
    empty, values, gradient, target_gradient, partials,
):
    """All pairs of rows, each by a group. Slopes are multiplied by `scale`, and divided by the sum of `masses`."""
    shared = cuda.shared.array(WARPS, real)
    ones, twos = cuda.local.array(HELD, real), cuda.local.array(HELD, real)
    scale = divided(scale, masses, parts, empty, shared)
    step = classes if positions is None else classes * positions
    total = real(0.0)
    for row in range(first_row(), rows, row_step()):
        weight = weight_of(row, None, row_weights, spread, 0)
        value = weight * pair_row(
            ones, twos, logits, targets, begin(row, stride, positions), begin(row, step, positions), classes,
            positions, temperature, params, scale * weight, gradient, target_gradient, shared,
        )  # fmt: skip
        total += once(value, values, row)
    put_sum(total, partials, shared)
