"""Softmax losses of few scaled cosines, many rows at once; tiles as in `softmax_tiles`."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbaloss.kernels.cpu.intrinsics import disjoint, empty, out_of_line, over, part
from numbaloss.kernels.cpu.softmax_tiles import SLOTS, label_tile
from numbaloss.kernels.cpu.transpose import WIDTH, one_by_one, side_by_side


def shift(cosine: Any, params: Any) -> Any:
    """Open name: (the label's cosine once moved, its derivative by the cosine)."""
    raise NotImplementedError


@disjoint
def move_labels(tile, classes, labels, ignored, steepness, moves, own, tilts):  # type: ignore[no-untyped-def]
    """From the cosines in a tile to logits; `tilts` are the derivatives of the labels' by their cosines."""
    n = labels.size
    for r in range(n):
        label = np.int64(labels[r])
        own[r] = tile[(label if label != ignored else 0) * WIDTH + r]
    for r in range(n):
        moved, tilts[r] = shift(own[r], moves)
        own[r] = steepness * moved
    for c in range(classes):
        row = part(tile, c * WIDTH, c * WIDTH + n)
        for r in range(n):
            row[r] = steepness * row[r]
    for r in range(n):
        label = np.int64(labels[r])
        if label != ignored:
            tile[label * WIDTH + r] = own[r]


def tilt_labels(slopes, labels, ignored, tilts):  # type: ignore[no-untyped-def]
    """From the slopes by the labels' logits to those by their cosines, but for the steepness."""
    for r in range(labels.size):
        label = np.int64(labels[r])
        if label != ignored:
            slopes[label * WIDTH + r] *= tilts[r]


@out_of_line
def small_cosine_block(
    first, last, flat, stride, classes, labels, ignored, weights, row_weights, smoothing, steepness, moves, params,
    scale, values, gradient,
):  # type: ignore[no-untyped-def]
    """The rows of one parallel task, transposed tile by tile into scratch memory and back."""
    scratch, own, tilts = empty(SLOTS, flat.dtype), empty(WIDTH, flat.dtype), empty(WIDTH, flat.dtype)
    tile = empty(classes * WIDTH, flat.dtype)
    slopes = over(tile, gradient, None)
    total = np.float64(0.0)
    for low in range(first, last, WIDTH):
        high = min(low + WIDTH, last)
        n, here = high - low, part(labels, low, high)
        side_by_side(part(flat, low * stride, (high - 1) * stride + classes), stride, classes, n, tile)
        move_labels(tile, classes, here, ignored, steepness, moves, own, tilts)
        total += label_tile(
            tile, WIDTH, classes, here, ignored, weights, part(row_weights, low, high), smoothing, None, None, None,
            params, scale * steepness, part(values, low, high), slopes, None, scratch,
        )
        if gradient is not None:
            tilt_labels(slopes, here, ignored, tilts)
            one_by_one(slopes, classes, n, part(gradient, low * classes, high * classes))
    return total
