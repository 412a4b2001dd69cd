"""The losses of regions, from the blocks' sums: a few numbers, in float64 whatever the type of the input.

Three launches: `gather` adds up the blocks; `outcome` gives what one loss makes of the sums of all images; `combine`
puts one or several such losses together and writes the slopes that the second sweep reads. The last two are one block.
"""

from __future__ import annotations

from typing import Any

from numba import cuda

from numbaloss.kernels.cuda.device import (
    THREADS,
    WARPS,
    barrier,
    block_sum,
    first_item,
    inverse,
    load,
    real,
    store,
)
from numbaloss.kernels.cuda.group import LANES, first_row, group_sum, lane, row_step

SUMS = 4  # of each class: true positives, false positives, false negatives, true negatives
PARTS = 1  # open name: how many losses are put together
TERMS = 2  # open name: gradients added up
ROW = -1  # open name: which of them is the row loss


def link(tp: Any, fp: Any, fn: Any, tn: Any, params: Any) -> Any:
    """Open name: a region's value, and its slopes by the first three sums."""
    raise NotImplementedError


def bulk(size: Any) -> Any:
    """Open name: what a class of this size is divided by as it enters its image's pool."""
    raise NotImplementedError


def square(size):  # type: ignore[no-untyped-def]
    """What `bulk` means for ``w_type="square"``."""
    return size * size


def simple(size):  # type: ignore[no-untyped-def]
    """What `bulk` means for ``w_type="simple"``."""
    return size


def uniform(size):  # type: ignore[no-untyped-def]
    """What `bulk` means for ``w_type="uniform"``."""
    return 1.0


def combined(numbers: Any, params: Any, slopes: Any) -> Any:
    """Open name: one number of those of the parts; its slopes by them are written."""
    raise NotImplementedError


def gather(columns, tasks, partials, sums):  # type: ignore[no-untyped-def]
    """Adds up the `tasks` partial sums of each of the `columns`, in one order for any device."""
    shared = cuda.shared.array(WARPS, real)
    for column in range(first_row(), columns, row_step()):
        total = real(0.0)
        for task in range(lane(), tasks, LANES):
            total += partials[column * tasks + task]
        total = group_sum(total, shared)
        if lane() == 0:
            sums[column] = total


def weight_of(weights, n):  # type: ignore[no-untyped-def]
    """The weight of an image."""
    if weights is None:
        return real(1.0)
    return real(weights[n])


def pool_classes(sums, first, skipped, classes, shares, own, used, place):  # type: ignore[no-untyped-def]
    """The sums of an image's classes together, each by its share; a class of nothing counts as the largest other."""
    largest = real(0.0)
    for c in range(skipped, classes):
        part = inverse(bulk(sums[first + SUMS * c] + sums[first + SUMS * c + 2]), 0.0)
        largest = part if part > largest or part != part else largest
    for k in range(SUMS):
        used[place + k] = 0.0
    for c in range(skipped, classes):
        part = inverse(bulk(sums[first + SUMS * c] + sums[first + SUMS * c + 2]), largest)
        shares[own + c] = part
        for k in range(SUMS):
            used[place + k] += part * sums[first + SUMS * c + k]


def outcome(
    images, classes, columns, skipped, sums, weights, class_weights, params, alive, batch, shares, used, found, part,
    both, values, own, outcomes,
):  # type: ignore[no-untyped-def]
    """One block. The loss numbered `part`: its sum and denominator, and what each chance of each class is worth.

    `sums` has `columns` numbers an image. `batch`, unless None, takes the sums of all images as one; `shares` and
    `used`, unless None, the share of each class in its image's pool and the pool's sums. `alive` and `found` are
    scratch. Slopes go to `both`, not yet scaled: where the target is 0, and where it is 1.
    """
    shared = cuda.shared.array(WARPS, real)
    thread = cuda.threadIdx.x
    living = real(0.0)
    for n in range(thread, images, THREADS):
        most = real(0.0)
        for c in range(classes):
            for k in range(SUMS):  # of every position that counts they add up to 1
                most = 1.0 if sums[n * columns + SUMS * c + k] != 0.0 else most
        weight = weight_of(weights, n) * (1.0 if most > 0.0 else 0.0)
        alive[n], alive[images + n] = weight, most
        living += weight if batch is None else 1.0 if weight != 0.0 else 0.0
    living = block_sum(living, shared)
    groups, step, first, entries, source = images, columns, SUMS * skipped, classes - skipped, sums
    if batch is not None:
        groups, living, source = 1, 1.0 if living > 0.0 else 0.0, batch
        for column in range(thread, SUMS * classes, THREADS):
            total = real(0.0)
            for n in range(images):
                total += weight_of(weights, n) * sums[n * columns + column]
            batch[column] = total
        barrier()
    if shares is not None:
        for g in range(thread, groups, THREADS):
            pool_classes(source, g * step, skipped, classes, shares, g * classes, used, g * SUMS)
        step, first, entries, source = SUMS, 0, 1, used

    total = real(0.0)
    for i in range(thread, groups * entries, THREADS):  # of a pool it is this thread that made it
        g, e = i // entries, i % entries
        place = g * step + first + SUMS * e
        tp, fp, fn, tn = source[place], source[place + 1], source[place + 2], source[place + 3]
        value, by_tp, by_fp, by_fn = link(tp, fp, fn, tn, params)
        factor, counted = living, living > 0.0
        if batch is None:
            factor, counted = alive[g], alive[images + g] > 0.0
        if class_weights is not None:
            factor = factor * class_weights[e]
        weighted = value * factor if counted else 0.0
        total += weighted
        if values is not None:
            store(values, i, weighted)
        idle = factor == 0.0  # a region of no weight has no slope, whatever its formula gives
        found[3 * i] = 0.0 if idle else by_tp * factor
        found[3 * i + 1] = 0.0 if idle else by_fp * factor
        found[3 * i + 2] = 0.0 if idle else by_fn * factor
    total = block_sum(total, shared)

    for i in range(thread, images * classes, THREADS):
        n, c = i // classes, i % classes
        outside, inside = real(0.0), real(0.0)
        if c >= skipped:
            g, factor = n, real(1.0)
            if batch is not None:
                g, factor = 0, weight_of(weights, n)
            place = g * entries
            if shares is None:
                place += c - skipped
            else:
                factor = factor * shares[g * classes + c]
            outside = factor * found[3 * place + 1]
            inside = factor * (found[3 * place] - found[3 * place + 2])
        both[2 * (part * images * classes + i)] = outside
        both[2 * (part * images * classes + i) + 1] = inside
    if thread == 0:
        own[0], own[1] = total, living * real(entries)
        outcomes[2 * part], outcomes[2 * part + 1] = own[0], own[1]


def outcome_of_rows(images, classes, columns, sums, weights, part, own, outcomes):  # type: ignore[no-untyped-def]
    """One block. Sum and denominator of the row loss that rode along."""
    shared = cuda.shared.array(WARPS, real)
    total, mass = real(0.0), real(0.0)
    for n in range(cuda.threadIdx.x, images, THREADS):
        place = n * columns + SUMS * classes
        total += weight_of(weights, n) * sums[place]
        mass += weight_of(weights, n) * sums[place + 1]
    total, mass = block_sum(total, shared), block_sum(mass, shared)
    if cuda.threadIdx.x == 0:
        own[0], own[1] = total, mass
        outcomes[2 * part], outcomes[2 * part + 1] = total, mass


def reduced(total, divisor, mean, empty):  # type: ignore[no-untyped-def]
    """What the reduction makes of a sum; `empty` is the mean of nothing."""
    if mean is None:
        return total
    if divisor == 0.0:
        return total if total != total else empty
    return total / divisor


def combine(
    images, classes, weights, outcomes, both, params, mean, empty, empty_scale, fused, numbers, by_parts, outside,
    inside, pulls, totals, value,
):  # type: ignore[no-untyped-def]
    """One block. The value of one loss, or with `fused` of several together; and what its slopes are multiplied by.

    `mean` says whether sums are divided by their denominators, `empty` is what the mean of nothing is. `outside`,
    `inside` and `pulls` are the second sweep's, in its type; `numbers` takes the parts' values, and `by_parts` the
    slopes by them. Each may be None.
    """
    shared = cuda.shared.array(WARPS, real)
    parts, factors = cuda.local.array(PARTS, real), cuda.local.array(PARTS, real)
    thread = cuda.threadIdx.x
    crowd, some = real(0.0), 0
    for n in range(thread, images, THREADS):
        crowd += weight_of(weights, n)
    crowd = block_sum(crowd, shared)
    for k in range(PARTS):
        parts[k] = reduced(outcomes[2 * k], outcomes[2 * k + 1], mean, empty)
        some += outcomes[2 * k + 1] != 0.0
    result = combined(parts, params, factors)
    for k in range(PARTS):
        if by_parts is not None and thread == 0:
            by_parts[k] = factors[k]
        if mean is not None:
            factors[k] = 0.0 if factors[k] == 0.0 else factors[k] * inverse(outcomes[2 * k + 1], empty_scale)
    if outside is not None:
        for i in range(thread, images * classes, THREADS):
            base, top = real(0.0), real(0.0)
            for k in range(PARTS):
                if k != ROW:
                    one, two = both[2 * (k * images * classes + i)], both[2 * (k * images * classes + i) + 1]
                    base += 0.0 if one == 0.0 else one * factors[k]
                    top += 0.0 if two == 0.0 else two * factors[k]
            outside[i], inside[i] = base, top
    if pulls is not None:
        for n in range(thread, images, THREADS):
            pulls[n] = weight_of(weights, n) * factors[ROW] if outcomes[2 * ROW + 1] != 0.0 else 0.0
    if thread == 0:
        total, divisor = outcomes[0], outcomes[1]
        if fused is not None:
            divisor = crowd if some > 0 else 0.0
            total = result
            if mean is not None:
                total = result * divisor if divisor != 0.0 else result
        totals[0], totals[1] = total, divisor
        store(value, 0, reduced(total, divisor, mean, empty))
        if numbers is not None:
            for k in range(PARTS):
                numbers[k] = parts[k]


def take(part, own, outcomes):  # type: ignore[no-untyped-def]
    """Sum and denominator of a part that was computed alone."""
    if cuda.threadIdx.x == 0:
        outcomes[2 * part], outcomes[2 * part + 1] = own[0], own[1]


def add_up(n, terms, factors, gradient):  # type: ignore[no-untyped-def]
    """The sum of gradients, each times its factor."""
    for i in range(first_item(), n, cuda.gridDim.x * THREADS):
        total = real(0.0)
        for k in range(TERMS):
            total += factors[k] * load(terms[k], i)
        store(gradient, i, total)
