"""First sweep over regions under a softmax: the sums over positions that overlap losses are made of, block by block."""

from __future__ import annotations

from numba import cuda, int64

from numbaloss.compile.primitives import exp
from numbaloss.kernels.cuda.device import THREADS, WARPS, WIDTH, barrier, block_sum, real, warp_sum
from numbaloss.kernels.cuda.regions_shares import MISSING, SUMS, mistakes, read
from numbaloss.kernels.cuda.regions_softmax import (
    CLASSES,
    INVERSE,
    KEPT,
    LABEL,
    PEAK,
    REST,
    SLOTS,
    chances,
    rows,
)

COLUMNS = 6  # open name: sums a block makes of `CLASSES` classes and a row loss
TILE = 1024  # open name: positions of a block at once, `THREADS * WIDTH`


def entry(term, wish, counts, squared, inverse, top_rest):  # type: ignore[no-untyped-def]
    """What one class at one position adds to its sums."""
    chance = term * inverse
    rest = top_rest if term == 1.0 else 1.0 - chance
    hit, alarm, miss = mistakes(chance, rest, wish, squared)
    if counts:
        return hit, alarm, miss
    return real(0.0), real(0.0), real(0.0)


def statistics_few(
    positions, classes, tasks, flat, labels, targets, ignored, squared, weights, params, partials
):  # type: ignore[no-untyped-def]
    """First sweep: each block's sums, kept in registers until the end."""
    shared = cuda.shared.array((WARPS, COLUMNS), real)
    sums, row = cuda.local.array((KEPT, SUMS), real), cuda.local.array(WIDTH, real)
    slots, terms = cuda.local.array((WIDTH, SLOTS), real), cuda.local.array((KEPT, WIDTH), real)
    task = cuda.blockIdx.x % tasks
    image = int64(cuda.blockIdx.x // tasks)
    start = image * classes * positions
    total, mass, counted = real(0.0), real(0.0), real(0.0)
    for c in range(CLASSES):
        for j in range(SUMS):
            sums[c, j] = 0.0
    for low in range((task * THREADS + cuda.threadIdx.x) * WIDTH, positions, tasks * THREADS * WIDTH):
        at = start + low
        chances(flat, at, positions, classes, labels, image * positions + low, ignored, slots, terms, row)
        if params is not None:
            one, two = rows(flat, at, positions, weights, params, None, slots)
            total += one
            mass += two
        if labels is not None:
            for k in range(WIDTH):
                counted += 0.0 if slots[k, LABEL] == MISSING else 1.0
        for c in range(CLASSES):
            if targets is not None:
                wishes = read(targets, at + c * positions)
            for k in range(WIDTH):
                if targets is None:
                    wish, counts = 1.0 if slots[k, LABEL] == real(c) else 0.0, True
                else:
                    wish = wishes[k]
                    counts = wish != ignored
                    sums[c, 3] += 1.0 if counts else 0.0
                hit, alarm, miss = entry(terms[c, k], wish, counts, squared, slots[k, INVERSE], slots[k, REST])
                sums[c, 0] += hit
                sums[c, 1] += alarm
                sums[c, 2] += miss
    warp, first = cuda.threadIdx.x // 32, cuda.threadIdx.x % 32 == 0
    counted = warp_sum(counted)
    for c in range(CLASSES):
        for j in range(SUMS):
            one = counted if j == 3 and labels is not None else warp_sum(sums[c, j])
            if first:
                shared[warp, SUMS * c + j] = one
    total, mass = warp_sum(total), warp_sum(mass)
    if first:
        shared[warp, SUMS * CLASSES], shared[warp, SUMS * CLASSES + 1] = total, mass
    barrier()
    for column in range(cuda.threadIdx.x, COLUMNS, THREADS):
        one = shared[0, column]
        for other in range(1, WARPS):
            one += shared[other, column]
        partials[(image * COLUMNS + column) * tasks + task] = one


def statistics_many(
    positions, classes, tasks, flat, labels, targets, ignored, squared, weights, params, partials
):  # type: ignore[no-untyped-def]
    """First sweep, tile by tile: what is known of each position is shared, and then each warp adds up classes."""
    shared = cuda.shared.array(WARPS, real)
    board = cuda.shared.array((4, TILE), real)  # of each position: peak, divisor, rest of the likeliest class, label
    row = cuda.local.array(WIDTH, real)
    slots, terms = cuda.local.array((WIDTH, SLOTS), real), cuda.local.array((KEPT, WIDTH), real)
    task = cuda.blockIdx.x % tasks
    image = int64(cuda.blockIdx.x // tasks)
    start = image * classes * positions
    column = image * (SUMS * classes + 2)
    own, warp, lane = cuda.threadIdx.x * WIDTH, cuda.threadIdx.x // 32, cuda.threadIdx.x % 32
    total, mass, counted = real(0.0), real(0.0), real(0.0)
    for base in range(task * TILE, positions, tasks * TILE):
        if base + own < positions:
            at = start + base + own
            chances(flat, at, positions, classes, labels, image * positions + base + own, ignored, slots, terms, row)
            if params is not None:
                one, two = rows(flat, at, positions, weights, params, None, slots)
                total += one
                mass += two
            for k in range(WIDTH):
                board[0, own + k], board[1, own + k] = slots[k, PEAK], slots[k, INVERSE]
                board[2, own + k] = slots[k, REST]
                if labels is not None:
                    board[3, own + k] = slots[k, LABEL]
                    counted += 0.0 if slots[k, LABEL] == MISSING else 1.0
        barrier()
        for c in range(warp, classes, WARPS):
            hits, alarms, misses, count = real(0.0), real(0.0), real(0.0), real(0.0)
            for j in range(lane * WIDTH, min(TILE, positions - base), 32 * WIDTH):
                at = start + c * positions + base + j
                entries = read(flat, at)
                if targets is not None:
                    wishes = read(targets, at)
                for k in range(WIDTH):
                    term = exp(entries[k] - board[0, j + k])
                    if targets is None:
                        label = board[3, j + k]
                        wish, counts = 1.0 if label == real(c) else 0.0, label != MISSING
                    else:
                        wish = wishes[k]
                        counts = wish != ignored
                    hit, alarm, miss = entry(term, wish, counts, squared, board[1, j + k], board[2, j + k])
                    hits += hit
                    alarms += alarm
                    misses += miss
                    count += 1.0 if counts else 0.0
            hits, alarms, misses, count = warp_sum(hits), warp_sum(alarms), warp_sum(misses), warp_sum(count)
            if lane == 0:
                place = (column + SUMS * c) * tasks + task
                begun = base > task * TILE
                partials[place] = hits + (partials[place] if begun else 0.0)
                place += tasks
                partials[place] = alarms + (partials[place] if begun else 0.0)
                place += tasks
                partials[place] = misses + (partials[place] if begun else 0.0)
                place += tasks
                partials[place] = count + (partials[place] if begun else 0.0)
        barrier()  # before the next tile is written there
    total, mass = block_sum(total, shared), block_sum(mass, shared)
    if cuda.threadIdx.x == 0:
        place = (column + SUMS * classes) * tasks + task
        partials[place], partials[place + tasks] = total, mass
