"""What each sorted error adds to the loss of the mistakes before it, in float64 whatever the type of the input.

Shares are small differences of losses: in float32 their digits would be lost. `tally` sums up parts of each region,
`walk` goes through them in order, `outcome` makes one number of all regions.
"""

from __future__ import annotations

from typing import Any

from numba import cuda, int64

from numbaloss.kernels.cuda.device import THREADS, WARPS, barrier, block_sum, inverse, real, store
from numbaloss.kernels.cuda.lovasz import wish_at
from numbaloss.kernels.cuda.regions_finish import reduced, weight_of

EACH = 16  # neighbouring entries of a thread
TILE = 2048  # open name: `THREADS * EACH`
SUMS = 4  # of each region: size, weight of the rest, positions that count, value


def link(misses: Any, alarms: Any, size: Any, params: Any) -> Any:
    """Open name: the loss of a set with so many mistakes of either kind, in a region of this size."""
    raise NotImplementedError


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
