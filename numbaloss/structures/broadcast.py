"""Sums and overlaps of arrays that are broadcast against each other."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from numbaloss.arrays.numpy import Array


def spread_sum(weights: Array, shape: tuple[int, ...]) -> float:
    """The sum of weights once broadcast to `shape`, in float64."""
    if weights.size == 0:
        return 0.0
    return float(weights.sum(dtype=np.float64)) * (float(math.prod(shape)) / weights.size)


def overlaps(operands: Sequence[Array], outputs: Sequence[Array]) -> bool:
    """Whether an output shares memory with an input other than element for element."""
    return any(
        np.may_share_memory(one, two) and one.__array_interface__["data"] != two.__array_interface__["data"]
        for two in outputs
        for one in operands
    )


def summed_to(shape: tuple[int, ...], gradient: Array) -> Array:
    """The gradient of an input that was broadcast: summed back to its own shape."""
    own = shape
    if gradient.shape == shape:
        return gradient
    if shape == gradient.shape[:-1]:
        shape = (*shape, 1)
    full = (1,) * (gradient.ndim - len(shape)) + shape
    axes = tuple(axis for axis, (one, wide) in enumerate(zip(full, gradient.shape, strict=True)) if one != wide)
    summed: Array = gradient.sum(axis=axes, keepdims=True, dtype=np.float64).astype(gradient.dtype)
    return summed.reshape(own)
