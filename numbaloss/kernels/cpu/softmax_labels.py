"""Softmax losses with one class label a row, each row contiguous: all derivatives in two sweeps of the row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from numbaloss.compile.primitives import exp
from numbaloss.kernels.cpu.intrinsics import ahead, empty, out_of_line, part
from numbaloss.kernels.cpu.pointwise import in_order
from numbaloss.kernels.cpu.row import (
    RUN,
    cap_curvature,
    cap_slope,
    capped,
    fill,
    gaps,
    log_probability,
    log_sum,
    narrow,
    other_exponentials,
    peak,
    slope_scale,
)

WORK = 16384  # elements a parallel task takes on, one row after another
NEAR = 2048  # classes up to which the next row is asked for while one is computed: longer ones would push it out again


def link(log_prob: Any, rest: Any, params: Any) -> Any:
    """Open name: (value, slope, curvature) by the label's log-probability and one minus its probability."""
    raise NotImplementedError


@out_of_line
def label_row(
    row, label, weights, smoothing, z_loss, softcap, apart, params, factor, gradient, curvature, spare
):  # type: ignore[no-untyped-def]
    """The row's unreduced value; writes ``factor`` times its gradient and Hessian where these are not None.

    Where `apart` is None, the gradient is written over the row.
    """
    top = peak(row)
    highest = capped(top, softcap)
    own_logit = capped(row[label], softcap)
    distance = 0.0 if row[label] == top else highest - own_logit
    distance_sum, mass = np.float64(0.0), np.float64(0.0)
    if smoothing is not None:  # before the exponentials: the gradient may overwrite the row
        distance_sum, mass = gaps(row, highest, softcap, weights)
    rest_sum = narrow(other_exponentials(row, label, highest, softcap, apart, gradient, spare))
    own_sum = exp(-distance)
    total = rest_sum + own_sum
    log_total = log_sum(rest_sum, own_sum, distance)
    rest = rest_sum / total
    value, slope, bend = link(log_probability(own_logit, highest, log_total), rest, params)
    weight = 1.0
    if weights is not None:
        weight = weights[label]
    keep = weight
    if smoothing is not None:
        keep = weight * (1.0 - smoothing)
    value, slope, bend = value * keep, slope * keep, bend * keep
    extra = 0.0  # coefficient of every probability, beside the slope
    even = 0.0  # what label smoothing asks of every class of weight 1
    if smoothing is not None:
        even = smoothing / narrow(row.size)
        value += even * narrow(distance_sum + mass * log_total)
        extra += even * narrow(mass)
    lift = 0.0
    if z_loss is not None:
        log_normaliser = highest + log_total
        value += z_loss * log_normaliser * log_normaliser
        extra += 2.0 * z_loss * log_normaliser
        lift = 2.0 * z_loss
    pull = extra - slope
    if gradient is not None:
        own = own_sum / total
        own_even = even if weights is None else even * weights[label]
        own_gradient = slope * rest + extra * own - own_even
        write_row(
            row, weights, smoothing, even, pull, bend, lift, 1.0 / total, softcap, factor, gradient, curvature
        )
        gradient[label] = factor * own_gradient * cap_slope(row[label], softcap)
        if curvature is not None:
            tilt = cap_slope(row[label], softcap)
            second = bend * rest * rest + pull * own * rest + lift * own * own
            curvature[label] = factor * (second * tilt * tilt + own_gradient * cap_curvature(row[label], softcap))
    return value


def write_row(
    row, weights, smoothing, even, pull, bend, lift, inverse, softcap, factor, gradient, curvature
):  # type: ignore[no-untyped-def]
    """Gradient and Hessian of every class, as of one that is not the label, from the exponentials in `gradient`."""
    scale = slope_scale(pull, inverse, factor)
    wish = even * factor
    for j in range(row.size):
        if curvature is None and softcap is None:
            slope = gradient[j] * scale
            if smoothing is not None:
                slope -= wish if weights is None else wish * weights[j]
            gradient[j] = slope
        else:
            chance = gradient[j] * inverse
            slope = pull * chance
            if smoothing is not None:
                slope -= even if weights is None else even * weights[j]
            tilt = cap_slope(row[j], softcap)
            gradient[j] = factor * slope * tilt
            if curvature is not None:
                second = (bend + lift) * chance * chance + pull * chance * (1.0 - chance)
                curvature[j] = factor * (second * tilt * tilt + slope * cap_curvature(row[j], softcap))


def label_rows(
    flat, stride, classes, labels, ignored, weights, row_weights, smoothing, z_loss, softcap, apart, params, scale,
    values, gradient, curvature,
):  # type: ignore[no-untyped-def]
    """All rows; row i starts at ``flat[i * stride]``. Gives the float64 sum of the weighted values, in row order."""
    rows = labels.size
    step = max(1, WORK // classes)
    blocks = (rows + step - 1) // step
    partials = empty(blocks, np.float64)
    for b in prange(blocks):
        partials[b] = label_block(
            b * step, min(b * step + step, rows), flat, stride, classes, labels, ignored, weights, row_weights,
            smoothing, z_loss, softcap, apart, params, scale, values, gradient, curvature,
        )
    return in_order(partials)


@out_of_line
def label_block(
    first, last, flat, stride, classes, labels, ignored, weights, row_weights, smoothing, z_loss, softcap, apart,
    params, scale, values, gradient, curvature,
):  # type: ignore[no-untyped-def]
    """The rows of one parallel task."""
    total = np.float64(0.0)
    spare = empty(2 * RUN, flat.dtype)
    for i in range(first, last):
        label = np.int64(labels[i])
        if classes <= NEAR:
            ahead(flat, (i + 1) * stride, classes)
        gradient_row = part(gradient, i * classes, i * classes + classes)
        curvature_row = part(curvature, i * classes, i * classes + classes)
        value = 0.0
        if label == ignored:
            fill(gradient_row, 0.0)
            fill(curvature_row, 0.0)
        else:
            row = part(flat, i * stride, i * stride + classes)
            factor = scale
            if row_weights is not None:
                factor = scale * row_weights[i]
            value = label_row(
                row, label, weights, smoothing, z_loss, softcap, apart, params, factor, gradient_row, curvature_row,
                spare,
            )
            if row_weights is not None:
                value = value * row_weights[i]
        if values is not None:
            values[i] = value
        total += value
    return total
