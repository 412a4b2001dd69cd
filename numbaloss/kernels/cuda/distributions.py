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
FAR = 1 << 24  # beyond the number of any class, exact in float32


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


def chosen(place, rate, shared):  # type: ignore[no-untyped-def]
    """The first of the lanes' places, and the rate that was found there."""
    first = int32(-group_max(real(-place), shared))
    return first, group_max(rate if place == first else LOWEST, shared)


def from_anchor(slope, chance, rate, here):  # type: ignore[no-untyped-def]
    """A slope less what it were at the `rate`; 0 `here`, where the rate is from."""
    return 0.0 if here else slope - rate * chance


@unrolled
def pair_row(  # type: ignore[no-untyped-def]
    ones, twos, logits, targets, at, to, classes, positions, temperature, anchor1, anchor2, params, factor, gradient,
    target_gradient, shared,
):
    """The unreduced value of a pair of rows; writes `factor` times its gradients where these are not None.

    Slopes with an anchor are counted from what they were at the rate of the row's likeliest class: 0 there.
    """
    cooled = 1.0 / temperature
    high1, log1 = normalise(ones, logits, at, classes, positions, cooled, shared)
    high2, log2 = normalise(twos, targets, to, classes, positions, cooled, shared)
    values, slopes1, slopes2 = 0.0, 0.0, 0.0
    place1, place2, rate1, rate2 = int32(FAR), int32(FAR), LOWEST, LOWEST
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
                    log_q = log_chance(twos[k], high2, cooled, log2)
                    value, slopes = link(log_p, log_q, params)
                    values += value
                    slopes1 += slopes[0]
                    slopes2 += slopes[1]
                    number = int32(c + v * (LANES * RUN) + w)
                    if anchor1 is not None and ones[k] == high1 and number < place1:
                        place1, rate1 = number, slopes[0] / exp(log_p)
                    if anchor2 is not None and twos[k] == high2 and number < place2:
                        place2, rate2 = number, slopes[1] / exp(log_q)
    value = temperature * temperature * group_sum(values, shared)
    if gradient is None and target_gradient is None:
        return value
    if anchor1 is not None:
        place1, rate1 = chosen(place1, rate1, shared)
        slopes1 = 0.0
    if anchor2 is not None:
        place2, rate2 = chosen(place2, rate2, shared)
        slopes2 = 0.0
    if anchor1 is not None or anchor2 is not None:
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
                        log_q = log_chance(twos[k], high2, cooled, log2)
                        _, slopes = link(log_p, log_q, params)
                        number = int32(c + v * (LANES * RUN) + w)
                        if anchor1 is not None:
                            slopes1 += from_anchor(slopes[0], exp(log_p), rate1, number == place1)
                        if anchor2 is not None:
                            slopes2 += from_anchor(slopes[1], exp(log_q), rate2, number == place2)
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
                slope1, slope2 = slopes[0], slopes[1]
                number = int32(c + v * (LANES * RUN) + w)
                if anchor1 is not None:
                    slope1 = from_anchor(slope1, exp(log_p), rate1, number == place1)
                if anchor2 is not None:
                    slope2 = from_anchor(slope2, exp(log_q), rate2, number == place2)
                ones[k] = factor * (slope1 - exp(log_p) * slopes1)
                twos[k] = factor * (slope2 - exp(log_q) * slopes2)
            step = v * (LANES * RUN)
            put_run(gradient, to + along(c, positions), step, low, room, positions, ones, v * RUN)
            put_run(target_gradient, to + along(c, positions), step, low, room, positions, twos, v * RUN)
    return value


def pair_rows(  # type: ignore[no-untyped-def]
    rows, classes, logits, targets, stride, positions, row_weights, spread, temperature, anchor1, anchor2, params,
    scale, masses, parts, empty, values, gradient, target_gradient, partials,
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
            positions, temperature, anchor1, anchor2, params, scale * weight, gradient, target_gradient, shared,
        )  # fmt: skip
        total += once(value, values, row)
    put_sum(total, partials, shared)
