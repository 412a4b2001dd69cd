"""Triplets of a batch: an anchor, one of its label and one of another, chosen by their distances.

A strip holds the distances of some anchors to all vectors. As in tiles, the vectors of an anchor's label are those from
``low[i]`` to ``high[i]``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from numbaloss.compile.primitives import maximum, minimum, sqrt
from numbaloss.kernels.cpu.intrinsics import out_of_line, strict

ROWS = 4  # anchors a parallel task takes on
NEAR = 0.25  # of the squares: below it their difference has lost digits


def link(gap: Any, params: Any) -> Any:
    """Open name: (value, slope) of a triplet by how much nearer the other label is."""
    raise NotImplementedError


@strict
def square_of(one, two, product):  # type: ignore[no-untyped-def]
    return (one + two) - 2.0 * product


def apart(one, two):  # type: ignore[no-untyped-def]
    """The squared distance, from the differences."""
    total = 0.0
    for k in range(one.size):
        gap = one[k] - two[k]
        total += gap * gap
    return total


@out_of_line
def distances_of_rows(first, last, tile, rows, columns, ones, twos, row, column, strip):  # type: ignore[no-untyped-def]
    for i in range(first, last):
        line, one, out = tile[i], ones[row + i], strip[i]
        near = False
        for j in range(line.size):
            square = square_of(one, twos[column + j], line[j])
            near |= square < NEAR * (one + twos[column + j])
            out[column + j] = sqrt(maximum(square, 0.0))
        if near:
            for j in range(line.size):
                both = one + twos[column + j]
                if square_of(one, twos[column + j], line[j]) < NEAR * both:
                    out[column + j] = sqrt(apart(rows[i], columns[j]))


def distances(tile, rows, columns, squares, row, column, strip):  # type: ignore[no-untyped-def]
    """Write the distances of some vectors to some others into the strip of the former; `tile` holds their products."""
    for b in prange((tile.shape[0] + ROWS - 1) // ROWS):
        distances_of_rows(
            b * ROWS, min(b * ROWS + ROWS, tile.shape[0]), tile, rows, columns, squares, squares, row, column, strip
        )


def largest(line):  # type: ignore[no-untyped-def]
    found = -np.inf
    for j in range(line.size):
        found = maximum(found, line[j])
    return found


def smallest(line):  # type: ignore[no-untyped-def]
    found = np.inf
    for j in range(line.size):
        found = minimum(found, line[j])
    return found


def place_of(line, begin, end, own, value):  # type: ignore[no-untyped-def]
    """Where in a part of a line a value is first; its begin, where there is nan."""
    for j in range(begin, end):
        if line[j] == value and j != own:
            return j
    return begin


def slant(factor, distance):  # type: ignore[no-untyped-def]
    """A slope by a distance as the factor of a difference of vectors; none where they are the same."""
    return factor / distance if distance != 0.0 else 0.0 * factor


@out_of_line
def hardest_of_rows(first, last, strip, low, high, row, weights, params, values, triplets, wanted):  # type: ignore[no-untyped-def]
    for i in range(first, last):
        line, begin, end, own = strip[i], low[row + i], high[row + i], row + i
        exists = end - begin > 1 and end - begin < line.size
        far, near, pulled, pushed = 0, 0, 0.0, 0.0
        if exists:
            partner = maximum(largest(line[begin:own]), largest(line[own + 1 : end]))
            rival = minimum(smallest(line[:begin]), smallest(line[end:]))
            far = place_of(line, begin, end, own, partner)
            near = place_of(line, 0, begin, own, rival)
            if begin == 0 or (line[near] != rival and end < line.size):
                near = place_of(line, end, line.size, own, rival)
            value, slope = link(partner - rival, params)
            values[row + i], triplets[row + i] = value, 1.0
            factor = weights[row + i] * slope
            pulled, pushed = slant(factor, partner), slant(-factor, rival)
        if wanted is not None:
            for j in range(line.size):
                line[j] = 0.0
            if exists:
                line[far], line[near] = pulled, pushed


def hardest(strip, low, high, row, weights, params, values, triplets, active, wanted):  # type: ignore[no-untyped-def]
    """Of each anchor: the farthest of its label with the nearest of the others.

    With `wanted` not None, the strip becomes the factors of the differences between the anchors and all vectors.
    """
    for b in prange((strip.shape[0] + ROWS - 1) // ROWS):
        hardest_of_rows(
            b * ROWS, min(b * ROWS + ROWS, strip.shape[0]), strip, low, high, row, weights, params, values, triplets,
            wanted,
        )
    for i in range(strip.shape[0]):
        active[row + i] = triplets[row + i]


def against(line, distance, params, pushes):  # type: ignore[no-untyped-def]
    """One pair against all in `line`: the sums of values, of those above zero and of slopes; and each one's slopes."""
    value_sum, count, slope_sum = 0.0, 0, 0.0
    for j in range(line.size):
        value, slope = link(distance - line[j], params)
        value_sum += value
        count += value > 0.0
        slope_sum += slope
        if pushes is not None:
            pushes[j] += slope
    return value_sum, count, slope_sum


@out_of_line
def all_of_rows(
    first, last, strip, low, high, row, weights, params, values, triplets, active, wanted
):  # type: ignore[no-untyped-def]
    size = strip.shape[1]
    pushes, pulls = np.empty(size, strip.dtype), np.empty(size, strip.dtype)
    for i in range(first, last):
        line, begin, end, own = strip[i], low[row + i], high[row + i], row + i
        for j in range(size):
            pushes[j], pulls[j] = 0.0, 0.0
        total, count = np.float64(0.0), 0
        for p in range(begin, end):
            if p != own:
                one, some, slope1 = against(line[:begin], line[p], params, pushes[:begin])
                two, more, slope2 = against(line[end:], line[p], params, pushes[end:])
                total += one
                total += two
                count += some + more
                pulls[p] = slope1 + slope2
        values[row + i], active[row + i] = total, count
        triplets[row + i] = (end - begin - 1) * (size - (end - begin))
        if wanted is not None:
            factor = weights[row + i]
            for j in range(size):
                line[j] = slant(factor * (pulls[j] - pushes[j]), line[j])
            line[own] = 0.0


def everyone(strip, low, high, row, weights, params, values, triplets, active, wanted):  # type: ignore[no-untyped-def]
    """Of each anchor: each of its label with each of the others. The strip as in `hardest`."""
    for b in prange((strip.shape[0] + ROWS - 1) // ROWS):
        all_of_rows(
            b * ROWS, min(b * ROWS + ROWS, strip.shape[0]), strip, low, high, row, weights, params, values, triplets,
            active, wanted,
        )
