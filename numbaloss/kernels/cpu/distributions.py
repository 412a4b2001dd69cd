"""Losses between the softmaxes of two rows of logits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from numbaloss.compile.primitives import exp
from numbaloss.kernels.cpu.intrinsics import disjoint, out_of_line, part, strict
from numbaloss.kernels.cpu.pointwise import in_order
from numbaloss.kernels.cpu.row import STRIP, log_normaliser_above, narrow, peak

WORK = 16384  # elements a parallel task takes on, one row after another


def link(log_p: Any, log_q: Any, params: Any) -> Any:
    """Open name: (value, slopes by both) as a function of the two log-probabilities of one class."""
    raise NotImplementedError


def task(
    first, last, flat1, flat2, classes, row_weights, temperature, anchor1, anchor2, params, scale, values, gradient1,
    gradient2,
):  # type: ignore[no-untyped-def]
    """Open name, `pair_block` or `small_pair_block`: the rows of one parallel task."""
    raise NotImplementedError


@strict
def log_chance(logit, highest, cooled, log_total):  # type: ignore[no-untyped-def]
    """``(logit - highest) / T - log_total`` in this order: the other one rounds to the size of the logits."""
    return (logit - highest) * cooled - log_total


def place_of(row, highest):  # type: ignore[no-untyped-def]
    """Where the largest element is; 0 among nans."""
    for j in range(row.size):
        if row[j] == highest:
            return j
    return 0


@disjoint
def compare(
    one, two, high1, high2, log1, log2, cooled, params, anchor1, anchor2, rate1, rate2, place1, place2, gradient1,
    gradient2,
):  # type: ignore[no-untyped-def]
    """Sums of value and slopes over a strip; the slopes are kept where there are gradients to write.

    Slopes with an anchor are counted from what they were at the rate of the row's likeliest class: 0 there.
    """
    value_sum, slope1_sum, slope2_sum = 0.0, 0.0, 0.0
    for j in range(one.size):
        log_p, log_q = log_chance(one[j], high1, cooled, log1), log_chance(two[j], high2, cooled, log2)
        value, slopes = link(log_p, log_q, params)
        slope1, slope2 = slopes[0], slopes[1]
        if anchor1 is not None:
            slope1 = slope1 - rate1 * exp(log_p) if j != place1 else 0.0
        if anchor2 is not None:
            slope2 = slope2 - rate2 * exp(log_q) if j != place2 else 0.0
        value_sum += value
        slope1_sum += slope1
        slope2_sum += slope2
        if gradient1 is not None:
            gradient1[j] = slope1
        if gradient2 is not None:
            gradient2[j] = slope2
    return value_sum, slope1_sum, slope2_sum


@disjoint
def project(row, highest, log_total, cooled, mass, factor, gradient):  # type: ignore[no-untyped-def]
    """From the slopes by the log-probabilities in `gradient` to those by the logits."""
    for j in range(row.size):
        chance = exp(log_chance(row[j], highest, cooled, log_total))
        gradient[j] = factor * (gradient[j] - chance * mass)


@disjoint
def pair_row(one, two, temperature, anchor1, anchor2, params, factor, gradient1, gradient2):  # type: ignore[no-untyped-def]
    """The unreduced value of one pair of rows; writes `factor` times its gradients where these are not None."""
    cooled = 1.0 / temperature
    high1, high2 = peak(one), peak(two)
    log1 = log_normaliser_above(one, high1, None, cooled, None)
    log2 = log_normaliser_above(two, high2, None, cooled, None)
    rate1, rate2, place1, place2 = narrow(0.0), narrow(0.0), -1, -1
    if anchor1 is not None:
        place1 = place_of(one, high1)
        log_p, log_q = log_chance(one[place1], high1, cooled, log1), log_chance(two[place1], high2, cooled, log2)
        rate1 = link(log_p, log_q, params)[1][0] / exp(log_p)
    if anchor2 is not None:
        place2 = place_of(two, high2)
        log_p, log_q = log_chance(one[place2], high1, cooled, log1), log_chance(two[place2], high2, cooled, log2)
        rate2 = link(log_p, log_q, params)[1][1] / exp(log_q)
    values, masses1, masses2 = np.float64(0.0), np.float64(0.0), np.float64(0.0)
    for low in range(0, one.size, STRIP):
        high = min(low + STRIP, one.size)
        value, slope1, slope2 = compare(
            one[low:high], two[low:high], high1, high2, log1, log2, cooled, params, anchor1, anchor2, rate1,
            rate2, place1 - low, place2 - low, part(gradient1, low, high), part(gradient2, low, high),
        )
        values += value
        masses1 += slope1
        masses2 += slope2
    if gradient1 is not None:
        project(one, high1, log1, cooled, narrow(masses1), factor * temperature, gradient1)
    if gradient2 is not None:
        project(two, high2, log2, cooled, narrow(masses2), factor * temperature, gradient2)
    return temperature * temperature * narrow(values)


@disjoint
@out_of_line
def pair_block(
    first, last, flat1, flat2, classes, row_weights, temperature, anchor1, anchor2, params, scale, values, gradient1,
    gradient2,
):  # type: ignore[no-untyped-def]
    """The rows of one parallel task."""
    total = np.float64(0.0)
    for i in range(first, last):
        low, high = i * classes, i * classes + classes
        factor = scale
        if row_weights is not None:
            factor = scale * row_weights[i]
        value = pair_row(
            flat1[low:high], flat2[low:high], temperature, anchor1, anchor2, params, factor, part(gradient1, low, high),
            part(gradient2, low, high),
        )
        if row_weights is not None:
            value = value * row_weights[i]
        if values is not None:
            values[i] = value
        total += value
    return total


def pair_rows(
    step, flat1, flat2, classes, row_weights, temperature, anchor1, anchor2, params, scale, values, gradient1,
    gradient2,
):  # type: ignore[no-untyped-def]
    """All pairs of contiguous rows, `step` a task: the float64 sum of the weighted values, in row order."""
    rows = flat1.size // classes
    partials = np.empty((rows + step - 1) // step, np.float64)
    for b in prange(partials.size):
        partials[b] = task(
            b * step, min(b * step + step, rows), flat1, flat2, classes, row_weights, temperature, anchor1, anchor2,
            params, scale, values, gradient1, gradient2,
        )
    return in_order(partials)
