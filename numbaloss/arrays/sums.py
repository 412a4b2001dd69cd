"""Sums of weights, in float64: NumPy converts every one of them first, a kernel as it goes."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.arrays.casts import LARGE
from numbaloss.arrays.numpy import Array
from numbaloss.compile.twins import Twins


def sum_of(weights: Array) -> float:
    """The sum, in float64."""
    floats = weights.dtype in (checks.FLOAT32, checks.FLOAT64)
    if weights.size < LARGE or not floats or not checks.lies_plainly(weights):
        return float(weights.sum(dtype=np.float64))
    return float(_twins(weights.dtype)(weights.size, checks.kernel_argument(weights).reshape(-1)))


@cache
def _twins(dtype: np.dtype[Any]) -> Twins:
    from numbaloss.kernels.cpu.sums import sum_all

    return Twins(sum_all, dtype, "weights")
