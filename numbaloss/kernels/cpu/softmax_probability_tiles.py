"""Softmax losses with a probability for every class, many rows at once; tiles as in `softmax_tiles`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from numbaloss.compile.primitives import exp, expm1, log1p
from numbaloss.kernels.cpu.intrinsics import disjoint, empty, like, out_of_line, part, strict
from numbaloss.kernels.cpu.pointwise import in_order
from numbaloss.kernels.cpu.row import cap_curvature, cap_slope, capped, fill, log_probability, narrow
from numbaloss.kernels.cpu.softmax_tiles import PEAK, raise_peaks
from numbaloss.kernels.cpu.transpose import TASK, WIDTH, one_by_one, side_by_side

# Slots of the scratch vector; PEAK is that of `softmax_tiles`. Each sum has its rounding error beside it.
SUM, SUM_ERROR, VALUE, VALUE_ERROR, SLOPE, SLOPE_ERROR, BEND, BEND_ERROR = (k * WIDTH for k in range(2, 10))
LOG, PULL, FACTOR = (k * WIDTH for k in range(10, 13))
SLOTS = 13 * WIDTH


def link(log_prob: Any, rest: Any, params: Any) -> Any:
    """Open name: (value, slope, curvature) by a log-probability and one minus the probability."""
    raise NotImplementedError


@strict
def add(scratch, slot, error_slot, r, term):  # type: ignore[no-untyped-def]
    """Add to a sum and keep what rounding loses (Knuth's two-sum)."""
    old = scratch[slot + r]
    total = old + term
    part_of_term = total - old
    error = (old - (total - part_of_term)) + (term - part_of_term)
    scratch[slot + r] = total
    scratch[error_slot + r] += error if abs(total) < np.inf else 0.0


def add_others(row, n, softcap, scratch):  # type: ignore[no-untyped-def]
    """Add the exponentials of one class where it is not the peak; count one where it is."""
    for r in range(n):
        gap = capped(row[r], softcap) - scratch[PEAK + r]
        add(scratch, SUM, SUM_ERROR, r, exp(gap) if gap != 0.0 else 1.0)


def normalise(n, softcap, z_loss, scale, row_weights, scratch):  # type: ignore[no-untyped-def]
    """The log-normalisers above the peaks, and what the z-loss makes of them."""
    for r in range(n):
        log_total = log1p((scratch[SUM + r] - 1.0) + scratch[SUM_ERROR + r])
        scratch[LOG + r] = log_total
        scratch[PULL + r] = 0.0
        if z_loss is not None:
            log_normaliser = scratch[PEAK + r] + log_total
            scratch[VALUE + r] = z_loss * log_normaliser * log_normaliser
            scratch[PULL + r] = 2.0 * z_loss * log_normaliser
        factor = scale
        if row_weights is not None:
            factor = scale * row_weights[r]
        scratch[FACTOR + r] = factor


def wish(target, weight, smoothing, classes):  # type: ignore[no-untyped-def]
    """The smoothed and weighted target of one class."""
    if smoothing is not None:
        target = target * (1.0 - smoothing) + smoothing / classes
    if weight is not None:
        target = target * weight
    return target


def expect_class(row, targets, n, weight, smoothing, classes, softcap, params, scratch):  # type: ignore[no-untyped-def]
    """Add one class's share to the expectations of value, slope and curvature over the target."""
    for r in range(n):
        log_prob = log_probability(capped(row[r], softcap), scratch[PEAK + r], scratch[LOG + r])
        value, slope, bend = link(log_prob, -expm1(log_prob), params)
        target = wish(targets[r], weight, smoothing, classes)
        add(scratch, VALUE, VALUE_ERROR, r, value * target if target != 0.0 else 0.0)
        add(scratch, SLOPE, SLOPE_ERROR, r, slope * target)
        add(scratch, BEND, BEND_ERROR, r, bend * target)


def write_class(
    row, targets, n, weight, smoothing, classes, softcap, lift, params, scratch, gradient, curvature, target_gradient
):  # type: ignore[no-untyped-def]
    """The derivatives by one class's logits and targets."""
    for r in range(n):
        log_prob = log_probability(capped(row[r], softcap), scratch[PEAK + r], scratch[LOG + r])
        chance = exp(log_prob)
        value, slope, bend = link(log_prob, -expm1(log_prob), params)
        target = wish(targets[r], weight, smoothing, classes)
        mass = scratch[SLOPE + r] - scratch[PULL + r]
        first = target * slope - chance * mass
        tilt = cap_slope(row[r], softcap)
        if curvature is not None:
            second = target * bend * (1.0 - 2.0 * chance) + chance * chance * (scratch[BEND + r] + lift)
            second -= chance * (1.0 - chance) * mass
            bent = second * tilt * tilt + first * cap_curvature(row[r], softcap)
            curvature[r] = scratch[FACTOR + r] * bent
        if target_gradient is not None:
            by_target = scratch[FACTOR + r] * value
            if weight is not None:
                by_target = by_target * weight
            if smoothing is not None:
                by_target = by_target * (1.0 - smoothing)
            target_gradient[r] = by_target
        if gradient is not None:
            gradient[r] = scratch[FACTOR + r] * first * tilt


@disjoint
@out_of_line
def probability_tile(
    tile, targets, stride, classes, n, weights, row_weights, smoothing, z_loss, softcap, params, scale, values,
    gradient, curvature, target_gradient, scratch,
):  # type: ignore[no-untyped-def]
    """One tile: the float64 sum of its weighted values; writes the outputs that are not None."""
    count = narrow(classes)
    fill(scratch, narrow(0))
    fill(part(scratch, PEAK, PEAK + WIDTH), narrow(-np.inf))
    for c in range(classes):
        raise_peaks(part(tile, c * stride, c * stride + n), n, scratch)
    if softcap is not None:
        for r in range(n):
            scratch[PEAK + r] = capped(scratch[PEAK + r], softcap)
    for c in range(classes):
        add_others(part(tile, c * stride, c * stride + n), n, softcap, scratch)
    normalise(n, softcap, z_loss, scale, row_weights, scratch)
    for c in range(classes):
        low, high = c * stride, c * stride + n
        weight = None if weights is None else weights[c]
        row, wishes = part(tile, low, high), part(targets, low, high)
        expect_class(row, wishes, n, weight, smoothing, count, softcap, params, scratch)
    lift = narrow(0)
    if z_loss is not None:
        lift = 2.0 * z_loss
    if gradient is not None or target_gradient is not None:
        for c in range(classes):
            low, high = c * stride, c * stride + n
            weight = None if weights is None else weights[c]
            write_class(
                part(tile, low, high), part(targets, low, high), n, weight, smoothing, count, softcap, lift, params,
                scratch, part(gradient, low, high), part(curvature, low, high), part(target_gradient, low, high),
            )
    total = np.float64(0.0)
    for r in range(n):
        value = scratch[VALUE + r] + scratch[VALUE_ERROR + r]
        if row_weights is not None:
            value = value * row_weights[r]
        if values is not None:
            values[r] = value
        total += value
    return total


def probability_planes(
    flat, targets, positions, classes, weights, row_weights, smoothing, z_loss, softcap, params, scale, values,
    gradient, curvature, target_gradient,
):  # type: ignore[no-untyped-def]
    """Contiguous (batch, class, position): the tiles lie in memory as they are."""
    tiles = (positions + WIDTH - 1) // WIDTH
    batch = flat.size // (positions * classes)
    partials = empty(batch * tiles, np.float64)
    for task in prange(batch * tiles):
        scratch = empty(SLOTS, flat.dtype)
        sample = task // tiles
        first = (task % tiles) * WIDTH
        last = min(first + WIDTH, positions)
        low, high = sample * positions + first, sample * positions + last
        begin = sample * positions * classes + first
        end = sample * positions * classes + (classes - 1) * positions + last
        partials[task] = probability_tile(
            part(flat, begin, end), part(targets, begin, end), positions, classes, last - first, weights,
            part(row_weights, low, high), smoothing, z_loss, softcap, params, scale, part(values, low, high),
            part(gradient, begin, end), part(curvature, begin, end), part(target_gradient, begin, end), scratch,
        )
    return in_order(partials)


def probability_small(
    flat, targets, classes, weights, row_weights, smoothing, z_loss, softcap, params, scale, values, gradient,
    curvature, target_gradient,
):  # type: ignore[no-untyped-def]
    """Contiguous rows of few classes: transposed, tile by tile, into scratch memory and back."""
    rows = flat.size // classes
    partials = empty((rows + TASK - 1) // TASK, np.float64)
    for b in prange(partials.size):
        partials[b] = probability_small_block(
            b * TASK, min(b * TASK + TASK, rows), flat, targets, classes, weights, row_weights, smoothing, z_loss,
            softcap, params, scale, values, gradient, curvature, target_gradient,
        )
    return in_order(partials)


@disjoint
@out_of_line
def probability_small_block(
    first, last, flat, targets, classes, weights, row_weights, smoothing, z_loss, softcap, params, scale, values,
    gradient, curvature, target_gradient,
):  # type: ignore[no-untyped-def]
    """The rows of one parallel task."""
    scratch = empty(SLOTS, flat.dtype)
    tile, wanted = empty(classes * WIDTH, flat.dtype), empty(classes * WIDTH, flat.dtype)
    slopes, bends = like(gradient, tile, tile.size), like(curvature, tile, tile.size)
    rises = like(target_gradient, tile, tile.size)
    total = np.float64(0.0)
    for low in range(first, last, WIDTH):
        high = min(low + WIDTH, last)
        n = high - low
        side_by_side(part(flat, low * classes, high * classes), classes, classes, n, tile)
        side_by_side(part(targets, low * classes, high * classes), classes, classes, n, wanted)
        total += probability_tile(
            tile, wanted, WIDTH, classes, n, weights, part(row_weights, low, high), smoothing, z_loss, softcap, params,
            scale, part(values, low, high), slopes, bends, rises, scratch,
        )
        if gradient is not None:
            one_by_one(slopes, classes, n, part(gradient, low * classes, high * classes))
        if curvature is not None:
            one_by_one(bends, classes, n, part(curvature, low * classes, high * classes))
        if target_gradient is not None:
            one_by_one(rises, classes, n, part(target_gradient, low * classes, high * classes))
    return total
