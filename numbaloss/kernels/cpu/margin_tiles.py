"""Losses of how far few other classes' scores come up to the right one's, many rows at once; see `transpose`.

What a tile knows of each row lies in one scratch vector, a slot of `WIDTH` numbers for each quantity.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numbaloss.kernels.cpu.intrinsics import disjoint, empty, like, out_of_line, over, part
from numbaloss.kernels.cpu.row import fill, narrow
from numbaloss.kernels.cpu.transpose import WIDTH, one_by_one, side_by_side

LABEL, OWN, SHARE, RIVAL, PLACE = (k * WIDTH for k in range(5))
VALUE, SLOPE, BEND = (k * WIDTH for k in range(5, 8))
SLOTS = 8 * WIDTH
NOBODY = -1.0  # the place of a rival that is not there; the label of a row whose list has ended


def link(gap: Any, params: Any) -> Any:
    """Open name: (value, slope, curvature) as a function of how far one score is above that of the right class."""
    raise NotImplementedError


@disjoint
def gather(tile, labels, even, weights, row_weights, scratch):  # type: ignore[no-untyped-def]
    """Each row's label, the label's score, and what the row's value is multiplied by."""
    for r in range(labels.size):
        label = np.int64(labels[r])
        share = even
        if weights is not None:
            share = share * weights[label]
        if row_weights is not None:
            share = share * row_weights[r]
        scratch[LABEL + r] = narrow(label)
        scratch[OWN + r] = tile[label * WIDTH + r]
        scratch[SHARE + r] = share


def push(row, n, c, params, scale, scratch, sloped, bends):  # type: ignore[no-untyped-def]
    """Adds class `c` where it is not the label; writes its slopes over the scores (if `sloped`) and its curvatures."""
    own = narrow(c)
    for r in range(n):
        value, slope, bend = link(row[r] - scratch[OWN + r], params)
        wrong = scratch[LABEL + r] != own
        slope = slope if wrong else 0.0
        bend = bend if wrong else 0.0
        scratch[VALUE + r] += value if wrong else 0.0
        scratch[SLOPE + r] += slope
        scratch[BEND + r] += bend
        if sloped is not None:
            row[r] = scale * scratch[SHARE + r] * slope
        if bends is not None:
            bends[r] = scale * scratch[SHARE + r] * bend


@disjoint
def settle(labels, scale, scratch, slopes, bends):  # type: ignore[no-untyped-def]
    """The labels' slopes and curvatures: what all the others have, taken together."""
    for r in range(labels.size):
        place = np.int64(labels[r]) * WIDTH + r
        if slopes is not None:
            slopes[place] = -(scale * scratch[SHARE + r] * scratch[SLOPE + r])
        if bends is not None:
            bends[place] = scale * scratch[SHARE + r] * scratch[BEND + r]


def weighed(n, scratch, values):  # type: ignore[no-untyped-def]
    """The float64 sum of the weighted values of a tile."""
    total = np.float64(0.0)
    for r in range(n):
        value = scratch[SHARE + r] * scratch[VALUE + r]
        if values is not None:
            values[r] = value
        total += value
    return total


@out_of_line
def small_margin_block(
    first, last, flat, stride, classes, labels, weights, row_weights, params, scale, values, gradient, curvature
):  # type: ignore[no-untyped-def]
    """The rows of one parallel task, one right class each."""
    scratch, tile = empty(SLOTS, flat.dtype), empty(classes * WIDTH, flat.dtype)
    slopes, bends = over(tile, gradient, None), like(curvature, tile, tile.size)
    total, even = np.float64(0.0), 1.0 / narrow(classes)
    for low in range(first, last, WIDTH):
        high = min(low + WIDTH, last)
        n, here = high - low, part(labels, low, high)
        side_by_side(part(flat, low * stride, (high - 1) * stride + classes), stride, classes, n, tile)
        gather(tile, here, even, weights, part(row_weights, low, high), scratch)
        fill(part(scratch, VALUE, BEND + WIDTH), 0.0)
        for c in range(classes):
            begin, end = c * WIDTH, c * WIDTH + n
            push(part(tile, begin, end), n, c, params, scale, scratch, gradient, part(bends, begin, end))
        settle(here, scale, scratch, slopes, bends)
        total += weighed(n, scratch, part(values, low, high))
        if gradient is not None:
            one_by_one(slopes, classes, n, part(gradient, low * classes, high * classes))
        if curvature is not None:
            one_by_one(bends, classes, n, part(curvature, low * classes, high * classes))
    return total


def raise_rivals(row, n, c, scratch):  # type: ignore[no-untyped-def]
    """Where class `c` has the highest score of a wrong class so far, the first of several or a nan, it is the rival."""
    own = narrow(c)
    for r in range(n):
        score, highest = row[r], scratch[RIVAL + r]
        higher = (score > highest) | (scratch[PLACE + r] == NOBODY) | ((score != score) & (highest == highest))
        higher = higher & (scratch[LABEL + r] != own)
        scratch[RIVAL + r] = score if higher else highest
        scratch[PLACE + r] = own if higher else scratch[PLACE + r]


def compare(n, params, scratch):  # type: ignore[no-untyped-def]
    """Value, slope and curvature of each row, by the gap of its rival."""
    for r in range(n):
        value, slope, bend = link(scratch[RIVAL + r] - scratch[OWN + r], params)
        alone = scratch[PLACE + r] == NOBODY
        scratch[VALUE + r] = 0.0 if alone else value
        scratch[SLOPE + r] = 0.0 if alone else slope
        scratch[BEND + r] = 0.0 if alone else bend


@disjoint
def write(classes, labels, scale, scratch, gradient, curvature):  # type: ignore[no-untyped-def]
    """The gradient and Hessian of a tile's rows: of two classes each."""
    fill(gradient, 0.0)
    fill(curvature, 0.0)
    for r in range(labels.size):
        if scratch[PLACE + r] != NOBODY:
            own = r * classes + np.int64(labels[r])
            rival = r * classes + np.int64(scratch[PLACE + r])
            factor = scale * scratch[SHARE + r]
            if gradient is not None:
                gradient[rival] = factor * scratch[SLOPE + r]
                gradient[own] = -(factor * scratch[SLOPE + r])
            if curvature is not None:
                curvature[rival] = factor * scratch[BEND + r]
                curvature[own] = factor * scratch[BEND + r]


@out_of_line
def small_hardest_block(
    first, last, flat, stride, classes, labels, weights, row_weights, params, scale, values, gradient, curvature
):  # type: ignore[no-untyped-def]
    """The rows of one parallel task, one right class and one wrong class each."""
    scratch, tile = empty(SLOTS, flat.dtype), empty(classes * WIDTH, flat.dtype)
    total, even = np.float64(0.0), narrow(1.0)
    for low in range(first, last, WIDTH):
        high = min(low + WIDTH, last)
        n, here = high - low, part(labels, low, high)
        side_by_side(part(flat, low * stride, (high - 1) * stride + classes), stride, classes, n, tile)
        gather(tile, here, even, weights, part(row_weights, low, high), scratch)
        fill(part(scratch, RIVAL, RIVAL + WIDTH), 0.0)
        fill(part(scratch, PLACE, PLACE + WIDTH), NOBODY)
        for c in range(classes):
            raise_rivals(part(tile, c * WIDTH, c * WIDTH + n), n, c, scratch)
        compare(n, params, scratch)
        total += weighed(n, scratch, part(values, low, high))
        begin, end = low * classes, high * classes
        write(classes, here, scale, scratch, part(gradient, begin, end), part(curvature, begin, end))
    return total


@disjoint
def mark(labels, classes, n, right):  # type: ignore[no-untyped-def]
    """Ones where a class is among the row's right ones; how many the row with most of them has."""
    most = 0
    for r in range(n):
        count = 0
        while count < classes and labels[r * classes + count] >= 0:
            right[np.int64(labels[r * classes + count]) * WIDTH + r] = 1.0
            count += 1
        most = max(most, count)
    return most


@disjoint
def take(tile, labels, classes, n, k, scratch):  # type: ignore[no-untyped-def]
    """The label of each row at place `k` of its list, and that label's score; `NOBODY` from the list's end on."""
    for r in range(n):
        label = np.int64(labels[r * classes + k])
        there = label >= 0 and (k == 0 or scratch[LABEL + r] != NOBODY)
        scratch[LABEL + r] = narrow(label) if there else NOBODY
        scratch[OWN + r] = tile[(label if there else 0) * WIDTH + r]


@disjoint
def push_wrong(row, right, n, params, scratch, slopes, bends):  # type: ignore[no-untyped-def]
    """Adds what one class pushes the labels taken, where it is none of the right ones."""
    for r in range(n):
        value, slope, bend = link(row[r] - scratch[OWN + r], params)
        wrong = (right[r] == 0.0) & (scratch[LABEL + r] != NOBODY)
        slope = slope if wrong else 0.0
        bend = bend if wrong else 0.0
        scratch[VALUE + r] += value if wrong else 0.0
        scratch[SLOPE + r] += slope
        scratch[BEND + r] += bend
        if slopes is not None:
            slopes[r] += slope
        if bends is not None:
            bends[r] += bend


@disjoint
def push_back(n, scratch, slopes, bends):  # type: ignore[no-untyped-def]
    """Adds to the labels taken what all the others push them."""
    for r in range(n):
        if scratch[LABEL + r] != NOBODY:
            place = np.int64(scratch[LABEL + r]) * WIDTH + r
            if slopes is not None:
                slopes[place] -= scratch[SLOPE + r]
            if bends is not None:
                bends[place] += scratch[BEND + r]


@disjoint
def share_out(n, classes, even, scale, row_weights, scratch, slopes, bends):  # type: ignore[no-untyped-def]
    """Each row's share of the sum, and its slopes and curvatures multiplied by it."""
    for r in range(n):
        share = even
        if row_weights is not None:
            share = share * row_weights[r]
        scratch[SHARE + r] = share
    for c in range(classes):
        for r in range(n):
            if slopes is not None:
                slopes[c * WIDTH + r] *= scale * scratch[SHARE + r]
            if bends is not None:
                bends[c * WIDTH + r] *= scale * scratch[SHARE + r]


@out_of_line
def small_set_block(
    first, last, flat, stride, classes, labels, weights, row_weights, params, scale, values, gradient, curvature
):  # type: ignore[no-untyped-def]
    """The rows of one parallel task, a list of right classes each."""
    scratch, tile = empty(SLOTS, flat.dtype), empty(classes * WIDTH, flat.dtype)
    right = empty(tile.size, flat.dtype)
    slopes, bends = like(gradient, tile, tile.size), like(curvature, tile, tile.size)
    total, even = np.float64(0.0), 1.0 / narrow(classes)
    for low in range(first, last, WIDTH):
        high = min(low + WIDTH, last)
        n, here = high - low, part(labels, low * classes, high * classes)
        side_by_side(part(flat, low * stride, (high - 1) * stride + classes), stride, classes, n, tile)
        fill(right, 0.0)
        fill(slopes, 0.0)
        fill(bends, 0.0)
        fill(part(scratch, VALUE, VALUE + WIDTH), 0.0)
        for k in range(mark(here, classes, n, right)):
            take(tile, here, classes, n, k, scratch)
            fill(part(scratch, SLOPE, BEND + WIDTH), 0.0)
            for c in range(classes):
                begin, end = c * WIDTH, c * WIDTH + n
                push_wrong(
                    part(tile, begin, end), part(right, begin, end), n, params, scratch, part(slopes, begin, end),
                    part(bends, begin, end),
                )
            push_back(n, scratch, slopes, bends)
        share_out(n, classes, even, scale, part(row_weights, low, high), scratch, slopes, bends)
        total += weighed(n, scratch, part(values, low, high))
        if gradient is not None:
            one_by_one(slopes, classes, n, part(gradient, low * classes, high * classes))
        if curvature is not None:
            one_by_one(bends, classes, n, part(curvature, low * classes, high * classes))
    return total
