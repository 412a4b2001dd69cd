"""Products of matrices, a tile at a time: what losses of all pairs, and of a linear layer, stand on.

A block makes tiles of ``left @ right.T``: `STEP` columns of `TILE` lines of either factor are brought into the block's
memory, and each thread adds their products up for its own `EACH` lines of both, in registers. Every product is summed
in the order of its terms.

A factor is a tuple ``(memory, pitch, lines, length, rates, centre)``: a matrix of `lines` times `length` elements,
whose lines begin `pitch` elements apart. Unless these are None, `centre` is taken off all lines, and each is multiplied
by its own of `rates`; a line whose rate is 0 counts as 0. Its terms lie along its lines or across them, as the open
names `fill_left` and `fill_right` say. What lies outside of a matrix counts as 0.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from numba import cuda, int64

from numbaloss.kernels.cuda.device import THREADS, load_four, real

TILE = 64  # lines of either factor that meet in a tile
EACH = 4  # those of one thread: a sixteenth
CELLS = 16  # EACH * EACH: a thread's elements of a tile
STEP = 16  # terms between two barriers
PITCH = 68  # elements from one term's lines to the next one's, in the block's memory: TILE, and 16 bytes
ROOM = 1088  # STEP * PITCH


def fill_left(factor: Any, line: Any, term: Any, lines: Any) -> None:
    """Open name: bring some terms of some lines of the left factor into the block's memory."""
    raise NotImplementedError


def fill_right(factor: Any, line: Any, term: Any, lines: Any) -> None:
    """Open name: the same of the right factor."""
    raise NotImplementedError


def gain(one: Any, two: Any) -> Any:
    """Open name: what two elements add to a sum."""
    raise NotImplementedError


def times(one, two):  # type: ignore[no-untyped-def]
    return one * two


def square_gap(one, two):  # type: ignore[no-untyped-def]
    """For squared distances, which lose no digits this way."""
    gap = one - two
    return gap * gap


def single(load: Callable[..., Any]) -> Callable[..., Any]:
    """An element as `load_vector` gives several."""

    def load_one(memory, i):  # type: ignore[no-untyped-def]
        return (load(memory, i),)

    return load_one


def seen(item, centre, place, rates, line):  # type: ignore[no-untyped-def]
    """An element from the centre, at the rate of its line; at a rate of 0 it is 0, whatever it was."""
    if centre is not None:
        item -= centre[place]
    if rates is not None:
        item = 0.0 if rates[line] == 0.0 else item * rates[line]
    return item


@cache
def along(load_items: Callable[..., Any], width: int) -> Callable[..., Any]:
    """A factor whose terms lie along its lines, read `width` at a time."""

    def fill(factor, line, term, lines):  # type: ignore[no-untyped-def]
        memory, pitch, count, length, rates, centre = factor
        for part in range((TILE * STEP // width + THREADS - 1) // THREADS):
            vector = cuda.threadIdx.x + part * THREADS
            if vector < TILE * STEP // width:
                i, k = vector // (STEP // width), vector % (STEP // width) * width
                if line + i < count and term + k < length:
                    items = load_items(memory, (line + i) * pitch + (term + k))
                    for n in range(width):
                        item = seen(items[n], centre, term + k + n, rates, line + i)
                        lines[(k + n) * PITCH + i] = item
                else:
                    for n in range(width):
                        lines[(k + n) * PITCH + i] = 0.0

    return fill


@cache
def across(load_items: Callable[..., Any], width: int) -> Callable[..., Any]:
    """A factor whose terms lie across its lines, read `width` of these at a time: it is used as if transposed."""

    def fill(factor, line, term, lines):  # type: ignore[no-untyped-def]
        memory, pitch, count, length, rates, centre = factor
        for part in range((TILE * STEP // width + THREADS - 1) // THREADS):
            vector = cuda.threadIdx.x + part * THREADS
            if vector < TILE * STEP // width:
                k, i = vector // (TILE // width), vector % (TILE // width) * width
                if term + k < count and line + i < length:
                    items = load_items(memory, (term + k) * pitch + (line + i))
                    for n in range(width):
                        item = seen(items[n], centre, line + i + n, rates, term + k)
                        lines[k * PITCH + i + n] = item
                else:
                    for n in range(width):
                        lines[k * PITCH + i + n] = 0.0

    return fill


def own_row():  # type: ignore[no-untyped-def]
    """The first of this thread's rows of a tile; its `EACH` rows are shared by a team of 16 threads."""
    return cuda.threadIdx.x // 16 * EACH


def own_column():  # type: ignore[no-untyped-def]
    """The first of this thread's columns of a tile."""
    return cuda.threadIdx.x % 16 * EACH


def tile(left, row, rows, right, column, columns, term, end, lefts, rights, sums):  # type: ignore[no-untyped-def]
    """The tile at `row`, `column`, of terms from `term` to `end`: this thread's elements, row by row, into `sums`.

    `lefts` and `rights` are `ROOM` elements of the block's memory each. All threads of the block take part.
    """
    y, x = own_row(), own_column()
    for e in range(CELLS):
        sums[e] = 0.0
    while term < end:
        fill_left(left, row, term, lefts)
        fill_right(right, column, term, rights)
        cuda.syncthreads()
        if row + y < rows and column + x < columns:
            for k in range(STEP):
                ones, twos = load_four(lefts, k * PITCH + y), load_four(rights, k * PITCH + x)
                for r in range(EACH):
                    for c in range(EACH):
                        sums[r * EACH + c] += gain(ones[r], twos[c])
        cuda.syncthreads()  # before anyone brings the next terms
        term += STEP


def multiply(left, rows, right, columns, terms, share, bias, begun, partials):  # type: ignore[no-untyped-def]
    """Tile by tile the product's sums over `share` terms each: ``partials[part, row, column]``.

    Each line of the first part begins with `bias`, unless that is None; and with what is there, if it was `begun`.
    """
    lefts = cuda.shared.array(ROOM, real, alignment=16)
    rights = cuda.shared.array(ROOM, real, alignment=16)
    sums = cuda.local.array(CELLS, real)
    across_tiles = (columns + TILE - 1) // TILE
    tiles = (rows + TILE - 1) // TILE * across_tiles
    place, part = cuda.blockIdx.x % tiles, int64(cuda.blockIdx.x // tiles)
    row, column = place // across_tiles * TILE, place % across_tiles * TILE
    tile(left, row, rows, right, column, columns, part * share, min((part + 1) * share, terms), lefts, rights, sums)
    for r in range(EACH):
        for c in range(EACH):
            i, j = row + own_row() + r, column + own_column() + c
            if i < rows and j < columns:
                total, target = sums[r * EACH + c], (part * rows + i) * columns + j
                if bias is not None and part == 0:
                    total += bias[j]
                if begun:
                    total += partials[target]
                partials[target] = total


def accumulate(n, partials, parts, begun, target):  # type: ignore[no-untyped-def]
    """Adds the parts' sums, in their order, up in `target`, after what is there if it was `begun`."""
    for i in range(cuda.blockIdx.x * THREADS + cuda.threadIdx.x, n, cuda.gridDim.x * THREADS):
        total = target[i] if begun else real(0.0)
        for part in range(parts):
            total += partials[part * n + i]
        target[i] = total
