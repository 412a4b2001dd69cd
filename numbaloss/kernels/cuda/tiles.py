"""Losses of all pairs of vectors, a tile of cosines at a time; no more of them is ever in memory.

A block takes the tiles of some rows, one after the other in steps of `splits` tiles, and each of its threads the sums
of its own rows. What blocks found about a row lies in `partials`, by field, split and row. A row's *partners* are those
of its label, or where there are no labels its own number; others are its *rivals*.
"""

from __future__ import annotations

import math
from typing import Any

from numba import cuda, int64

from numbaloss.compile.cuda.unroll import unrolled
from numbaloss.compile.primitives import exp, expm1, log, maximum, softplus
from numbaloss.kernels.cuda.device import (
    THREADS,
    WARPS,
    block_max,
    block_sum,
    first_item,
    real,
    store,
    store_four,
    team_max,
    team_sum,
)
from numbaloss.kernels.cuda.product import CELLS, EACH, ROOM, TILE, own_column, own_row, tile

LOWEST = -math.inf
INCLUSIVE = False  # open name: whether a pair is among its own rivals
PER_PAIR = False  # open name: whether each pair counts in the mean, or each row


def link(gap: Any, params: Any) -> Any:
    """Open name: (value, slope) of a pair by the rivals' height above it."""
    raise NotImplementedError


def partners(labels, i, j):  # type: ignore[no-untyped-def]
    if labels is None:
        return i == j
    memory, origin, step = labels
    return memory[origin + i * step] == memory[origin + j * step] and i != j


def rivals(labels, i, j):  # type: ignore[no-untyped-def]
    if labels is None:
        return i != j
    memory, origin, step = labels
    return memory[origin + i * step] != memory[origin + j * step]


def weight_of(weights, i):  # type: ignore[no-untyped-def]
    if weights is None:
        return real(1.0)
    return weights[i]


# ---- logarithms of sums of exponentials: a running maximum, and the sum relative to it


def faded(total, old, top):  # type: ignore[no-untyped-def]
    """A sum relative to `old`, relative to `top`; nothing yet where there was no term."""
    return total * exp(old - top) if total != 0.0 else total


def logarithm(top, total):  # type: ignore[no-untyped-def]
    return LOWEST if total == 0.0 else top + log(total)


@unrolled
def gather(left, rows, right, columns, terms, scale, labels, splits, partials):  # type: ignore[no-untyped-def]
    """For each row: the top and the sum over its rivals, the same over its partners, and how many these are."""
    lefts = cuda.shared.array(ROOM, real, alignment=16)
    rights = cuda.shared.array(ROOM, real, alignment=16)
    sums = cuda.local.array(CELLS, real)
    tops, totals = cuda.local.array(EACH, real), cuda.local.array(EACH, real)
    near_tops, near_totals = cuda.local.array(EACH, real), cuda.local.array(EACH, real)
    counts = cuda.local.array(EACH, real)
    row, split = int64(cuda.blockIdx.x // splits) * TILE, cuda.blockIdx.x % splits
    for r in range(EACH):
        tops[r], near_tops[r] = LOWEST, LOWEST
        totals[r], near_totals[r], counts[r] = 0.0, 0.0, 0.0
    for column in range(split * TILE, columns, splits * TILE):
        tile(left, row, rows, right, column, columns, 0, terms, lefts, rights, sums)
        for r in range(EACH):
            i, old, near_old = row + own_row() + r, tops[r], near_tops[r]
            for c in range(EACH):
                j, score = column + own_column() + c, scale[0] * sums[r * EACH + c]
                sums[r * EACH + c] = score
                if i < rows and j < columns:
                    if rivals(labels, i, j):
                        tops[r] = maximum(tops[r], score)
                    elif partners(labels, i, j):
                        counts[r] += 1.0
                        if INCLUSIVE:
                            near_tops[r] = maximum(near_tops[r], score)
            totals[r] = faded(totals[r], old, tops[r])
            if INCLUSIVE:
                near_totals[r] = faded(near_totals[r], near_old, near_tops[r])
            for c in range(EACH):
                j, score = column + own_column() + c, sums[r * EACH + c]
                if i < rows and j < columns:
                    if rivals(labels, i, j):
                        totals[r] += exp(score - tops[r])
                    elif INCLUSIVE and partners(labels, i, j):
                        near_totals[r] += exp(score - near_tops[r])
    for r in range(EACH):
        i, top, near_top = row + own_row() + r, team_max(tops[r]), team_max(near_tops[r])
        total = team_sum(faded(totals[r], tops[r], top))
        near_total = team_sum(faded(near_totals[r], near_tops[r], near_top))
        count = team_sum(counts[r])
        if own_column() == 0 and i < rows:
            partials[split * rows + i] = top
            partials[(splits + split) * rows + i] = total
            partials[(2 * splits + split) * rows + i] = count
            if INCLUSIVE:
                partials[(3 * splits + split) * rows + i] = near_top
                partials[(4 * splits + split) * rows + i] = near_total


def level_of(rows, splits, i, field, partials):  # type: ignore[no-untyped-def]
    """The logarithm of a row's sum, over all splits."""
    top, total = LOWEST, real(0.0)
    for split in range(splits):
        old, found = top, partials[(field * splits + split) * rows + i]
        top = maximum(top, found)
        total = faded(total, old, top) + faded(partials[((field + 1) * splits + split) * rows + i], found, top)
    return logarithm(top, total)


def settle_rivals(rows, splits, partials, weights, part, stats, masses):  # type: ignore[no-untyped-def]
    """What later kernels need of each row; and the blocks' sums of what counts in the mean.

    `stats` are, each for all rows: the level of the rivals (in two parts), the sum of the slopes of the row's pairs
    (still to come), the share of one pair in the loss, the level in one number, the share of one pair in the row's
    value. `part` is the direction's weight.
    """
    shared = cuda.shared.array(WARPS, real)
    mass = real(0.0)
    for i in range(first_item(), rows, cuda.gridDim.x * THREADS):
        count = real(0.0)
        for split in range(splits):
            count += partials[(2 * splits + split) * rows + i]
        level = level_of(rows, splits, i, 0, partials)
        base, extra, inner = level, real(0.0), real(1.0)
        if INCLUSIVE:
            base = level_of(rows, splits, i, 3, partials)
            extra = softplus(level - base)
        if count == 0.0:  # nobody is above a pair that is not there
            base, extra, inner = -LOWEST, 0.0, 0.0
        elif not PER_PAIR:
            inner = 1.0 / count
        stats[i], stats[rows + i] = base, extra
        stats[3 * rows + i] = part * weight_of(weights, i) * inner
        stats[4 * rows + i] = base + extra
        stats[5 * rows + i] = part * inner
        if PER_PAIR or count == 0.0:
            mass += weight_of(weights, i) * count
        else:
            mass += weight_of(weights, i)
    mass = block_sum(mass, shared)
    if masses is not None and cuda.threadIdx.x == 0:
        masses[cuda.blockIdx.x] = mass


# ---- values


def gap_of(base, scale, cosine, extra):  # type: ignore[no-untyped-def]
    """How far the rivals are above a pair; in this order, so that equal scores leave `extra` alone."""
    return (base - scale * cosine) + extra


@unrolled
def value_pairs(
    left, rows, right, columns, terms, scale, labels, stats, params, splits, partials
):  # type: ignore[no-untyped-def]
    """For each row: the sums of the values and of the slopes of its pairs. Tiles without any are passed over."""
    shared = cuda.shared.array(WARPS, real)
    lefts = cuda.shared.array(ROOM, real, alignment=16)
    rights = cuda.shared.array(ROOM, real, alignment=16)
    sums = cuda.local.array(CELLS, real)
    values, slopes = cuda.local.array(EACH, real), cuda.local.array(EACH, real)
    row, split = int64(cuda.blockIdx.x // splits) * TILE, cuda.blockIdx.x % splits
    for r in range(EACH):
        values[r], slopes[r] = 0.0, 0.0
    for column in range(split * TILE, columns, splits * TILE):
        found = real(0.0)
        for r in range(EACH):
            for c in range(EACH):
                i, j = row + own_row() + r, column + own_column() + c
                if i < rows and j < columns and partners(labels, i, j):
                    found = 1.0
        if block_max(found, shared) > 0.0:
            tile(left, row, rows, right, column, columns, 0, terms, lefts, rights, sums)
            for r in range(EACH):
                i = row + own_row() + r
                for c in range(EACH):
                    j = column + own_column() + c
                    if i < rows and j < columns and partners(labels, i, j):
                        gap = gap_of(stats[i], scale[0], sums[r * EACH + c], stats[rows + i])
                        value, slope = link(gap, params)
                        values[r] += value
                        slopes[r] += slope
    for r in range(EACH):
        i, value, slope = row + own_row() + r, team_sum(values[r]), team_sum(slopes[r])
        if own_column() == 0 and i < rows:
            partials[split * rows + i] = value
            partials[(splits + split) * rows + i] = slope


def settle_values(rows, splits, partials, weights, begun, stats, values, shown, totals):  # type: ignore[no-untyped-def]
    """Completes `stats`; adds the rows' values up, after those of another direction if it was `begun`.

    With `totals` not None, of the last direction, they are weighed, written to `shown` unless that is None, and summed.
    """
    shared = cuda.shared.array(WARPS, real)
    total = real(0.0)
    for i in range(first_item(), rows, cuda.gridDim.x * THREADS):
        value, slope = real(0.0), real(0.0)
        for split in range(splits):
            value += partials[split * rows + i]
            slope += partials[(splits + split) * rows + i]
        stats[2 * rows + i] = stats[3 * rows + i] * slope
        value = value * stats[5 * rows + i]
        if begun:
            value += values[i]
        values[i] = value
        if totals is not None:
            value = value * weight_of(weights, i)
            total += value
            if shown is not None:
                store(shown, i, value)
    total = block_sum(total, shared)
    if totals is not None and cuda.threadIdx.x == 0:
        totals[cuda.blockIdx.x] = total


# ---- slopes by the scores


def pull(gap, factor, share, slope):  # type: ignore[no-untyped-def]
    """The slope by a pair's score: minus `share` times its own, and if it is its own rival, its part in that."""
    if INCLUSIVE:
        return factor * expm1(-gap) + (factor - share * slope)
    return -share * slope


def pull_of(rows, i, stats, scale, cosine, params):  # type: ignore[no-untyped-def]
    gap = gap_of(stats[i], scale, cosine, stats[rows + i])
    return pull(gap, stats[2 * rows + i], stats[3 * rows + i], link(gap, params)[1])


@unrolled
def weigh(
    left, first, rows, right, columns, terms, scale, labels, count, stats, others, params, splits, pitch, slopes,
    place, products,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """The slopes of the loss by the scores of the rows `first` to `rows`, as pairs of their own and of the columns.

    `others` are the columns' `stats`; either has `count` rows. `products` gets each block's sum of the slopes times the
    cosines, from `place` on, unless it is None.
    """
    shared = cuda.shared.array(WARPS, real)
    lefts = cuda.shared.array(ROOM, real, alignment=16)
    rights = cuda.shared.array(ROOM, real, alignment=16)
    sums = cuda.local.array(CELLS, real)
    row, split = first + int64(cuda.blockIdx.x // splits) * TILE, cuda.blockIdx.x % splits
    total = real(0.0)
    for column in range(split * TILE, columns if row < rows else 0, splits * TILE):
        tile(left, row, rows, right, column, columns, 0, terms, lefts, rights, sums)
        for r in range(EACH):
            i = row + own_row() + r
            if i < rows:
                for c in range(EACH):
                    j, cosine, slope = column + own_column() + c, sums[r * EACH + c], real(0.0)
                    if j < columns:
                        if rivals(labels, i, j):
                            score = scale[0] * cosine
                            slope = stats[2 * count + i] * exp(score - stats[4 * count + i])
                            slope += others[2 * count + j] * exp(score - others[4 * count + j])
                        elif partners(labels, i, j):
                            slope = pull_of(count, i, stats, scale[0], cosine, params)
                            slope += pull_of(count, j, others, scale[0], cosine, params)
                        if products is not None:
                            total += slope * cosine
                    sums[r * EACH + c] = slope
                keep(slopes, (i - first) * pitch, column + own_column(), pitch, sums, r)
    if products is not None:
        total = block_sum(total, shared)
        if cuda.threadIdx.x == 0:
            products[place + cuda.blockIdx.x] = total


def keep(slopes, begin, column, pitch, sums, r):  # type: ignore[no-untyped-def]
    """Write a thread's elements of one row to scratch memory, whose lines hold a multiple of four."""
    if column < pitch:
        e = r * EACH
        store_four(slopes, begin + column, (sums[e], sums[e + 1], sums[e + 2], sums[e + 3]))
