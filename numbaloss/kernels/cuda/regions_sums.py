"""First sweep over regions under a softmax: the sums over positions that overlap losses are made of, block by block."""

from __future__ import annotations

from numba import cuda, int64

from numbaloss.compile.primitives import exp
from numbaloss.kernels.cuda.device import THREADS, WARPS, WIDTH, barrier, block_sum, load, real, warp_sum
from numbaloss.kernels.cuda.regions_shares import MISSING, SUMS, read, shares_of
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

OWNED = 5  # open name: classes of a warp
COLUMNS = 6  # open name: sums a block makes of `CLASSES` classes and a row loss
TILE = 1024  # open name: positions of a block at once, `THREADS * WIDTH`


def entry(term, wish, counts, squared, inverse, top_rest):  # type: ignore[no-untyped-def]
    """What one class at one position adds to its sums."""
    chance = term * inverse
    rest = top_rest if term == 1.0 else 1.0 - chance
    if counts:
        return shares_of(chance, rest, wish, squared)
    return real(0.0), real(0.0), real(0.0), real(0.0)


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
    total, mass = real(0.0), real(0.0)
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
        for c in range(CLASSES):
            if targets is not None:
                wishes = read(targets, at + c * positions)
            for k in range(WIDTH):
                if targets is None:
                    wish, counts = 1.0 if slots[k, LABEL] == real(c) else 0.0, slots[k, LABEL] != MISSING
                else:
                    wish = wishes[k]
                    counts = wish != ignored
                found = entry(terms[c, k], wish, counts, squared, slots[k, INVERSE], slots[k, REST])
                for j in range(SUMS):
                    sums[c, j] += found[j]
    warp, first = cuda.threadIdx.x // 32, cuda.threadIdx.x % 32 == 0
    for c in range(CLASSES):
        for j in range(SUMS):
            one = warp_sum(sums[c, j])
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


def learn(
    base, positions, classes, image, flat, labels, ignored, weights, params, slots, terms, row, known
):  # type: ignore[no-untyped-def]
    """What is known of this thread's positions of a tile, for all to read; (value, weight) of their row loss."""
    total, mass = real(0.0), real(0.0)
    own = cuda.threadIdx.x * WIDTH
    if base + own < positions:
        at = image * classes * positions + base + own
        chances(flat, at, positions, classes, labels, image * positions + base + own, ignored, slots, terms, row)
        if params is not None:
            total, mass = rows(flat, at, positions, weights, params, None, slots)
        for k in range(WIDTH):
            known[0, own + k], known[1, own + k] = slots[k, INVERSE], slots[k, REST]
            known[2, own + k] = slots[k, PEAK]
            if labels is not None:
                known[3, own + k] = slots[k, LABEL]
    return total, mass


def judge(term, c, j, wish, labels, targets, ignored, squared, known):  # type: ignore[no-untyped-def]
    """What one class at the place `j` of a tile adds to its sums."""
    counts = True
    if labels is not None:
        wish, counts = 1.0 if known[3, j] == real(c) else 0.0, known[3, j] != MISSING
    if targets is not None:
        counts = wish != ignored
    return entry(term, wish, counts, squared, known[0, j], known[1, j])


def finish_rows(total, mass, column, task, tasks, shared, partials):  # type: ignore[no-untyped-def]
    """The block's sums of the row loss."""
    total, mass = block_sum(total, shared), block_sum(mass, shared)
    if cuda.threadIdx.x == 0:
        place = column * tasks + task
        partials[place], partials[place + tasks] = total, mass


def statistics_some(
    positions, classes, tasks, flat, labels, targets, ignored, squared, weights, params, partials
):  # type: ignore[no-untyped-def]
    """First sweep, tile by tile: each thread's exponentials are shared, and each warp adds up its own classes."""
    shared = cuda.shared.array(WARPS, real)
    known = cuda.shared.array((4, TILE), real)
    board = cuda.shared.array((KEPT, TILE), real)
    sums, row = cuda.local.array((OWNED, SUMS), real), cuda.local.array(WIDTH, real)
    slots, terms = cuda.local.array((WIDTH, SLOTS), real), cuda.local.array((KEPT, WIDTH), real)
    task, image = cuda.blockIdx.x % tasks, int64(cuda.blockIdx.x // tasks)
    warp, lane = cuda.threadIdx.x // 32, cuda.threadIdx.x % 32
    total, mass = real(0.0), real(0.0)
    for m in range(OWNED):
        for j in range(SUMS):
            sums[m, j] = 0.0
    for base in range(task * TILE, positions, tasks * TILE):
        one, two = learn(
            base, positions, classes, image, flat, labels, ignored, weights, params, slots, terms, row, known
        )
        total += one
        mass += two
        for c in range(CLASSES):
            for k in range(WIDTH):
                board[c, cuda.threadIdx.x * WIDTH + k] = terms[c, k]
        barrier()
        for m in range(OWNED):
            c = warp + m * WARPS
            if c < CLASSES:
                for j in range(lane, min(TILE, positions - base), 32):
                    wish = real(0.0)
                    if targets is not None:
                        wish = load(targets, (image * classes + c) * positions + base + j)
                    found = judge(board[c, j], c, j, wish, labels, targets, ignored, squared, known)
                    for one in range(SUMS):
                        sums[m, one] += found[one]
        barrier()  # before the next tile is written there
    column = image * (SUMS * classes + 2)
    for m in range(OWNED):
        for j in range(SUMS):
            one = warp_sum(sums[m, j])
            if lane == 0 and warp + m * WARPS < CLASSES:
                partials[(column + SUMS * (warp + m * WARPS) + j) * tasks + task] = one
    finish_rows(total, mass, column + SUMS * classes, task, tasks, shared, partials)


def statistics_many(
    positions, classes, tasks, flat, labels, targets, ignored, squared, weights, params, partials
):  # type: ignore[no-untyped-def]
    """First sweep, tile by tile: each warp reads its own classes of the tile again, and adds them up."""
    shared = cuda.shared.array(WARPS, real)
    known = cuda.shared.array((4, TILE), real)
    sums, row = cuda.local.array(SUMS, real), cuda.local.array(WIDTH, real)
    slots, terms = cuda.local.array((WIDTH, SLOTS), real), cuda.local.array((KEPT, WIDTH), real)
    task, image = cuda.blockIdx.x % tasks, int64(cuda.blockIdx.x // tasks)
    warp, lane = cuda.threadIdx.x // 32, cuda.threadIdx.x % 32
    column = image * (SUMS * classes + 2)
    total, mass = real(0.0), real(0.0)
    for base in range(task * TILE, positions, tasks * TILE):
        one, two = learn(
            base, positions, classes, image, flat, labels, ignored, weights, params, slots, terms, row, known
        )
        total += one
        mass += two
        barrier()
        for c in range(warp, classes, WARPS):
            for j in range(SUMS):
                sums[j] = 0.0
            for low in range(lane * WIDTH, min(TILE, positions - base), 32 * WIDTH):
                at = (image * classes + c) * positions + base + low
                entries = read(flat, at)
                if targets is not None:
                    wishes = read(targets, at)
                for k in range(WIDTH):
                    wish = real(0.0)
                    if targets is not None:
                        wish = wishes[k]
                    term = exp(entries[k] - known[2, low + k])
                    found = judge(term, c, low + k, wish, labels, targets, ignored, squared, known)
                    for j in range(SUMS):
                        sums[j] += found[j]
            for j in range(SUMS):
                one = warp_sum(sums[j])
                if lane == 0:
                    place = (column + SUMS * c + j) * tasks + task
                    partials[place] = one + (partials[place] if base > task * TILE else 0.0)
        barrier()  # before the next tile is written there
    finish_rows(total, mass, column + SUMS * classes, task, tasks, shared, partials)
