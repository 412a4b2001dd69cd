"""Primitives of one contiguous row, and of a tile of rows lying side by side."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbaloss.compile.primitives import exp, log, log1p, maximum, tanh
from numbaloss.kernels.cpu.intrinsics import part, strict

STRIP = 4096  # elements summed in the element type; across strips the sum is float64, in index order


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
    decay = exp(-2.0 * abs(logit / softcap))
    return 4.0 * decay / ((1.0 + decay) * (1.0 + decay))


def cap_curvature(logit, softcap):  # type: ignore[no-untyped-def]
    """Second derivative of the soft cap."""
    if softcap is None:
        return 0.0
    return -2.0 * tanh(logit / softcap) * cap_slope(logit, softcap) / softcap


def peak(row):  # type: ignore[no-untyped-def]
    """The largest element; nan if there is one."""
    highest = row[0]
    for j in range(row.size):
        highest = maximum(highest, row[j])
    return highest


def exponentials(row, highest, softcap, stored, spare):  # type: ignore[no-untyped-def]
    """The float64 sum of ``exp(x - highest)``; the terms are kept in `stored` unless it is None.

    `stored` may be `row` itself. The loop would then not vectorise, so each strip is moved to `spare` first.
    """
    total = np.float64(0.0)
    for low in range(0, row.size, STRIP):
        high = min(low + STRIP, row.size)
        strip = part(row, low, high)
        if stored is not None:
            for j in range(high - low):
                spare[j] = strip[j]
            strip = part(spare, 0, high - low)
        total += exponentials_strip(strip, highest, softcap, part(stored, low, high))
    return total


def exponentials_strip(row, highest, softcap, stored):  # type: ignore[no-untyped-def]
    total = 0.0
    for j in range(row.size):
        term = exp(capped(row[j], softcap) - highest)
        if stored is not None:
            stored[j] = term
        total += term
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


def log_sum(rest, own, distance):  # type: ignore[no-untyped-def]
    """``log(rest + own)`` where `own` is ``exp(-distance)``: exact where the label is the largest and `rest` tiny."""
    return log1p(rest) if distance == 0.0 else log(rest + own)


def fill(array, value):  # type: ignore[no-untyped-def]
    """Set every element; nothing for None."""
    if array is not None:
        for j in range(array.size):
            array[j] = value


def log_normaliser_above(row, highest, softcap, cooled, stored):  # type: ignore[no-untyped-def]
    """``log sum exp(cooled * (x - highest))``, to the last digit also where one class has nearly all.

    The exponentials are kept in `stored` unless it is None.
    """
    total, ties = np.float64(0.0), 0
    for low in range(0, row.size, STRIP):
        high = min(low + STRIP, row.size)
        one, two = others_strip(part(row, low, high), highest, softcap, cooled, part(stored, low, high))
        total += one
        ties += two
    return log1p(narrow(total + (ties - 1)))


def others_strip(row, highest, softcap, cooled, stored):  # type: ignore[no-untyped-def]
    """Sum of the exponentials of what is below the highest, and how many are not; all are kept in `stored`."""
    total, ties = 0.0, 0
    for j in range(row.size):
        gap = capped(row[j], softcap) - highest
        term = exp(gap * cooled)
        if stored is not None:
            stored[j] = term
        total += term if gap != 0.0 else 0.0
        ties += gap == 0.0
    return total, ties
