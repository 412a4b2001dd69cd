"""Sorts many sequences of one length at once by whole-number keys: stable, a digit of the keys at a time.

For each digit three launches: blocks count the digits of their part of a sequence (`count_digits`), the counts become
places (`scan_counts`, a block a sequence), and entries go to their places (`scatter`); the last alone where a block
sorts a whole sequence. A thread takes `EACH` neighbouring entries, so that equal digits stay in order.
"""

from __future__ import annotations

from numba import cuda, int64

from numbaloss.kernels.cuda.device import THREADS, barrier, first_item

DIGIT = 4  # bits taken at once
BUCKETS = 1 << DIGIT
EACH = 16  # neighbouring entries of a thread
PITCH = 129  # open name: `THREADS` and one, so that rows begin in different banks
TILE = 2048  # open name: `THREADS * EACH`


def turn(n, most, bits):  # type: ignore[no-untyped-def]
    """The bits of floats, read as integers, become keys that put the largest first, or become floats again.

    `most` is the largest integer of the type; keys count as unsigned.
    """
    for i in range(first_item(), n, cuda.gridDim.x * THREADS):
        key = bits[i]
        if key >= 0:
            bits[i] = most - key


def digit_of(keys, i, shift):  # type: ignore[no-untyped-def]
    """The digit of a key that begins at bit `shift`."""
    return int64(keys[i] >> shift) & (BUCKETS - 1)


def mark(keys, low, high, shift, marks):  # type: ignore[no-untyped-def]
    """Counts the digits of this thread's entries from `low` on; `high` ends the sequence."""
    thread = cuda.threadIdx.x
    for d in range(BUCKETS):
        marks[d, thread] = 0
    for i in range(low, min(low + EACH, high)):
        marks[digit_of(keys, i, shift), thread] += 1


def counted(keys, first, high, shift, marks):  # type: ignore[no-untyped-def]
    """How many keys from `first` to `high` have the digit of this thread's number."""
    thread, total = cuda.threadIdx.x, int64(0)
    for low in range(first, high, TILE):
        mark(keys, low + thread * EACH, high, shift, marks)
        barrier()
        if thread < BUCKETS:
            for j in range(THREADS):
                total += marks[thread, j]
        barrier()
    return total


def count_digits(room, tasks, span, shift, keys, counts):  # type: ignore[no-untyped-def]
    """How many entries of each part of a sequence have which digit; a part is `span` entries."""
    marks = cuda.shared.array((BUCKETS, PITCH), int64)
    thread, task, sequence = cuda.threadIdx.x, cuda.blockIdx.x % tasks, int64(cuda.blockIdx.x // tasks)
    start = sequence * room
    total = counted(keys, start + task * span, start + min((task + 1) * span, room), shift, marks)
    if thread < BUCKETS:
        counts[(sequence * BUCKETS + thread) * tasks + task] = total


def scan_counts(length, counts):  # type: ignore[no-untyped-def]
    """One block a sequence: each of its `length` counts becomes the sum of those before it."""
    sums = cuda.shared.array(THREADS, int64)
    thread, start = cuda.threadIdx.x, int64(cuda.blockIdx.x) * length
    own = (length + THREADS - 1) // THREADS
    first, last = start + thread * own, start + min(thread * own + own, length)
    total = int64(0)
    for i in range(first, last):
        total += counts[i]
    sums[thread] = total
    barrier()
    if thread == 0:
        total = int64(0)
        for j in range(THREADS):
            count = sums[j]
            sums[j] = total
            total += count
    barrier()
    total = sums[thread]
    for i in range(first, last):
        count = counts[i]
        counts[i] = total
        total += count


def scatter(room, tasks, span, shift, keys, order, counts, new_keys, new_order):  # type: ignore[no-untyped-def]
    """Puts entries where their digits belong; without an `order` they are in the order of their places.

    Without `counts` a block has a sequence to itself, and counts on its own.
    """
    marks = cuda.shared.array((BUCKETS, PITCH), int64)
    places = cuda.shared.array(BUCKETS, int64)
    thread, task, sequence = cuda.threadIdx.x, cuda.blockIdx.x % tasks, int64(cuda.blockIdx.x // tasks)
    start, high = sequence * room, min((task + 1) * span, room)
    if counts is not None:
        if thread < BUCKETS:
            places[thread] = counts[(sequence * BUCKETS + thread) * tasks + task]
    else:
        total = counted(keys, start, start + room, shift, marks)
        if thread < BUCKETS:
            places[thread] = total
        barrier()
        if thread == 0:
            place = int64(0)
            for d in range(BUCKETS):
                count = places[d]
                places[d] = place
                place += count
    for base in range(task * span, high, TILE):
        low = base + thread * EACH
        mark(keys, start + low, start + high, shift, marks)
        barrier()
        if thread < BUCKETS:
            place = places[thread]
            for j in range(THREADS):
                count = marks[thread, j]
                marks[thread, j] = place
                place += count
            places[thread] = place
        barrier()
        for i in range(low, min(low + EACH, high)):
            d = digit_of(keys, start + i, shift)
            place = start + marks[d, thread]
            marks[d, thread] += 1
            new_keys[place] = keys[start + i]
            new_order[place] = i if order is None else order[start + i]
