"""Losses of all alignments of a labelling to a longer sequence (connectionist temporal classification).

One task is one sequence: forward over its time steps, then backward, where each row of the gradient is written once
its own numbers have been read (so that it may lie in the place of the input).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from numbaloss.compile.primitives import exp, expm1
from numbaloss.kernels.cpu.intrinsics import double, out_of_line, part, strict
from numbaloss.kernels.cpu.lattice import (
    LOWEST,
    RENEW,
    advance,
    logarithm,
    power_of_two,
    renew,
    retreat,
    split,
    total,
)
from numbaloss.kernels.cpu.pointwise import in_order
from numbaloss.kernels.cpu.row import fill, log_normaliser_above, log_probability, narrow, peak


def link(log_prob: Any, rest: Any, params: Any) -> Any:
    """Open name: (value, slope, curvature) by the labelling's log-probability and one minus its probability."""
    raise NotImplementedError


@double
@strict
def read_symbols(row, n, target, blank, high, log_sum, log_probs):  # type: ignore[no-untyped-def]
    """The log-probabilities of the labels of a target, and after them the blank's."""
    for j in range(n):
        log_probs[j] = (np.float64(row[target[j]]) - high) - log_sum
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
    """What to take off logits to have log-probabilities: the largest, and the logarithm of a sum."""
    if fused is None:
        return narrow(0), narrow(0)
    high = peak(row)
    return high, log_normaliser_above(row, high, None, narrow(1), None)


def write_chances(row, high, log_sum, factor, gradient):  # type: ignore[no-untyped-def]
    """The gradient as if no path led through this time step."""
    for c in range(row.size):
        gradient[c] = factor * exp(log_probability(row[c], high, log_sum))


@double
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
def all_but(n, place, found):  # type: ignore[no-untyped-def]
    """The sum over the other symbols."""
    rest = 0.0
    for j in range(n + 1):
        rest += 0.0 if j == place else found[j]
    return rest


@double
@strict
def excess(n, place, found, mass, log_probs, y, y_e, chances):  # type: ignore[no-untyped-def]
    """The probability of a symbol less the chance that the path is there; no digit is lost where both are near 1."""
    chance = found[place] / mass
    if chances is None:
        return -chance
    if chance > 0.5:
        return all_but(n, place, found) / mass + expm1(log_probs[place])
    return y[place] * power_of_two(y_e[place]) - chance


def write_symbols(
    n, target, slots, blank, found, mass, log_probs, y, y_e, chances, factor, gradient
):  # type: ignore[no-untyped-def]
    """The gradient by the labels and by the blank."""
    for j in range(n):
        if slots[j] == j:
            gradient[target[j]] = narrow(factor * excess(n, j, found, mass, log_probs, y, y_e, chances))
    gradient[blank] = narrow(factor * excess(n, n, found, mass, log_probs, y, y_e, chances))


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
    fill(m, 0.0)
    fill(e, LOWEST)
    m[n], e[n] = 1.0, 0.0


def forward(
    flat, time_step, classes, length, target, blank, fused, skip, log_probs, y, y_e, highs, log_sums, ahead, ahead_e,
    rolling,
):  # type: ignore[no-untyped-def]
    """Runs through the time steps; the mantissa and exponent of the labelling's probability.

    Row t of `ahead` holds the blanks, a 0, and the labels; with `rolling` only two rows are kept.
    """
    n = target.size
    blanks, width = n + 1, 2 * n + 2
    for t in range(length):
        row = flat[t * time_step : t * time_step + classes]
        highs[t], log_sums[t] = normalise(row, fused)
        read_symbols(row, n, target, blank, highs[t], log_sums[t], log_probs)
        split(log_probs, n + 1, y, y_e)
        place = t % 2 if rolling else t
        low = place * width
        middle, high = low + blanks, low + width
        if t == 0:
            start(n, y, y_e, ahead[low:high], ahead_e[low:high])
        else:
            old = (1 - place) * width if rolling else low - width
            half, end = old + blanks, old + width
            advance(
                n, ahead[old:half], ahead_e[old:half], ahead[half:end], ahead_e[half:end], y, y_e, skip,
                ahead[low:middle], ahead_e[low:middle], ahead[middle:high], ahead_e[middle:high],
            )
        if t % RENEW == RENEW - 1:
            renew(ahead[low:high], ahead_e[low:high])
    last = ((length - 1) % 2 if rolling else length - 1) * width
    one, two = last + n, last + width - 1  # without labels the second is the 0 before them
    return total(ahead[one], ahead_e[one], ahead[two], ahead_e[two])


def backward(
    flat, time_step, classes, length, target, slots, blank, chances, skip, log_probs, y, y_e, highs, log_sums, ahead,
    ahead_e, mantissa, exponent, factor, gradient, gradient_step,
):  # type: ignore[no-untyped-def]
    """Runs back through the time steps and writes the gradient by each."""
    n = target.size
    blanks, width = n + 1, 2 * n + 2
    states, states_e = np.empty(2 * width, np.float64), np.empty(2 * width, np.float64)
    blank_chances, label_chances, found = np.empty(blanks), np.empty(blanks), np.empty(blanks)
    finish(n, states[:width], states_e[:width])
    scale = np.float64(1.0) / mantissa
    for back in range(length):
        t = length - 1 - back
        row = flat[t * time_step : t * time_step + classes]
        slopes = gradient[t * gradient_step : t * gradient_step + classes]
        read_symbols(row, n, target, blank, highs[t], log_sums[t], log_probs)
        split(log_probs, n + 1, y, y_e)
        low, here = (back % 2) * width, t * width
        half, high, middle, end = low + blanks, low + width, here + blanks, here + width
        new = width - low
        other, top = new + blanks, new + width
        retreat(
            n, states[low:half], states_e[low:half], states[half:high], states_e[half:high], y, y_e, skip,
            ahead[here:middle], ahead_e[here:middle], ahead[middle:end], ahead_e[middle:end], scale, -exponent,
            states[new:other], states_e[new:other], states[other:top], states_e[other:top], blank_chances,
            label_chances,
        )
        if back % RENEW == RENEW - 1:
            renew(states[new:top], states_e[new:top])
        mass = gather_chances(n, slots, blank_chances, label_chances, found)
        if chances is None:
            fill(slopes, narrow(0))
        else:
            write_chances(row, highs[t], log_sums[t], narrow(factor), slopes)
        write_symbols(n, target, slots, blank, found, mass, log_probs, y, y_e, chances, factor, slopes)


def one_sequence(
    flat, time_step, classes, steps, length, target, blank, fused, chances, zero_infinity, share, params, scale,
    gradient, gradient_step,
):  # type: ignore[no-untyped-def]
    """The weighted value of one sequence; writes its gradient."""
    out_of_line()
    n = target.size
    width = 2 * n + 2
    rolling = gradient is None
    kept = min(length, 2) if rolling else length
    ahead, ahead_e = np.empty(kept * width, np.float64), np.empty(kept * width, np.float64)
    highs, log_sums = np.empty(length, flat.dtype), np.empty(length, flat.dtype)
    skip, log_probs = np.empty(n + 1, np.float64), np.empty(n + 1, np.float64)
    y, y_e = np.empty(n + 1, np.float64), np.empty(n + 1, np.float64)
    read_skips(target, skip)
    mantissa, exponent = np.float64(n == 0), np.float64(0.0)  # of no time steps: only no labels
    if length > 0:
        mantissa, exponent = forward(
            flat, time_step, classes, length, target, blank, fused, skip, log_probs, y, y_e, highs, log_sums, ahead,
            ahead_e, rolling,
        )
    log_prob = logarithm(mantissa, exponent)
    value, slope, _ = link(narrow(log_prob), narrow(complement(log_prob)), params)
    impossible = mantissa == 0.0
    if impossible and zero_infinity is not None:
        value = narrow(0)
    if gradient is not None:
        possible = mantissa > 0.0 and mantissa < np.inf
        if possible and length > 0:
            slots, last = np.empty(n, np.int64), np.empty(classes, np.int64)
            read_slots(target, last, slots)
            backward(
                flat, time_step, classes, length, target, slots, blank, chances, skip, log_probs, y, y_e, highs,
                log_sums, ahead, ahead_e, mantissa, exponent, -np.float64(slope) * scale * share, gradient,
                gradient_step,
            )
        nothing = narrow(0) if possible or (impossible and zero_infinity is not None) else narrow(np.nan)
        for t in range(length if possible else 0, steps):
            low = t * gradient_step
            fill(gradient[low : low + classes], nothing if t < length else narrow(0))
    return np.float64(share) * np.float64(value)


@double
def complement(log_prob):  # type: ignore[no-untyped-def]
    """One minus the probability."""
    return -expm1(log_prob)


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
    if values is not None:
        for i in range(partials.size):
            values[i] = narrow(partials[i])
    return in_order(partials)
