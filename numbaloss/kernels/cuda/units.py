"""Losses whose author wrote the kernel of one unit (a row, a pair of boxes): a thread for each unit."""

from __future__ import annotations

import math
from typing import Any

from numba import cuda

from numbaloss.kernels.cuda.device import THREADS, WARPS, divided, first_item, put_sum, real, store

NAN = math.nan


def unit(
    inputs: Any, labels: Any, limits: Any, gradients: Any, slots: Any, lengths: Any, params: Any, factor: Any, i: Any
) -> Any:
    """Open name: the value of unit `i`; writes its gradients, times `factor`."""
    raise NotImplementedError


def product(weights: Any, spreads: Any, i: Any) -> Any:
    """Open name: the weight of unit `i`."""
    raise NotImplementedError


def within(labels, length, classes, i):  # type: ignore[no-untyped-def]
    """Whether all labels of unit `i`, which has `length` of them, lie between 0 and `classes` less one."""
    inside = True
    for j in range(i * length, (i + 1) * length):
        inside = inside and 0 <= labels[j] < classes
    return inside


def fill(slot, length, i, value):  # type: ignore[no-untyped-def]
    """Set the `length` numbers of unit `i`."""
    for j in range(i * length, (i + 1) * length):
        slot[j] = value


def scale(slot, length, i, factor):  # type: ignore[no-untyped-def]
    """Multiply the `length` numbers of unit `i`."""
    for j in range(i * length, (i + 1) * length):
        slot[j] *= factor


def units(  # type: ignore[no-untyped-def]
    count, inputs, labels, limits, gradients, slots, lengths, params, weights, spreads, share, masses, parts, empty,
    values, partials,
):  # fmt: skip
    """All units. Gradients are multiplied by `share`, and divided by the sum of `masses` unless that is None.

    `gradients` are arrays with their shapes, for the author's function; `slots` are the same memory as it lies, with
    `lengths` numbers a unit. `limits` holds, for each of `labels`, how many a unit has and how many classes there are.
    """
    shared = cuda.shared.array(WARPS, real)
    share = divided(share, masses, parts, empty, shared)
    total = real(0.0)
    for i in range(first_item(), count, cuda.gridDim.x * THREADS):
        if weights is None:
            value = unit(inputs, labels, limits, gradients, slots, lengths, params, share, i)
        else:
            weight = product(weights, spreads, i)
            value = unit(inputs, labels, limits, gradients, slots, lengths, params, share * weight, i) * weight
        if values is not None:
            store(values, i, value)
        total += value
    put_sum(total, partials, shared)
