"""Softmax losses with a probability for every class: the expectation of the loss of one class over the target."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from numbaloss.compile.primitives import exp, expm1
from numbaloss.kernels.cpu.intrinsics import disjoint, out_of_line, part
from numbaloss.kernels.cpu.pointwise import in_order
from numbaloss.kernels.cpu.row import (
    STRIP,
    cap_curvature,
    cap_slope,
    capped,
    log_normaliser_above,
    log_probability,
    narrow,
    peak,
)
from numbaloss.kernels.cpu.softmax_labels import WORK


def link(log_prob: Any, rest: Any, params: Any) -> Any:
    """Open name: (value, slope, curvature) as a function of a log-probability and of one minus the probability."""
    raise NotImplementedError


def wish(targets, weights, smoothing, j, classes):  # type: ignore[no-untyped-def]
    """The smoothed and weighted target of class `j`."""
    target = targets[j]
    if smoothing is not None:
        target = target * (1.0 - smoothing) + smoothing / classes
    if weights is not None:
        target = target * weights[j]
    return target


def expect_strip(row, targets, weights, smoothing, softcap, params, highest, log_total, classes):  # type: ignore[no-untyped-def]
    """Expectations of value, slope and curvature over the target."""
    value_sum, slope_sum, bend_sum = 0.0, 0.0, 0.0
    for j in range(row.size):
        log_prob = log_probability(capped(row[j], softcap), highest, log_total)
        value, slope, bend = link(log_prob, -expm1(log_prob), params)
        target = wish(targets, weights, smoothing, j, classes)
        value_sum += value * target if target != 0.0 else 0.0
        slope_sum += slope * target
        bend_sum += bend * target
    return value_sum, slope_sum, bend_sum


def write_strip(
    row, targets, weights, smoothing, softcap, params, highest, log_total, classes, slopes, bends, lse_pull, lift,
    factor, inverse, gradient, curvature, target_gradient,
):  # type: ignore[no-untyped-def]
    """Gradient by the logits and by the targets, and the Hessian, of one strip."""
    for j in range(row.size):
        log_prob = log_probability(capped(row[j], softcap), highest, log_total)
        chance = exp(log_prob) if gradient is None else gradient[j] * inverse
        value, slope, bend = link(log_prob, -expm1(log_prob), params)
        target = wish(targets, weights, smoothing, j, classes)
        first = target * slope - chance * (slopes - lse_pull)
        if gradient is not None:
            gradient[j] = factor * first * cap_slope(row[j], softcap)
        if curvature is not None:
            second = (
                target * bend * (1.0 - 2.0 * chance)
                + chance * chance * (bends + lift)
                - chance * (1.0 - chance) * (slopes - lse_pull)
            )
            tilt = cap_slope(row[j], softcap)
            curvature[j] = factor * (second * tilt * tilt + first * cap_curvature(row[j], softcap))
        if target_gradient is not None:
            by_target = factor * value
            if weights is not None:
                by_target = by_target * weights[j]
            if smoothing is not None:
                by_target = by_target * (1.0 - smoothing)
            target_gradient[j] = by_target


@disjoint
@out_of_line
def probability_row(
    row, targets, weights, smoothing, z_loss, softcap, params, factor, gradient, curvature, target_gradient
):  # type: ignore[no-untyped-def]
    """The row's unreduced value; writes `factor` times its derivatives where these are not None."""
    classes = narrow(row.size)
    highest = capped(peak(row), softcap)
    log_total = log_normaliser_above(row, highest, softcap, 1.0, gradient)
    values, slopes, bends = np.float64(0.0), np.float64(0.0), np.float64(0.0)
    for low in range(0, row.size, STRIP):
        high = min(low + STRIP, row.size)
        one, two, three = expect_strip(
            part(row, low, high), part(targets, low, high), part(weights, low, high), smoothing, softcap, params,
            highest, log_total, classes,
        )
        values += one
        slopes += two
        bends += three
    value = narrow(values)
    lse_pull, lift = 0.0, 0.0
    if z_loss is not None:
        log_normaliser = highest + log_total
        value += z_loss * log_normaliser * log_normaliser
        lse_pull = 2.0 * z_loss * log_normaliser
        lift = 2.0 * z_loss
    if gradient is not None or target_gradient is not None:
        for low in range(0, row.size, STRIP):
            high = min(low + STRIP, row.size)
            write_strip(
                part(row, low, high), part(targets, low, high), part(weights, low, high), smoothing, softcap, params,
                highest, log_total, classes, narrow(slopes), narrow(bends), lse_pull, lift, factor, exp(-log_total),
                part(gradient, low, high), part(curvature, low, high), part(target_gradient, low, high),
            )
    return value


def probability_rows(
    flat, targets, classes, weights, row_weights, smoothing, z_loss, softcap, params, scale, values, gradient,
    curvature, target_gradient,
):  # type: ignore[no-untyped-def]
    """All rows of contiguous (rows, classes) logits and targets: the float64 sum of the weighted values."""
    rows = flat.size // classes
    step = max(1, WORK // classes)
    partials = np.empty((rows + step - 1) // step, np.float64)
    for b in prange(partials.size):
        partials[b] = probability_block(
            b * step, min(b * step + step, rows), flat, targets, classes, weights, row_weights, smoothing, z_loss,
            softcap, params, scale, values, gradient, curvature, target_gradient,
        )
    return in_order(partials)


@disjoint
@out_of_line
def probability_block(
    first, last, flat, targets, classes, weights, row_weights, smoothing, z_loss, softcap, params, scale, values,
    gradient, curvature, target_gradient,
):  # type: ignore[no-untyped-def]
    """The rows of one parallel task."""
    total = np.float64(0.0)
    for i in range(first, last):
        low, high = i * classes, i * classes + classes
        factor = scale
        if row_weights is not None:
            factor = scale * row_weights[i]
        value = probability_row(
            part(flat, low, high), part(targets, low, high), weights, smoothing, z_loss, softcap, params, factor,
            part(gradient, low, high), part(curvature, low, high), part(target_gradient, low, high),
        )
        if row_weights is not None:
            value = value * row_weights[i]
        if values is not None:
            values[i] = value
        total += value
    return total
