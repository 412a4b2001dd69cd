"""Regions of chances that do not depend on one another: sigmoids of logits, or probabilities as they are.

A block takes a part of one plane, a class of one image; what it sums up is that of `regions_softmax`.
"""

from __future__ import annotations

from typing import Any

from numba import cuda, int64

from numbaloss.compile.primitives import decay
from numbaloss.kernels.cuda.device import THREADS, WARPS, WIDTH, block_sum, real
from numbaloss.kernels.cuda.regions_shares import MISSING, SUMS, label_at, read, shares_of, slope_at, write


def activate(x: Any) -> Any:
    """Open name: (chance, one minus the chance, derivative of the chance) of one entry."""
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


def statistics(positions, classes, tasks, shift, flat, labels, targets, ignored, squared, partials):  # type: ignore[no-untyped-def]
    """First sweep: each block's sums. Class `c` is that of the labels ``c + shift``."""
    shared = cuda.shared.array(WARPS, real)
    task = cuda.blockIdx.x % tasks
    plane = int64(cuda.blockIdx.x // tasks)
    image, c = plane // classes, plane % classes
    hits, alarms, misses, passes = real(0.0), real(0.0), real(0.0), real(0.0)
    for low in range((task * THREADS + cuda.threadIdx.x) * WIDTH, positions, tasks * THREADS * WIDTH):
        entries = read(flat, plane * positions + low)
        if targets is not None:
            wishes = read(targets, plane * positions + low)
        for k in range(WIDTH):
            chance, rest, _ = activate(entries[k])
            wish, counts = real(0.0), True
            if labels is not None:
                label = label_at(labels, image * positions + low + k, classes + shift, ignored)
                wish, counts = 1.0 if label == real(c + shift) else 0.0, label != MISSING
                chance = chance if label == label else label  # a label out of range: nan
            if targets is not None:
                wish = wishes[k]
                counts = wish != ignored
            if counts:
                hit, alarm, miss, passed = shares_of(chance, rest, wish, squared)
                hits += hit
                alarms += alarm
                misses += miss
                passes += passed
    hits, alarms = block_sum(hits, shared), block_sum(alarms, shared)
    misses, passes = block_sum(misses, shared), block_sum(passes, shared)
    if cuda.threadIdx.x == 0:
        first = plane * SUMS * tasks + task
        partials[first] = hits
        partials[first + tasks] = alarms
        partials[first + 2 * tasks] = misses
        partials[first + 3 * tasks] = passes


def gradients(
    positions, classes, tasks, shift, flat, labels, targets, ignored, squared, outside, inside, gradient
):  # type: ignore[no-untyped-def]
    """Second sweep: the gradient, from each class's `outside` and `inside`."""
    row = cuda.local.array(WIDTH, real)
    task = cuda.blockIdx.x % tasks
    plane = int64(cuda.blockIdx.x // tasks)
    image, c = plane // classes, plane % classes
    slope_out, slope_in = outside[plane], inside[plane]
    for low in range((task * THREADS + cuda.threadIdx.x) * WIDTH, positions, tasks * THREADS * WIDTH):
        entries = read(flat, plane * positions + low)
        if targets is not None:
            wishes = read(targets, plane * positions + low)
        for k in range(WIDTH):
            chance, _, growth = activate(entries[k])
            wish, counts = real(0.0), True
            if labels is not None:
                label = label_at(labels, image * positions + low + k, classes + shift, ignored)
                wish, counts = 1.0 if label == real(c + shift) else 0.0, label != MISSING
            if targets is not None:
                wish = wishes[k]
                counts = wish != ignored
            row[k] = growth * slope_at(chance, wish, slope_out, slope_in, squared) if counts else 0.0
        write(gradient, plane * positions + low, row)
