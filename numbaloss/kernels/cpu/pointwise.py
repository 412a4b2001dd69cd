"""Elementwise losses: one sweep over equally long contiguous vectors writes whatever is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from numbaloss.kernels.cpu.intrinsics import out_of_line, part, scratch, strict

BLOCK = 4096  # elements summed pairwise in the element type; across blocks the sum is float64, in index order
EIGHTH = BLOCK // 8


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


@strict
def fold(terms, n):  # type: ignore[no-untyped-def]
    """The sum of the first `n` terms, as a tree that does not depend on the vector width. Overwrites them."""
    if n == BLOCK:
        for i in range(EIGHTH):
            one = (terms[i] + terms[EIGHTH + i]) + (terms[2 * EIGHTH + i] + terms[3 * EIGHTH + i])
            two = (terms[4 * EIGHTH + i] + terms[5 * EIGHTH + i]) + (terms[6 * EIGHTH + i] + terms[7 * EIGHTH + i])
            terms[i] = one + two
        n = EIGHTH
    while n > 1:
        half = (n + 1) // 2
        for i in range(n - half):
            terms[i] += terms[half + i]
        n = half
    return terms[0]


def block(n, inputs, params, weights, scale, values, gradients, curvatures, terms):  # type: ignore[no-untyped-def]
    """One block: the sum of its weighted values; writes the outputs that are not None."""
    out_of_line()
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
        if terms is not None:
            terms[i] = value
    if terms is None:
        return 0.0
    return fold(terms, n)


@strict
def in_order(partials):  # type: ignore[no-untyped-def]
    """The sum of the blocks, in one order for any number of threads."""
    out_of_line()
    total = np.float64(0.0)
    for b in range(partials.size):
        total = total + partials[b]
    return total


def sweep(n, inputs, params, weights, scale, values, gradients, curvatures, sums):  # type: ignore[no-untyped-def]
    """All blocks. `scale` multiplies slopes and curvatures; outputs that are None, and `sums`, cost nothing."""
    blocks = (n + BLOCK - 1) // BLOCK
    partials = np.empty(blocks, np.float64)
    for b in prange(blocks):
        low = b * BLOCK
        high = min(low + BLOCK, n)
        terms = scratch(sums, inputs[0], BLOCK)
        partials[b] = block(
            high - low,
            window(inputs, low, high),
            params,
            part(weights, low, high),
            scale,
            part(values, low, high),
            window_out(gradients, low, high),
            part(curvatures, low, high),
            terms,
        )
    return in_order(partials)
