"""Elementwise losses: one sweep, 16 bytes at a time, writes whatever is asked for."""

from __future__ import annotations

from typing import Any

from numba import cuda

from numbaloss.kernels.cuda.device import THREADS, WARPS, WIDTH, block_sum, divided, first_item, put_sum, real


def chunk(i: Any, inputs: Any, spreads: Any, params: Any, weights: Any, scale: Any, outputs: Any) -> Any:
    """Open name: read, compute and write `WIDTH` elements from `i` on; the sum of their weighted values."""
    raise NotImplementedError


def single(i: Any, inputs: Any, spreads: Any, params: Any, weights: Any, scale: Any, outputs: Any) -> Any:
    """Open name: the same for one element."""
    raise NotImplementedError


def sweep(n, inputs, spreads, params, weights, scale, masses, parts, empty, outputs, partials):  # type: ignore[no-untyped-def]
    """All elements. Slopes are multiplied by `scale`, and divided by the sum of `masses` unless that is None."""
    shared = cuda.shared.array(WARPS, real)
    scale = divided(scale, masses, parts, empty, shared)
    total = real(0.0)
    i = first_item() * WIDTH
    step = cuda.gridDim.x * (THREADS * WIDTH)
    while i + WIDTH <= n:
        total += chunk(i, inputs, spreads, params, weights, scale, outputs)
        i += step
    while i < n:  # the last elements, by the one thread that they fall to
        total += single(i, inputs, spreads, params, weights, scale, outputs)
        i += 1
    put_sum(total, partials, shared)


def product(weights: Any, spreads: Any, i: Any) -> Any:
    """Open name: the product of the weights of element `i`."""
    raise NotImplementedError


def weigh(n, weights, spreads, share, partials):  # type: ignore[no-untyped-def]
    """The blocks' sums over all elements of the products of their weights, times `share`."""
    shared = cuda.shared.array(WARPS, real)
    total = real(0.0)
    for i in range(first_item(), n, cuda.gridDim.x * THREADS):
        total += product(weights, spreads, i)
    total = block_sum(total, shared) * share
    if cuda.threadIdx.x == 0:
        partials[cuda.blockIdx.x] = total
