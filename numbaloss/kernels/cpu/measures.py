"""Distances between two rows, and how they change with each element.

A measure is a pair of functions: one goes over the rows and gives what is known of the pair, a tuple that begins with
the distance; the other gives the derivatives of the distance by element `j` of each row, from that tuple. Euclidean
lengths are summed as they are where the squares stay in range, and again on rows brought there by `GROW` where not.
Kernels of short rows know nothing of strips, which a row of a few elements would feel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from numbaloss.compile.primitives import copysign, maximum, power, sqrt
from numbaloss.kernels.cpu.intrinsics import run_of, strict
from numbaloss.kernels.cpu.row import narrow

# Open names, by type: between LOW and HIGH a sum of squares has lost nothing to underflow or overflow.
LOW, HIGH, GROW = 0.0, 1.0, 1.0
STRIP = 4096  # open name: elements summed in the element type; across strips the sum is float64, in index order
SHORT = True  # open name: whether a row is no longer than that
P = 2.0  # open name: the exponent of `minkowski`


def plain(x: Any, y: Any, by_x: Any, by_y: Any) -> Any:
    """Open name: a user's distance, which writes its gradient by both rows."""
    raise NotImplementedError


@strict
def difference(x, y, eps):  # type: ignore[no-untyped-def]
    """``(x - y) + eps`` in this order: the other one rounds `eps` to the size of the elements."""
    return (x - y) + eps


@strict
def scaled(x, grow):  # type: ignore[no-untyped-def]
    """``x * grow`` before anything else: the product of two such factors may be out of range."""
    return x * grow


@strict
def direction(x):  # type: ignore[no-untyped-def]
    """-1, 0 or 1; nan of nan."""
    return copysign(1.0, x) if abs(x) > 0.0 else x


# ---- sums of powers of differences --------------------------------------------------------------------------------


def squares(x, y, eps, grow):  # type: ignore[no-untyped-def]
    """The sum of the squared differences, times `grow` squared."""
    if SHORT:
        return squares_strip(x, y, eps, grow)
    total = np.float64(0.0)
    for low in range(0, x.size, STRIP):
        size = min(STRIP, x.size - low)
        total += squares_strip(run_of(x, low, size), run_of(y, low, size), eps, grow)
    return narrow(total)


def squares_strip(x, y, eps, grow):  # type: ignore[no-untyped-def]
    total = 0.0
    for j in range(x.size):
        gap = scaled(difference(x[j], y[j], eps), grow)
        total += gap * gap
    return total


def euclidean(x, y, eps, room, slot):  # type: ignore[no-untyped-def]
    """(distance, `grow`, what a difference times `grow` is divided by), the latter as a factor."""
    total, grow = squares(x, y, eps, 1.0), 1.0
    if not (LOW < total < HIGH):
        grow = GROW if total < 1.0 else 1.0 / GROW
        total = squares(x, y, eps, grow)
    length = sqrt(total)
    distance = length if grow == 1.0 else length / grow
    return distance, grow, 0.0 if length == 0.0 else 1.0 / length, eps


@strict
def euclidean_slopes(x, y, j, known):  # type: ignore[no-untyped-def]
    slope = difference(x[j], y[j], known[3]) * known[1] * known[2]
    return slope, -slope


def squared_euclidean(x, y, eps, room, slot):  # type: ignore[no-untyped-def]
    """(squared distance,)."""
    return squares(x, y, eps, 1.0), eps


@strict
def squared_euclidean_slopes(x, y, j, known):  # type: ignore[no-untyped-def]
    slope = 2.0 * difference(x[j], y[j], known[1])
    return slope, -slope


def manhattan(x, y, eps, room, slot):  # type: ignore[no-untyped-def]
    """(sum of the absolute differences,)."""
    if SHORT:
        return manhattan_strip(x, y, eps), eps
    total = np.float64(0.0)
    for low in range(0, x.size, STRIP):
        size = min(STRIP, x.size - low)
        total += manhattan_strip(run_of(x, low, size), run_of(y, low, size), eps)
    return narrow(total), eps


def manhattan_strip(x, y, eps):  # type: ignore[no-untyped-def]
    total = 0.0
    for j in range(x.size):
        total += abs(difference(x[j], y[j], eps))
    return total


@strict
def manhattan_slopes(x, y, j, known):  # type: ignore[no-untyped-def]
    slope = direction(difference(x[j], y[j], known[1]))
    return slope, -slope


def furthest(x, y, eps):  # type: ignore[no-untyped-def]
    """The largest absolute difference; nan if there is one."""
    most = 0.0
    for j in range(x.size):
        most = maximum(most, abs(difference(x[j], y[j], eps)))
    return most


def chebyshev(x, y, eps, room, slot):  # type: ignore[no-untyped-def]
    """(largest absolute difference, share of each element that has it)."""
    most, ties = furthest(x, y, eps), 0
    for j in range(x.size):
        ties += abs(difference(x[j], y[j], eps)) == most
    return most, 1.0 / narrow(ties), eps


@strict
def chebyshev_slopes(x, y, j, known):  # type: ignore[no-untyped-def]
    gap = difference(x[j], y[j], known[2])
    slope = direction(gap) * known[1] if abs(gap) == known[0] else 0.0 * known[1]
    return slope, -slope


def minkowski(x, y, eps, room, slot):  # type: ignore[no-untyped-def]
    """(distance,): the P-th root of the sum of the P-th powers of the differences, taken relative to the largest."""
    most = furthest(x, y, eps)
    unit = most if 0.0 < most < np.inf else 1.0
    if SHORT:
        return unit * power(minkowski_strip(x, y, eps, unit), 1.0 / P), eps
    total = np.float64(0.0)
    for low in range(0, x.size, STRIP):
        size = min(STRIP, x.size - low)
        total += minkowski_strip(run_of(x, low, size), run_of(y, low, size), eps, unit)
    return unit * power(narrow(total), 1.0 / P), eps


def minkowski_strip(x, y, eps, unit):  # type: ignore[no-untyped-def]
    total = 0.0
    for j in range(x.size):
        total += power(abs(difference(x[j], y[j], eps)) / unit, P)
    return total


@strict
def minkowski_slopes(x, y, j, known):  # type: ignore[no-untyped-def]
    gap = difference(x[j], y[j], known[1])
    slope = 0.0 if gap == 0.0 else copysign(power(abs(gap) / known[0], P - 1.0), gap)
    return slope, -slope


# ---- cosines ------------------------------------------------------------------------------------------------------


def products(x, y, grow_x, grow_y):  # type: ignore[no-untyped-def]
    """Sums of the squares of both rows and of their products, the rows times `grow_x` and `grow_y`."""
    if SHORT:
        return products_strip(x, y, grow_x, grow_y)
    xx, yy, xy = np.float64(0.0), np.float64(0.0), np.float64(0.0)
    for low in range(0, x.size, STRIP):
        size = min(STRIP, x.size - low)
        one, two, both = products_strip(run_of(x, low, size), run_of(y, low, size), grow_x, grow_y)
        xx += one
        yy += two
        xy += both
    return narrow(xx), narrow(yy), narrow(xy)


def products_strip(x, y, grow_x, grow_y):  # type: ignore[no-untyped-def]
    xx, yy, xy = 0.0, 0.0, 0.0
    for j in range(x.size):
        one, two = scaled(x[j], grow_x), scaled(y[j], grow_y)
        xx += one * one
        yy += two * two
        xy += one * two
    return xx, yy, xy


@strict
def apart(one, two, side):  # type: ignore[no-untyped-def]
    """The difference of two elements of unit vectors: 0 where the rows are the same."""
    return two - side * one


def apartness(x, y, per_x, per_y, side):  # type: ignore[no-untyped-def]
    """Of the unit vectors' difference, or sum: its squared length, and its products with both unit vectors."""
    if SHORT:
        return apartness_strip(x, y, per_x, per_y, side)
    square, along_x, along_y = np.float64(0.0), np.float64(0.0), np.float64(0.0)
    for low in range(0, x.size, STRIP):
        size = min(STRIP, x.size - low)
        one, two, three = apartness_strip(run_of(x, low, size), run_of(y, low, size), per_x, per_y, side)
        square += one
        along_x += two
        along_y += three
    return narrow(square), narrow(along_x), narrow(along_y)


def apartness_strip(x, y, per_x, per_y, side):  # type: ignore[no-untyped-def]
    square, along_x, along_y = 0.0, 0.0, 0.0
    for j in range(x.size):
        one, two = scaled(x[j], per_x), scaled(y[j], per_y)
        gap = apart(one, two, side)
        square += gap * gap
        along_x += gap * one
        along_y += gap * two
    return square, along_x, along_y


def length_of(norm: Any, eps: Any) -> Any:
    """Open name: (length a row is divided by, ``1 - (norm / length)^2``, whether the length grows with the norm)."""
    raise NotImplementedError


@strict
def length_at_least(norm, eps):  # type: ignore[no-untyped-def]
    """The norm, or `eps` where that is larger."""
    if norm < eps:
        return eps, 1.0 - (norm / eps) * (norm / eps), 0.0
    return norm, 0.0 * norm, 1.0


@strict
def length_softened(norm, eps):  # type: ignore[no-untyped-def]
    """The root of the squared norm plus `eps`."""
    root = sqrt(eps)
    large, small = (norm, root) if norm > root else (root, norm)
    ratio = small / large
    length = large * sqrt(1.0 + ratio * ratio)
    if norm != norm:
        length = norm
    share = root / length
    return length, share * share, 1.0


def cosine(x, y, eps, room, slot):  # type: ignore[no-untyped-def]
    """(1 - cosine, cosine, and for the slopes: both lengths as factors, `side`, what pulls each row back).

    Where the rows point nearly the same way (or opposite ways), ``1 - |cos|`` is half the squared distance between the
    unit vectors, which does not cancel, and slopes are taken from their differences: `side` is then the cosine's sign.
    """
    unit_x, unit_y = 1.0, 1.0  # powers of two, in which the rows are measured
    xx, yy, xy = products(x, y, 1.0, 1.0)
    if not (LOW < xx < HIGH and LOW < yy < HIGH):
        unit_x = 1.0 if LOW < xx < HIGH else (1.0 / GROW if xx < 1.0 else GROW)
        unit_y = 1.0 if LOW < yy < HIGH else (1.0 / GROW if yy < 1.0 else GROW)
        xx, yy, xy = products(x, y, 1.0 / unit_x, 1.0 / unit_y)
    length_x, lack_x, follows_x = length_of(unit_x * sqrt(xx), eps)
    length_y, lack_y, follows_y = length_of(unit_y * sqrt(yy), eps)
    per_x, per_y = 1.0 / length_x, 1.0 / length_y
    value = scaled(scaled(xy, scaled(per_x, unit_x)), scaled(per_y, unit_y))
    distance, side, back_x, back_y = 1.0 - value, 0.0, -value, -value
    if abs(value) > 0.5:
        side = copysign(1.0, value)
        square, along_x, along_y = apartness(x, y, per_x, per_y, side)
        rest = 0.5 * (square + (lack_x + lack_y))
        value = side * (1.0 - rest)
        distance = rest if side > 0.0 else 2.0 - rest
        # no part of the slope may point along its own row: taken from the sums, rounded lengths do not matter
        back_x, back_y = side * lack_x - along_x, side * (lack_y + along_y)
    back_x = back_x if follows_x > 0.0 else side
    back_y = back_y if follows_y > 0.0 else side
    return distance, value, per_x, per_y, side, back_x, back_y


@strict
def cosine_slopes(x, y, j, known):  # type: ignore[no-untyped-def]
    one, two = x[j] * known[2], y[j] * known[3]
    by_x = (two - known[4] * one) + known[5] * one
    by_y = (one - known[4] * two) + known[6] * two
    return -known[2] * by_x, -known[3] * by_y


# ---- a distance given by the user ---------------------------------------------------------------------------------


def given(x, y, eps, room, slot):  # type: ignore[no-untyped-def]
    """(distance, gradients by both rows)."""
    low, middle, high = 2 * slot * x.size, (2 * slot + 1) * x.size, (2 * slot + 2) * x.size
    by_x, by_y = room[low:middle], room[middle:high]
    return plain(x, y, by_x, by_y), by_x, by_y


@strict
def given_slopes(x, y, j, known):  # type: ignore[no-untyped-def]
    return known[1][j], known[2][j]
