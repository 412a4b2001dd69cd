"""Lovasz extensions of losses of sets: each region's errors are sorted, and each weighs what it adds to the loss.

Errors of all entries go to a map, region by region; `sort` orders them; `lovasz_shares` gives each entry its share, in
a map again; `pull_softmax` and `pull_elements` write the gradient. An entry lies in both maps at
``image * by_image + c * by_class + position``, so that a region's entries are neighbours.
"""

from __future__ import annotations

import math

from numba import cuda, int64

from numbaloss.kernels.cuda.device import THREADS, WIDTH, first_item, load, real, store
from numbaloss.kernels.cuda.regions_elements import activate
from numbaloss.kernels.cuda.regions_shares import MISSING, label_at
from numbaloss.kernels.cuda.regions_softmax import (
    ABOVE,
    INVERSE,
    KEPT,
    LABEL,
    SLOTS,
    chances,
    number,
    terms_of,
)

LOWEST = -math.inf

# ---- first sweep: errors


def errors_softmax(
    positions, classes, tasks, flat, labels, targets, ignored, by_image, by_class, errors
):  # type: ignore[no-untyped-def]
    """How far each chance is from what it should be; -inf where that does not count."""
    row = cuda.local.array(1, real)
    slots, terms = cuda.local.array((WIDTH, SLOTS), real), cuda.local.array((KEPT, WIDTH), real)
    task, image = cuda.blockIdx.x % tasks, int64(cuda.blockIdx.x // tasks)
    start = image * classes * positions
    for i in range(task * THREADS + cuda.threadIdx.x, positions, tasks * THREADS):
        chances(flat, start + i, positions, classes, labels, image * positions + i, ignored, slots, terms, row)
        for c in range(number(classes)):
            here = start + c * positions + i
            terms_of(flat, here, c, labels, slots, terms, row)
            if targets is None:
                wish, counts = 1.0 if slots[0, LABEL] == real(c) else 0.0, slots[0, LABEL] != MISSING
            else:
                wish = load(targets, here)
                counts = wish != ignored
            errors[image * by_image + c * by_class + i] = abs(wish - row[0] * slots[0, INVERSE]) if counts else LOWEST


def wish_at(positions, classes, shift, image, c, i, labels, targets, ignored):  # type: ignore[no-untyped-def]
    """(what an entry's target is, whether it counts); the target is nan for a label out of range."""
    wish, counts = real(0.0), True
    if labels is not None:
        label = label_at(labels, image * positions + i, classes + shift, ignored)
        wish, counts = real(1.0 if label == real(c + shift) else 0.0), label != MISSING
        wish = wish if label == label else label
    if targets is not None:
        wish = real(load(targets, (image * classes + c) * positions + i))
        counts = wish != ignored
    return wish, counts


def errors_elements(
    n, positions, classes, shift, hinge, flat, labels, targets, ignored, by_image, by_class, errors
):  # type: ignore[no-untyped-def]
    """The same for entries that do not depend on one another; with `hinge` one minus the margin."""
    for k in range(first_item(), n, cuda.gridDim.x * THREADS):
        plane, i = k // positions, k % positions
        image, c = plane // classes, plane % classes
        wish, counts = wish_at(positions, classes, shift, image, c, i, labels, targets, ignored)
        chance, _, _ = activate(load(flat, k))
        error = abs(wish - chance)
        if hinge is not None:
            error = 1.0 - chance * (2.0 * wish - 1.0)
        errors[image * by_image + c * by_class + i] = error if counts else LOWEST


# ---- second sweep: the gradient


def sign(chance, wish):  # type: ignore[no-untyped-def]
    """The slope of the distance of a chance from what it should be."""
    return 1.0 if chance > wish else -1.0 if chance < wish else 0.0 * chance


def slant_of(
    positions, classes, image, c, i, chance, labels, label, targets, by_image, by_class, shares, factors
):  # type: ignore[no-untyped-def]
    """What a chance is worth."""
    if targets is None:
        wish = 1.0 if label == real(c) else 0.0
    else:
        wish = load(targets, (image * classes + c) * positions + i)
    share = shares[image * by_image + c * by_class + i] * factors[image * classes + c]
    return share * sign(chance, wish) if share != 0.0 else 0.0


def pull_softmax(
    positions, classes, tasks, flat, labels, targets, ignored, by_image, by_class, shares, factors, gradient
):  # type: ignore[no-untyped-def]
    """The gradient under a softmax, from each entry's share and each class's factor: see `regions_softmax`."""
    row = cuda.local.array(1, real)
    slots, terms = cuda.local.array((WIDTH, SLOTS), real), cuda.local.array((KEPT, WIDTH), real)
    task, image = cuda.blockIdx.x % tasks, int64(cuda.blockIdx.x // tasks)
    start = image * classes * positions
    for i in range(task * THREADS + cuda.threadIdx.x, positions, tasks * THREADS):
        chances(flat, start + i, positions, classes, labels, image * positions + i, ignored, slots, terms, row)
        divisor, label = slots[0, INVERSE], slots[0, LABEL] if labels is not None else real(MISSING)
        mixed, top = real(0.0), real(0.0)
        for c in range(number(classes)):
            terms_of(flat, start + c * positions + i, c, labels, slots, terms, row)
            slant = slant_of(
                positions, classes, image, c, i, row[0] * divisor, labels, label, targets, by_image, by_class, shares,
                factors,
            )
            tie = row[0] == 1.0
            mixed += top if tie else row[0] * slant
            top = slant if tie else top
        mixed = (mixed - top * slots[0, ABOVE]) * divisor
        for c in range(number(classes)):
            terms_of(flat, start + c * positions + i, c, labels, slots, terms, row)
            chance = row[0] * divisor
            slant = slant_of(
                positions, classes, image, c, i, chance, labels, label, targets, by_image, by_class, shares, factors
            )
            result = chance * ((slant - top) - mixed)
            if labels is not None:
                result = 0.0 if label == MISSING else result
            store(gradient, start + c * positions + i, result)


def pull_elements(
    n, positions, classes, shift, hinge, flat, labels, targets, ignored, by_image, by_class, shares, factors, gradient
):  # type: ignore[no-untyped-def]
    """The same for entries that do not depend on one another."""
    for k in range(first_item(), n, cuda.gridDim.x * THREADS):
        plane, i = k // positions, k % positions
        image, c = plane // classes, plane % classes
        wish, counts = wish_at(positions, classes, shift, image, c, i, labels, targets, ignored)
        chance, _, growth = activate(load(flat, k))
        share = shares[image * by_image + c * by_class + i]
        slant = sign(chance, wish)
        if hinge is not None:
            slant = 1.0 - 2.0 * wish
        slope = share * factors[plane] * (slant * growth)
        spoilt = wish != wish or chance != chance
        store(gradient, k, 0.0 if not counts else wish + chance if spoilt else slope if share != 0.0 else 0.0)
