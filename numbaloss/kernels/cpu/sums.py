"""Sums of weights."""

from __future__ import annotations

import numpy as np
from numba import prange

from numbaloss.kernels.cpu.intrinsics import disjoint, double, part
from numbaloss.kernels.cpu.pointwise import in_order

RUN = 1 << 14  # elements a parallel task takes on


def sum_all(array):  # type: ignore[no-untyped-def]
    """The float64 sum of a vector."""
    partials = np.empty((array.size + RUN - 1) // RUN, np.float64)
    for b in prange(partials.size):
        partials[b] = sum_run(part(array, b * RUN, min(b * RUN + RUN, array.size)))
    return in_order(partials)


@double
@disjoint
def sum_run(array):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(array.size):
        total += array[i]
    return total
