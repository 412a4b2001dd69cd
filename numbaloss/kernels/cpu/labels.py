"""One pass over class labels before anything is computed: what counts, how much, and whether all are in range."""

from __future__ import annotations

import numpy as np
from numba import prange

from numbaloss.kernels.cpu.intrinsics import disjoint, empty, out_of_line, part
from numbaloss.kernels.cpu.pointwise import in_order

BLOCK = 8192


@disjoint
@out_of_line
def scan_block(labels, classes, ignored, weights, row_weights):  # type: ignore[no-untyped-def]
    """(number out of range, sum of the weights of the rows that count) of one block."""
    bad, counted = 0, 0
    mass = np.float64(0.0)
    for i in range(labels.size):
        label = np.int64(labels[i])
        counts = True if ignored is None else label != ignored
        bad += counts & (np.uint64(label) >= np.uint64(classes))  # negative ones are huge there
        if weights is None and row_weights is None:
            counted += counts
        else:
            inside = counts and label >= 0 and label < classes
            weight = np.float64(1.0)
            if weights is not None:
                weight = np.float64(weights[label if inside else 0])
            if row_weights is not None:
                weight = weight * row_weights[i]
            mass += weight if inside else 0.0
    return bad, mass + counted


def scan(labels, classes, ignored, weights, row_weights):  # type: ignore[no-untyped-def]
    """(number of labels out of range, sum of the weights of the rows that are not ignored)."""
    n = labels.size
    if n <= BLOCK:
        wrong, alone = scan_block(labels, classes, ignored, weights, row_weights)
        return np.float64(wrong), alone
    blocks = (n + BLOCK - 1) // BLOCK
    bad = empty(blocks, np.float64)
    mass = empty(blocks, np.float64)
    for b in prange(blocks):
        low, high = b * BLOCK, min(b * BLOCK + BLOCK, n)
        bad[b], mass[b] = scan_block(
            part(labels, low, high), classes, ignored, weights, part(row_weights, low, high)
        )
    return in_order(bad), in_order(mass)
