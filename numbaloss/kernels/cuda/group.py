"""Rows and the threads that share one: a single thread, a part of a warp, a warp or a block, as `LANES` says.

A kernel loops over the rows of its group, `for row in range(first_row(), rows, row_step())`, and the lanes of a group
over the elements of a row, `for c in range(lane(), classes, LANES)`. All lanes of a group take part in its sums.
"""

from __future__ import annotations

from numba import cuda, int64

from numbaloss.kernels.cuda.device import (
    THREADS,
    block_max,
    block_sum,
    first_item,
    larger,
    real,
    store,
    warp_max,
    warp_sum,
)

LANES = 32  # open name: 1, 2, 4, 8, 16, 32 or THREADS


def first_row():  # type: ignore[no-untyped-def]
    """The first row of this thread's group."""
    return first_item() // LANES


def row_step():  # type: ignore[no-untyped-def]
    """How many groups the grid has."""
    return int64(cuda.gridDim.x) * (THREADS // LANES)


def lane():  # type: ignore[no-untyped-def]
    """This thread's number in its group."""
    return cuda.threadIdx.x % LANES


def members():  # type: ignore[no-untyped-def]
    """The lanes of this thread's part of a warp, as bits: parts need not keep step with each other."""
    return ((1 << LANES) - 1) << (cuda.threadIdx.x % 32 // LANES * LANES)


def part_sum(value):  # type: ignore[no-untyped-def]
    """The sum over a part of a warp, the same bits in every lane."""
    if LANES > 8:
        value += cuda.shfl_xor_sync(members(), value, 8)
    if LANES > 4:
        value += cuda.shfl_xor_sync(members(), value, 4)
    if LANES > 2:
        value += cuda.shfl_xor_sync(members(), value, 2)
    return value + cuda.shfl_xor_sync(members(), value, 1)


def part_max(value):  # type: ignore[no-untyped-def]
    """The largest over a part of a warp, in every lane; nan if there is one."""
    if LANES > 8:
        value = larger(value, cuda.shfl_xor_sync(members(), value, 8))
    if LANES > 4:
        value = larger(value, cuda.shfl_xor_sync(members(), value, 4))
    if LANES > 2:
        value = larger(value, cuda.shfl_xor_sync(members(), value, 2))
    return larger(value, cuda.shfl_xor_sync(members(), value, 1))


def group_sum(value, shared):  # type: ignore[no-untyped-def]
    """The sum over the group, the same bits in every lane; `shared` holds a number for each warp of the block."""
    if LANES == 1:
        return value
    if LANES < 32:
        return part_sum(value)
    if LANES == 32:
        return warp_sum(value)
    return block_sum(value, shared)


def group_max(value, shared):  # type: ignore[no-untyped-def]
    """The largest over the group, in every lane; nan if there is one."""
    if LANES == 1:
        return value
    if LANES < 32:
        return part_max(value)
    if LANES == 32:
        return warp_max(value)
    return block_max(value, shared)


def group_wait():  # type: ignore[no-untyped-def]
    """Let all lanes of the group come here, and see what the others have written."""
    if LANES > 32:
        cuda.syncthreads()
    elif LANES > 1:
        cuda.syncwarp(members())


def group_order():  # type: ignore[no-untyped-def]
    """The same right after a sum or a maximum over the group: a block's has let all lanes wait, shuffles have not."""
    if LANES > 1 and LANES <= 32:
        cuda.syncwarp(members())


def once(value, values, row):  # type: ignore[no-untyped-def]
    """What a row adds to this thread's sum: its value in one of its lanes, which writes it unless `values` is None."""
    if lane() != 0:
        return real(0.0)
    if values is not None:
        store(values, row, value)
    return value
