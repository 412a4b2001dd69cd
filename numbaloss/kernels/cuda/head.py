"""What a linear layer's loss needs besides products and rows: which rows count."""

from __future__ import annotations

from numba import cuda

from numbaloss.kernels.cuda.device import THREADS, first_item


def mark(rows, labels, ignored, rates):  # type: ignore[no-untyped-def]
    """1 for each row with a label, 0 for one that is ignored."""
    for row in range(first_item(), rows, cuda.gridDim.x * THREADS):
        rates[row] = 0.0 if labels[row] == ignored else 1.0
