"""Losses of how far the other classes' scores come up to those of the right ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from numbaloss.compile.primitives import maximum
from numbaloss.kernels.cpu.intrinsics import disjoint, empty, out_of_line, part
from numbaloss.kernels.cpu.pointwise import in_order
from numbaloss.kernels.cpu.row import fill, narrow, peak

WORK = 16384  # elements a parallel task takes on, one row after another


def link(gap: Any, params: Any) -> Any:
    """Open name: (value, slope, curvature) as a function of how far one score is above that of a right class."""
    raise NotImplementedError


def task(
    first, last, flat, stride, classes, labels, weights, row_weights, params, scale, values, gradient, curvature
):  # type: ignore[no-untyped-def]
    """Open name, one of the blocks here or in `margin_tiles`: the rows of one parallel task."""
    raise NotImplementedError


def pushes(row, own, params, factor, gradient, curvature):  # type: ignore[no-untyped-def]
    """Sums of values, slopes and curvatures over a run of classes that are not right ones; writes theirs."""
    value_sum, slope_sum, bend_sum = 0.0, 0.0, 0.0
    for j in range(row.size):
        value, slope, bend = link(row[j] - own, params)
        value_sum += value
        slope_sum += slope
        bend_sum += bend
        if gradient is not None:
            gradient[j] = factor * slope
        if curvature is not None:
            curvature[j] = factor * bend
    return value_sum, slope_sum, bend_sum


@disjoint
@out_of_line
def margin_block(
    first, last, flat, stride, classes, labels, weights, row_weights, params, scale, values, gradient, curvature
):  # type: ignore[no-untyped-def]
    """The rows of one parallel task, one right class each."""
    total = np.float64(0.0)
    inverse = 1.0 / narrow(classes)
    for i in range(first, last):
        row = flat[i * stride : i * stride + classes]
        begin, label = i * classes, np.int64(labels[i])
        share = inverse
        if weights is not None:
            share = share * weights[label]
        if row_weights is not None:
            share = share * row_weights[i]
        factor, own, after = scale * share, row[label], label + 1
        value, slope, bend = pushes(
            row[:label], own, params, factor, part(gradient, begin, begin + label),
            part(curvature, begin, begin + label),
        )
        value2, slope2, bend2 = pushes(
            row[after:], own, params, factor, part(gradient, begin + after, begin + classes),
            part(curvature, begin + after, begin + classes),
        )
        if gradient is not None:
            gradient[begin + label] = -factor * (slope + slope2)
        if curvature is not None:
            curvature[begin + label] = factor * (bend + bend2)
        value = share * (value + value2)
        if values is not None:
            values[i] = value
        total += value
    return total


def hardest_wrong(row, label):  # type: ignore[no-untyped-def]
    """Where the highest score of a wrong class is, the first of several; a nan among them; -1 if there is none."""
    place, highest = -1, row[label]
    if label > 0:
        highest = peak(row[:label])
    if label + 1 < row.size:
        after = peak(row[label + 1 :])
        highest = maximum(highest, after) if label > 0 else after
    for j in range(row.size):
        if j != label and (row[j] == highest or (highest != highest and row[j] != row[j])):
            place = j
            break
    return place


@disjoint
@out_of_line
def hardest_block(
    first, last, flat, stride, classes, labels, weights, row_weights, params, scale, values, gradient, curvature
):  # type: ignore[no-untyped-def]
    """The rows of one parallel task, one right class and one wrong class each."""
    total = np.float64(0.0)
    for i in range(first, last):
        row = flat[i * stride : i * stride + classes]
        begin, label = i * classes, np.int64(labels[i])
        share = narrow(1.0)
        if weights is not None:
            share = share * weights[label]
        if row_weights is not None:
            share = share * row_weights[i]
        fill(part(gradient, begin, begin + classes), 0.0)
        fill(part(curvature, begin, begin + classes), 0.0)
        value, place = narrow(0.0), hardest_wrong(row, label)
        if place >= 0:
            value, slope, bend = link(row[place] - row[label], params)
            value = share * value
            if gradient is not None:
                gradient[begin + place] = scale * share * slope
                gradient[begin + label] = -scale * share * slope
            if curvature is not None:
                curvature[begin + place] = scale * share * bend
                curvature[begin + label] = scale * share * bend
        if values is not None:
            values[i] = value
        total += value
    return total


def margin_rows(
    rows, step, flat, stride, classes, labels, weights, row_weights, params, scale, values, gradient, curvature
):  # type: ignore[no-untyped-def]
    """All rows, `step` a task: the float64 sum of the weighted values, in row order."""
    partials = empty((rows + step - 1) // step, np.float64)
    for b in prange(partials.size):
        partials[b] = task(
            b * step, min(b * step + step, rows), flat, stride, classes, labels, weights, row_weights, params, scale,
            values, gradient, curvature,
        )
    return in_order(partials)


def push_others(row, own, right, params, slopes, bends):  # type: ignore[no-untyped-def]
    """One right class against all classes that are not: adds to their slopes, gives the sums."""
    value_sum, slope_sum, bend_sum = 0.0, 0.0, 0.0
    for j in range(row.size):
        value, slope, bend = link(row[j] - own, params)
        wrong = right[j] == 0.0
        slope = slope if wrong else 0.0
        bend = bend if wrong else 0.0
        value_sum += value if wrong else 0.0
        slope_sum += slope
        bend_sum += bend
        if slopes is not None:
            slopes[j] += slope
        if bends is not None:
            bends[j] += bend
    return value_sum, slope_sum, bend_sum


def set_row(row, labels, right, params, slopes, bends):  # type: ignore[no-untyped-def]
    """One row whose right classes stand in `labels` up to the first negative entry."""
    fill(right, 0.0)
    fill(slopes, 0.0)
    fill(bends, 0.0)
    count = 0
    while count < labels.size and labels[count] >= 0:
        right[labels[count]] = 1.0
        count += 1
    total = 0.0
    for k in range(count):
        label = np.int64(labels[k])
        value, slope, bend = push_others(row, row[label], right, params, slopes, bends)
        total += value
        if slopes is not None:
            slopes[label] -= slope
        if bends is not None:
            bends[label] += bend
    return total


@disjoint
@out_of_line
def set_block(
    first, last, flat, stride, classes, labels, weights, row_weights, params, scale, values, gradient, curvature
):  # type: ignore[no-untyped-def]
    """The rows of one parallel task, a list of right classes each."""
    total = np.float64(0.0)
    right = empty(classes, flat.dtype)
    for i in range(first, last):
        low, high = i * classes, i * classes + classes
        slopes, bends = part(gradient, low, high), part(curvature, low, high)
        value = set_row(flat[i * stride : i * stride + classes], labels[low:high], right, params, slopes, bends)
        share = 1.0 / narrow(classes)
        if row_weights is not None:
            share = share * row_weights[i]
        multiply(slopes, scale * share)
        multiply(bends, scale * share)
        value = share * value
        if values is not None:
            values[i] = value
        total += value
    return total


def multiply(array, factor):  # type: ignore[no-untyped-def]
    """Multiply every element; nothing for None."""
    if array is not None:
        for j in range(array.size):
            array[j] *= factor


def check_sets(labels, classes):  # type: ignore[no-untyped-def]
    """The number of rows with a label of `classes` or more before the first negative one."""
    wrong = 0
    for i in range(labels.size // classes):
        for k in range(classes):
            label = np.int64(labels[i * classes + k])
            if label < 0:
                break
            if label >= classes:
                wrong += 1
                break
    return wrong
