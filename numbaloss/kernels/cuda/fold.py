"""Sums along an axis, each in its order."""

from __future__ import annotations

from numba import cuda

from numbaloss.kernels.cuda.device import THREADS, first_item, load, real, store


def fold(n, full, repeats, inner, share, sums):  # type: ignore[no-untyped-def]
    """``sums[o, i] = share * sum over r of full[o, r, i]``, for each of the `n` sums."""
    for k in range(first_item(), n, cuda.gridDim.x * THREADS):
        place = k // inner * repeats * inner + k % inner
        total = real(0.0)
        for r in range(repeats):
            total += load(full, place + r * inner)
        store(sums, k, total * share)
