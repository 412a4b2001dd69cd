"""Lovasz extensions of losses of sets: each region's errors are sorted, and each weighs what it adds to the loss.

Three sweeps: chances into a map of the input's size (the gradient's own memory); region by region, the sort, which
replaces each chance by its slope; the gradient in place of the slopes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from numbaloss.kernels.cpu.intrinsics import out_of_line, strict
from numbaloss.kernels.cpu.regions_elements import activate
from numbaloss.kernels.cpu.regions_softmax import (
    ABOVE,
    INVERSE,
    MIXED,
    SLOTS,
    TASK,
    TOP,
    WIDTH,
    chances,
)
from numbaloss.kernels.cpu.row import fill, narrow

DIGIT = 11  # bits a counting sort takes at once
BUCKETS = 1 << DIGIT


def link(misses: Any, alarms: Any, size: Any, params: Any) -> Any:
    """Open name: the loss of a set with so many mistakes of either kind, in a region of this size."""
    raise NotImplementedError


def whole(value: Any) -> Any:
    """Open name: an unsigned integer as wide as an element."""
    raise NotImplementedError


def spread_softmax(flat, positions, classes, found):  # type: ignore[no-untyped-def]
    """The softmax of planes, into `found`."""
    tasks = (positions + TASK - 1) // TASK
    for b in prange(found.size // (classes * positions) * tasks):
        scratch = np.empty(SLOTS, flat.dtype)
        terms = np.empty(classes * WIDTH, flat.dtype)
        start = (b // tasks) * classes * positions
        first = (b % tasks) * TASK
        for low in range(first, min(first + TASK, positions), WIDTH):
            n = min(WIDTH, min(first + TASK, positions) - low)
            begin = start + low
            chances(flat[begin : begin + (classes - 1) * positions + n], positions, classes, n, None, scratch, terms)
            for c in range(classes):
                for r in range(n):
                    found[begin + c * positions + r] = terms[c * WIDTH + r] * scratch[INVERSE + r]


def spread_elements(flat, found):  # type: ignore[no-untyped-def]
    """The chances of entries that do not depend on one another."""
    tasks = (flat.size + TASK - 1) // TASK
    for b in prange(tasks):
        for i in range(b * TASK, min(b * TASK + TASK, flat.size)):
            chance, _, _ = activate(flat[i])
            found[i] = chance


def ascending(keys, order, other_keys, other_order):  # type: ignore[no-untyped-def]
    """Sort `order` by `keys`, stably, a digit at a time; both end in the arrays they began in or in the others."""
    flips = 0
    counts = np.empty(BUCKETS, np.int64)
    for shift in range(0, 8 * keys.itemsize, DIGIT):
        counts[:] = 0
        for i in range(keys.size):
            counts[np.int64((keys[i] >> whole(shift)) & whole(BUCKETS - 1))] += 1
        place = 0
        for d in range(BUCKETS):
            count = counts[d]
            counts[d] = place
            place += count
        for i in range(keys.size):
            d = np.int64((keys[i] >> whole(shift)) & whole(BUCKETS - 1))
            other_keys[counts[d]] = keys[i]
            other_order[counts[d]] = order[i]
            counts[d] += 1
        keys, other_keys = other_keys, keys
        order, other_order = other_order, order
        flips += 1
    return flips


def wish_of(labels, targets, n, c, i, own, ignored):  # type: ignore[no-untyped-def]
    """(what an entry's target is, whether it counts)."""
    wish, counts = narrow(0.0), True
    if labels is not None:
        label = np.int64(labels[n, i])
        wish, counts = narrow(label == own), label != ignored
    if targets is not None:
        wish = narrow(targets[n, c, i])
        counts = wish != ignored
    return wish, counts


@out_of_line
@strict
def region(found, c, first, last, labels, targets, ignored, own, hinge, weights, params):  # type: ignore[no-untyped-def]
    """(value, size, positions that count) of one class of the images `first` to `last`; slopes replace its chances."""
    positions = found.shape[2]
    room = (last - first) * positions
    errors = np.empty(room, found.dtype)
    order, other_order = np.empty(room, np.int64), np.empty(room, np.int64)
    size, count = np.float64(0.0), 0
    for n in range(first, last):
        for i in range(positions):
            wish, counts = wish_of(labels, targets, n, c, i, own, ignored)
            if not counts:
                found[n, c, i] = 0.0
                continue
            chance = found[n, c, i]
            errors[count] = 1.0 - chance * (2.0 * wish - 1.0) if hinge is not None else abs(wish - chance)
            order[count] = n * positions + i
            size += weights[n] * wish
            count += 1
    keys = errors[:count].view(whole)
    top = whole(1) << whole(8 * keys.itemsize - 1)
    for i in range(count):  # largest first: the bits of a number in the order of its size, turned round
        bits = keys[i]
        keys[i] = bits if bits & top else ~(bits ^ top)
    other_keys = np.empty_like(keys)
    flips = ascending(keys, order[:count], other_keys, other_order[:count])
    ranked = other_order if flips % 2 == 1 else order
    total, before = np.float64(0.0), np.float64(0.0)
    misses, alarms = np.float64(0.0), np.float64(0.0)
    for k in range(count):
        n, i = ranked[k] // positions, ranked[k] % positions
        wish, _ = wish_of(labels, targets, n, c, i, own, ignored)
        chance = found[n, c, i]
        misses += weights[n] * wish
        alarms += weights[n] * (np.float64(1.0) - wish)
        after = link(misses, alarms, size, params)
        share = after - before
        before = after
        if hinge is not None:
            sign = 2.0 * wish - 1.0
            error = 1.0 - chance * sign
            active = error > 0.0
            total += share * error if active or error != error else 0.0
            found[n, c, i] = -sign * share if active else 0.0
        else:
            total += share * abs(wish - chance)
            found[n, c, i] = share if chance > wish else -share if chance < wish else 0.0 * chance
    return total, size, count


def sort_regions(
    found, together, labels, targets, ignored, shift, hinge, weights, params, values, sizes, counted
):  # type: ignore[no-untyped-def]
    """All regions; `together` images at a time are one."""
    classes = found.shape[1]
    for k in prange(values.size):
        c = k % classes
        first = (k // classes) * together
        values[k], sizes[k], counted[k] = region(
            found, c, first, first + together, labels, targets, ignored, c + shift, hinge, weights, params
        )


@strict
def pull_class(terms, n, factor, slopes, scratch):  # type: ignore[no-untyped-def]
    """The gradient by one class's logits, over its slopes."""
    for r in range(n):
        lead = (slopes[r] * factor - scratch[TOP + r]) - scratch[MIXED + r]
        slopes[r] = terms[r] * scratch[INVERSE + r] * lead if scratch[INVERSE + r] > 0.0 else 0.0


@strict
def mix_class(terms, n, factor, slopes, scratch):  # type: ignore[no-untyped-def]
    """Add one class to the sum of chance times slope, and keep the slope of the likeliest class apart."""
    for r in range(n):
        slant = slopes[r] * factor
        tie = terms[r] == 1.0
        scratch[MIXED + r] += scratch[TOP + r] if tie else terms[r] * slant
        scratch[TOP + r] = slant if tie else scratch[TOP + r]


def pull_softmax(flat, positions, classes, factors, found):  # type: ignore[no-untyped-def]
    """The gradient over the slopes in `found`, each class's times its factor."""
    tasks = (positions + TASK - 1) // TASK
    for b in prange(factors.shape[0] * tasks):
        scratch = np.empty(SLOTS, flat.dtype)
        terms = np.empty(classes * WIDTH, flat.dtype)
        image = b // tasks
        start = image * classes * positions
        first = (b % tasks) * TASK
        for low in range(first, min(first + TASK, positions), WIDTH):
            n = min(WIDTH, min(first + TASK, positions) - low)
            begin = start + low
            chances(flat[begin : begin + (classes - 1) * positions + n], positions, classes, n, None, scratch, terms)
            fill(scratch[MIXED : TOP + WIDTH], 0.0)
            for c in range(classes):
                here = begin + c * positions
                mix_class(terms[c * WIDTH : c * WIDTH + n], n, factors[image, c], found[here : here + n], scratch)
            for r in range(n):
                scratch[MIXED + r] = (scratch[MIXED + r] - scratch[TOP + r] * scratch[ABOVE + r]) * scratch[INVERSE + r]
            for c in range(classes):
                here = begin + c * positions
                pull_class(terms[c * WIDTH : c * WIDTH + n], n, factors[image, c], found[here : here + n], scratch)


def pull_elements(flat, positions, classes, factors, found):  # type: ignore[no-untyped-def]
    """The same for entries that do not depend on one another."""
    for k in prange(factors.size):
        factor = factors[k // classes, k % classes]
        for i in range(k * positions, k * positions + positions):
            _, _, growth = activate(flat[i])
            found[i] = found[i] * factor * growth if found[i] != 0.0 else 0.0
