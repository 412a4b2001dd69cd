"""Regions under a softmax: what is known of a position, and the gradient. The sums are those of `regions_sums`.

Inputs are planes, contiguous (image, class, position). A thread takes `WIDTH` neighbouring positions, so that a warp
reads along positions. What it knows of each of them lies in `slots`; with few classes it keeps all exponentials in
registers and memory is read once, else it reads again (from a cache, mostly). Each sweep computes the softmax anew.

A row loss of the labels (cross-entropy, say) may ride along: its value in the first sweep, its slopes in the second.
"""

from __future__ import annotations

import math
from typing import Any

from numba import cuda, int64

from numbaloss.compile.primitives import exp, log1p
from numbaloss.kernels.cuda.device import THREADS, WIDTH, larger, load, real
from numbaloss.kernels.cuda.regions_shares import MISSING, label_at, read, slope_at, write

CLASSES = 0  # open name: how many classes a thread keeps; 0 for none
KEPT = 1  # open name: the same, but at least 1: room for them
LOWEST = -math.inf
# Slots of each position.
LABEL, PEAK, OTHERS, TIES, INVERSE, ABOVE, REST = range(7)
OWN, WEIGHT, PULL, OWN_SLOPE, MIXED, TOP, COUNTS = range(7, 14)
SLOTS = 14


def link(log_prob: Any, rest: Any, params: Any) -> Any:
    """Open name: the row loss' (value, slope, curvature) by the label's log-probability and one minus its chance."""
    raise NotImplementedError


def number(classes):  # type: ignore[no-untyped-def]
    """How many classes there are, as a constant where it is one."""
    return CLASSES if CLASSES > 0 else classes


def exponential(x, labels, slots, k):  # type: ignore[no-untyped-def]
    """``exp(x - peak)``, which is 1 at the peak; 0 where the position is ignored."""
    term = exp(x - slots[k, PEAK])
    if labels is not None:
        term = 0.0 if slots[k, LABEL] == MISSING else term
    return term


def terms_of(flat, place, c, labels, slots, terms, row):  # type: ignore[no-untyped-def]
    """The exponentials of one class into `row`."""
    if CLASSES > 0:
        for k in range(WIDTH):
            row[k] = terms[c, k]
    else:
        entries = read(flat, place)
        for k in range(WIDTH):
            row[k] = exponential(entries[k], labels, slots, k)


def chances(flat, at, positions, classes, labels, labels_at, ignored, slots, terms, row):  # type: ignore[no-untyped-def]
    """The softmax at positions: their labels, the exponentials' divisors, and one minus the likeliest chance."""
    for k in range(WIDTH):
        slots[k, PEAK], slots[k, OTHERS], slots[k, TIES] = LOWEST, 0.0, 0.0
        if labels is not None:
            slots[k, LABEL] = label_at(labels, labels_at + k, classes, ignored)
    for c in range(number(classes)):
        entries = read(flat, at + c * positions)
        for k in range(WIDTH):
            if CLASSES > 0:
                terms[c, k] = entries[k]
            slots[k, PEAK] = larger(slots[k, PEAK], entries[k])
    if CLASSES > 0:
        for c in range(number(classes)):
            for k in range(WIDTH):
                terms[c, k] = exponential(terms[c, k], labels, slots, k)
    for c in range(number(classes)):
        terms_of(flat, at + c * positions, c, labels, slots, terms, row)
        for k in range(WIDTH):
            tie = row[k] == 1.0
            slots[k, OTHERS] += 0.0 if tie else row[k]
            slots[k, TIES] += 1.0 if tie else 0.0
    for k in range(WIDTH):
        above = slots[k, OTHERS] + (slots[k, TIES] - 1.0)
        inverted = 1.0 / (1.0 + above)
        if labels is not None:
            label = slots[k, LABEL]
            inverted = label if label != label else 0.0 if label == MISSING else inverted
        slots[k, ABOVE], slots[k, INVERSE], slots[k, REST] = above, inverted, above * inverted


def rows(flat, at, positions, weights, params, factor, slots):  # type: ignore[no-untyped-def]
    """(value, weight) of the row loss; for a `factor` that is not None its slopes, too."""
    total, mass = real(0.0), real(0.0)
    for k in range(WIDTH):
        label = slots[k, LABEL]
        counts = label != MISSING
        if counts:
            inside = int64(label) if label == label else int64(0)
            gap = load(flat, at + k + inside * positions) - slots[k, PEAK]
            own = exp(gap)
            gap = gap if label == label else label
            rest = slots[k, REST] if own == 1.0 else 1.0 - own * slots[k, INVERSE]
            value, slope, _ = link(gap - log1p(slots[k, ABOVE]), rest, params)
            weight = real(1.0)
            if weights is not None:
                weight = weights[inside]
            total += value * weight
            mass += weight
            if factor is not None:
                pull = factor * weight * slope
                slots[k, PULL], slots[k, OWN_SLOPE] = -pull, pull * rest
        elif factor is not None:
            slots[k, PULL], slots[k, OWN_SLOPE] = 0.0, 0.0
    return total, mass


def gradients(
    positions, classes, tasks, flat, labels, targets, ignored, squared, weights, params, outside, inside, pulls,
    gradient,
):  # type: ignore[no-untyped-def]
    """Second sweep: the gradient, from each class's `outside` and `inside` and the row loss' `pulls`, one an image.

    A softmax passes on differences of slopes only: with those from the likeliest class, `TOP`, nothing cancels.
    """
    row = cuda.local.array(WIDTH, real)
    slots, terms = cuda.local.array((WIDTH, SLOTS), real), cuda.local.array((KEPT, WIDTH), real)
    task = cuda.blockIdx.x % tasks
    image = int64(cuda.blockIdx.x // tasks)
    start = image * classes * positions
    for low in range((task * THREADS + cuda.threadIdx.x) * WIDTH, positions, tasks * THREADS * WIDTH):
        at = start + low
        chances(flat, at, positions, classes, labels, image * positions + low, ignored, slots, terms, row)
        if params is not None:
            rows(flat, at, positions, weights, params, pulls[image], slots)
        for k in range(WIDTH):
            slots[k, MIXED], slots[k, TOP], slots[k, COUNTS] = 0.0, 0.0, 0.0
        for c in range(number(classes)):
            slope_out, slope_in = outside[image * classes + c], inside[image * classes + c]
            terms_of(flat, at + c * positions, c, labels, slots, terms, row)
            if targets is not None:
                wishes = read(targets, at + c * positions)
            for k in range(WIDTH):
                chance = row[k] * slots[k, INVERSE]
                if targets is None:
                    wish = 1.0 if slots[k, LABEL] == real(c) else 0.0
                    slant = slope_at(chance, wish, slope_out, slope_in, squared)
                else:
                    wish = wishes[k]
                    counts = wish != ignored
                    slant = slope_at(chance, wish, slope_out, slope_in, squared) if counts else 0.0
                    slots[k, COUNTS] = 1.0 if counts else slots[k, COUNTS]
                tie = row[k] == 1.0
                slots[k, MIXED] += slots[k, TOP] if tie else row[k] * slant
                slots[k, TOP] = slant if tie else slots[k, TOP]
        for k in range(WIDTH):
            slots[k, MIXED] = (slots[k, MIXED] - slots[k, TOP] * slots[k, ABOVE]) * slots[k, INVERSE]
        for c in range(number(classes)):
            slope_out, slope_in = outside[image * classes + c], inside[image * classes + c]
            terms_of(flat, at + c * positions, c, labels, slots, terms, row)
            if targets is not None:
                wishes = read(targets, at + c * positions)
            for k in range(WIDTH):
                chance = row[k] * slots[k, INVERSE]
                if targets is None:
                    right, counts = slots[k, LABEL] == real(c), slots[k, LABEL] != MISSING
                    slant = slope_at(chance, 1.0 if right else 0.0, slope_out, slope_in, squared)
                else:
                    right, counts = False, slots[k, COUNTS] > 0.0
                    slant = slope_at(chance, wishes[k], slope_out, slope_in, squared) if wishes[k] != ignored else 0.0
                lead = (slant - slots[k, TOP]) - slots[k, MIXED]
                if params is not None:
                    lead += 0.0 if right else slots[k, PULL]
                result = chance * lead
                if params is not None:
                    result += slots[k, OWN_SLOPE] if right else 0.0
                row[k] = result if counts else 0.0
            write(gradient, at + c * positions, row)
