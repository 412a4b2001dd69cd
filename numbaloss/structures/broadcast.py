"""Sums of arrays that are broadcast against each other."""

from __future__ import annotations

import math

import numpy as np

from numbaloss.arrays.numpy import Array
from numbaloss.arrays.sums import sum_of


def spread_sum(weights: Array, shape: tuple[int, ...]) -> float:
    """The sum of weights once broadcast to `shape`, in float64."""
    if weights.size == 0:
        return 0.0
    return sum_of(weights) * (float(math.prod(shape)) / weights.size)


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
