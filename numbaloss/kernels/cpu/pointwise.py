"""Elementwise losses: one sweep over equally long contiguous vectors writes whatever is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from numbaloss.kernels.cpu.intrinsics import disjoint, empty, out_of_line, part, strict

BLOCK = 4096  # elements summed in the element type; across blocks the sum is float64, in index order


def element(inputs: Any, params: Any, i: int) -> Any:
    """Open name: (value, slopes, curvature) of element `i`."""
    raise NotImplementedError


def store(gradients: Any, i: int, slopes: Any, factor: Any) -> None:
    """Open name: write the wanted slopes of element `i`, times `factor`."""
    raise NotImplementedError


def window(arrays: Any, low: int, high: int) -> Any:
    """Open name: the same slice of every input."""
    raise NotImplementedError


def window_out(arrays: Any, low: int, high: int) -> Any:
    """Open name: the same slice of every gradient."""
    raise NotImplementedError


@out_of_line
@disjoint
def block(n, inputs, params, weights, scale, values, gradients, curvatures, sums):  # type: ignore[no-untyped-def]
    """One block: the sum of its weighted values; writes the outputs that are not None."""
    total = 0.0
    for i in range(n):
        value, slopes, curvature = element(inputs, params, i)
        factor = scale
        if weights is not None:
            value = value * weights[i]
            factor = factor * weights[i]
        if values is not None:
            values[i] = value
        store(gradients, i, slopes, factor)
        if curvatures is not None:
            curvatures[i] = curvature * factor
        if sums is not None:
            total += value
    return total


@strict
def in_order(partials):  # type: ignore[no-untyped-def]
    """The sum of the blocks, in one order for any number of threads."""
    total = np.float64(0.0)
    for b in range(partials.size):
        total = total + partials[b]
    return total


def sweep(n, inputs, params, weights, scale, values, gradients, curvatures, sums):  # type: ignore[no-untyped-def]
    """All blocks. `scale` multiplies slopes and curvatures; outputs that are None, and `sums`, cost nothing."""
    blocks = (n + BLOCK - 1) // BLOCK
    partials = empty(blocks, np.float64)
    for b in prange(blocks):
        low = b * BLOCK
        high = min(low + BLOCK, n)
        partials[b] = block(
            high - low,
            window(inputs, low, high),
            params,
            part(weights, low, high),
            scale,
            part(values, low, high),
            window_out(gradients, low, high),
            part(curvatures, low, high),
            sums,
        )
    return in_order(partials)
