"""Primitives of one contiguous row, and of a tile of rows lying side by side."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbaloss.compile.primitives import decay, exp, log1p, maximum, tanh
from numbaloss.kernels.cpu.intrinsics import disjoint, move, part, strict

STRIP = 4096  # elements summed in the element type; across strips the sum is float64, in index order
RUN = 64  # elements that the loops below take on together


def narrow(value: Any) -> Any:
    """Open name: a number in the element type."""
    raise NotImplementedError


@strict
def log_probability(logit, highest, log_total):  # type: ignore[no-untyped-def]
    """``logit - highest - log_total`` in this order: the other one rounds to the size of the logits."""
    return (logit - highest) - log_total


@strict
def capped(logit, softcap):  # type: ignore[no-untyped-def]
    """Soft-capped logit: ``c * tanh(x / c)``; the logit itself without a cap."""
    if softcap is None:
        return logit
    return softcap * tanh(logit / softcap)


def cap_slope(logit, softcap):  # type: ignore[no-untyped-def]
    """Derivative of the soft cap."""
    if softcap is None:
        return 1.0
    fall = decay(2.0 * (logit / softcap))
    return 4.0 * fall / ((1.0 + fall) * (1.0 + fall))


def cap_curvature(logit, softcap):  # type: ignore[no-untyped-def]
    """Second derivative of the soft cap."""
    if softcap is None:
        return 0.0
    return -2.0 * tanh(logit / softcap) * cap_slope(logit, softcap) / softcap


def whole_runs(size):  # type: ignore[no-untyped-def]
    """How many elements LLVM's vectors take on whole. It leaves up to `RUN` - 1 to a loop that takes one at a time."""
    return size // RUN * RUN


def peak(row):  # type: ignore[no-untyped-def]
    """The largest element; nan if there is one."""
    whole = whole_runs(row.size)
    highest = largest(part(row, 0, whole), row[0])
    if whole < row.size:
        highest = largest(part(row, max(0, row.size - RUN), row.size), highest)
    return highest


def largest(row, highest):  # type: ignore[no-untyped-def]
    """The largest of some elements and one more."""
    for j in range(row.size):
        highest = maximum(highest, row[j])
    return highest


def other_exponentials(row, own, highest, softcap, apart, stored, spare):  # type: ignore[no-untyped-def]
    """The float64 sum of ``exp(x - highest)`` over all but element `own`; the terms are kept in `stored` if not None.

    Where `apart` is None, `stored` is `row` itself. The last elements of a strip are taken with those before them,
    which are not counted again.
    """
    total = np.float64(0.0)
    for low in range(0, row.size, STRIP):
        size = min(STRIP, row.size - low)
        whole, begin = whole_runs(size), max(0, size - RUN)
        strip, kept = part(row, low, low + size), part(stored, low, low + size)
        rest, room = part(spare, 0, size - begin), part(spare, RUN, RUN + size - begin)
        if whole < size:
            move(part(strip, begin, size), rest)
        total += exponentials_strip(part(strip, 0, whole), 0, own - low, highest, softcap, apart, part(kept, 0, whole))
        if whole < size:
            total += exponentials_strip(rest, whole - begin, own - low - begin, highest, softcap, True, room)
            if stored is not None:
                move(part(room, whole - begin, size - begin), part(kept, whole, size))
    return total


@disjoint
def exponentials_strip(row, first, own, highest, softcap, apart, stored):  # type: ignore[no-untyped-def]
    """The sum of the exponentials from `first` on, without `own`; all are kept in `stored` unless it is None."""
    total, first, own = 0.0, np.int32(first), np.int32(own)
    for j in range(row.size):
        term = exp(capped(row[j], softcap) - highest)
        if stored is not None:
            if apart is None:  # by another name LLVM would not vectorise it
                row[j] = term
            else:
                stored[j] = term
        total += term if np.int32(j) != own and np.int32(j) >= first else 0.0
    return total


def gaps(row, highest, softcap, weights):  # type: ignore[no-untyped-def]
    """Sum of the (weighted) distances to the largest element, and sum of the weights: what label smoothing needs."""
    total, mass = np.float64(0.0), np.float64(0.0)
    for low in range(0, row.size, STRIP):
        high = min(low + STRIP, row.size)
        one, two = gaps_strip(part(row, low, high), highest, softcap, part(weights, low, high))
        total += one
        mass += two
    return total, mass


def gaps_strip(row, highest, softcap, weights):  # type: ignore[no-untyped-def]
    total, mass = 0.0, 0.0
    for j in range(row.size):
        gap = highest - capped(row[j], softcap)
        if weights is None:
            total += gap
        else:
            total += weights[j] * gap if weights[j] != 0.0 else 0.0
            mass += weights[j]
    if weights is None:
        return total, row.size
    return total, mass


@strict
def log_sum(rest, own, distance):  # type: ignore[no-untyped-def]
    """``log(rest + own)`` where `own` is ``exp(-distance)``; the largest logit gives a one, which log1p adds."""
    return log1p(rest if distance == 0.0 else (rest - 1.0) + own)


@strict
def slope_scale(pull, inverse, factor):  # type: ignore[no-untyped-def]
    """The product as one number: free to reassociate, LLVM divides every element instead."""
    return pull * inverse * factor


def fill(array, value):  # type: ignore[no-untyped-def]
    """Set every element; nothing for None."""
    if array is not None:
        for j in range(array.size):
            array[j] = value


def log_normaliser_above(row, highest, softcap, cooled, stored):  # type: ignore[no-untyped-def]
    """``log sum exp(cooled * (x - highest))``, to the last digit also where one class has nearly all.

    The exponentials are kept in `stored` unless it is None.
    """
    total, ties = np.float64(0.0), np.float64(0.0)
    for low in range(0, row.size, STRIP):
        high = min(low + STRIP, row.size)
        one, two = others_strip(part(row, low, high), highest, softcap, cooled, part(stored, low, high))
        total += one
        ties += two
    return log1p(narrow(total + (ties - 1)))


def others_strip(row, highest, softcap, cooled, stored):  # type: ignore[no-untyped-def]
    """Sum of the exponentials of what is below the highest, and how many are not; all are kept in `stored`."""
    total, ties = 0.0, 0.0  # counted in the element type: whole numbers would halve the vectors
    for j in range(row.size):
        gap = capped(row[j], softcap) - highest
        term = exp(gap * cooled)
        if stored is not None:
            stored[j] = term
        total += term if gap != 0.0 else 0.0
        ties += 1.0 if gap == 0.0 else 0.0
    return total, ties
