"""Weighted sums of arrays of one shape: what a mix of losses makes of their values and gradients."""

from __future__ import annotations

from numba import cuda

from numbaloss.kernels.cuda.device import THREADS, first_item, load, real, store


def combine(n, parts, factors, target):  # type: ignore[no-untyped-def]
    """``target = sum of factors[k] * parts[k]``; `target` may be one of the parts."""
    for i in range(first_item(), n, cuda.gridDim.x * THREADS):
        total = real(0.0)
        for k in range(len(parts)):
            total += factors[k] * load(parts[k], i)
        store(target, i, total)
