"""Regions of chances that do not depend on one another: sigmoids of logits, or probabilities as they are.

Planes and sums are those of `regions_softmax`; each element gives its own class's sums alone. An elementwise loss of
the same targets (binary cross-entropy, say) may ride along: its value in the first sweep, its slope in the second.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from numbaloss.compile.primitives import decay
from numbaloss.kernels.cpu.intrinsics import out_of_line, part, strict
from numbaloss.kernels.cpu.regions_softmax import SUMS, TASK, slope_at
from numbaloss.kernels.cpu.row import narrow

WIDTH = 1024  # positions summed in the element type; across tiles the sum is float64


def activate(x: Any) -> Any:
    """Open name: (chance, one minus the chance, derivative of the chance) of one entry."""
    raise NotImplementedError


def link(x: Any, target: Any, params: Any) -> Any:
    """Open name: the elementwise loss' (value, slope) at one entry."""
    raise NotImplementedError


def logistic(x):  # type: ignore[no-untyped-def]
    """What `activate` means for logits."""
    fall = decay(x)
    large = 1.0 / (1.0 + fall)
    small = fall * large
    above = x >= 0.0
    return large if above else small, small if above else large, small * large


def given(x):  # type: ignore[no-untyped-def]
    """What `activate` means for probabilities."""
    return x, 1.0 - x, 1.0


def wrong_labels(labels, classes, ignored):  # type: ignore[no-untyped-def]
    """How many labels are neither in range nor ignored."""
    wrong = 0
    for r in range(labels.size):
        label = np.int64(labels[r])
        wrong += ((label < 0) | (label >= classes)) and label != ignored
    return wrong


def class_sums(row, own, labels, targets, ignored, squared, params):  # type: ignore[no-untyped-def]
    """(true positives, false positives, false negatives, true negatives) of one class in a tile; the rider."""
    hits, alarms, misses, passes, ridden = 0.0, 0.0, 0.0, 0.0, 0.0
    for r in range(row.size):  # factors of 0 and 1: a conditional addition would not vectorise
        chance, rest, _ = activate(row[r])
        if params is not None:
            value, _ = link(row[r], narrow(targets[r]), params)
            ridden += value
        wish, counts = 0.0, True
        if labels is not None:
            label = np.int64(labels[r])
            counts = label != ignored
            wish = 1.0 if label == own else 0.0
        if targets is not None:
            wish = narrow(targets[r])
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
    return hits, alarms, misses, passes, ridden


@out_of_line
def sums_of_task(
    flat, start, positions, first, last, classes, shift, labels, targets, ignored, squared, params, sums
):  # type: ignore[no-untyped-def]
    """Adds up one task: positions `first` to `last` of the image whose first entry is ``flat[start]``."""
    if labels is not None:
        sums[SUMS * classes] += wrong_labels(labels, classes + shift, ignored)
    for low in range(first, last, WIDTH):
        n = min(WIDTH, last - low)
        for c in range(classes):
            begin = start + c * positions + low
            hits, alarms, misses, passes, ridden = class_sums(
                part(flat, begin, begin + n), c + shift, part(labels, low - first, low - first + n),
                part(targets, begin, begin + n), ignored, squared, params,
            )
            sums[SUMS * c] += hits
            sums[SUMS * c + 1] += alarms
            sums[SUMS * c + 2] += misses
            sums[SUMS * c + 3] += passes
            sums[SUMS * classes + 1] += ridden
            sums[SUMS * classes + 2] += n


def statistics(
    flat, positions, classes, shift, labels, targets, ignored, squared, params, partials
):  # type: ignore[no-untyped-def]
    """First sweep: the sums of each task, a row of `partials`. Class `c` is that of the labels ``c + shift``."""
    tasks = (positions + TASK - 1) // TASK
    for b in prange(partials.shape[0]):
        image = b // tasks
        first = (b % tasks) * TASK
        last = min(first + TASK, positions)
        partials[b, :] = 0.0
        sums_of_task(
            flat, image * positions * classes, positions, first, last, classes, shift,
            part(labels, image * positions + first, image * positions + last), targets, ignored, squared, params,
            partials[b],
        )


@strict
def write_class(
    row, own, outside, inside, labels, targets, ignored, squared, params, factor, gradient, apart
):  # type: ignore[no-untyped-def]
    """The gradient by the entries of one class in a tile; where `apart` is None, it is written over them."""
    for r in range(row.size):
        chance, _, growth = activate(row[r])
        wish, counts = 0.0, True
        if labels is not None:
            label = np.int64(labels[r])
            counts = label != ignored
            wish = 1.0 if label == own else 0.0
        if targets is not None:
            wish = narrow(targets[r])
            counts = wish != ignored
        result = growth * slope_at(chance, wish, outside, inside, squared)
        result = result if counts else 0.0
        if params is not None:
            _, slant = link(row[r], narrow(targets[r]), params)
            result = result + factor * slant
        if apart is None:  # by another name LLVM would not vectorise it
            row[r] = result
        else:
            gradient[r] = result


@out_of_line
def write_task(
    flat, start, positions, first, last, classes, shift, labels, targets, ignored, squared, outside, inside, params,
    factor, gradient, apart,
):  # type: ignore[no-untyped-def]
    """The gradient of one task; `outside` and `inside` are its image's, a number for each class."""
    for low in range(first, last, WIDTH):
        n = min(WIDTH, last - low)
        for c in range(classes):
            begin = start + c * positions + low
            write_class(
                part(flat, begin, begin + n), c + shift, outside[c], inside[c],
                part(labels, low - first, low - first + n), part(targets, begin, begin + n),
                ignored, squared, params, factor, part(gradient, begin, begin + n), apart,
            )


def gradients(
    flat, positions, classes, shift, labels, targets, ignored, squared, outside, inside, params, factors, gradient,
    apart,
):  # type: ignore[no-untyped-def]
    """Second sweep: the gradient, from each class's `outside` and `inside` and the rider's `factors`, one an image."""
    tasks = (positions + TASK - 1) // TASK
    for b in prange(tasks * outside.shape[0]):
        image = b // tasks
        first = (b % tasks) * TASK
        last = min(first + TASK, positions)
        write_task(
            flat, image * positions * classes, positions, first, last, classes, shift,
            part(labels, image * positions + first, image * positions + last), targets, ignored, squared,
            outside[image], inside[image], params, factors[image], gradient, apart,
        )
