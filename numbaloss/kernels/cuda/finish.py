"""The second launch of a sum: adds the blocks' partial sums in a fixed order, and divides."""

from __future__ import annotations

from numba import cuda

from numbaloss.kernels.cuda.device import WARPS, real, store, sum_of


def finish(partials, count, masses, parts, divisor, share, empty, sums, value):  # type: ignore[no-untyped-def]
    """One block. Writes sum and denominator to `sums`, and to `value` what the reduction makes of them.

    The denominator is the sum of `masses`, or `divisor` where that is None; the reduced value is divided by it only if
    `empty`, the mean of nothing, is not None.
    """
    shared = cuda.shared.array(WARPS, real)
    total = sum_of(partials, count, shared) * share
    mass = divisor if masses is None else sum_of(masses, parts, shared)
    if cuda.threadIdx.x == 0:
        sums[0] = total
        sums[1] = mass
        if empty is None:
            store(value, 0, total)
        elif mass == 0.0:
            store(value, 0, total if total != total else empty)
        else:
            store(value, 0, total / mass)
