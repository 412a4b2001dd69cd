"""Rows into a tile where they lie side by side, and back: squares of a few numbers at a time, within vectors.

One number at a time, the processor would gather and scatter, which takes it a step for each.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbaloss.kernels.cpu.intrinsics import part, plain

WIDTH = 128  # rows of a tile: element (class c, row r) lies at ``tile[c * WIDTH + r]``
TASK = 8 * WIDTH  # rows that a parallel task takes on
QUAD = 4  # classes taken at a time
LANES = 2 * QUAD  # rows taken at a time


def shared_work(rows: int, operations: float) -> float:
    """Element-operations that threads can share: none in the rows of a single task."""
    return operations if rows > TASK else 0.0


def side_by_side(rows, stride, classes, n, tile):  # type: ignore[no-untyped-def]
    """Transpose `n` rows into a tile. Where rows or classes are left over, some of those before are taken again."""
    if n >= LANES and classes >= QUAD:
        for r in range(0, n, LANES):
            row = min(r, n - LANES)
            for c in range(0, classes, QUAD):
                column = min(c, classes - QUAD)
                stand_up(rows, row * stride + column, stride, tile, column * WIDTH + row, WIDTH)
    else:
        for c in range(classes):
            column, out = part(rows, c, rows.size), part(tile, c * WIDTH, c * WIDTH + n)
            for r in range(n):
                out[r] = column[np.uint32(r) * np.uint32(stride)]


def one_by_one(tile, classes, n, rows):  # type: ignore[no-untyped-def]
    """Transpose a tile back into `n` rows."""
    if n >= LANES and classes >= QUAD:
        for r in range(0, n, LANES):
            row = min(r, n - LANES)
            for c in range(0, classes, QUAD):
                column = min(c, classes - QUAD)
                lie_down(tile, column * WIDTH + row, WIDTH, rows, row * classes + column, classes)
    else:
        for c in range(classes):
            column, source = part(rows, c, rows.size), part(tile, c * WIDTH, c * WIDTH + n)
            for r in range(n):
                column[np.uint32(r) * np.uint32(classes)] = source[r]


def transposed(source: Any, start: int, step: int, count: int, target: Any, place: int, width: int, size: int) -> None:
    """What the two below do, in plain Python: run i, of `size` numbers, becomes every `width`-th number from i on."""
    for i in range(count):
        target[place + i :: width][:size] = source[start + i * step :][:size]


@plain(lambda rows, start, stride, tile, place, width: transposed(rows, start, stride, LANES, tile, place, width, QUAD))
@intrinsic
def stand_up(typing_context: Any, rows: Any, start: Any, stride: Any, tile: Any, place: Any, width: Any) -> Any:
    """The first `QUAD` numbers of `LANES` rows, `stride` apart from `start` on, as runs in the tile, `width` apart."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, start, stride, target, place, width = arguments
        read = [load(context, builder, rows, source, start, stride, i, QUAD) for i in range(LANES)]
        runs = [shuffled(builder, read[i], read[QUAD + i], range(LANES)) for i in range(QUAD)]
        for j, run in enumerate(crossed(builder, runs)):
            store(context, builder, run, tile, target, place, width, j)
        return context.get_dummy_value()

    return types.void(rows, start, stride, tile, place, width), codegen


@plain(lambda tile, place, width, rows, start, stride: transposed(tile, place, width, QUAD, rows, start, stride, LANES))
@intrinsic
def lie_down(typing_context: Any, tile: Any, place: Any, width: Any, rows: Any, start: Any, stride: Any) -> Any:
    """`QUAD` runs of the tile as numbers of `LANES` rows: `stand_up` undone."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, place, width, target, start, stride = arguments
        runs = [load(context, builder, tile, source, place, width, j, LANES) for j in range(QUAD)]
        for i, pair in enumerate(crossed(builder, runs)):
            for row in (i, QUAD + i):
                quad = shuffled(builder, pair, pair, range(row - i, row - i + QUAD))
                store(context, builder, quad, rows, target, start, stride, row)
        return context.get_dummy_value()

    return types.void(tile, place, width, rows, start, stride), codegen


def crossed(builder: Any, vectors: list[Any]) -> list[Any]:
    """Four vectors of two quads each, transposed: the first quads as one square, the second ones as another."""
    halves = [[quad + k + of for quad in (0, QUAD) for k in pair for of in (0, LANES)] for pair in ((0, 1), (2, 3))]
    for _ in range(2):  # each takes turns with its partner, within the quads
        vectors = [shuffled(builder, vectors[i], vectors[i + 2], order) for i in (0, 1) for order in halves]
    return vectors


def shuffled(builder: Any, first: Any, second: Any, order: Iterable[int]) -> Any:
    """The elements with these indices, of two vectors one after the other."""
    indices = list(order)
    return builder.shuffle_vector(first, second, ir.Constant(ir.VectorType(ir.IntType(32), len(indices)), indices))


def load(context: Any, builder: Any, kind: Any, array: Any, start: Any, step: Any, index: int, size: int) -> Any:
    """The vector of `size` elements of an array that lies `index` steps from `start`."""
    place = run_at(context, builder, kind, array, start, step, index, size)
    return builder.load(place, align=kind.dtype.bitwidth // 8)


def store(context: Any, builder: Any, vector: Any, kind: Any, array: Any, start: Any, step: Any, index: int) -> None:
    """Write a vector `index` steps from `start` on."""
    place = run_at(context, builder, kind, array, start, step, index, vector.type.count)
    builder.store(vector, place, align=kind.dtype.bitwidth // 8)


def run_at(context: Any, builder: Any, kind: Any, array: Any, start: Any, step: Any, index: int, size: int) -> Any:
    """The address of `size` elements, `index` steps from `start` on."""
    offset = builder.add(start, builder.mul(step, step.type(index)))
    place = builder.gep(context.make_array(kind)(context, builder, array).data, [offset])
    return builder.bitcast(place, ir.VectorType(context.get_data_type(kind.dtype), size).as_pointer())
