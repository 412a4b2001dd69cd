"""Distances between two rows that a group of lanes holds: twins of `kernels.cpu.measures`, which say what they give.

A row is a pair (what this lane holds, the memory it is from), `place` where rows begin and how wide they are. The
slopes are those of the CPU, by what is held.
"""

from __future__ import annotations

from numbaloss.compile.primitives import copysign, power, sqrt
from numbaloss.kernels.cpu.measures import (
    GROW,
    HIGH,
    LOW,
    P,
    apart,
    chebyshev_slopes,
    difference,
    euclidean_slopes,
    given_slopes,
    length_of,
    manhattan_slopes,
    minkowski_slopes,
    plain,
    squared_euclidean_slopes,
)
from numbaloss.kernels.cuda.device import first_item, real, times, vector
from numbaloss.kernels.cuda.group import group_max, group_sum
from numbaloss.kernels.cuda.spans import HELD, WHOLE, column, fetch, spans

__all__ = [
    "chebyshev",
    "chebyshev_slopes",
    "cosine",
    "cosine_slopes",
    "euclidean",
    "euclidean_slopes",
    "given",
    "given_slopes",
    "manhattan",
    "manhattan_slopes",
    "minkowski",
    "minkowski_slopes",
    "squared_euclidean",
    "squared_euclidean_slopes",
]

SLOTS = 3  # open name: distances of a row whose gradients are kept


def bring(x, y, place, span):  # type: ignore[no-untyped-def]
    """Let the lanes hold this span of both rows, if they do not hold it anyway."""
    if not WHOLE:
        fetch(x[1], place[0], span, place[1], x[0])
        fetch(y[1], place[0], span, place[1], y[0])


# ---- sums of powers of differences --------------------------------------------------------------------------------


def squares(x, y, place, eps, grow, shared):  # type: ignore[no-untyped-def]
    total = real(0.0)
    for span in range(spans(place[1])):
        bring(x, y, place, span)
        for k in range(HELD):
            gap = difference(x[0][k], y[0][k], eps) * grow
            total += gap * gap if column(span, k) < place[1] else 0.0
    return group_sum(total, shared)


def euclidean(x, y, place, eps, room, slot, shared):  # type: ignore[no-untyped-def]
    total, grow = squares(x, y, place, eps, 1.0, shared), 1.0
    if not (LOW < total < HIGH):
        grow = GROW if total < 1.0 else 1.0 / GROW
        total = squares(x, y, place, eps, grow, shared)
    length = sqrt(total)
    return length if grow == 1.0 else length / grow, grow, 0.0 if length == 0.0 else 1.0 / length, eps


def squared_euclidean(x, y, place, eps, room, slot, shared):  # type: ignore[no-untyped-def]
    return squares(x, y, place, eps, 1.0, shared), eps


def manhattan(x, y, place, eps, room, slot, shared):  # type: ignore[no-untyped-def]
    total = real(0.0)
    for span in range(spans(place[1])):
        bring(x, y, place, span)
        for k in range(HELD):
            total += abs(difference(x[0][k], y[0][k], eps)) if column(span, k) < place[1] else 0.0
    return group_sum(total, shared), eps


def furthest(x, y, place, eps, shared):  # type: ignore[no-untyped-def]
    """The largest absolute difference; nan if there is one."""
    most = real(0.0)
    for span in range(spans(place[1])):
        bring(x, y, place, span)
        for k in range(HELD):
            gap = abs(difference(x[0][k], y[0][k], eps))
            if column(span, k) < place[1] and not (gap <= most):
                most = gap if most == most else most
    return group_max(most, shared)


def chebyshev(x, y, place, eps, room, slot, shared):  # type: ignore[no-untyped-def]
    most, ties = furthest(x, y, place, eps, shared), real(0.0)
    for span in range(spans(place[1])):
        bring(x, y, place, span)
        for k in range(HELD):
            gap = abs(difference(x[0][k], y[0][k], eps))
            ties += 1.0 if column(span, k) < place[1] and gap == most else 0.0
    return most, 1.0 / group_sum(ties, shared), eps


def minkowski(x, y, place, eps, room, slot, shared):  # type: ignore[no-untyped-def]
    most = furthest(x, y, place, eps, shared)
    unit = most if most > 0.0 and most - most == 0.0 else 1.0
    total = real(0.0)
    for span in range(spans(place[1])):
        bring(x, y, place, span)
        for k in range(HELD):
            share = abs(difference(x[0][k], y[0][k], eps)) / unit
            total += power(share, P) if column(span, k) < place[1] else 0.0
    return unit * power(group_sum(total, shared), 1.0 / P), eps


# ---- cosines ------------------------------------------------------------------------------------------------------


def products(x, y, place, grow_x, grow_y, shared):  # type: ignore[no-untyped-def]
    xx, yy, xy = real(0.0), real(0.0), real(0.0)
    for span in range(spans(place[1])):
        bring(x, y, place, span)
        for k in range(HELD):
            one, two = times(x[0][k], grow_x), times(y[0][k], grow_y)
            inside = column(span, k) < place[1]
            xx += one * one if inside else 0.0
            yy += two * two if inside else 0.0
            xy += one * two if inside else 0.0
    return group_sum(xx, shared), group_sum(yy, shared), group_sum(xy, shared)


def apartness(x, y, place, per_x, per_y, side, shared):  # type: ignore[no-untyped-def]
    square, along_x, along_y = real(0.0), real(0.0), real(0.0)
    for span in range(spans(place[1])):
        bring(x, y, place, span)
        for k in range(HELD):
            one, two = times(x[0][k], per_x), times(y[0][k], per_y)
            gap = apart(one, two, side)
            inside = column(span, k) < place[1]
            square += gap * gap if inside else 0.0
            along_x += gap * one if inside else 0.0
            along_y += gap * two if inside else 0.0
    return group_sum(square, shared), group_sum(along_x, shared), group_sum(along_y, shared)


def cosine(x, y, place, eps, room, slot, shared):  # type: ignore[no-untyped-def]
    grow_x, grow_y = 1.0, 1.0
    xx, yy, xy = products(x, y, place, grow_x, grow_y, shared)
    if not (LOW < xx < HIGH and LOW < yy < HIGH):
        grow_x = 1.0 if LOW < xx < HIGH else (GROW if xx < 1.0 else 1.0 / GROW)
        grow_y = 1.0 if LOW < yy < HIGH else (GROW if yy < 1.0 else 1.0 / GROW)
        xx, yy, xy = products(x, y, place, grow_x, grow_y, shared)
    length_x, lack_x, follows_x = length_of(sqrt(xx) / grow_x, eps)
    length_y, lack_y, follows_y = length_of(sqrt(yy) / grow_y, eps)
    per_x, per_y = 1.0 / length_x, 1.0 / length_y
    value = times(times(xy, per_x / grow_x), per_y / grow_y)
    distance, side, back_x, back_y = 1.0 - value, 0.0, -value, -value
    if abs(value) > 0.5:
        side = copysign(1.0, value)
        square, along_x, along_y = apartness(x, y, place, per_x, per_y, side, shared)
        rest = 0.5 * (square + (lack_x + lack_y))
        value = side * (1.0 - rest)
        distance = rest if side > 0.0 else 2.0 - rest
        # no part of the slope may point along its own row: taken from the sums, rounded lengths do not matter
        back_x, back_y = side * lack_x - along_x, side * (lack_y + along_y)
    back_x = back_x if follows_x > 0.0 else side
    back_y = back_y if follows_y > 0.0 else side
    return distance, value, per_x, per_y, side, back_x, back_y


def cosine_slopes(x, y, k, known):  # type: ignore[no-untyped-def]
    one, two = times(x[k], known[2]), times(y[k], known[3])
    by_x = (two - known[4] * one) + known[5] * one
    by_y = (one - known[4] * two) + known[6] * two
    return -known[2] * by_x, -known[3] * by_y


# ---- a distance given by the user ---------------------------------------------------------------------------------


def given(x, y, place, eps, room, slot, shared):  # type: ignore[no-untyped-def]
    """One lane has the row: (distance, gradients by both rows, which are kept in this thread's part of `room`)."""
    start, width = place
    low = (first_item() * SLOTS + slot) * 2 * width
    by_x, by_y = vector(room, low, width), vector(room, low + width, width)
    return plain(vector(x[1], start, width), vector(y[1], start, width), by_x, by_y), by_x, by_y
