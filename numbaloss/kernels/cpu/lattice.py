"""The states of an alignment: probabilities that never underflow, carried from one time step to the next.

Blanks and labels alternate, ``blank, label 0, blank, label 1, ..., blank``. A path stays where it is, goes to the next
state, or skips the blank between two different labels. Along thousands of steps probabilities differ by far more than
a float64 can hold, also those of neighbouring states, and a state that seems lost may be the only one from which the
end is reached. So each has an exponent of its own: it is ``m * 2**e``, e a whole number kept as float64. Adding two
such numbers takes no exponential and no logarithm, only shifts, and loses nothing: what is shifted out of float64 is
less than 2**-900 of what it is added to. That is several times faster than sums of logarithms and more exact.
"""

from __future__ import annotations

import math

import numpy as np

from numbaloss.compile.primitives import log
from numbaloss.compile.primitives_cpu.bits import exponent, mantissa, two_to
from numbaloss.compile.primitives_cpu.exponential import exp_fraction_float64
from numbaloss.kernels.cpu.intrinsics import disjoint, double, strict

LOWEST = -1e290  # exponent of 0; thousands of them can be added up
LN2 = math.log(2.0)
ROUND = 1.5 * 2.0**52  # added and taken off again, it rounds to a whole number
RENEW = 16  # steps after which mantissas are brought back to [1, 2): they grow by less than 2**3 a step

two_to.plain = lambda shifted: 2.0 ** (shifted - ROUND)  # type: ignore[attr-defined]
exponent.plain = lambda x, low: float(math.frexp(x)[1] - 1)  # type: ignore[attr-defined]
mantissa.plain = lambda x, low: 2.0 * math.frexp(x)[0]  # type: ignore[attr-defined]


@double
@strict
def shift(e):  # type: ignore[no-untyped-def]
    """``2**e`` for a whole `e` of at most 1023; below, 2**-900: numbers less than 2**-1022 are slow to compute with."""
    return two_to((e if e > -900.0 else -900.0) + ROUND)


@double
@strict
@disjoint
def split(log_probs, n, m, e):  # type: ignore[no-untyped-def]
    """The exponentials of `n` numbers as ``m * 2**e``; exact to the last bits for any finite one."""
    for j in range(n):
        x = log_probs[j]
        scaled = x * 1.4426950408889634
        ordinary = abs(scaled) < 1e15
        k = (scaled + ROUND) - ROUND
        fraction = exp_fraction_float64(x if ordinary else 0.0, k if ordinary else 0.0)
        finite = abs(scaled) < 1e290
        m[j] = fraction if finite else (0.0 if x < 0.0 else x)  # nan stays nan
        e[j] = (k if ordinary else scaled) if finite else (LOWEST if x < 0.0 else 0.0)


@double
@strict
@disjoint
def advance(
    n, blanks, blanks_e, before, before_e, labels, labels_e, y, y_e, skip, new_blanks, new_blanks_e, new_labels,
    new_labels_e,
):  # type: ignore[no-untyped-def]
    """One step forward. `before` is `labels` one place later, after a 0; entry n of `y` is the blank's."""
    blank, blank_e = y[n], y_e[n]
    for j in range(n):
        one, one_e = blanks[j], blanks_e[j]
        two, two_e = before[j], before_e[j]
        top = one_e if one_e > two_e else two_e
        new_blanks[j] = (one * shift(one_e - top) + two * shift(two_e - top)) * blank
        new_blanks_e[j] = top + blank_e
        own, own_e = labels[j], labels_e[j]
        two_e = two_e if skip[j] > 0.0 else LOWEST
        top = one_e if one_e > own_e else own_e
        top = two_e if two_e > top else top
        near = own * shift(own_e - top) + one * shift(one_e - top)
        new_labels[j] = (near + skip[j] * two * shift(two_e - top)) * y[j]
        new_labels_e[j] = top + y_e[j]
    rest, rest_e = total(blanks[n], blanks_e[n], before[n], before_e[n])
    new_blanks[n], new_blanks_e[n] = rest * blank, rest_e + blank_e


@double
@strict
@disjoint
def retreat(
    n, blanks, blanks_e, next_blanks, next_blanks_e, labels, labels_e, after, after_e, y, y_e, skip, ahead, ahead_e,
    label_ahead, label_ahead_e, scale_e, new_blanks, new_blanks_e, new_labels, new_labels_e, blank_chances,
    label_chances,
):  # type: ignore[no-untyped-def]
    """One step back, and the chances that a path is in each state there. `after` is `labels` one place earlier.

    `ahead` and `label_ahead` are what `advance` left at this time step. The chances have yet to be divided by their
    sum, which `scale_e`, less the exponent of the labelling's probability, keeps near 1.
    """
    blank, blank_e = y[n], y_e[n]
    for j in range(n):
        one, one_e = blanks[j], blanks_e[j]
        own, own_e = labels[j], labels_e[j]
        top = one_e if one_e > own_e else own_e
        rest = one * shift(one_e - top) + own * shift(own_e - top)
        blank_chances[j] = rest * ahead[j] * shift(top + ahead_e[j] + scale_e)
        new_blanks[j] = rest * blank
        new_blanks_e[j] = top + blank_e
        two, two_e = next_blanks[j], next_blanks_e[j]
        far, far_e = after[j], after_e[j] if skip[j + 1] > 0.0 else LOWEST
        top = two_e if two_e > own_e else own_e
        top = far_e if far_e > top else top
        rest = own * shift(own_e - top) + two * shift(two_e - top) + skip[j + 1] * far * shift(far_e - top)
        label_chances[j] = rest * label_ahead[j] * shift(top + label_ahead_e[j] + scale_e)
        new_labels[j] = rest * y[j]
        new_labels_e[j] = top + y_e[j]
    blank_chances[n] = blanks[n] * ahead[n] * shift(blanks_e[n] + ahead_e[n] + scale_e)
    new_blanks[n], new_blanks_e[n] = blanks[n] * blank, blanks_e[n] + blank_e


@double
@strict
@disjoint
def renew(m, e):  # type: ignore[no-untyped-def]
    """Bring mantissas back to [1, 2)."""
    for j in range(m.size):
        x = m[j]
        ordinary = x > 0.0 and x < np.inf
        normal = x if ordinary else 1.0
        e[j] = LOWEST if x == 0.0 else e[j] + exponent(normal, 1.0)
        m[j] = mantissa(normal, 1.0) if ordinary else x


@double
@strict
def total(m1, e1, m2, e2):  # type: ignore[no-untyped-def]
    """The sum of two, mantissa and exponent."""
    top = e1 if e1 > e2 else e2
    return m1 * shift(e1 - top) + m2 * shift(e2 - top), top


@double
@strict
def logarithm(m, e):  # type: ignore[no-untyped-def]
    """The natural logarithm of ``m * 2**e``."""
    return log(m) + (e * LN2 if m > 0.0 else 0.0)
