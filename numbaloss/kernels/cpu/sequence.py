"""Losses of all alignments of a labelling to a longer sequence (connectionist temporal classification).

One task is one sequence: forward over its time steps, then backward, where each row of the gradient is written once
its own numbers have been read (so that it may lie in the place of the input). Backward needs the states of forward:
they are kept for about the square root of the time steps, and computed again, from marks as many, for the others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from numbaloss.compile.primitives import exp, expm1, log1p
from numbaloss.kernels.cpu.intrinsics import disjoint, double, move, out_of_line, part, short_vectors, strict
from numbaloss.kernels.cpu.lattice import (
    LOWEST,
    RENEW,
    advance,
    logarithm,
    renew,
    retreat,
    shift,
    split,
    total,
)
from numbaloss.kernels.cpu.pointwise import in_order
from numbaloss.kernels.cpu.row import STRIP, fill, narrow, peak


def link(log_prob: Any, rest: Any, params: Any) -> Any:
    """Open name: (value, slope, curvature) by the labelling's log-probability and one minus its probability."""
    raise NotImplementedError


@double
@strict
def read_symbols(row, n, target, blank, high, log_sum, log_probs):  # type: ignore[no-untyped-def]
    """The log-probabilities of the labels of a target, and after them the blank's."""
    for j in range(n):
        log_probs[j] = (np.float64(row[np.uint64(target[j])]) - high) - log_sum  # unsigned: no test for a negative one
    log_probs[n] = (np.float64(row[blank]) - high) - log_sum


def read_skips(target, skip):  # type: ignore[no-untyped-def]
    """Which labels may follow the one before without a blank: those that differ from it."""
    fill(skip, np.float64(0.0))
    for j in range(1, target.size):
        skip[j] = np.float64(target[j] != target[j - 1])


def read_slots(target, last, slots):  # type: ignore[no-untyped-def]
    """For each label the place of its first occurrence; `last` is scratch memory for each class."""
    for j in range(target.size - 1, -1, -1):
        last[target[j]] = j
    for j in range(target.size):
        slots[j] = last[target[j]]


def normalise(row, fused):  # type: ignore[no-untyped-def]
    """What to take off logits to have log-probabilities: the largest, and the logarithm of a sum, exact near 0."""
    if fused is None:
        return narrow(0), np.float64(0.0)
    high = peak(row)
    rest, ties = np.float64(0.0), np.float64(0.0)
    for low in range(0, row.size, STRIP):
        one, two = sum_below(row[low : min(low + STRIP, row.size)], high)
        rest += one
        ties += two
    return high, log_of_sum(rest + (ties - 1))


@double
def log_of_sum(more):  # type: ignore[no-untyped-def]
    """The logarithm of one and `more`, in float64: rounded to float32 it would be off for all chances alike."""
    return log1p(more)


@double
def share_of_sum(factor, log_sum):  # type: ignore[no-untyped-def]
    """A factor over the sum."""
    return factor * exp(-log_sum)


def sum_below(row, high):  # type: ignore[no-untyped-def]
    """The sum of the exponentials of what is below the largest, and how many are not."""
    rest, ties = 0.0, 0.0
    for c in range(row.size):
        gap = row[c] - high
        rest += exp(gap) if gap != 0.0 else 0.0
        ties += 1.0 if gap == 0.0 else 0.0
    return rest, ties


def write_chances(row, high, log_sum, factor, gradient):  # type: ignore[no-untyped-def]
    """The gradient as if no path led through this time step."""
    share = narrow(share_of_sum(factor, log_sum))
    for c in range(row.size):
        gradient[c] = share * exp(row[c] - high)


@double
@disjoint
def gather_chances(n, slots, blank_chances, label_chances, found):  # type: ignore[no-untyped-def]
    """The chance of each symbol at its slot, the blank's after them; their sum."""
    blank = 0.0
    for j in range(n + 1):
        blank += blank_chances[j]
        found[j] = 0.0
    found[n] = blank
    mass = blank
    for j in range(n):
        mass += label_chances[j]
        found[slots[j]] += label_chances[j]
    return mass


@double
@strict
def excesses(n, found, mass, log_probs, y, y_e, chances):  # type: ignore[no-untyped-def]
    """The probability of each symbol less the chance that the path is there, in the place of that chance.

    No digit is lost where both are near 1: there it is the chance of the others less the probability of the others.
    """
    leader, others = -1, 0.0
    for j in range(n + 1):
        if found[j] > 0.5 * mass:
            leader = j
    if leader >= 0 and chances:
        found[leader] = 0.0
        for j in range(n + 1):
            others += found[j]
    inverse = 1.0 / mass
    for j in range(n + 1):
        chance = found[j] * inverse
        if not chances:
            found[j] = -chance
        else:
            found[j] = y[j] * shift(y_e[j] if y_e[j] < 1023.0 else 1023.0) - chance
    if leader >= 0 and chances:
        found[leader] = others * inverse + expm1(log_probs[leader])
    return leader


def write_symbols(n, target, slots, blank, found, factor, gradient):  # type: ignore[no-untyped-def]
    """The gradient by the labels and by the blank."""
    for j in range(n):
        if slots[j] == j:
            gradient[target[j]] = narrow(factor * found[j])
    gradient[blank] = narrow(factor * found[n])


def balance(place, gradient):  # type: ignore[no-untyped-def]
    """The entry of a nearly certain symbol from the others, which are more precise: by logits their sum is 0."""
    gradient[place] = 0.0
    gathered = np.float64(0.0)
    for low in range(0, gradient.size, STRIP):
        gathered += added(gradient[low : min(low + STRIP, gradient.size)])
    gradient[place] = narrow(-gathered)


def added(strip):  # type: ignore[no-untyped-def]
    """The sum of a strip."""
    gathered = 0.0
    for c in range(strip.size):
        gathered += strip[c]
    return gathered


@double
def start(n, y, y_e, m, e):  # type: ignore[no-untyped-def]
    """The first time step: a path begins with a blank or with the first label."""
    fill(m, 0.0)
    fill(e, LOWEST)
    m[0], e[0] = y[n], y_e[n]
    if n > 0:
        m[n + 2], e[n + 2] = y[0], y_e[0]


@double
def finish(n, m, e):  # type: ignore[no-untyped-def]
    """After the last time step: one more blank would be the last, which asks for nothing before but an end."""
    for k in range(2):
        fill(m[k], 0.0)
        fill(e[k], LOWEST)
    m[0, n], e[0, n] = 1.0, 0.0


def forward(
    first, last, again, flat, time_step, classes, target, blank, fused, skip, log_probs, highs, log_sums, ys, ys_e,
    ahead, ahead_e, marks, marks_e,
):  # type: ignore[no-untyped-def]
    """Runs through time steps; the mantissa and exponent of the labelling's probability up to there.

    A row of `ahead` holds the blanks, a 0, and the labels. Only the last few time steps' rows are kept, with what the
    symbols' probabilities were; each time they are full the last goes to `marks`, from where to begin `again`.
    """
    n = target.size
    kept = ahead.shape[0]
    for t in range(first, last):
        row = flat[t * time_step : t * time_step + classes]
        if not again:
            highs[t], log_sums[t] = normalise(row, fused)
        place = t % kept
        y, y_e = ys[place], ys_e[place]
        read_symbols(row, n, target, blank, highs[t], log_sums[t], log_probs)
        split(log_probs, n + 1, y, y_e)
        new, new_e = ahead[place], ahead_e[place]
        if t == 0:
            start(n, y, y_e, new, new_e)
        else:
            old, old_e = ahead[(t - 1) % kept], ahead_e[(t - 1) % kept]
            new[n + 1], new_e[n + 1] = old[n + 1], old_e[n + 1]
            advance(
                n, old, old_e, old[n + 1 :], old_e[n + 1 :], old[n + 2 :], old_e[n + 2 :], y, y_e, skip,
                new[: n + 1], new_e[: n + 1], new[n + 2 :], new_e[n + 2 :],
            )
        if t % RENEW == RENEW - 1:
            renew(new, new_e)
        if marks is not None and place == kept - 1:
            move(new, marks[t // kept])
            move(new_e, marks_e[t // kept])
    end, end_e = ahead[(last - 1) % kept], ahead_e[(last - 1) % kept]
    return total(end[n], end_e[n], end[2 * n + 1], end_e[2 * n + 1])  # without labels the second is that 0


def backward(
    flat, time_step, classes, length, target, slots, blank, fused, chances, skip, log_probs, highs, log_sums, ys, ys_e,
    ahead, ahead_e, marks, marks_e, exponent, factor, gradient, gradient_step,
):  # type: ignore[no-untyped-def]
    """Runs back through the time steps and writes the gradient by each. States: the blanks, the labels, and a 0."""
    n = target.size
    kept = ahead.shape[0]
    states, states_e = np.empty((2, 2 * n + 2), np.float64), np.empty((2, 2 * n + 2), np.float64)
    blank_chances, label_chances = np.empty(n + 1, np.float64), np.empty(n + 1, np.float64)
    found = np.empty(n + 1, np.float64)
    finish(n, states, states_e)
    for back in range(length):
        t = length - 1 - back
        place = t % kept
        if place == kept - 1 and back > 0:  # the rows kept are of later time steps
            first = t - place
            if first > 0:
                move(marks[first // kept - 1], ahead[kept - 1])
                move(marks_e[first // kept - 1], ahead_e[kept - 1])
            forward(
                first, t + 1, True, flat, time_step, classes, target, blank, fused, skip, log_probs, highs, log_sums,
                ys, ys_e, ahead, ahead_e, marks, marks_e,
            )
        row = flat[t * time_step : t * time_step + classes]
        slopes = gradient[t * gradient_step : t * gradient_step + classes]
        y, y_e = ys[place], ys_e[place]
        old, old_e = states[back % 2], states_e[back % 2]
        new, new_e = states[1 - back % 2], states_e[1 - back % 2]
        here, here_e = ahead[place], ahead_e[place]
        retreat(
            n, old, old_e, old[1:], old_e[1:], old[n + 1 :], old_e[n + 1 :], old[n + 2 :], old_e[n + 2 :], y, y_e,
            skip, here, here_e, here[n + 2 :], here_e[n + 2 :], -exponent, new, new_e, new[n + 1 :],
            new_e[n + 1 :], blank_chances, label_chances,
        )
        if back % RENEW == RENEW - 1:
            renew(new, new_e)
        mass = gather_chances(n, slots, blank_chances, label_chances, found)
        read_symbols(row, n, target, blank, highs[t], log_sums[t], log_probs)
        if chances:
            write_chances(row, highs[t], log_sums[t], factor, slopes)
        else:
            fill(slopes, narrow(0))
        leader = excesses(n, found, mass, log_probs, y, y_e, chances)
        write_symbols(n, target, slots, blank, found, factor, slopes)
        if fused is not None and leader >= 0:
            balance(blank if leader == n else target[leader], slopes)


@out_of_line
def one_sequence(
    flat, time_step, classes, steps, length, target, blank, fused, chances, zero_infinity, share, params, scale,
    gradient, gradient_step,
):  # type: ignore[no-untyped-def]
    """The weighted value of one sequence; writes its gradient."""
    n = target.size
    kept = 2 if gradient is None else max(2, int(np.sqrt(length)))
    ahead, ahead_e = np.empty((kept, 2 * n + 2), np.float64), np.empty((kept, 2 * n + 2), np.float64)
    ys, ys_e = np.empty((kept, n + 1), np.float64), np.empty((kept, n + 1), np.float64)
    marks, marks_e = None, None
    if gradient is not None:
        marks = np.empty((length // kept, 2 * n + 2), np.float64)
        marks_e = np.empty((length // kept, 2 * n + 2), np.float64)
    highs, log_sums = np.empty(length, flat.dtype), np.empty(length, np.float64)
    skip, log_probs = np.empty(n + 1, np.float64), np.empty(n + 1, np.float64)
    read_skips(target, skip)
    mantissa, exponent = np.float64(n == 0), np.float64(0.0)  # of no time steps: only no labels
    if length > 0:
        mantissa, exponent = forward(
            0, length, False, flat, time_step, classes, target, blank, fused, skip, log_probs, highs, log_sums, ys,
            ys_e, ahead, ahead_e, marks, marks_e,
        )
    log_prob = logarithm(mantissa, exponent)
    value, slope, _ = link(narrow(log_prob), narrow(complement(log_prob)), params)
    impossible = mantissa == 0.0
    if impossible and zero_infinity:
        value = narrow(0)
    if gradient is not None:
        possible = mantissa > 0.0 and mantissa < np.inf
        if possible and length > 0:
            slots, last = np.empty(n, np.int64), np.empty(classes, np.int64)
            read_slots(target, last, slots)
            backward(
                flat, time_step, classes, length, target, slots, blank, fused, chances, skip, log_probs, highs,
                log_sums, ys, ys_e, ahead, ahead_e, marks, marks_e, exponent, -np.float64(slope) * scale * share,
                gradient, gradient_step,
            )
        nothing = narrow(0) if possible or (impossible and zero_infinity) else narrow(np.nan)
        for t in range(length if possible else 0, steps):
            low = t * gradient_step
            fill(gradient[low : low + classes], nothing if t < length else narrow(0))
    return np.float64(share) * np.float64(value)


@double
def complement(log_prob):  # type: ignore[no-untyped-def]
    """One minus the probability."""
    return -expm1(log_prob)


@short_vectors
def sequences(
    flat, time_step, batch_step, classes, steps, targets, starts, lengths, blank, fused, chances, zero_infinity,
    shares, params, scale, values, gradient, gradient_time_step, gradient_batch_step,
):  # type: ignore[no-untyped-def]
    """All sequences: the float64 sum of the weighted values, in their order."""
    partials = np.empty(lengths.size, np.float64)
    for i in prange(lengths.size):
        partials[i] = one_sequence(
            flat[i * batch_step :], time_step, classes, steps, lengths[i], targets[starts[i] : starts[i + 1]], blank,
            fused, chances, zero_infinity, shares[i], params, scale,
            part(gradient, i * gradient_batch_step, None), gradient_time_step,
        )
    for i in range(partials.size):
        values[i] = narrow(partials[i])
    return in_order(partials)
