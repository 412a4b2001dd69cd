"""The states of an alignment on a device: each ``m * 2**e`` with a whole `e` of its own, as in `kernels.cpu.lattice`.

The mantissa has the type of the arithmetic, the exponent 64 bits, so that float32 loses no more along thousands of time
steps than a product of as many numbers does. On the way forward a mantissa has a second, small part, the rounding
errors of the first: without it, a labelling whose probability is nearly 1 would have a loss of no digits.

The threads of a block share out the states of one time step after another, with one barrier between two. `lattice` has
room for the states of two time steps, each with two zeros on either side: (mantissas, exponents, second parts, place of
the first room, size of a room).
"""

from __future__ import annotations

from typing import Any

from numba import cuda, int64

from numbaloss.compile.primitives import exp, expm1, log, log1p
from numbaloss.kernels.cuda.device import THREADS, exponent, fused, load, real, times, two_to

NORMALISED = False  # open name: whether scores are logits, of which norms are to be taken off
NEAR_BY = True  # open name: whether a block has a thread for each state
LOWEST = -(1 << 60)  # exponent of 0; thousands of them can be added up
FURTHEST = 10**12  # exponent of what is further from 1 than that
RENEW = 8  # steps after which mantissas are brought back to [1, 2): they grow by less than 2**3 a step

# Open names, by type: logarithms below NEAR have digits for a fraction; ln 2 in two parts, the first with few digits.
NEAR, LN2_HIGH, LN2_LOW = 1e7, 0.693359375, -2.12194440e-4


# ---- numbers


def split(x):  # type: ignore[no-untyped-def]
    """The exponential of a number, exact to the last bits for any finite one."""
    scaled = x * 1.4426950408889634
    m, e = real(1.0), int64(0)
    if abs(scaled) < 1e12:
        e = int64(scaled + (0.5 if scaled > 0.0 else -0.5))
        if abs(scaled) < NEAR:
            m = exp((x - real(e) * LN2_HIGH) - real(e) * LN2_LOW)
    elif x - x == 0.0:
        e = int64(FURTHEST) if x > 0.0 else int64(-FURTHEST)
    elif x < 0.0:
        m, e = real(0.0), int64(LOWEST)
    else:
        m = x  # nan stays nan
    return m, e


def added(m1, e1, m2, e2):  # type: ignore[no-untyped-def]
    """The sum of two."""
    top = e1 if e1 > e2 else e2
    return m1 * two_to(e1 - top) + m2 * two_to(e2 - top), top


def rest_of(x, m, e):  # type: ignore[no-untyped-def]
    """What `split` of `x` leaves out, where that is near 1."""
    return expm1(x) - (m - 1.0) if e == 0 and m - m == 0.0 and m > 0.5 else real(0.0)


def added_finely(m1, r1, e1, m2, r2, e2):  # type: ignore[no-untyped-def]
    """The sum of two in two parts."""
    top = e1 if e1 > e2 else e2
    one, two = two_to(e1 - top), two_to(e2 - top)
    r1, r2 = r1 * one, r2 * two
    m1, m2 = m1 * one, m2 * two
    m = m1 + m2
    part = m - m1
    return m, ((m1 - (m - part)) + (m2 - part)) + (r1 + r2), top


def multiplied_finely(m1, r1, m2, r2):  # type: ignore[no-untyped-def]
    """The product of two mantissas in two parts."""
    m = times(m1, m2)
    return m, fused(m1, m2, -m) + (m1 * r2 + r1 * m2)


def renewed(m, e):  # type: ignore[no-untyped-def]
    """The same number with its mantissa in [1, 2)."""
    if m > 0.0 and m - m == 0.0:
        k = exponent(m)
        m, e = m * two_to(-k), e + k
    elif m == 0.0:
        e = int64(LOWEST)
    return m, e


def logarithm(m, r, e):  # type: ignore[no-untyped-def]
    """The natural logarithm, to the last digits near 1, of a number in two parts, the first in [1, 2)."""
    if m > 1.5:
        m, r, e = 0.5 * m, 0.5 * r, e + 1
    if e == 0 and m > 0.5 and r - r == 0.0:
        return log1p((m - 1.0) + r)
    return log(m) + (real(e) * LN2_HIGH + real(e) * LN2_LOW if m > 0.0 else 0.0)


# ---- symbols: blank, label 0, blank, label 1, ..., blank


def whole(vector: Any, i: Any) -> Any:
    """A number of a vector of whole numbers: (memory, place of the first, step), as it lies."""
    return int64(vector[0][vector[1] + i * vector[2]])


def symbol_of(labels, s, blank):  # type: ignore[no-untyped-def]
    """The class of a state."""
    return whole(labels, s // 2) if s % 2 == 1 else int64(blank)


def parted(labels, s, states):  # type: ignore[no-untyped-def]
    """Whether a path may come to state `s` from the one two before: it is a label unlike that one."""
    return s % 2 == 1 and s > 1 and s < states and whole(labels, s // 2) != whole(labels, s // 2 - 1)


# ---- time steps


def clamped(t, length):  # type: ignore[no-untyped-def]
    """The nearest time step there is: what is read ahead of need may be read in vain."""
    return length - 1 if t >= length else (int64(0) if t < 0 else t)


def glance(scores, symbol, t):  # type: ignore[no-untyped-def]
    """The score of a class, and what to take off it: read some time before it is computed with.

    `scores` are (memory, place of the sequence, time step in it), and of logits the norms, their place and step.
    """
    high, log_sum = real(0.0), real(0.0)
    if NORMALISED:
        norms, place = scores[3], scores[4] + t * scores[5]
        high, log_sum = norms[0][place], norms[1][place]
    return load(scores[0], scores[1] + t * scores[2] + symbol), high, log_sum


def arrived(m, e, place, skips):  # type: ignore[no-untyped-def]
    """What comes back to a state from itself, from the next one and, if it `skips`, from the one after that."""
    near, near_e = added(m[place], e[place], m[place + 1], e[place + 1])
    if skips:
        near, near_e = added(near, near_e, m[place + 2], e[place + 2])
    return near, near_e


def clear_edges(lattice, states):  # type: ignore[no-untyped-def]
    """Nothing is before the first state or after the last."""
    m, e, r, own, span = lattice
    thread = cuda.threadIdx.x
    if thread < 4:
        for room in range(2):
            edge = own + room * span + thread + (states if thread > 1 else 0)
            m[edge], r[edge], e[edge] = real(0.0), real(0.0), int64(LOWEST)


def arrived_finely(m, r, e, place, skips):  # type: ignore[no-untyped-def]
    """The same forward in time, in two parts."""
    near, rest, near_e = added_finely(m[place], r[place], e[place], m[place - 1], r[place - 1], e[place - 1])
    if skips:
        near, rest, near_e = added_finely(near, rest, near_e, m[place - 2], r[place - 2], e[place - 2])
    return near, rest, near_e


def forward(scores, labels, blank, n, length, lattice, ahead, ahead_e, kept):  # type: ignore[no-untyped-def]
    """Runs through the time steps; keeps the states of each from `kept` on. The labelling's probability."""
    m, e, r, own, span = lattice
    states = 2 * n + 1
    thread = int64(cuda.threadIdx.x)
    symbol = symbol_of(labels, thread if thread < states else int64(0), blank)
    skips = parted(labels, thread, states)
    now, soon = glance(scores, symbol, int64(0)), glance(scores, symbol, clamped(int64(1), length))
    for t in range(length):
        then = glance(scores, symbol, clamped(t + 2, length)) if NEAR_BY else soon
        old, new = own + (t + 1) % 2 * span + 2, own + t % 2 * span + 2
        for s in range(thread, states, THREADS):
            if not NEAR_BY:
                symbol, skips = symbol_of(labels, s, blank), parted(labels, s, states)
                now = glance(scores, symbol, t)
            score = (now[0] - now[1]) - now[2]
            y, y_e = split(score)
            path, rest, path_e = real(1.0), real(0.0), int64(0)
            if t > 0:
                path, rest, path_e = arrived_finely(m, r, e, old + s, skips)
            elif s > 1:
                path, path_e = real(0.0), int64(LOWEST)
            path, rest = multiplied_finely(path, rest, y, rest_of(score, y, y_e))
            path_e += y_e
            if t % RENEW == RENEW - 1:
                before = path_e
                path, path_e = renewed(path, path_e)
                rest = rest * two_to(before - path_e)
            m[new + s], r[new + s], e[new + s] = path, rest, path_e
            if ahead is not None:
                ahead[kept + t * states + s], ahead_e[kept + t * states + s] = path, path_e
        now, soon = soon, then
        cuda.syncthreads()
    last = own + (length - 1) % 2 * span + 2 + states - 1
    full, rest, before = arrived_finely(m, r, e, last, False)  # without labels the second is the edge
    full, full_e = renewed(full, before)
    return full, rest * two_to(before - full_e), full_e


def backward(scores, labels, blank, n, length, lattice, ahead, ahead_e, kept, full_e):  # type: ignore[no-untyped-def]
    """Runs back; leaves in `ahead` the chances that a path is in each state, not yet divided by their sum."""
    m, e, _, own, span = lattice
    states = 2 * n + 1
    thread = int64(cuda.threadIdx.x)
    busy = thread < states
    symbol, skips = symbol_of(labels, thread if busy else int64(0), blank), parted(labels, thread + 2, states)
    now, soon = glance(scores, symbol, length - 1), glance(scores, symbol, clamped(length - 2, length))
    here, path, path_e = kept + (length - 1) * states + thread, real(0.0), int64(0)
    if busy:
        path, path_e = ahead[here], ahead_e[here]
    for turn in range(length):
        t = length - 1 - turn
        then, next_path, next_path_e = soon, path, path_e
        if NEAR_BY:
            then = glance(scores, symbol, clamped(t - 2, length))
            here = kept + clamped(t - 1, length) * states + thread
            if busy:
                next_path, next_path_e = ahead[here], ahead_e[here]
        old, new = own + (turn + 1) % 2 * span + 2, own + turn % 2 * span + 2
        for s in range(thread, states, THREADS):
            if not NEAR_BY:
                symbol, skips = symbol_of(labels, s, blank), parted(labels, s + 2, states)
                now = glance(scores, symbol, t)
                path, path_e = ahead[kept + t * states + s], ahead_e[kept + t * states + s]
            y, y_e = split((now[0] - now[1]) - now[2])
            rest, rest_e = real(1.0), int64(0)
            if turn > 0:
                rest, rest_e = arrived(m, e, old + s, skips)
            elif s + 2 < states:
                rest, rest_e = real(0.0), int64(LOWEST)
            ahead[kept + t * states + s] = rest * path * two_to(rest_e + path_e - full_e)
            rest, rest_e = rest * y, rest_e + y_e
            if turn % RENEW == RENEW - 1:
                rest, rest_e = renewed(rest, rest_e)
            m[new + s], e[new + s] = rest, rest_e
        now, soon, path, path_e = soon, then, next_path, next_path_e
        cuda.syncthreads()
