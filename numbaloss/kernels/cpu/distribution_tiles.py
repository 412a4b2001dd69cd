"""Losses between the softmaxes of two rows of few logits, many rows at once; tiles as in `softmax_tiles`."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbaloss.compile.primitives import exp, log1p
from numbaloss.kernels.cpu.distributions import log_chance
from numbaloss.kernels.cpu.intrinsics import disjoint, empty, like, out_of_line, part
from numbaloss.kernels.cpu.row import RUN, fill, narrow, whole_runs
from numbaloss.kernels.cpu.softmax_probability_tiles import add
from numbaloss.kernels.cpu.softmax_tiles import PEAK, raise_peaks
from numbaloss.kernels.cpu.transpose import WIDTH, one_by_one, side_by_side

# Slots of an input's scratch vector: the sum of the exponentials and its logarithm, the class of the peak (PEAK, a slot
# of `softmax_tiles`, is the second), the other input's logit there, and the rate that anchored slopes are counted from.
# Where the sum was, that of the slopes is added up once its logarithm is known.
LOG, SUM, SUM_ERROR, PLACE, THERE, RATE = (k * WIDTH for k in (0, 2, 3, 4, 5, 6))
MASS, MASS_ERROR = SUM, SUM_ERROR
SLOTS = 7 * WIDTH
# Slots of the scratch vector of both inputs.
VALUE, VALUE_ERROR, FACTOR = (k * WIDTH for k in range(3))
SUMS = 3 * WIDTH


def link(log_p: Any, log_q: Any, params: Any) -> Any:
    """Open name: (value, slopes by both) as a function of the two log-probabilities of one class."""
    raise NotImplementedError


def add_others(row, n, cooled, scratch):  # type: ignore[no-untyped-def]
    """Add the exponentials of one class where it is not the peak; count one where it is."""
    for r in range(n):
        gap = row[r] - scratch[PEAK + r]
        add(scratch, SUM, SUM_ERROR, r, exp(gap * cooled) if gap != 0.0 else 1.0)


def normalise(tile, classes, n, cooled, scratch):  # type: ignore[no-untyped-def]
    """The peaks and the log-normalisers above them."""
    fill(scratch, narrow(0))
    fill(part(scratch, PEAK, PEAK + WIDTH), narrow(-np.inf))
    for c in range(classes):
        raise_peaks(part(tile, c * WIDTH, c * WIDTH + n), n, scratch)
    for c in range(classes):
        add_others(part(tile, c * WIDTH, c * WIDTH + n), n, cooled, scratch)
    for r in range(n):
        scratch[LOG + r] = log1p((scratch[SUM + r] - 1.0) + scratch[SUM_ERROR + r])
    fill(part(scratch, MASS, MASS_ERROR + WIDTH), narrow(0))


def find_peaks(c, row, other, n, scratch):  # type: ignore[no-untyped-def]
    """Notes where the peak is, the last of several, and the other input's logit there."""
    for r in range(n):
        here = row[r] == scratch[PEAK + r]
        scratch[PLACE + r] = c if here else scratch[PLACE + r]
        scratch[THERE + r] = other[r] if here else scratch[THERE + r]


def find_rates(n, cooled, anchor1, anchor2, params, scratch1, scratch2):  # type: ignore[no-untyped-def]
    """The slopes of each anchored input's likeliest class, over its probability."""
    if anchor1 is not None:
        for r in range(n):
            log_p = log_chance(scratch1[PEAK + r], scratch1[PEAK + r], cooled, scratch1[LOG + r])
            log_q = log_chance(scratch1[THERE + r], scratch2[PEAK + r], cooled, scratch2[LOG + r])
            scratch1[RATE + r] = link(log_p, log_q, params)[1][0] / exp(log_p)
    if anchor2 is not None:
        for r in range(n):
            log_p = log_chance(scratch2[THERE + r], scratch1[PEAK + r], cooled, scratch1[LOG + r])
            log_q = log_chance(scratch2[PEAK + r], scratch2[PEAK + r], cooled, scratch2[LOG + r])
            scratch2[RATE + r] = link(log_p, log_q, params)[1][1] / exp(log_q)


def compare(
    c, one, two, n, cooled, anchor1, anchor2, params, scratch1, scratch2, sums, gradient1, gradient2
):  # type: ignore[no-untyped-def]
    """Adds one class's value and slopes. Slopes are kept where there is a gradient to write, and chances for logits."""
    for r in range(n):
        log_p = log_chance(one[r], scratch1[PEAK + r], cooled, scratch1[LOG + r])
        log_q = log_chance(two[r], scratch2[PEAK + r], cooled, scratch2[LOG + r])
        value, slopes = link(log_p, log_q, params)
        slope1, slope2 = slopes[0], slopes[1]
        if anchor1 is not None:
            slope1 = slope1 - scratch1[RATE + r] * exp(log_p) if scratch1[PLACE + r] != c else 0.0
        if anchor2 is not None:
            slope2 = slope2 - scratch2[RATE + r] * exp(log_q) if scratch2[PLACE + r] != c else 0.0
        add(sums, VALUE, VALUE_ERROR, r, value)
        if gradient1 is not None:
            gradient1[r], one[r] = slope1, exp(log_p)
            add(scratch1, MASS, MASS_ERROR, r, slope1)
        if gradient2 is not None:
            gradient2[r], two[r] = slope2, exp(log_q)
            add(scratch2, MASS, MASS_ERROR, r, slope2)


def project(chances, n, scratch, sums, gradient):  # type: ignore[no-untyped-def]
    """From the slopes by one class's log-probabilities in `gradient` to those by its logits; nothing for None."""
    if gradient is not None:
        for r in range(n):
            mass = scratch[MASS + r] + scratch[MASS_ERROR + r]
            gradient[r] = sums[FACTOR + r] * (gradient[r] - chances[r] * mass)


@disjoint
@out_of_line
def pair_tile(
    tile1, tile2, classes, n, row_weights, temperature, anchor1, anchor2, params, scale, values, gradient1, gradient2,
    scratch1, scratch2, sums,
):  # type: ignore[no-untyped-def]
    """One tile, which it spoils: the float64 sum of its weighted values; leaves its gradients where these are not None.

    All loops but two are over whole runs of rows, some of them of no meaning: LLVM rounds the mathematics otherwise
    where it takes rows one by one.
    """
    m = whole_runs(n + RUN - 1)
    cooled = 1.0 / temperature
    normalise(tile1, classes, m, cooled, scratch1)
    normalise(tile2, classes, m, cooled, scratch2)
    fill(sums, narrow(0))
    for r in range(n):
        factor = scale * temperature
        if row_weights is not None:
            factor = factor * row_weights[r]
        sums[FACTOR + r] = factor
    for c in range(classes):
        one, two = part(tile1, c * WIDTH, c * WIDTH + m), part(tile2, c * WIDTH, c * WIDTH + m)
        if anchor1 is not None:
            find_peaks(narrow(c), one, two, m, scratch1)
        if anchor2 is not None:
            find_peaks(narrow(c), two, one, m, scratch2)
    find_rates(m, cooled, anchor1, anchor2, params, scratch1, scratch2)
    for c in range(classes):
        low, high = c * WIDTH, c * WIDTH + m
        compare(
            narrow(c), part(tile1, low, high), part(tile2, low, high), m, cooled, anchor1, anchor2, params, scratch1,
            scratch2, sums, part(gradient1, low, high), part(gradient2, low, high),
        )
    for c in range(classes):
        low, high = c * WIDTH, c * WIDTH + m
        project(part(tile1, low, high), m, scratch1, sums, part(gradient1, low, high))
        project(part(tile2, low, high), m, scratch2, sums, part(gradient2, low, high))
    total = np.float64(0.0)
    for r in range(n):
        value = temperature * temperature * (sums[VALUE + r] + sums[VALUE_ERROR + r])
        if row_weights is not None:
            value = value * row_weights[r]
        if values is not None:
            values[r] = value
        total += value
    return total


@disjoint
@out_of_line
def small_pair_block(
    first, last, flat1, flat2, classes, row_weights, temperature, anchor1, anchor2, params, scale, values, gradient1,
    gradient2,
):  # type: ignore[no-untyped-def]
    """The rows of one parallel task, transposed tile by tile into scratch memory and back."""
    scratch1, scratch2, sums = empty(SLOTS, flat1.dtype), empty(SLOTS, flat1.dtype), empty(SUMS, flat1.dtype)
    tile1, tile2 = empty(classes * WIDTH, flat1.dtype), empty(classes * WIDTH, flat1.dtype)
    slopes1, slopes2 = like(gradient1, tile1, tile1.size), like(gradient2, tile2, tile2.size)
    fill(tile1, narrow(0))
    fill(tile2, narrow(0))
    total = np.float64(0.0)
    for low in range(first, last, WIDTH):
        high = min(low + WIDTH, last)
        n = high - low
        side_by_side(part(flat1, low * classes, high * classes), classes, classes, n, tile1)
        side_by_side(part(flat2, low * classes, high * classes), classes, classes, n, tile2)
        total += pair_tile(
            tile1, tile2, classes, n, part(row_weights, low, high), temperature, anchor1, anchor2, params, scale,
            part(values, low, high), slopes1, slopes2, scratch1, scratch2, sums,
        )
        if gradient1 is not None:
            one_by_one(slopes1, classes, n, part(gradient1, low * classes, high * classes))
        if gradient2 is not None:
            one_by_one(slopes2, classes, n, part(gradient2, low * classes, high * classes))
    return total
