"""Arrays of vectors: their lengths, their centre, and the way of a gradient from unit vectors to those given."""

from __future__ import annotations

from numba import cuda

from numbaloss.compile.primitives import maximum, sqrt
from numbaloss.kernels.cuda.device import THREADS, WARPS, divided, first_item, load, real, store, sum_of
from numbaloss.kernels.cuda.group import LANES, first_row, group_max, group_sum, lane, row_step

LEAST = 1e-37  # open name: the smallest normal number


def measure(rows, width, vectors, rates):  # type: ignore[no-untyped-def]
    """What each vector is multiplied by to be of length 1; 0 for one whose length is below the smallest normal number.

    Elements are divided by the largest one before they are squared, so squares neither overflow nor vanish.
    """
    shared = cuda.shared.array(WARPS, real)
    for row in range(first_row(), rows, row_step()):
        largest = real(0.0)
        for k in range(lane(), width, LANES):
            largest = maximum(largest, abs(load(vectors, row * width + k)))
        largest = group_max(largest, shared)
        divisor = 1.0 if largest == 0.0 else largest
        total = real(0.0)
        for k in range(lane(), width, LANES):
            part = load(vectors, row * width + k) / divisor
            total += part * part
        length = sqrt(group_sum(total, shared))
        if lane() == 0:
            rates[row] = 0.0 if length * divisor < LEAST else 1.0 / length / divisor


def project(
    first, rows, width, partials, parts, vectors, rates, scale, share, masses, mass_parts, empty, gradient
):  # type: ignore[no-untyped-def]
    """From slopes by unit vectors, in `parts` to be added, to slopes by the vectors `first` to `rows`.

    They are multiplied by `scale` and `share`, and divided by the sum of `masses` unless that is None.
    """
    shared = cuda.shared.array(WARPS, real)
    factor, steep = divided(share, masses, mass_parts, empty, shared), scale[0]  # their product may overflow
    size = (rows - first) * width
    for row in range(first_row(), rows - first, row_step()):
        radial = real(0.0)
        for k in range(lane(), width, LANES):
            slope = part_sum(partials, parts, size, row * width + k)
            radial += slope * load(vectors, (first + row) * width + k) * rates[first + row]
        radial = group_sum(radial, shared)
        rate = rates[first + row]
        for k in range(lane(), width, LANES):
            slope = part_sum(partials, parts, size, row * width + k)
            place = (first + row) * width + k
            store(gradient, place, (slope - radial * (load(vectors, place) * rate)) * factor * steep * rate)


def part_sum(partials, parts, size, i):  # type: ignore[no-untyped-def]
    """Element `i` of the sum of the parts, in their order."""
    total = real(0.0)
    for part in range(parts):
        total += partials[part * size + i]
    return total


def number(partials, count, share, masses, parts, empty, slope):  # type: ignore[no-untyped-def]
    """One block: the slope by a single number, from the blocks' sums."""
    shared = cuda.shared.array(WARPS, real)
    total = sum_of(partials, count, shared) * share
    total = divided(total, masses, parts, empty, shared)
    if cuda.threadIdx.x == 0:
        slope[0] = total


# ---- vectors seen from their mean


def gather_middle(rows, width, share, vectors, partials):  # type: ignore[no-untyped-def]
    """Each block's sums of its rows times `share`."""
    for k in range(cuda.threadIdx.x, width, THREADS):
        total = real(0.0)
        for row in range(cuda.blockIdx.x, rows, cuda.gridDim.x):
            total += load(vectors, row * width + k) * share
        partials[cuda.blockIdx.x * width + k] = total


def sum_lines(rows, columns, pitch, matrix, totals):  # type: ignore[no-untyped-def]
    """The sum of each line of a matrix."""
    shared = cuda.shared.array(WARPS, real)
    for row in range(first_row(), rows, row_step()):
        total = real(0.0)
        for k in range(lane(), columns, LANES):
            total += matrix[row * pitch + k]
        total = group_sum(total, shared)
        if lane() == 0:
            totals[row] = total


def sum_columns(rows, columns, pitch, matrix, begun, totals):  # type: ignore[no-untyped-def]
    """The sum of each column of a matrix, after what is there if it was `begun`."""
    for k in range(first_item(), columns, cuda.gridDim.x * THREADS):
        total = totals[k] if begun else real(0.0)
        for row in range(rows):
            total += matrix[row * pitch + k]
        totals[k] = total


def settle_pulls(
    n, width, vectors, centre, lines, columns, sums, share, masses, parts, least, gradient
):  # type: ignore[no-untyped-def]
    """The gradient of differences of vectors: what their factors add up to for each one, less the sum over others.

    It is divided by the sum of `masses` unless that is None, and is 0 where that does not exceed `least`.
    """
    shared = cuda.shared.array(WARPS, real)
    if masses is not None:
        divisor = sum_of(masses, parts, shared)
        share = 0.0 if divisor <= least else share / divisor
    for i in range(first_item(), n, cuda.gridDim.x * THREADS):
        row, k = i // width, i % width
        vector = load(vectors, i) - centre[k]
        store(gradient, i, share * ((lines[row] + columns[row]) * vector - sums[i]))
