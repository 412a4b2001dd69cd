"""Softmax losses with one class label a row, many rows at once: for few classes, and for a class axis before the last.

A tile holds up to `WIDTH` neighbouring rows side by side, so that every loop runs along them: element (class c, row r)
lies at ``tile[c * stride + r]``. Images have that layout already; rows of few classes are transposed into a tile. What
a tile knows of each row lies in one scratch vector, a slot of `WIDTH` numbers for each quantity: with one pointer and
constant distances LLVM can prove that nothing overlaps, and vectorises.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from numbaloss.compile.primitives import exp, maximum
from numbaloss.kernels.cpu.intrinsics import disjoint, empty, like, out_of_line, over, part, strict
from numbaloss.kernels.cpu.pointwise import in_order
from numbaloss.kernels.cpu.row import (
    cap_curvature,
    cap_slope,
    capped,
    fill,
    log_probability,
    log_sum,
    narrow,
    slope_scale,
)
from numbaloss.kernels.cpu.transpose import TASK, WIDTH, one_by_one, side_by_side

GROUP = 32  # classes summed plainly; across groups the sum carries its rounding error along
# Slots of the scratch vector. What `evaluate` finds out of a row takes the place of what it needed to know.
LABEL, PEAK, SUM, HIGH, LOW, GAP_HIGH, GAP_LOW, OWN, WEIGHT, ROW_WEIGHT = (k * WIDTH for k in range(10))
PULL, INVERSE, BEND, OWN_BEND = PEAK, SUM, HIGH, LOW
SLOPE_SCALE, VALUE, OWN_SLOPE, FACTOR = GAP_HIGH, GAP_LOW, OWN, ROW_WEIGHT
SLOTS = 10 * WIDTH


def link(log_prob: Any, rest: Any, params: Any) -> Any:
    """Open name: (value, slope, curvature) by the label's log-probability and one minus its probability."""
    raise NotImplementedError


def raise_peaks(row, n, scratch):  # type: ignore[no-untyped-def]
    """Raise each row's peak to its logit of this class."""
    for r in range(n):
        scratch[PEAK + r] = maximum(scratch[PEAK + r], row[r])


def add_exponentials(row, n, c, softcap, apart, scratch, stored):  # type: ignore[no-untyped-def]
    """Add ``exp(x - peak)`` of class `c` to the sums of the rows that have another label.

    They are stored for the gradient, over the logits where `apart` is None: if they were stored there by another name,
    LLVM would not vectorise the loop.
    """
    own = narrow(c)
    for r in range(n):
        term = exp(capped(row[r], softcap) - scratch[PEAK + r])
        if stored is not None:
            if apart is None:
                row[r] = term
            else:
                stored[r] = term
        scratch[SUM + r] += 0.0 if scratch[LABEL + r] == own else term


def add_gaps(row, n, weight, softcap, scratch):  # type: ignore[no-untyped-def]
    """Add the (weighted) distances of one class to the peaks."""
    for r in range(n):
        gap = scratch[PEAK + r] - capped(row[r], softcap)
        if weight is None:
            scratch[SUM + r] += gap
        else:
            scratch[SUM + r] += weight * gap if weight != 0.0 else 0.0


@strict
def flush(n, high_slot, low_slot, scratch):  # type: ignore[no-untyped-def]
    """Move the plain sums to a compensated sum (Knuth's two-sum)."""
    for r in range(n):
        old, new = scratch[high_slot + r], scratch[SUM + r]
        total = old + new
        part_of_new = total - old
        error = (old - (total - part_of_new)) + (new - part_of_new)
        scratch[high_slot + r] = total
        scratch[low_slot + r] += error if abs(total) < np.inf else 0.0
        scratch[SUM + r] = 0.0


@disjoint
def gather(tile, stride, labels, ignored, weights, row_weights, scratch):  # type: ignore[no-untyped-def]
    """Each row's label, own logit and weights; how many rows are ignored."""
    skipped = 0
    for r in range(labels.size):
        label = np.int64(labels[r])
        if label == ignored:
            skipped += 1
            scratch[LABEL + r] = -1.0
            label = 0
        else:
            scratch[LABEL + r] = narrow(label)
        scratch[OWN + r] = tile[label * stride + r]
        if weights is not None:
            scratch[WEIGHT + r] = weights[label]
        if row_weights is not None:
            scratch[ROW_WEIGHT + r] = row_weights[r]
    return skipped


def evaluate(
    n, mass, even, weighted, row_weighted, smoothing, z_loss, softcap, params, scale, slopes, bends, scratch
):  # type: ignore[no-untyped-def]
    """The value of each row and, where asked for, the coefficients of its gradient and Hessian."""
    for r in range(n):
        own_raw = scratch[OWN + r]
        peak = scratch[PEAK + r]
        own_logit = capped(own_raw, softcap)
        distance = peak - own_logit
        own_sum = exp(-distance)
        rest_sum = scratch[HIGH + r] + scratch[LOW + r]
        log_total = log_sum(rest_sum, own_sum, distance)
        inverse = 1.0 / (rest_sum + own_sum)
        rest = rest_sum * inverse
        value, slope, bend = link(log_probability(own_logit, peak, log_total), rest, params)
        keep = 1.0
        if weighted is not None:
            keep = scratch[WEIGHT + r]
        wish = even * keep
        if smoothing is not None:
            keep = keep * (1.0 - smoothing)
        value, slope, bend = value * keep, slope * keep, bend * keep
        extra = 0.0
        if smoothing is not None:
            value += even * ((scratch[GAP_HIGH + r] + scratch[GAP_LOW + r]) + mass * log_total)
            extra += even * mass
        lift = 0.0
        if z_loss is not None:
            log_normaliser = peak + log_total
            value += z_loss * log_normaliser * log_normaliser
            lift = 2.0 * z_loss
            extra += lift * log_normaliser
        pull = extra - slope
        factor = scale
        if row_weighted is not None:
            value = value * scratch[ROW_WEIGHT + r]
            factor = scale * scratch[ROW_WEIGHT + r]
        counts = scratch[LABEL + r] >= 0.0
        scratch[VALUE + r] = value if counts else 0.0
        if slopes is not None:
            own = own_sum * inverse
            own_slope = slope * rest + extra * own
            if smoothing is not None:
                own_slope -= wish
            tilt = cap_slope(own_raw, softcap)
            scratch[OWN_SLOPE + r] = factor * own_slope * tilt
            scratch[FACTOR + r] = factor
            if bends is None and softcap is None:
                scratch[SLOPE_SCALE + r] = slope_scale(pull, inverse, factor)
            else:
                scratch[PULL + r] = pull
                scratch[INVERSE + r] = inverse
            if bends is not None:
                second = bend * rest * rest + pull * own * rest + lift * own * own
                scratch[OWN_BEND + r] = factor * (second * tilt * tilt + own_slope * cap_curvature(own_raw, softcap))
                scratch[BEND + r] = bend + lift


def scale_class(row, n, c, wish, smoothing, softcap, scratch, gradient, curvature):  # type: ignore[no-untyped-def]
    """Gradient and Hessian by class `c`, from the exponentials in `gradient`."""
    label = narrow(c)
    for r in range(n):
        own = scratch[LABEL + r] == label
        if curvature is None and softcap is None:
            slope = gradient[r] * scratch[SLOPE_SCALE + r]
            if smoothing is not None:
                slope -= wish * scratch[FACTOR + r]
            gradient[r] = scratch[OWN_SLOPE + r] if own else slope
        else:
            chance = gradient[r] * scratch[INVERSE + r]
            slope = scratch[PULL + r] * chance
            if smoothing is not None:
                slope -= wish
            tilt = cap_slope(row[r], softcap)
            gradient[r] = scratch[OWN_SLOPE + r] if own else scratch[FACTOR + r] * slope * tilt
            if curvature is not None:
                second = scratch[BEND + r] * chance * chance + scratch[PULL + r] * chance * (1.0 - chance)
                second = second * tilt * tilt + slope * cap_curvature(row[r], softcap)
                curvature[r] = scratch[OWN_BEND + r] if own else scratch[FACTOR + r] * second


def clear_ignored(n, stride, classes, scratch, gradient, curvature):  # type: ignore[no-untyped-def]
    """Zeros for ignored rows."""
    for r in range(n):
        if scratch[LABEL + r] < 0.0:
            for c in range(classes):
                gradient[c * stride + r] = 0.0
                if curvature is not None:
                    curvature[c * stride + r] = 0.0


@out_of_line
def label_tile(
    tile, stride, classes, labels, ignored, weights, row_weights, smoothing, z_loss, softcap, apart, params, scale,
    values, gradient, curvature, scratch,
):  # type: ignore[no-untyped-def]
    """One tile: the float64 sum of its weighted values; writes the outputs that are not None.

    Where `apart` is None, the gradient is written over the tile.
    """
    n = labels.size
    skipped = gather(tile, stride, labels, ignored, weights, row_weights, scratch)
    fill(part(scratch, PEAK, PEAK + WIDTH), narrow(-np.inf))
    fill(part(scratch, SUM, GAP_LOW + WIDTH), 0.0)
    for c in range(classes):
        raise_peaks(part(tile, c * stride, c * stride + n), n, scratch)
    if softcap is not None:  # the peak of the capped logits is the cap of the peak
        for r in range(n):
            scratch[PEAK + r] = capped(scratch[PEAK + r], softcap)
    mass, even = narrow(classes), 0.0
    if smoothing is not None:  # before the exponentials: the gradient may overwrite the tile
        even = smoothing / mass
        mass = mass if weights is None else narrow(0)
        for c in range(classes):
            weight = None if weights is None else weights[c]
            if weights is not None:
                mass += weights[c]
            add_gaps(part(tile, c * stride, c * stride + n), n, weight, softcap, scratch)
            if c % GROUP == GROUP - 1 or c == classes - 1:
                flush(n, GAP_HIGH, GAP_LOW, scratch)
    for c in range(classes):
        low, high = c * stride, c * stride + n
        add_exponentials(part(tile, low, high), n, c, softcap, apart, scratch, part(gradient, low, high))
        if c % GROUP == GROUP - 1 or c == classes - 1:
            flush(n, HIGH, LOW, scratch)
    evaluate(
        n, mass, even, weights, row_weights, smoothing, z_loss, softcap, params, scale, gradient, curvature, scratch
    )
    if gradient is not None:
        for c in range(classes):
            low, high = c * stride, c * stride + n
            wish = even if weights is None else even * weights[c]
            scale_class(
                part(tile, low, high), n, c, wish, smoothing, softcap, scratch, part(gradient, low, high),
                part(curvature, low, high),
            )
        if skipped > 0:
            clear_ignored(n, stride, classes, scratch, gradient, curvature)
    total = np.float64(0.0)
    for r in range(n):
        if values is not None:
            values[r] = scratch[VALUE + r]
        total += scratch[VALUE + r]
    return total


def label_planes(
    flat, positions, classes, labels, ignored, weights, row_weights, smoothing, z_loss, softcap, apart, params, scale,
    values, gradient, curvature,
):  # type: ignore[no-untyped-def]
    """Contiguous (batch, class, position): the tiles lie in memory as they are."""
    tiles = (positions + WIDTH - 1) // WIDTH
    batch = labels.size // positions
    partials = empty(batch * tiles, np.float64)
    for task in prange(batch * tiles):
        scratch = empty(SLOTS, flat.dtype)
        sample = task // tiles
        first = (task % tiles) * WIDTH
        last = min(first + WIDTH, positions)
        low = sample * positions + first
        high = sample * positions + last
        begin = sample * positions * classes + first
        end = sample * positions * classes + (classes - 1) * positions + last
        partials[task] = label_tile(
            part(flat, begin, end), positions, classes, part(labels, low, high), ignored, weights,
            part(row_weights, low, high), smoothing, z_loss, softcap, apart, params, scale, part(values, low, high),
            part(gradient, begin, end), part(curvature, begin, end), scratch,
        )
    return in_order(partials)


def label_small(
    flat, stride, classes, labels, ignored, weights, row_weights, smoothing, z_loss, softcap, apart, params, scale,
    values, gradient, curvature,
):  # type: ignore[no-untyped-def]
    """Rows of few classes: transposed, tile by tile, into scratch memory and back."""
    rows = labels.size
    partials = empty((rows + TASK - 1) // TASK, np.float64)
    for b in prange(partials.size):
        partials[b] = label_small_block(
            b * TASK, min(b * TASK + TASK, rows), flat, stride, classes, labels, ignored, weights, row_weights,
            smoothing, z_loss, softcap, apart, params, scale, values, gradient, curvature,
        )
    return in_order(partials)


@out_of_line
def label_small_block(
    first, last, flat, stride, classes, labels, ignored, weights, row_weights, smoothing, z_loss, softcap, apart,
    params, scale, values, gradient, curvature,
):  # type: ignore[no-untyped-def]
    """The rows of one parallel task."""
    scratch = empty(SLOTS, flat.dtype)
    tile = empty(classes * WIDTH, flat.dtype)
    slopes, bends = over(tile, gradient, apart), like(curvature, tile, tile.size)
    total = np.float64(0.0)
    for low in range(first, last, WIDTH):
        high = min(low + WIDTH, last)
        n = high - low
        side_by_side(part(flat, low * stride, (high - 1) * stride + classes), stride, classes, n, tile)
        total += label_tile(
            tile, WIDTH, classes, part(labels, low, high), ignored, weights, part(row_weights, low, high), smoothing,
            z_loss, softcap, apart, params, scale, part(values, low, high), slopes, bends, scratch,
        )
        if gradient is not None:
            one_by_one(slopes, classes, n, part(gradient, low * classes, high * classes))
        if curvature is not None:
            one_by_one(bends, classes, n, part(curvature, low * classes, high * classes))
    return total
