"""How far a computed number is from the exact one, in units of its last place (ulp).

A result is *as good as the inputs allow* where it is the exact result, rounded a few times, of inputs moved by a unit
of their last place (mixed forward-backward stability): nobody can do better where terms cancel. So an error is

.. math:: \\frac{|\\text{got} - \\text{exact}| - \\text{effect of an ulp of each input}}{\\text{ulp}(\\text{exact})}
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numbaloss.testing.precise import Number, mp, number


def ulp(value: Number, dtype: Any) -> Number:
    """The distance between neighbouring numbers of type `dtype` around `value`."""
    facts = np.finfo(dtype)
    if value == 0 or not mp.isfinite(value):
        return number(facts.smallest_subnormal)
    _, exponent = mp.frexp(abs(value))
    return mp.ldexp(mp.one, max(int(exponent) - 1, int(facts.minexp)) - int(facts.nmant))


def effect(
    function: Callable[..., Number], inputs: Sequence[Number], dtype: Any, movable: Sequence[int] | None = None
) -> Number:
    """How much `function` may move where each of its inputs moves by an ulp (or only those numbered `movable`)."""
    centre = function(*inputs)
    total = mp.zero
    for index in range(len(inputs)) if movable is None else movable:
        unit = ulp(inputs[index], dtype)
        ends = []
        for by in (unit, -unit):
            moved = list(inputs)
            moved[index] = moved[index] + by
            end = function(*moved)
            if mp.isfinite(end):
                ends.append(abs(end - centre))
        total += max(ends, default=mp.zero)
    return total


def excess(got: Any, exact: Number, slack: Number, dtype: Any) -> float:
    """The error in ulp beyond `slack`; 0 where an infinity, a nan or an overflow is what is due, inf where not."""
    value = float(got)
    largest = number(np.finfo(dtype).max)
    if np.isnan(value) or mp.isnan(exact):
        return 0.0 if np.isnan(value) and mp.isnan(exact) else float("inf")
    if abs(exact) + slack > largest * (1 - mp.mpf(10) ** -6) and np.isinf(value) and (value > 0) == (exact > 0):
        return 0.0
    if mp.isinf(exact) or np.isinf(value):
        return 0.0 if exact == value else float("inf")
    error = abs(number(value) - exact) - slack
    return float(max(error, mp.zero) / ulp(exact, dtype))
