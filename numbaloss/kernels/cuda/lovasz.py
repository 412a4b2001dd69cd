"""Lovasz extensions of losses of sets: each region's errors are sorted, and each weighs what it adds to the loss.

Errors of all entries go to a map, region by region; `sort` orders them; `tally` and `walk`, in float64, give each entry
its share, in a map again; `pull_softmax` and `pull_elements` write the gradient. An entry lies in both maps at
``image * by_image + c * by_class + position``, so that a region's entries are neighbours.
"""

from __future__ import annotations

import math
from typing import Any

from numba import cuda, int64

from numbaloss.kernels.cuda.device import (
    THREADS,
    WARPS,
    WIDTH,
    barrier,
    block_sum,
    first_item,
    inverse,
    load,
    real,
    store,
)
from numbaloss.kernels.cuda.regions_elements import activate
from numbaloss.kernels.cuda.regions_finish import reduced, weight_of
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

EACH = 16  # neighbouring entries of a thread
TILE = 2048  # open name: `THREADS * EACH`
SUMS = 4  # of each region: size, weight of the rest, positions that count, value
LOWEST = -math.inf


def link(misses: Any, alarms: Any, size: Any, params: Any) -> Any:
    """Open name: the loss of a set with so many mistakes of either kind, in a region of this size."""
    raise NotImplementedError


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


# ---- between: shares, in float64


def mistake_of(
    k, sequence, room, positions, classes, shift, batch, order, labels, targets, ignored, weights
):  # type: ignore[no-untyped-def]
    """(what the entry of rank `k` misses, what it adds wrongly, 1 if it counts)."""
    place = int64(order[sequence * room + k])
    c, image, i = sequence % classes, sequence // classes, place
    if batch is not None:
        image, i = place // positions, place % positions
    wish, counts = wish_at(positions, classes, shift, image, c, i, labels, targets, ignored)
    if not counts:
        return real(0.0), real(0.0), real(0.0)
    wish = wish if wish == wish else real(0.0)
    weight = real(1.0)
    if batch is not None:
        weight = weight_of(weights, image)
    return weight * wish, weight * (1.0 - wish), real(1.0)


def tally(
    room, tasks, span, positions, classes, shift, batch, order, labels, targets, ignored, weights, sums
):  # type: ignore[no-untyped-def]
    """What each part of each sorted region misses and adds wrongly, and how much of it counts."""
    shared = cuda.shared.array(WARPS, real)
    task, sequence = cuda.blockIdx.x % tasks, int64(cuda.blockIdx.x // tasks)
    misses, alarms, count = real(0.0), real(0.0), real(0.0)
    for k in range(task * span + cuda.threadIdx.x, min((task + 1) * span, room), THREADS):
        miss, alarm, counts = mistake_of(
            k, sequence, room, positions, classes, shift, batch, order, labels, targets, ignored, weights
        )
        misses += miss
        alarms += alarm
        count += counts
    misses, alarms, count = block_sum(misses, shared), block_sum(alarms, shared), block_sum(count, shared)
    if cuda.threadIdx.x == 0:
        place = sequence * SUMS * tasks + task
        sums[place], sums[place + tasks], sums[place + 2 * tasks] = misses, alarms, count


def part_sum(sums, first, count, shared):  # type: ignore[no-untyped-def]
    """The sum of `count` numbers, in one order for any device; in every thread."""
    total = real(0.0)
    for j in range(cuda.threadIdx.x, count, THREADS):
        total += sums[first + j]
    return block_sum(total, shared)


def loss_of(misses, alarms, size, params):  # type: ignore[no-untyped-def]
    """The loss of a set; that without a mistake is 0, also of nothing."""
    if misses == 0.0 and alarms == 0.0:
        return real(0.0)
    return real(link(misses, alarms, size, params))


def walk(
    room, tasks, span, positions, classes, shift, batch, hinge, order, errors, labels, targets, ignored, weights,
    params, sums, shares,
):  # type: ignore[no-untyped-def]
    """What each mistake adds to those before it: the value of each part of each region, and the shares' map."""
    shared = cuda.shared.array(WARPS, real)
    missed = cuda.shared.array(THREADS, real)
    alarmed = cuda.shared.array(THREADS, real)
    task, sequence = cuda.blockIdx.x % tasks, int64(cuda.blockIdx.x // tasks)
    thread, place = cuda.threadIdx.x, sequence * SUMS * tasks
    size = part_sum(sums, place, tasks, shared)
    misses_before = part_sum(sums, place, task, shared)
    alarms_before = part_sum(sums, place + tasks, task, shared)
    total = real(0.0)
    for base in range(task * span, min((task + 1) * span, room), TILE):
        low, high = base + thread * EACH, min((task + 1) * span, room)
        misses, alarms = real(0.0), real(0.0)
        for k in range(low, min(low + EACH, high)):
            miss, alarm, _ = mistake_of(
                k, sequence, room, positions, classes, shift, batch, order, labels, targets, ignored, weights
            )
            misses += miss
            alarms += alarm
        missed[thread], alarmed[thread] = misses, alarms
        barrier()
        misses, alarms = misses_before, alarms_before
        for j in range(THREADS):
            if j == thread:
                misses, alarms = misses_before, alarms_before
            misses_before += missed[j]
            alarms_before += alarmed[j]
        barrier()  # before the next tile's are written there
        before = loss_of(misses, alarms, size, params)
        for k in range(low, min(low + EACH, high)):
            miss, alarm, counts = mistake_of(
                k, sequence, room, positions, classes, shift, batch, order, labels, targets, ignored, weights
            )
            misses += miss
            alarms += alarm
            after = loss_of(misses, alarms, size, params)
            share, error = after - before, real(errors[sequence * room + k])
            before = after
            if hinge is not None:
                share = 0.0 if error <= 0.0 else share
            share = share if counts > 0.0 else 0.0
            total += share * error if counts > 0.0 and share != 0.0 else 0.0
            total += error if counts > 0.0 and error != error else 0.0
            shares[sequence * room + int64(order[sequence * room + k])] = share
    total = block_sum(total, shared)
    if thread == 0:
        sums[place + 3 * tasks + task] = total


def outcome(
    groups, images, classes, skipped, present, batch, weights, sums, mean, empty, empty_scale, each, factors, values,
    totals, value,
):  # type: ignore[no-untyped-def]
    """One block. The mean over each image's classes, what they give together, and what shares are multiplied by.

    `present`, unless None, leaves out classes that are not in the target. `each` is scratch, (groups, 2).
    """
    shared = cuda.shared.array(WARPS, real)
    thread = cuda.threadIdx.x
    some, total, mass = real(0.0), real(0.0), real(0.0)
    for n in range(thread, images, THREADS):
        some += 0.0 if weight_of(weights, n) == 0.0 else 1.0
    some = block_sum(some, shared)
    for g in range(thread, groups, THREADS):
        count, most, found = 0, real(0.0), real(0.0)
        for c in range(classes):
            place = SUMS * (g * classes + c)
            most = max(most, sums[place + 2])
            if c >= skipped and (present is None or sums[place] != 0.0):
                found += sums[place + 3]
                count += 1
        weight = weight_of(weights, g)
        if batch is not None:
            weight = real(1.0 if some > 0.0 else 0.0)
        weight = weight if most > 0.0 else 0.0 * weight
        mean_value = found / real(max(count, 1))
        weighted = mean_value * weight if most > 0.0 else 0.0
        each[2 * g], each[2 * g + 1] = weight, 1.0 / real(max(count, 1))
        total += weighted
        mass += weight
        if values is not None:
            store(values, g, weighted)
    total, mass = block_sum(total, shared), block_sum(mass, shared)
    if factors is not None:
        scale = real(1.0)
        if mean is not None:
            scale = inverse(mass, empty_scale)
        for k in range(thread, images * classes, THREADS):
            g, c = k // classes, k % classes
            if batch is not None:
                g = 0
            size, weight = sums[SUMS * (g * classes + c)], each[2 * g]
            enters = c >= skipped and (present is None or size != 0.0) and weight * each[2 * g + 1] > 0.0
            factors[k] = each[2 * g + 1] * weight * scale if enters else 0.0
    if thread == 0:
        totals[0], totals[1] = total, mass
        store(value, 0, reduced(total, mass, mean, empty))


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
