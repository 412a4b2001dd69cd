"""One pass over class labels before anything is computed: what counts, how much, and whether all are in range."""

from __future__ import annotations

from numba import cuda, int64

from numbaloss.kernels.cuda.device import THREADS, WARPS, block_sum, first_item, real
from numbaloss.kernels.cuda.row import weight_of


def scan(rows, labels, classes, ignored, weights, row_weights, spread, partials, status):  # type: ignore[no-untyped-def]
    """The blocks' sums of the weights of the rows that are not ignored.

    Writes 1 to `status`, unless that is None, if a label is neither a class nor `ignored`.
    """
    shared = cuda.shared.array(WARPS, real)
    mass = real(0.0)
    for row in range(first_item(), rows, cuda.gridDim.x * THREADS):
        label = int64(labels[row])
        if label != ignored:
            if label >= 0 and label < classes:
                mass += weight_of(row, weights, row_weights, spread, label)
            elif status is not None:
                status[0] = 1
    mass = block_sum(mass, shared)
    if cuda.threadIdx.x == 0:
        partials[cuda.blockIdx.x] = mass


def weigh_rows(rows, row_weights, spread, partials):  # type: ignore[no-untyped-def]
    """The blocks' sums of the rows' own weights."""
    shared = cuda.shared.array(WARPS, real)
    mass = real(0.0)
    for row in range(first_item(), rows, cuda.gridDim.x * THREADS):
        mass += weight_of(row, None, row_weights, spread, 0)
    mass = block_sum(mass, shared)
    if cuda.threadIdx.x == 0:
        partials[cuda.blockIdx.x] = mass
