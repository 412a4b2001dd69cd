"""Losses of rows of two or three arrays, as functions of the distances between them.

For each row the distances are measured, the mathematics gives value and slopes by them, and a second sweep over the
row, which is in the cache by then, writes the gradients, each in a loop of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from numbaloss.kernels.cpu.intrinsics import disjoint, like, out_of_line, run_of
from numbaloss.kernels.cpu.pointwise import in_order
from numbaloss.kernels.cpu.row import fill, narrow

WORK = 16384  # elements a parallel task takes on


def measure(x: Any, y: Any, eps: Any, room: Any, slot: int) -> Any:
    """Open name: what is known of a pair of rows, a tuple that begins with their distance.

    `room` is memory for gradients, for one pair in each slot; None where the distance does not need it.
    """
    raise NotImplementedError


def slopes_at(x: Any, y: Any, j: int, known: Any) -> Any:
    """Open name: the derivatives of the distance by element `j` of both rows."""
    raise NotImplementedError


def pair_link(known: Any, label: Any, params: Any) -> Any:
    """Open name: (value, slope by the distance) of one pair."""
    raise NotImplementedError


def triplet_link(near: Any, far: Any, params: Any) -> Any:
    """Open name: (value, slope by the positive's distance, slope by the negative's) of one triplet."""
    raise NotImplementedError


def may_be_infinite(distance, room):  # type: ignore[no-untyped-def]
    """Whether slopes by the elements may be infinite, so that 0 times them were no number; with `room` they always may.

    Asked first: no processor foresees which rows a hinge leaves out, and where all are finite it need not.
    """
    return room is not None or not distance < np.inf


# ---- gradients of one row -----------------------------------------------------------------------------------------


@disjoint
def write_first(x, y, known, factor, gradient):  # type: ignore[no-untyped-def]
    """`factor` times the slopes of a distance by the first of its rows."""
    for j in range(x.size):
        gradient[j] = factor * slopes_at(x, y, j, known)[0]


@disjoint
def write_second(x, y, known, factor, gradient):  # type: ignore[no-untyped-def]
    """`factor` times the slopes of a distance by the second of its rows."""
    for j in range(x.size):
        gradient[j] = factor * slopes_at(x, y, j, known)[1]


@disjoint
def write_anchor(anchor, positive, negative, near, far, pull, push, gradient):  # type: ignore[no-untyped-def]
    """The slopes by the anchor, which is in the distance to the positive and in that to the negative."""
    for j in range(anchor.size):
        gradient[j] = pull * slopes_at(anchor, positive, j, near)[0] + push * slopes_at(anchor, negative, j, far)[0]


@disjoint
def add_first(x, y, known, factor, gradient):  # type: ignore[no-untyped-def]
    for j in range(x.size):
        gradient[j] += factor * slopes_at(x, y, j, known)[0]


@disjoint
def add_second(x, y, known, factor, gradient):  # type: ignore[no-untyped-def]
    for j in range(x.size):
        gradient[j] += factor * slopes_at(x, y, j, known)[1]


# ---- pairs --------------------------------------------------------------------------------------------------------


@disjoint
@out_of_line
def pair_block(
    first, last, width, flat1, flat2, labels, row_weights, eps, room, params, scale, values, gradient1, gradient2
):  # type: ignore[no-untyped-def]
    """The rows of one parallel task."""
    total = np.float64(0.0)
    for i in range(first, last):
        low = i * width
        x, y = run_of(flat1, low, width), run_of(flat2, low, width)
        known = measure(x, y, eps, room, 0)
        label = 0.0
        if labels is not None:
            label = narrow(labels[i])
        value, slope = pair_link(known, label, params)
        factor = scale * slope
        if row_weights is not None:
            value = value * row_weights[i]
            factor = factor * row_weights[i]
        if values is not None:
            values[i] = value
        total += value
        still = may_be_infinite(known[0], room) and slope == 0.0
        if gradient1 is not None:
            if still:
                fill(run_of(gradient1, low, width), 0.0)
            else:
                write_first(x, y, known, factor, run_of(gradient1, low, width))
        if gradient2 is not None:
            if still:
                fill(run_of(gradient2, low, width), 0.0)
            else:
                write_second(x, y, known, factor, run_of(gradient2, low, width))
    return total


def pair_rows(
    width, flat1, flat2, labels, row_weights, eps, room, params, scale, values, gradient1, gradient2
):  # type: ignore[no-untyped-def]
    """All pairs of contiguous rows: the float64 sum of the weighted values, in row order."""
    rows = flat1.size // width
    step = max(1, WORK // width)
    partials = np.empty((rows + step - 1) // step, np.float64)
    for b in prange(partials.size):
        own = like(room, flat1, 2 * width)
        partials[b] = pair_block(
            b * step, min(b * step + step, rows), width, flat1, flat2, labels, row_weights, eps, own, params, scale,
            values, gradient1, gradient2,
        )
    return in_order(partials)


# ---- triplets -----------------------------------------------------------------------------------------------------


@disjoint
@out_of_line
def triplet_block(
    first, last, width, flat1, flat2, flat3, row_weights, eps, room, swap, params, scale, values, gradient1,
    gradient2, gradient3,
):  # type: ignore[no-untyped-def]
    """The rows of one parallel task."""
    total = np.float64(0.0)
    for i in range(first, last):
        low = i * width
        anchor, positive, negative = run_of(flat1, low, width), run_of(flat2, low, width), run_of(flat3, low, width)
        near = measure(anchor, positive, eps, room, 0)
        far = measure(anchor, negative, eps, room, 1)
        distance, share = far[0], 1.0
        if swap is not None:
            across = measure(positive, negative, eps, room, 2)
            # nan of either is nan; a tie is shared
            share = 0.0 if across[0] < far[0] else (0.5 if across[0] == far[0] else 1.0)
            distance = far[0] if far[0] <= across[0] or far[0] != far[0] else across[0]
        value, pull, push = triplet_link(near[0], distance, params)
        still = may_be_infinite(near[0] + distance, room) and pull == 0.0 and push == 0.0
        factor = scale
        if row_weights is not None:
            value = value * row_weights[i]
            factor = factor * row_weights[i]
        if values is not None:
            values[i] = value
        total += value
        pull = factor * pull
        push = factor * push
        aside = push * (1.0 - share)
        push = push * share
        if gradient1 is not None:
            if still:
                fill(run_of(gradient1, low, width), 0.0)
            else:
                write_anchor(anchor, positive, negative, near, far, pull, push, run_of(gradient1, low, width))
        if gradient2 is not None:
            if still:
                fill(run_of(gradient2, low, width), 0.0)
            else:
                write_second(anchor, positive, near, pull, run_of(gradient2, low, width))
                if swap is not None:
                    add_first(positive, negative, across, aside, run_of(gradient2, low, width))
        if gradient3 is not None:
            if still:
                fill(run_of(gradient3, low, width), 0.0)
            else:
                write_second(anchor, negative, far, push, run_of(gradient3, low, width))
                if swap is not None:
                    add_second(positive, negative, across, aside, run_of(gradient3, low, width))
    return total


def triplet_rows(
    width, flat1, flat2, flat3, row_weights, eps, room, swap, params, scale, values, gradient1, gradient2, gradient3
):  # type: ignore[no-untyped-def]
    """All triplets of contiguous rows: the float64 sum of the weighted values, in row order."""
    rows = flat1.size // width
    step = max(1, WORK // width)
    partials = np.empty((rows + step - 1) // step, np.float64)
    for b in prange(partials.size):
        own = like(room, flat1, 6 * width)
        partials[b] = triplet_block(
            b * step, min(b * step + step, rows), width, flat1, flat2, flat3, row_weights, eps, own, swap, params,
            scale, values, gradient1, gradient2, gradient3,
        )
    return in_order(partials)
