"""Rows and the threads that share one: a single thread, a warp or a whole block, as the open name `LANES` says.

A kernel loops over the rows of its group, `for row in range(first_row(), rows, row_step())`, and the lanes of a group
over the elements of a row, `for c in range(lane(), classes, LANES)`. All lanes of a group take part in its sums.
"""

from __future__ import annotations

from numba import cuda, int64

from numbaloss.kernels.cuda.device import THREADS, block_max, block_sum, first_item, warp_max, warp_sum

LANES = 32  # open name: 1, 32 or THREADS


def first_row():  # type: ignore[no-untyped-def]
    """The first row of this thread's group."""
    return first_item() // LANES


def row_step():  # type: ignore[no-untyped-def]
    """How many groups the grid has."""
    return int64(cuda.gridDim.x) * (THREADS // LANES)


def lane():  # type: ignore[no-untyped-def]
    """This thread's number in its group."""
    return cuda.threadIdx.x % LANES


def group_sum(value, shared):  # type: ignore[no-untyped-def]
    """The sum over the group, the same bits in every lane; `shared` holds a number for each warp of the block."""
    if LANES == 1:
        return value
    if LANES == 32:
        return warp_sum(value)
    return block_sum(value, shared)


def group_max(value, shared):  # type: ignore[no-untyped-def]
    """The largest over the group, in every lane; nan if there is one."""
    if LANES == 1:
        return value
    if LANES == 32:
        return warp_max(value)
    return block_max(value, shared)


def group_wait():  # type: ignore[no-untyped-def]
    """Wait for the group: what its lanes have read may be written to then."""
    if LANES == 32:
        cuda.syncwarp()
    elif LANES > 32:
        cuda.syncthreads()
