"""Losses of each pair of vectors for itself, a tile of cosines at a time; blocks, rows and `partials` as in `tiles`."""

from __future__ import annotations

from typing import Any

from numba import cuda, int64

from numbaloss.compile.cuda.unroll import unrolled
from numbaloss.kernels.cuda.device import THREADS, WARPS, block_sum, first_item, real, store, team_sum
from numbaloss.kernels.cuda.product import CELLS, EACH, ROOM, TILE, own_column, own_row, tile
from numbaloss.kernels.cuda.tiles import keep, weight_of


def link(gap: Any, params: Any) -> Any:
    """Open name: (value, slope) of a pair by its score, or minus that."""
    raise NotImplementedError


@unrolled
def judge(
    left, first, rows, right, columns, terms, scale, bias, params, weights, column_weights, splits, pitch, slopes,
    partials, place, slope_sums, products,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Values of the rows `first` to `rows`, summed over the columns, and the slopes by the scores of their pairs.

    A pair counts by its score, that of a row and its own column by minus its score. `slopes`, and the blocks' sums of
    slopes and of slopes times cosines, are left out where they are None; so are values without `partials`.
    """
    shared = cuda.shared.array(WARPS, real)
    lefts = cuda.shared.array(ROOM, real, alignment=16)
    rights = cuda.shared.array(ROOM, real, alignment=16)
    sums = cuda.local.array(CELLS, real)
    values = cuda.local.array(EACH, real)
    row, split = first + int64(cuda.blockIdx.x // splits) * TILE, cuda.blockIdx.x % splits
    slope_sum, product_sum = real(0.0), real(0.0)
    for r in range(EACH):
        values[r] = 0.0
    for column in range(split * TILE, columns if row < rows else 0, splits * TILE):
        tile(left, row, rows, right, column, columns, 0, terms, lefts, rights, sums)
        for r in range(EACH):
            i = row + own_row() + r
            if i < rows:
                for c in range(EACH):
                    j, cosine, slope = column + own_column() + c, sums[r * EACH + c], real(0.0)
                    if j < columns:
                        sign = real(-1.0) if i == j else real(1.0)
                        value, slope = link(sign * (scale[0] * cosine + bias[0]), params)
                        values[r] += value
                        slope = sign * slope * weight_of(weights, i) * weight_of(column_weights, j)
                        slope_sum += slope
                        product_sum += slope * cosine
                    sums[r * EACH + c] = slope
                if slopes is not None:
                    keep(slopes, (i - first) * pitch, column + own_column(), pitch, sums, r)
    if partials is not None:
        for r in range(EACH):
            i, value = row + own_row() + r, team_sum(values[r])
            if own_column() == 0 and i < rows:
                partials[split * (rows - first) + (i - first)] = value
    if products is not None:
        slope_sum = block_sum(slope_sum, shared)
        product_sum = block_sum(product_sum, shared)
        if cuda.threadIdx.x == 0:
            slope_sums[place + cuda.blockIdx.x] = slope_sum
            products[place + cuda.blockIdx.x] = product_sum


def settle_judged(first, rows, splits, partials, weights, shown, place, totals):  # type: ignore[no-untyped-def]
    """Weighs the values of the rows `first` to `rows`, writes them to `shown` unless that is None, and sums them."""
    shared = cuda.shared.array(WARPS, real)
    total = real(0.0)
    for i in range(first_item(), rows - first, cuda.gridDim.x * THREADS):
        value = real(0.0)
        for split in range(splits):
            value += partials[split * (rows - first) + i]
        value = value * weight_of(weights, first + i)
        total += value
        if shown is not None:
            store(shown, first + i, value)
    total = block_sum(total, shared)
    if cuda.threadIdx.x == 0:
        totals[place + cuda.blockIdx.x] = total
