"""Softmax losses with one class label a row, many rows at once: for few classes, and for a class axis before the last.

A tile holds neighbouring rows side by side, so that every loop runs along them: element (class c, row r) lies at
``tile[c * stride + r]``. Images have that layout already; rows of few classes are transposed into a scratch tile.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from numbaloss.compile.primitives import exp, log, log1p, maximum
from numbaloss.kernels.cpu.intrinsics import out_of_line
from numbaloss.kernels.cpu.pointwise import in_order
from numbaloss.kernels.cpu.row import cap_curvature, cap_slope, capped, fill, part

WIDTH = 64  # rows side by side in a transposed tile
SPAN = 256  # rows side by side where memory has them so
GROUP = 32  # classes summed in the element type; across groups the sum is float64


def link(log_prob: Any, rest: Any, params: Any) -> Any:
    """Open name: (value, slope, curvature) as a function of the label's log-probability and of one minus its probability."""
    raise NotImplementedError


def narrow(value: Any) -> Any:
    """Open name: a number in the element type."""
    raise NotImplementedError


def raise_peaks(row, peaks):  # type: ignore[no-untyped-def]
    for r in range(peaks.size):
        peaks[r] = maximum(peaks[r], row[r])


def add_exponentials(row, peaks, labels, c, softcap, sums, stored):  # type: ignore[no-untyped-def]
    """Add ``exp(x - peak)`` of class `c` to the sums of the rows that have another label."""
    for r in range(peaks.size):
        term = exp(capped(row[r], softcap) - peaks[r])
        if stored is not None:
            stored[r] = term
        sums[r] += 0.0 if labels[r] == c else term


def add_gaps(row, peaks, weights, c, softcap, sums):  # type: ignore[no-untyped-def]
    """Add the (weighted) distances of class `c` to the peaks."""
    for r in range(peaks.size):
        gap = peaks[r] - capped(row[r], softcap)
        if weights is None:
            sums[r] += gap
        else:
            sums[r] += weights[c] * gap if weights[c] != 0.0 else 0.0


def flush(partial, sums):  # type: ignore[no-untyped-def]
    """Move element-type partial sums to the float64 ones."""
    for r in range(partial.size):
        sums[r] += partial[r]
        partial[r] = 0.0


def scale_class(
    row, c, weights, smoothing, even, pulls, bends, lift, inverses, factors, softcap, gradient, curvature
):  # type: ignore[no-untyped-def]
    """Gradient and Hessian by class `c` of rows with another label, from the exponentials in `gradient`."""
    wish = even
    if weights is not None:
        wish = even * weights[c]
    for r in range(pulls.size):
        chance = gradient[r] * inverses[r]
        slope = pulls[r] * chance
        if smoothing is not None:
            slope -= wish
        if softcap is None:
            gradient[r] = factors[r] * slope
            if curvature is not None:
                curvature[r] = factors[r] * ((bends[r] + lift) * chance * chance + pulls[r] * chance * (1.0 - chance))
        else:
            tilt = cap_slope(row[r], softcap)
            gradient[r] = factors[r] * slope * tilt
            if curvature is not None:
                second = (bends[r] + lift) * chance * chance + pulls[r] * chance * (1.0 - chance)
                curvature[r] = factors[r] * (second * tilt * tilt + slope * cap_curvature(row[r], softcap))


def label_tile(
    tile, stride, classes, labels, ignored, weights, row_weights, smoothing, z_loss, softcap, params, scale,
    values, gradient, curvature, scratch, wide,
):  # type: ignore[no-untyped-def]
    """One tile: the float64 sum of its weighted values; writes the outputs that are not None."""
    out_of_line()
    n = labels.size
    peaks, sums, pulls, bends = scratch[0, :n], scratch[1, :n], scratch[2, :n], scratch[3, :n]
    inverses, factors, own_gradients, own_curvatures = scratch[4, :n], scratch[5, :n], scratch[6, :n], scratch[7, :n]
    rests, distances = wide[0, :n], wide[1, :n]
    fill(peaks, -np.inf)
    fill(sums, 0.0)
    wide[:, :n] = 0.0
    for c in range(classes):
        raise_peaks(tile[c * stride : c * stride + n], peaks)
    if softcap is not None:
        for r in range(n):
            peaks[r] = capped(peaks[r], softcap)
    for c in range(classes):
        row = tile[c * stride : c * stride + n]
        add_exponentials(row, peaks, labels, c, softcap, sums, part(gradient, c * stride, c * stride + n))
        if c % GROUP == GROUP - 1 or c == classes - 1:
            flush(sums, rests)
    mass = narrow(classes)
    if smoothing is not None:
        if weights is not None:
            mass = 0.0
            for c in range(classes):
                mass += weights[c]
        for c in range(classes):
            add_gaps(tile[c * stride : c * stride + n], peaks, weights, c, softcap, sums)
            if c % GROUP == GROUP - 1 or c == classes - 1:
                flush(sums, distances)
    even = 0.0
    if smoothing is not None:
        even = smoothing / narrow(classes)
    lift = 0.0
    if z_loss is not None:
        lift = 2.0 * z_loss
    total_value = np.float64(0.0)
    for r in range(n):
        label = np.int64(labels[r])
        counts = label != ignored
        own_raw = tile[(label if counts else 0) * stride + r]
        distance = peaks[r] - capped(own_raw, softcap)
        own_sum = exp(-distance)
        sums[r] = rests[r]
        rest_sum = sums[r]
        total = rest_sum + own_sum
        log_total = log1p(rest_sum) if distance == 0.0 else log(total)
        inverse = 1.0 / total
        rest = rest_sum * inverse
        value, slope, bend = link(-distance - log_total, rest, params)
        weight = 1.0
        if weights is not None:
            weight = weights[label if counts else 0]
        keep = weight
        if smoothing is not None:
            keep = weight * (1.0 - smoothing)
        value, slope, bend = value * keep, slope * keep, bend * keep
        pull = -slope
        if smoothing is not None:
            sums[r] = distances[r]
            value += even * (sums[r] + mass * log_total)
            pull += even * mass
        if z_loss is not None:
            log_normaliser = peaks[r] + log_total
            value += z_loss * log_normaliser * log_normaliser
            pull += lift * log_normaliser
        factor = scale
        if row_weights is not None:
            value = value * row_weights[r]
            factor = scale * row_weights[r]
        if gradient is not None:
            own = own_sum * inverse
            own_gradient = slope * rest + (pull + slope) * own
            if smoothing is not None:
                own_gradient -= even if weights is None else even * weight
            tilt = cap_slope(own_raw, softcap)
            own_gradients[r] = factor * own_gradient * tilt if counts else 0.0
            if curvature is not None:
                second = bend * rest * rest + pull * own * rest + lift * own * own
                curve = second * tilt * tilt + own_gradient * cap_curvature(own_raw, softcap)
                own_curvatures[r] = factor * curve if counts else 0.0
            pulls[r], bends[r], inverses[r], factors[r] = pull, bend, inverse, factor
        value = value if counts else 0.0
        if values is not None:
            values[r] = value
        total_value += value
    if gradient is not None:
        for c in range(classes):
            low, high = c * stride, c * stride + n
            scale_class(
                tile[low:high], c, weights, smoothing, even, pulls, bends, lift, inverses, factors, softcap,
                gradient[low:high], part(curvature, low, high),
            )
        for r in range(n):
            label = np.int64(labels[r])
            if label == ignored:
                for c in range(classes):
                    gradient[c * stride + r] = 0.0
                    if curvature is not None:
                        curvature[c * stride + r] = 0.0
            else:
                gradient[label * stride + r] = own_gradients[r]
                if curvature is not None:
                    curvature[label * stride + r] = own_curvatures[r]
    return total_value


def label_planes(
    flat, positions, classes, labels, ignored, weights, row_weights, smoothing, z_loss, softcap, params, scale,
    values, gradient, curvature,
):  # type: ignore[no-untyped-def]
    """Contiguous (batch, class, position): the tiles lie in memory as they are."""
    tiles = (positions + SPAN - 1) // SPAN
    batch = labels.size // positions
    partials = np.empty(batch * tiles, np.float64)
    for task in prange(batch * tiles):
        scratch = np.empty((8, SPAN), flat.dtype)
        wide = np.empty((2, SPAN), np.float64)
        sample = task // tiles
        first = (task % tiles) * SPAN
        last = min(first + SPAN, positions)
        low = sample * positions + first
        high = sample * positions + last
        begin = sample * positions * classes + first
        end = sample * positions * classes + (classes - 1) * positions + last
        partials[task] = label_tile(
            flat[begin:end], positions, classes, labels[low:high], ignored, weights, part(row_weights, low, high),
            smoothing, z_loss, softcap, params, scale, part(values, low, high), part(gradient, begin, end),
            part(curvature, begin, end), scratch, wide,
        )
    return in_order(partials)


def label_small(
    flat, stride, classes, labels, ignored, weights, row_weights, smoothing, z_loss, softcap, params, scale,
    values, gradient, curvature,
):  # type: ignore[no-untyped-def]
    """Rows of few classes: transposed, tile by tile, into scratch memory and back."""
    rows = labels.size
    step = 16 * WIDTH
    partials = np.empty((rows + step - 1) // step, np.float64)
    for b in prange(partials.size):
        partials[b] = label_small_block(
            b * step, min(b * step + step, rows), flat, stride, classes, labels, ignored, weights, row_weights,
            smoothing, z_loss, softcap, params, scale, values, gradient, curvature,
        )
    return in_order(partials)


def label_small_block(
    first, last, flat, stride, classes, labels, ignored, weights, row_weights, smoothing, z_loss, softcap, params,
    scale, values, gradient, curvature,
):  # type: ignore[no-untyped-def]
    """The rows of one parallel task."""
    out_of_line()
    scratch = np.empty((8, WIDTH), flat.dtype)
    wide = np.empty((2, WIDTH), np.float64)
    tile = np.empty(classes * WIDTH, flat.dtype)
    slopes = None if gradient is None else np.empty(classes * WIDTH, flat.dtype)
    bends = None if curvature is None else np.empty(classes * WIDTH, flat.dtype)
    total = np.float64(0.0)
    for low in range(first, last, WIDTH):
        high = min(low + WIDTH, last)
        n = high - low
        side_by_side(flat[low * stride : (high - 1) * stride + classes], stride, classes, n, tile)
        total += label_tile(
            tile, WIDTH, classes, labels[low:high], ignored, weights, part(row_weights, low, high), smoothing,
            z_loss, softcap, params, scale, part(values, low, high), slopes, bends, scratch, wide,
        )
        if gradient is not None:
            one_by_one(slopes, classes, n, gradient[low * classes : high * classes])
        if curvature is not None:
            one_by_one(bends, classes, n, curvature[low * classes : high * classes])
    return total


def side_by_side(rows, stride, classes, n, tile):  # type: ignore[no-untyped-def]
    """Transpose `n` rows into a tile."""
    for r in range(n):
        row = rows[r * stride : r * stride + classes]
        for c in range(classes):
            tile[c * WIDTH + r] = row[c]


def one_by_one(tile, classes, n, rows):  # type: ignore[no-untyped-def]
    """Transpose a tile back into `n` rows."""
    for r in range(n):
        row = rows[r * classes : r * classes + classes]
        for c in range(classes):
            row[c] = tile[c * WIDTH + r]
