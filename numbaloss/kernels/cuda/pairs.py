"""Losses of rows of two or three arrays, as functions of the distances between them.

The lanes of a group hold the rows they share; distances are measured, the mathematics gives value and slopes by them,
and the gradients are computed from what is held. Each element is read and written by one and the same lane, so that
gradients may take the inputs' place.
"""

from __future__ import annotations

from typing import Any

from numba import cuda

from numbaloss.kernels.cuda.device import WARPS, divided, put_sum, real
from numbaloss.kernels.cuda.group import first_row, once, row_step
from numbaloss.kernels.cuda.spans import HELD, WHOLE, column, fetch, spans, write

GIVEN = False  # open name: whether the distance is a user's function, which leaves its gradients in `room`
SWAP = False  # open name: whether a triplet's negative may be measured from the positive


def measure(x: Any, y: Any, place: Any, eps: Any, room: Any, slot: int, shared: Any) -> Any:
    """Open name: what is known of a pair of rows, a tuple that begins with their distance.

    `room` is memory for gradients, for one pair in each slot; None where the distance does not need it.
    """
    raise NotImplementedError


def slopes_at(x: Any, y: Any, k: Any, known: Any) -> Any:
    """Open name: the derivatives of the distance by the elements of both rows that a lane holds as number `k`."""
    raise NotImplementedError


def pair_link(known: Any, label: Any, params: Any) -> Any:
    """Open name: (value, slope by the distance) of one pair."""
    raise NotImplementedError


def triplet_link(near: Any, far: Any, params: Any) -> Any:
    """Open name: (value, slope by the positive's distance, slope by the negative's) of one triplet."""
    raise NotImplementedError


def slopes(x, y, k, span, known):  # type: ignore[no-untyped-def]
    """The derivatives of the distance by what a lane holds as number `k` of a span."""
    if GIVEN:
        return slopes_at(x, y, column(span, k), known)
    return slopes_at(x, y, k, known)


def pair_rows(
    rows, width, flat1, flat2, labels, row_weights, eps, room, params, scale, masses, parts, empty, values, gradient1,
    gradient2, partials,
):  # type: ignore[no-untyped-def]
    """All pairs of rows; the blocks' sums of weighted values."""
    shared = cuda.shared.array(WARPS, real)
    x = cuda.local.array(HELD, real)
    y = cuda.local.array(HELD, real)
    scale = divided(scale, masses, parts, empty, shared)
    total = real(0.0)
    for row in range(first_row(), rows, row_step()):
        start = row * width
        if WHOLE:
            fetch(flat1, start, 0, width, x)
            fetch(flat2, start, 0, width, y)
        known = measure((x, flat1), (y, flat2), (start, width), eps, room, 0, shared)
        label = real(0.0)
        if labels is not None:
            label = real(labels[row])
        value, slope = pair_link(known, label, params)
        factor = scale * slope
        if row_weights is not None:
            value = value * row_weights[row]
            factor = factor * row_weights[row]
        total += once(value, values, row)
        if gradient1 is not None or gradient2 is not None:
            for span in range(spans(width)):
                if not WHOLE:
                    fetch(flat1, start, span, width, x)
                    fetch(flat2, start, span, width, y)
                for k in range(HELD):
                    by_x, by_y = slopes(x, y, k, span, known)
                    x[k] = 0.0 if slope == 0.0 else factor * by_x
                    y[k] = 0.0 if slope == 0.0 else factor * by_y
                if gradient1 is not None:
                    write(gradient1, start, span, width, x)
                if gradient2 is not None:
                    write(gradient2, start, span, width, y)
    put_sum(total, partials, shared)


def triplet_rows(
    rows, width, flat1, flat2, flat3, row_weights, eps, room, params, scale, masses, parts, empty, values, gradient1,
    gradient2, gradient3, partials,
):  # type: ignore[no-untyped-def]
    """All triplets of rows; the blocks' sums of weighted values."""
    shared = cuda.shared.array(WARPS, real)
    anchor = cuda.local.array(HELD, real)
    positive = cuda.local.array(HELD, real)
    negative = cuda.local.array(HELD, real)
    scale = divided(scale, masses, parts, empty, shared)
    total = real(0.0)
    for row in range(first_row(), rows, row_step()):
        start = row * width
        if WHOLE:
            fetch(flat1, start, 0, width, anchor)
            fetch(flat2, start, 0, width, positive)
            fetch(flat3, start, 0, width, negative)
        place = (start, width)
        near = measure((anchor, flat1), (positive, flat2), place, eps, room, 0, shared)
        far = measure((anchor, flat1), (negative, flat3), place, eps, room, 1, shared)
        across, distance, share = far, far[0], real(1.0)
        if SWAP:
            across = measure((positive, flat2), (negative, flat3), place, eps, room, 2, shared)
            # nan of either is nan; a tie is shared
            share = 0.0 if across[0] < far[0] else (0.5 if across[0] == far[0] else 1.0)
            distance = far[0] if far[0] <= across[0] or far[0] != far[0] else across[0]
        value, pull, push = triplet_link(near[0], distance, params)
        still = pull == 0.0 and push == 0.0
        factor = scale
        if row_weights is not None:
            value = value * row_weights[row]
            factor = factor * row_weights[row]
        total += once(value, values, row)
        pull, push = factor * pull, factor * push
        aside, push = push * (1.0 - share), push * share
        if gradient1 is not None or gradient2 is not None or gradient3 is not None:
            for span in range(spans(width)):
                if not WHOLE:
                    fetch(flat1, start, span, width, anchor)
                    fetch(flat2, start, span, width, positive)
                    fetch(flat3, start, span, width, negative)
                for k in range(HELD):
                    near_a, near_p = slopes(anchor, positive, k, span, near)
                    far_a, far_n = slopes(anchor, negative, k, span, far)
                    by_a, by_p, by_n = pull * near_a + push * far_a, pull * near_p, push * far_n
                    if SWAP:
                        across_p, across_n = slopes(positive, negative, k, span, across)
                        by_p, by_n = by_p + aside * across_p, by_n + aside * across_n
                    anchor[k] = 0.0 if still else by_a
                    positive[k] = 0.0 if still else by_p
                    negative[k] = 0.0 if still else by_n
                if gradient1 is not None:
                    write(gradient1, start, span, width, anchor)
                if gradient2 is not None:
                    write(gradient2, start, span, width, positive)
                if gradient3 is not None:
                    write(gradient3, start, span, width, negative)
    put_sum(total, partials, shared)
