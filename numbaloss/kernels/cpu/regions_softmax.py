"""Regions under a softmax: the sums over positions that overlap losses are made of, and then the gradient.

Inputs are planes, contiguous (batch, class, position). A tile holds `WIDTH` neighbouring positions of all classes, so
that every loop runs along positions. What a tile knows of each position lies in one scratch vector, a slot of `WIDTH`
numbers for each quantity (see `softmax_tiles`), its exponentials in another. Each sweep computes the softmax anew:
nothing of the input's size is kept between them.

A row loss of the labels (cross-entropy, say) may ride along: its value in the first sweep, its slopes in the second.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from numbaloss.compile.primitives import exp, log1p, maximum
from numbaloss.kernels.cpu.intrinsics import out_of_line, part, short_vectors, strict
from numbaloss.kernels.cpu.row import fill, log_probability, narrow

WIDTH = 256
TASK = 4096  # positions a parallel task takes on
SUMS = 4  # of each class: true positives, false positives, false negatives, true negatives
EXTRA = 3  # of each task besides: labels out of range, the row loss' value, the weight of its rows
MISSING = -9.0  # in place of a label: this position is ignored
# Slots of the scratch vector.
LABEL, PEAK, OTHERS, TIES, INVERSE, ABOVE, REST, ALL = (k * WIDTH for k in range(8))
MIXED, TOP, COUNTS, OWN, WEIGHT, VALUE, PULL, OWN_SLOPE = (k * WIDTH for k in range(8, 16))
SLOTS = 16 * WIDTH


def link(log_prob: Any, rest: Any, params: Any) -> Any:
    """Open name: the row loss' (value, slope, curvature) by the label's log-probability and one minus its chance."""
    raise NotImplementedError


def load(tile, stride, classes, labels, ignored, weights, params, scratch):  # type: ignore[no-untyped-def]
    """Each position's label and, for a row loss, its logit and weight; how many labels are wrong."""
    wrong = 0
    for r in range(labels.size):
        label = np.int64(labels[r])
        drop = label == ignored
        bad = (label < 0) | (label >= classes)
        wrong += bad & (label != ignored)
        scratch[LABEL + r] = MISSING if drop else narrow(label)
    if params is not None:
        for r in range(labels.size):
            label = np.int64(labels[r])
            label = label if label >= 0 else 0
            label = label if label < classes else 0
            scratch[OWN + r] = tile[label * stride + r]
            if weights is not None:
                scratch[WEIGHT + r] = weights[label]
    return wrong


def raise_peaks(row, n, scratch):  # type: ignore[no-untyped-def]
    """Raise each position's peak to its logit of this class."""
    for r in range(n):
        scratch[PEAK + r] = maximum(scratch[PEAK + r], row[r])


def exponentials(row, n, labelled, scratch, stored):  # type: ignore[no-untyped-def]
    """``exp(x - peak)`` of one class, which is 1 at the peak; 0 where the position is ignored."""
    for r in range(n):
        term = exp(row[r] - scratch[PEAK + r])
        if labelled is not None:
            term = 0.0 if scratch[LABEL + r] == MISSING else term
        stored[r] = term
        tie = term == 1.0
        scratch[OTHERS + r] += 0.0 if tie else term
        scratch[TIES + r] += 1.0 if tie else 0.0


@strict
def normalise(n, labelled, scratch):  # type: ignore[no-untyped-def]
    """From the sums of the exponentials: what they are divided by, and one minus the chance of the likeliest class."""
    for r in range(n):
        above = scratch[OTHERS + r] + (scratch[TIES + r] - 1.0)
        inverse, all_chances = 1.0 / (1.0 + above), narrow(1)
        if labelled is not None:
            drop = scratch[LABEL + r] == MISSING
            inverse, all_chances = 0.0 if drop else inverse, 0.0 if drop else all_chances
        scratch[ABOVE + r] = above
        scratch[INVERSE + r] = inverse
        scratch[REST + r] = above * inverse
        scratch[ALL + r] = all_chances


def chances(tile, stride, classes, n, labelled, scratch, terms):  # type: ignore[no-untyped-def]
    """The softmax of a tile, as exponentials in `terms` and their divisors in `scratch`."""
    fill(part(scratch, PEAK, PEAK + WIDTH), narrow(-np.inf))
    fill(part(scratch, OTHERS, TIES + WIDTH), 0.0)
    for c in range(classes):
        raise_peaks(part(tile, c * stride, c * stride + n), n, scratch)
    for c in range(classes):
        row = part(tile, c * stride, c * stride + n)
        exponentials(row, n, labelled, scratch, part(terms, c * WIDTH, c * WIDTH + n))
    normalise(n, labelled, scratch)


def class_sums(terms, n, c, targets, ignored, squared, scratch):  # type: ignore[no-untyped-def]
    """(true positives, false positives, false negatives, true negatives) of one class in a tile.

    With `squared`, false positives are ``p^2 - p t``, false negatives ``t^2 - p t`` and true negatives what is left
    of 1. One minus the chance is never the difference from a chance near 1.
    """
    own = narrow(c)
    hits, alarms, misses, passes = 0.0, 0.0, 0.0, 0.0
    for r in range(n):  # factors of 0 and 1: a conditional addition would not vectorise
        chance = terms[r] * scratch[INVERSE + r]
        wish = narrow(scratch[LABEL + r] == own) if targets is None else narrow(targets[r])
        rest = scratch[REST + r] if terms[r] == 1.0 else scratch[ALL + r] - chance
        if targets is not None:
            counts = wish != ignored
            wish, chance, rest = wish if counts else 0.0, chance if counts else 0.0, rest if counts else 0.0
        other = 1.0 - wish
        hits += chance * wish
        if squared is None:
            alarms += chance * other
            misses += rest * wish
            passes += rest * other
        else:
            alarms += chance * (-rest if wish == 1.0 else chance - wish)
            misses += wish * (rest - other)
            passes += rest * other + chance * rest + wish * other
    return hits, alarms, misses, passes


def rows(n, weights, params, factor, scratch):  # type: ignore[no-untyped-def]
    """(value, weight) of the row loss over a tile; for a `factor` that is not None its slopes, too."""
    total, mass = 0.0, 0.0
    for r in range(n):
        own = exp(scratch[OWN + r] - scratch[PEAK + r])
        log_prob = log_probability(scratch[OWN + r], scratch[PEAK + r], log1p(scratch[ABOVE + r]))
        rest = scratch[REST + r] if own == 1.0 else 1.0 - own * scratch[INVERSE + r]
        value, slope, _ = link(log_prob, rest, params)
        counts = scratch[LABEL + r] != MISSING
        weight = narrow(counts)
        if weights is not None:
            weight = weight * scratch[WEIGHT + r]
        mass += weight
        scratch[VALUE + r] = value * weight if counts else 0.0
        if factor is not None:
            pull = factor * weight * slope
            scratch[PULL + r] = -pull if counts else 0.0
            scratch[OWN_SLOPE + r] = pull * rest if counts else 0.0
    for r in range(n):
        total += scratch[VALUE + r]
    return total, mass


@out_of_line
def sums_of_task(
    flat, start, positions, first, last, classes, labels, targets, ignored, squared, weights, params, sums
):  # type: ignore[no-untyped-def]
    """Adds up one task: positions `first` to `last` of the image whose first logit is ``flat[start]``."""
    scratch = np.empty(SLOTS, flat.dtype)
    terms = np.empty(classes * WIDTH, flat.dtype)
    for low in range(first, last, WIDTH):
        n = min(WIDTH, last - low)
        begin = start + low
        tile = part(flat, begin, begin + (classes - 1) * positions + n)
        if labels is not None:
            sums[SUMS * classes] += load(
                tile, positions, classes, part(labels, low - first, low - first + n), ignored, weights, params, scratch
            )
        chances(tile, positions, classes, n, labels, scratch, terms)
        for c in range(classes):
            wishes = part(targets, begin + c * positions, begin + c * positions + n)
            hits, alarms, misses, passes = class_sums(
                part(terms, c * WIDTH, c * WIDTH + n), n, c, wishes, ignored, squared, scratch
            )
            sums[SUMS * c] += hits
            sums[SUMS * c + 1] += alarms
            sums[SUMS * c + 2] += misses
            sums[SUMS * c + 3] += passes
        if params is not None:
            value, mass = rows(n, weights, params, None, scratch)
            sums[SUMS * classes + 1] += value
            sums[SUMS * classes + 2] += mass


@short_vectors
def statistics(
    flat, positions, classes, labels, targets, ignored, squared, weights, params, partials
):  # type: ignore[no-untyped-def]
    """First sweep: the sums of each task, a row of `partials`."""
    tasks = (positions + TASK - 1) // TASK
    for b in prange(partials.shape[0]):
        image = b // tasks
        first = (b % tasks) * TASK
        last = min(first + TASK, positions)
        partials[b, :] = 0.0
        sums_of_task(
            flat, image * positions * classes, positions, first, last, classes,
            part(labels, image * positions + first, image * positions + last), targets, ignored, squared, weights,
            params, partials[b],
        )


@strict
def slope_at(chance, wish, outside, inside, squared):  # type: ignore[no-untyped-def]
    """Derivative by the chance of one class: `outside` where its target is 0, `inside` where it is 1, mixed between.

    Where chances are squared, `outside` comes ``2 p`` times, and to `inside` there is the difference.
    The same bits wherever it is computed, so that the likeliest class differs from itself by nothing.
    """
    if squared is None:
        mixed = outside * (1.0 - wish) + inside * wish
        return inside if wish == 1.0 else outside if wish == 0.0 else mixed  # one may be huge
    return 2.0 * chance * outside + (inside - outside) * wish


def mix_slopes(terms, n, c, outside, inside, targets, ignored, squared, scratch):  # type: ignore[no-untyped-def]
    """Add one class to the sum over classes of chance times slope, and keep the slope of the likeliest class apart.

    A softmax passes on differences of slopes only: with those from the likeliest class nothing cancels.
    """
    own = narrow(c)
    for r in range(n):
        wish = narrow(scratch[LABEL + r] == own) if targets is None else narrow(targets[r])
        slant = slope_at(terms[r] * scratch[INVERSE + r], wish, outside, inside, squared)
        if targets is not None:
            counts = narrow(targets[r]) != ignored
            slant = slant if counts else 0.0
            scratch[COUNTS + r] = 1.0 if counts else scratch[COUNTS + r]
        tie = terms[r] == 1.0
        scratch[MIXED + r] += scratch[TOP + r] if tie else terms[r] * slant
        scratch[TOP + r] = slant if tie else scratch[TOP + r]


@strict
def write_class(terms, n, c, outside, inside, targets, ignored, squared, params, scratch, gradient):  # type: ignore[no-untyped-def]
    """The gradient by the logits of one class."""
    own = narrow(c)
    for r in range(n):
        chance = terms[r] * scratch[INVERSE + r]
        right = scratch[LABEL + r] == own
        wish = narrow(right) if targets is None else narrow(targets[r])
        slant = slope_at(chance, wish, outside, inside, squared)
        if targets is not None:
            slant = slant if narrow(targets[r]) != ignored else 0.0
        lead = (slant - scratch[TOP + r]) - scratch[MIXED + r]
        if params is not None:
            lead = lead + (0.0 if right else scratch[PULL + r])
        result = chance * lead
        if params is not None:
            result = result + (scratch[OWN_SLOPE + r] if right else 0.0)
        if targets is not None:
            result = result if scratch[COUNTS + r] > 0.0 else 0.0
        gradient[r] = result


@out_of_line
def write_task(
    flat, start, positions, first, last, classes, labels, targets, ignored, squared, outside, inside, weights, params,
    factor, gradient,
):  # type: ignore[no-untyped-def]
    """The gradient of one task; `outside` and `inside` are its image's, a number for each class."""
    scratch = np.empty(SLOTS, flat.dtype)
    terms = np.empty(classes * WIDTH, flat.dtype)
    for low in range(first, last, WIDTH):
        n = min(WIDTH, last - low)
        begin = start + low
        tile = part(flat, begin, begin + (classes - 1) * positions + n)
        if labels is not None:
            near = part(labels, low - first, low - first + n)
            load(tile, positions, classes, near, ignored, weights, params, scratch)
        chances(tile, positions, classes, n, labels, scratch, terms)
        if params is not None:
            rows(n, weights, params, factor, scratch)
        fill(part(scratch, MIXED, COUNTS + WIDTH), 0.0)
        for c in range(classes):
            wishes = part(targets, begin + c * positions, begin + c * positions + n)
            row = part(terms, c * WIDTH, c * WIDTH + n)
            mix_slopes(row, n, c, outside[c], inside[c], wishes, ignored, squared, scratch)
        for r in range(n):
            scratch[MIXED + r] = (
                scratch[MIXED + r] - scratch[TOP + r] * scratch[ABOVE + r]
            ) * scratch[INVERSE + r]
        for c in range(classes):
            wishes = part(targets, begin + c * positions, begin + c * positions + n)
            row = part(terms, c * WIDTH, c * WIDTH + n)
            write_class(
                row, n, c, outside[c], inside[c], wishes, ignored, squared, params, scratch,
                part(gradient, begin + c * positions, begin + c * positions + n),
            )


@short_vectors
def gradients(
    flat, positions, classes, labels, targets, ignored, squared, outside, inside, weights, params, factors, gradient
):  # type: ignore[no-untyped-def]
    """Second sweep: the gradient, from each class's `outside` and `inside` and the row loss' `factors` of images."""
    tasks = (positions + TASK - 1) // TASK
    for b in prange(tasks * outside.shape[0]):
        image = b // tasks
        first = (b % tasks) * TASK
        last = min(first + TASK, positions)
        write_task(
            flat, image * positions * classes, positions, first, last, classes,
            part(labels, image * positions + first, image * positions + last), targets, ignored, squared,
            outside[image], inside[image], weights, params, factors[image], gradient,
        )
