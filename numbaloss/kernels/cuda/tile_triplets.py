"""Triplets of a batch: an anchor, one of its label and one of another, chosen by their distances.

Distances come from the squares of differences, tile by tile; partners, rivals and `partials` are those of `tiles`.
"""

from __future__ import annotations

import math
from typing import Any

from numba import cuda, int32, int64

from numbaloss.compile.primitives import sqrt
from numbaloss.kernels.cuda.device import (
    THREADS,
    WARPS,
    ahead,
    block_rank,
    block_sum,
    divided,
    first_item,
    load,
    real,
    store,
    team_best,
    team_sum,
)
from numbaloss.kernels.cuda.product import CELLS, EACH, ROOM, TILE, own_column, own_row, tile
from numbaloss.kernels.cuda.tiles import keep, partners, rivals, weight_of

LOWEST = -math.inf
NOWHERE = 1 << 62  # the place of nothing
LEAST = 1e-37  # open name: the smallest normal number


def link(gap: Any, params: Any) -> Any:
    """Open name: (value, slope) of a triplet by how much nearer the other label is."""
    raise NotImplementedError


def slant(factor, distance):  # type: ignore[no-untyped-def]
    """A slope by a distance as the factor of a difference of vectors; none where they are the same."""
    return factor / distance if distance != 0.0 else 0.0 * factor


# ---- for each anchor the farthest of its label and the nearest of the others


def seek(left, rows, right, columns, terms, labels, splits, partials, places):  # type: ignore[no-untyped-def]
    """For each anchor: the largest distance of a partner, minus the smallest of a rival, where they are; partners."""
    lefts = cuda.shared.array(ROOM, real, alignment=16)
    rights = cuda.shared.array(ROOM, real, alignment=16)
    sums = cuda.local.array(CELLS, real)
    far, near, counts = cuda.local.array(EACH, real), cuda.local.array(EACH, real), cuda.local.array(EACH, real)
    fars, nears = cuda.local.array(EACH, int64), cuda.local.array(EACH, int64)
    row, split = int64(cuda.blockIdx.x // splits) * TILE, cuda.blockIdx.x % splits
    for r in range(EACH):
        far[r], near[r], counts[r] = LOWEST, LOWEST, 0.0
        fars[r], nears[r] = NOWHERE, NOWHERE
    for column in range(split * TILE, columns, splits * TILE):
        tile(left, row, rows, right, column, columns, 0, terms, lefts, rights, sums)
        for r in range(EACH):
            i = row + own_row() + r
            for c in range(EACH):
                j, distance = column + own_column() + c, sqrt(sums[r * EACH + c])
                if i < rows and j < columns:
                    if rivals(labels, i, j):
                        if ahead(-distance, j, near[r], nears[r]):
                            near[r], nears[r] = -distance, j
                    elif partners(labels, i, j):
                        counts[r] += 1.0
                        if ahead(distance, j, far[r], fars[r]):
                            far[r], fars[r] = distance, j
    for r in range(EACH):
        i, count = row + own_row() + r, team_sum(counts[r])
        farthest, far_place = team_best(far[r], fars[r])
        nearest, near_place = team_best(near[r], nears[r])
        if own_column() == 0 and i < rows:
            partials[split * rows + i], places[split * rows + i] = farthest, far_place
            partials[(splits + split) * rows + i], places[(splits + split) * rows + i] = nearest, near_place
            partials[(2 * splits + split) * rows + i] = count


def settle_hardest(
    rows, splits, partials, places, weights, params, chosen, pulls, shown, totals, masses
):  # type: ignore[no-untyped-def]
    """Each anchor's value; where its partner and rival are, and the factors of the differences between it and them.

    Where it has none, these places are -1.
    """
    shared = cuda.shared.array(WARPS, real)
    total, mass = real(0.0), real(0.0)
    for i in range(first_item(), rows, cuda.gridDim.x * THREADS):
        partner, rival, count, far, near = LOWEST, LOWEST, real(0.0), int64(NOWHERE), int64(NOWHERE)
        for split in range(splits):
            at = split * rows + i
            if ahead(partials[at], places[at], partner, far):
                partner, far = partials[at], places[at]
            at = (splits + split) * rows + i
            if ahead(partials[at], places[at], rival, near):
                rival, near = partials[at], places[at]
            count += partials[(2 * splits + split) * rows + i]
        chosen[i], chosen[rows + i] = -1, -1
        pulls[i], pulls[rows + i] = 0.0, 0.0
        value, weight = real(0.0), weight_of(weights, i)
        if far != NOWHERE and near != NOWHERE:
            value, slope = link(partner + rival, params)
            chosen[i], chosen[rows + i] = far, near
            pulls[i], pulls[rows + i] = slant(weight * slope, partner), slant(-weight * slope, -rival)
            value = value * weight
            mass += weight
        total += value
        if shown is not None:
            store(shown, i, value)
    total = block_sum(total, shared)
    mass = block_sum(mass, shared)
    if cuda.threadIdx.x == 0:
        totals[cuda.blockIdx.x], masses[cuda.blockIdx.x] = total, mass


def draw(rows, width, vectors, chosen, pulls, share, masses, parts, empty, gradient):  # type: ignore[no-untyped-def]
    """The gradient, a block for each vector: of its own triplet, and in their order of all that it was chosen for."""
    shared = cuda.shared.array(WARPS, real)
    counts = cuda.shared.array(WARPS, int64)
    anchors = cuda.shared.array(THREADS, int64)
    share = divided(share, masses, parts, empty, shared)
    for row in range(cuda.blockIdx.x, rows, cuda.gridDim.x):
        far, near = chosen[row], chosen[rows + row]
        for start in range(0, width, THREADS):
            k, own, total = start + cuda.threadIdx.x, real(0.0), real(0.0)
            if k < width:
                own = load(vectors, row * width + k)
                if far >= 0:
                    total += pulls[row] * (own - load(vectors, far * width + k))
                    total += pulls[rows + row] * (own - load(vectors, near * width + k))
            for first in range(0, rows, THREADS):
                anchor, flag = first + cuda.threadIdx.x, int64(0)
                if anchor < rows and (chosen[anchor] == row or chosen[rows + anchor] == row):
                    flag = int64(1)
                rank, found = block_rank(flag, counts)
                if flag == 1:
                    anchors[rank] = anchor
                cuda.syncthreads()  # the next ones come after the barriers of `block_rank`
                if k < width:
                    for one in range(found):
                        anchor = anchors[one]
                        gap = own - load(vectors, anchor * width + k)
                        if chosen[anchor] == row:
                            total += pulls[anchor] * gap
                        if chosen[rows + anchor] == row:
                            total += pulls[rows + anchor] * gap
            if k < width:
                store(gradient, row * width + k, share * total)


# ---- every triplet


def stretch(left, first, rows, right, columns, terms, splits, pitch, strip):  # type: ignore[no-untyped-def]
    """The distances of the vectors `first` to `rows` to all."""
    lefts = cuda.shared.array(ROOM, real, alignment=16)
    rights = cuda.shared.array(ROOM, real, alignment=16)
    sums = cuda.local.array(CELLS, real)
    row, split = first + int64(cuda.blockIdx.x // splits) * TILE, cuda.blockIdx.x % splits
    for column in range(split * TILE, columns if row < rows else 0, splits * TILE):
        tile(left, row, rows, right, column, columns, 0, terms, lefts, rights, sums)
        for r in range(EACH):
            i = row + own_row() + r
            if i < rows:
                for c in range(EACH):
                    sums[r * EACH + c] = sqrt(sums[r * EACH + c])
                keep(strip, (i - first) * pitch, column + own_column(), pitch, sums, r)


def everyone(
    first, rows, count, labels, strip, pitch, weights, params, members, values, factors
):  # type: ignore[no-untyped-def]
    """Each anchor of `first` to `rows`, a block for each: its value, how many triplets count, and whether it has any.

    `factors` not None gets those of the differences between the anchors and all vectors. `members` has room for the
    partners of each anchor.
    """
    shared = cuda.shared.array(WARPS, real)
    counts = cuda.shared.array(WARPS, int64)
    for i in range(first + cuda.blockIdx.x, rows, cuda.gridDim.x):
        line, size = (i - first) * pitch, int64(0)
        for start in range(0, count, THREADS):
            j, flag = start + cuda.threadIdx.x, int64(0)
            if j < count and partners(labels, i, j):
                flag = int64(1)
            rank, found = block_rank(flag, counts)
            if flag == 1:
                members[line + size + rank] = int32(j)
            size += found
        cuda.syncthreads()
        weight, total, active = weight_of(weights, i), real(0.0), real(0.0)
        for one in range(size):
            distance, pulled = strip[line + members[line + one]], real(0.0)
            for j in range(cuda.threadIdx.x, count, THREADS):
                if rivals(labels, i, j):
                    value, slope = link(distance - strip[line + j], params)
                    total += value
                    pulled += slope
                    if value > 0.0:
                        active += 1.0
            if factors is not None:
                pulled = block_sum(pulled, shared)
                if cuda.threadIdx.x == 0:
                    factors[line + members[line + one]] = slant(weight * pulled, distance)
        if factors is not None:
            for j in range(cuda.threadIdx.x, pitch, THREADS):
                if j >= count or j == i:
                    factors[line + j] = 0.0
                elif rivals(labels, i, j):
                    pushed = real(0.0)
                    for one in range(size):
                        pushed += link(strip[line + members[line + one]] - strip[line + j], params)[1]
                    factors[line + j] = slant(-weight * pushed, strip[line + j])
        total = block_sum(total, shared)
        active = block_sum(active, shared)
        if cuda.threadIdx.x == 0:
            values[i], values[count + i] = total, active
            values[2 * count + i] = 1.0 if size > 0 and size < count - 1 else 0.0


def settle_everyone(rows, values, weights, shown, totals, masses):  # type: ignore[no-untyped-def]
    """Weighs the anchors' values and sums them, and what counts: next to nothing where there are triplets, all at 0."""
    shared = cuda.shared.array(WARPS, real)
    total, mass, some = real(0.0), real(0.0), real(0.0)
    for i in range(first_item(), rows, cuda.gridDim.x * THREADS):
        weight = weight_of(weights, i)
        value = values[i] * weight
        total += value
        mass += values[rows + i] * weight
        if values[2 * rows + i] * weight != 0.0:
            some = LEAST
        if shown is not None:
            store(shown, i, value)
    total = block_sum(total, shared)
    mass = block_sum(mass, shared)
    some = block_sum(some, shared)
    if cuda.threadIdx.x == 0:
        totals[cuda.blockIdx.x], masses[cuda.blockIdx.x] = total, mass
        if mass == 0.0 and some > 0.0:
            masses[cuda.blockIdx.x] = LEAST
