"""One pass over class labels before anything is computed: what counts and how much, or which are out of range."""

from __future__ import annotations

from numba import cuda, int64

from numbaloss.kernels.cuda.device import THREADS, WARPS, first_item, put_sum, real
from numbaloss.kernels.cuda.row import weight_of


def scan(rows, labels, classes, ignored, weights, row_weights, spread, partials):  # type: ignore[no-untyped-def]
    """The blocks' sums of the weights of the rows that are not ignored."""
    shared = cuda.shared.array(WARPS, real)
    mass = real(0.0)
    for row in range(first_item(), rows, cuda.gridDim.x * THREADS):
        label = int64(labels[row])
        if label != ignored and label >= 0 and label < classes:
            mass += weight_of(row, weights, row_weights, spread, label)
    put_sum(mass, partials, shared)


def weigh_rows(rows, row_weights, spread, partials):  # type: ignore[no-untyped-def]
    """The blocks' sums of the rows' own weights."""
    shared = cuda.shared.array(WARPS, real)
    mass = real(0.0)
    for row in range(first_item(), rows, cuda.gridDim.x * THREADS):
        mass += weight_of(row, None, row_weights, spread, 0)
    put_sum(mass, partials, shared)


def count_wrong(n, labels, classes, ignored, wrong):  # type: ignore[no-untyped-def]
    """The blocks' counts of the labels that are neither a class nor `ignored`."""
    shared = cuda.shared.array(WARPS, real)
    count = real(0.0)
    for i in range(first_item(), n, cuda.gridDim.x * THREADS):
        label = int64(labels[i])
        if label != ignored and (label < 0 or label >= classes):
            count += 1.0
    put_sum(count, wrong, shared)
