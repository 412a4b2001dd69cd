"""Losses of all pairs of vectors, a tile of cosines at a time.

A tile holds the cosines of some rows with some columns. Row `i` belongs to the columns from ``low[i]`` to ``high[i]``,
its *partners*; all other columns are its *rivals*. The relation is symmetric, so the rivals of a column are found the
same way. Where rows and columns are the same vectors, nobody is its own partner (`alone`).

Exponentials of scores are relative to running maxima; or to one number above all scores, `bound`, if the lowest is not
too far below it. Then they are computed once, over the rivals' cosines, for rows, columns and gradients alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from numbaloss.compile.primitives import exp, expm1, maximum
from numbaloss.kernels.cpu.intrinsics import out_of_line, strict
from numbaloss.kernels.cpu.pointwise import in_order

ROWS = 16  # rows of a tile a parallel task takes on
COLUMNS = 64  # columns a task takes on where columns are summed


def link(gap: Any, params: Any) -> Any:
    """Open name: (value, slope) of a pair by the rivals' height above it."""
    raise NotImplementedError


@strict
def gap_of(base, scale, cosine, extra):  # type: ignore[no-untyped-def]
    """How far the rivals are above a pair; in this order, so that equal scores leave `extra` alone."""
    return (base - scale * cosine) + extra


@strict
def score(scale, cosine):  # type: ignore[no-untyped-def]
    """Rounded before anything is taken off it: of the largest score, itself is taken off, and nothing is left."""
    return scale * cosine


def clipped(index, first, size):  # type: ignore[no-untyped-def]
    """An index among all columns, as one of a tile that begins at `first`."""
    return min(max(index - first, 0), size)


# ---- logarithms of sums of exponentials: a running maximum, and the sum relative to it


def highest(line, scale, top):  # type: ignore[no-untyped-def]
    for j in range(line.size):
        top = maximum(top, score(scale, line[j]))
    return top


def mass(line, scale, top):  # type: ignore[no-untyped-def]
    total = 0.0
    for j in range(line.size):
        total += exp(score(scale, line[j]) - top)
    return total


def faded(total, old, top):  # type: ignore[no-untyped-def]
    """A sum relative to `old`, relative to `top`; nothing yet where there was no term."""
    return total * exp(old - top) if total != 0.0 else total


def exponentials(line, scale, bound):  # type: ignore[no-untyped-def]
    """The sum of the exponentials, which are left in place of the cosines."""
    total = 0.0
    for j in range(line.size):
        line[j] = exp(score(scale, line[j]) - bound)
        total += line[j]
    return total


@out_of_line
def rivals_of_rows(first, last, tile, scale, bound, low, high, row, column, tops, sums):  # type: ignore[no-untyped-def]
    """Take the rivals in a tile into the sums of some of its rows."""
    width = tile.shape[1]
    for i in range(first, last):
        begin, end = clipped(low[row + i], column, width), clipped(high[row + i], column, width)
        line, old = tile[i], tops[row + i]
        added = np.float64(0.0)
        if bound is not None:
            added += exponentials(line[:begin], scale, bound)
            added += exponentials(line[end:], scale, bound)
            sums[row + i] += added
            continue
        top = highest(line[end:], scale, highest(line[:begin], scale, old))
        if begin > 0:
            added += mass(line[:begin], scale, top)
        if end < width:
            added += mass(line[end:], scale, top)
        sums[row + i] = faded(sums[row + i], old, top) + added
        tops[row + i] = top


def raised(line, scale, tops):  # type: ignore[no-untyped-def]
    for j in range(line.size):
        tops[j] = maximum(tops[j], score(scale, line[j]))


def added_up(line, scale, bound, tops, totals):  # type: ignore[no-untyped-def]
    for j in range(line.size):
        totals[j] += line[j] if bound is not None else exp(score(scale, line[j]) - tops[j])


@out_of_line
def rivals_of_columns(
    first, last, tile, scale, bound, low, high, row, column, tops, sums
):  # type: ignore[no-untyped-def]
    """Take the rivals in a tile into the sums of some of its columns."""
    new = np.empty(last - first, tile.dtype)
    totals = np.zeros(last - first, tile.dtype)
    for j in range(new.size):
        new[j] = tops[column + first + j]
    start = column + first
    if bound is None:
        for i in range(tile.shape[0]):
            begin, end = clipped(low[row + i], start, new.size), clipped(high[row + i], start, new.size)
            line = tile[i, first:last]
            raised(line[:begin], scale, new[:begin])
            raised(line[end:], scale, new[end:])
    for i in range(tile.shape[0]):
        begin, end = clipped(low[row + i], start, new.size), clipped(high[row + i], start, new.size)
        line = tile[i, first:last]
        added_up(line[:begin], scale, bound, new[:begin], totals[:begin])
        added_up(line[end:], scale, bound, new[end:], totals[end:])
    for j in range(new.size):
        sums[start + j] = faded(sums[start + j], tops[start + j], new[j]) + totals[j]
        tops[start + j] = new[j]


def gather_rivals(
    tile, scale, bound, low, high, row, column, tops, sums, column_tops, column_sums, both
):  # type: ignore[no-untyped-def]
    """Take a tile into the running sums over rivals of its rows and, if `both`, of its columns.

    With a `bound` all maxima are that, and the exponentials of the rivals' scores are left in the tile.
    """
    for b in prange((tile.shape[0] + ROWS - 1) // ROWS):
        rivals_of_rows(
            b * ROWS, min(b * ROWS + ROWS, tile.shape[0]), tile, scale, bound, low, high, row, column, tops, sums
        )
    if both:
        for b in prange((tile.shape[1] + COLUMNS - 1) // COLUMNS):
            rivals_of_columns(
                b * COLUMNS, min(b * COLUMNS + COLUMNS, tile.shape[1]), tile, scale, bound, low, high, row, column,
                column_tops, column_sums,
            )


@out_of_line
def partners_of_rows(
    first, last, tile, scale, low, high, row, column, alone, tops, sums
):  # type: ignore[no-untyped-def]
    """Take the partners in a tile into the sums of some of its rows."""
    width = tile.shape[1]
    for i in range(first, last):
        begin, end = clipped(low[row + i], column, width), clipped(high[row + i], column, width)
        own = min(max(row + i - column, begin), end) if alone else end
        past = min(own + 1, end) if row + i - column == own else own
        line, old = tile[i], tops[row + i]
        top = highest(line[past:end], scale, highest(line[begin:own], scale, old))
        added = np.float64(0.0)
        if begin < own:
            added += mass(line[begin:own], scale, top)
        if past < end:
            added += mass(line[past:end], scale, top)
        sums[row + i] = faded(sums[row + i], old, top) + added
        tops[row + i] = top


def gather_partners(tile, scale, low, high, row, column, alone, tops, sums):  # type: ignore[no-untyped-def]
    """Take a tile into the running sums over partners of its rows."""
    for b in prange((tile.shape[0] + ROWS - 1) // ROWS):
        partners_of_rows(
            b * ROWS, min(b * ROWS + ROWS, tile.shape[0]), tile, scale, low, high, row, column, alone, tops, sums
        )


# ---- values


@out_of_line
def pairs_of_rows(
    first, last, tile, scale, low, high, row, column, alone, stats, params, values, slopes
):  # type: ignore[no-untyped-def]
    width = tile.shape[1]
    for i in range(first, last):
        begin, end = clipped(low[row + i], column, width), clipped(high[row + i], column, width)
        own = row + i - column if alone else -1
        base, extra = stats[0, row + i], stats[1, row + i]
        value_sum, slope_sum = 0.0, 0.0
        for j in range(begin, end):
            value, slope = link(gap_of(base, scale, tile[i, j], extra), params)
            value_sum += value if j != own else 0.0
            slope_sum += slope if j != own else 0.0
        values[row + i] += value_sum
        slopes[row + i] += slope_sum


def value_pairs(
    tile, scale, low, high, row, column, alone, stats, params, values, slopes
):  # type: ignore[no-untyped-def]
    """Add the values and slopes of the pairs in a tile to those of their rows."""
    for b in prange((tile.shape[0] + ROWS - 1) // ROWS):
        pairs_of_rows(
            b * ROWS, min(b * ROWS + ROWS, tile.shape[0]), tile, scale, low, high, row, column, alone, stats, params,
            values, slopes,
        )


# ---- the slopes by the cosines, written over them


def weigh_rivals(line, scale, level, factor, levels, factors):  # type: ignore[no-untyped-def]
    """Over the cosines of a row: what the row's own pairs and the columns' pairs make of each as a rival."""
    for j in range(line.size):
        height = score(scale, line[j])
        line[j] = factor * exp(height - level) + factors[j] * exp(height - levels[j])


def weigh_risen(line, rise, rises):  # type: ignore[no-untyped-def]
    """The same over the exponentials of the scores."""
    for j in range(line.size):
        line[j] *= rise + rises[j]


@strict
def pull(gap, factor, share, slope, inclusive):  # type: ignore[no-untyped-def]
    """The slope by a pair's score: minus `share` times its own, and if it is its own rival, its part in that."""
    if inclusive is None:
        return -share * slope
    return factor * expm1(-gap) + (factor - share * slope)


def weigh_partners(
    line, own, scale, stats, i, columns, column, params, inclusive
):  # type: ignore[no-untyped-def]
    for j in range(line.size):
        one = gap_of(stats[0, i], scale, line[j], stats[1, i])
        two = gap_of(columns[0, column + j], scale, line[j], columns[1, column + j])
        slope_one, slope_two = link(one, params)[1], link(two, params)[1]
        slope = pull(one, stats[2, i], stats[3, i], slope_one, inclusive)
        slope += pull(two, columns[2, column + j], columns[3, column + j], slope_two, inclusive)
        line[j] = slope if j != own else 0.0


@out_of_line
def weigh_rows(
    first, last, tile, scale, bound, risen, low, high, row, column, alone, stats, columns, params, inclusive
):  # type: ignore[no-untyped-def]
    """Turn some rows of a tile into slopes."""
    width = tile.shape[1]
    levels, factors = columns[4, column : column + width], columns[2, column : column + width]
    rises = columns[5, column : column + width]
    for i in range(first, last):
        begin, end = clipped(low[row + i], column, width), clipped(high[row + i], column, width)
        line, k = tile[i], row + i
        if bound is None:
            weigh_rivals(line[:begin], scale, stats[4, k], stats[2, k], levels[:begin], factors[:begin])
            weigh_rivals(line[end:], scale, stats[4, k], stats[2, k], levels[end:], factors[end:])
        else:
            if not risen:
                exponentials(line[:begin], scale, bound)
                exponentials(line[end:], scale, bound)
            weigh_risen(line[:begin], stats[5, k], rises[:begin])
            weigh_risen(line[end:], stats[5, k], rises[end:])
        own = k - column - begin if alone else -1
        weigh_partners(line[begin:end], own, scale, stats, k, columns, column + begin, params, inclusive)


def weigh(
    tile, scale, bound, risen, low, high, row, column, alone, stats, columns, params, inclusive
):  # type: ignore[no-untyped-def]
    """Turn a tile of cosines into the slopes of the loss by the scores.

    `stats` holds for each row: the level of its rivals (in two parts), the sum of its pairs' slopes, the share of one
    pair, the level in one number, and the sum of slopes over the sum of exponentials relative to the `bound`; `columns`
    the same for each column. In a `risen` tile exponentials stand in place of the rivals' cosines.
    """
    for b in prange((tile.shape[0] + ROWS - 1) // ROWS):
        weigh_rows(
            b * ROWS, min(b * ROWS + ROWS, tile.shape[0]), tile, scale, bound, risen, low, high, row, column, alone,
            stats, columns, params, inclusive,
        )


# ---- losses of each pair for itself


def judge_line(line, sign, scale, bias, factor, params, sums):  # type: ignore[no-untyped-def]
    """Values and slopes of the pairs of one row; slopes are written over the cosines where `sums` is not None."""
    value_sum, slope_sum, product_sum = 0.0, 0.0, 0.0
    for j in range(line.size):
        cosine = line[j]
        value, slope = link(sign * (scale * cosine + bias), params)
        value_sum += value
        if sums is not None:
            slope = sign * factor * slope
            slope_sum += slope
            product_sum += slope * cosine
            line[j] = slope
    return value_sum, slope_sum, product_sum


@out_of_line
def judge_rows(
    first, last, tile, scale, bias, low, high, row, column, weights, params, values, sums
):  # type: ignore[no-untyped-def]
    width = tile.shape[1]
    slope_sum, product_sum = np.float64(0.0), np.float64(0.0)
    for i in range(first, last):
        begin, end = clipped(low[row + i], column, width), clipped(high[row + i], column, width)
        line, factor = tile[i], weights[row + i]
        value = np.float64(0.0)
        for part, sign in ((line[:begin], 1.0), (line[begin:end], -1.0), (line[end:], 1.0)):
            one, two, three = judge_line(part, sign, scale, bias, factor, params, sums)
            value += one
            slope_sum += two
            product_sum += three
        values[row + i] += value
    return slope_sum, product_sum


def judge(tile, scale, bias, low, high, row, column, weights, params, values, sums):  # type: ignore[no-untyped-def]
    """Add the values of all pairs in a tile to their rows; if `sums` is not None, write slopes by the scores.

    Rivals count by their score, partners by minus their score. `sums` gets the sum of the slopes, and of the slopes
    times the cosines.
    """
    blocks = (tile.shape[0] + ROWS - 1) // ROWS
    slopes, products = np.empty(blocks, np.float64), np.empty(blocks, np.float64)
    for b in prange(blocks):
        slopes[b], products[b] = judge_rows(
            b * ROWS, min(b * ROWS + ROWS, tile.shape[0]), tile, scale, bias, low, high, row, column, weights, params,
            values, sums,
        )
    if sums is not None:
        sums[0] += in_order(slopes)
        sums[1] += in_order(products)
