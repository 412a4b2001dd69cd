"""The plain mathematics of a loss at fifty digits and more, with derivatives from differences at that precision.

A loss's function is copied with every float literal an arbitrary-precision number and every primitive the mpmath
function of that meaning, so it is the very text that is compiled that is evaluated here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from numbaloss.compile.bind import Specialiser
from numbaloss.compile.primitives import PRIMITIVES
from numbaloss.definition import Definition

try:
    import mpmath
except ImportError:  # pragma: no cover
    raise ImportError('the accuracy checks need mpmath: pip install "numbaloss[testing]"') from None

mp = mpmath.MPContext()  # of our own: the user's precision stays as it is
mp.dps = 60
Number = Any  # mp.mpf


def _divide_as_ieee(kind: Any) -> None:
    """mpmath's numbers raise where they are divided by 0; those of this context give what IEEE does.

    A choice may compute the side that is not taken.
    """
    forwards, backwards = kind.__truediv__, kind.__rtruediv__
    kind.__truediv__ = lambda a, b: a * mp.inf if b == 0 else forwards(a, b)
    kind.__rtruediv__ = lambda b, a: mp.mpf(a) * mp.inf if b == 0 else backwards(b, a)


_divide_as_ieee(mp.mpf)
STEP = 25  # decimal digits by which a difference's step is smaller than its argument


def number(value: Any) -> Number:
    """A float as the number it is, exactly."""
    return mp.mpf(float(value))


def literal(value: float) -> Number:
    """A float literal as the decimal number that was written."""
    return mp.mpf(repr(float(value)))


# ---- primitives ---------------------------------------------------------------------------------------------------


def _log(x: Number) -> Number:
    if mp.isnan(x) or x < 0:
        return mp.nan
    return -mp.inf if x == 0 else mp.log(x)


def _log1p(x: Number) -> Number:
    if mp.isnan(x) or x < -1:
        return mp.nan
    return -mp.inf if x == -1 else mp.log1p(x)


def _log1pmx(x: Number) -> Number:
    if not abs(x) < 0.5:
        return -mp.inf if x == -1 or x == mp.inf else _log1p(x) - x
    return -x * x * mp.hyp2f1(1, 2, 3, -x) / 2


def _log_cosh(x: Number) -> Number:
    size = abs(x)
    return mp.log1p(mp.sinh(size) ** 2) / 2 if size < 1 else size + mp.log1p(mp.expm1(-2 * size) / 2)


def _power(x: Number, y: Number) -> Number:
    if y == 0:
        return mp.one
    if x == 0 or not (mp.isfinite(x) and mp.isfinite(y)):
        return mp.mpf(PRIMITIVES["power"](float(x), float(y)))  # C's table of special cases
    if x < 0 and y != int(y):
        return mp.nan
    return mp.power(x, y)


def _maximum(x: Number, y: Number) -> Number:
    return mp.nan if mp.isnan(x) or mp.isnan(y) else max(x, y)


def _minimum(x: Number, y: Number) -> Number:
    return mp.nan if mp.isnan(x) or mp.isnan(y) else min(x, y)


def _softplus(x: Number) -> Number:
    return (x if x > 0 else mp.zero) + mp.log1p(mp.exp(-abs(x)))


PRECISE: dict[str, Callable[..., Number]] = {
    "exp": mp.exp,
    "decay": lambda x: mp.exp(-abs(x)),
    "expm1": mp.expm1,
    "log": _log,
    "log1p": _log1p,
    "log1pmx": _log1pmx,
    "sqrt": lambda x: mp.nan if x < 0 else mp.sqrt(x),
    "tanh": mp.tanh,
    "log_cosh": _log_cosh,
    "atan": mp.atan,
    "sigmoid": lambda x: mp.one / (1 + mp.exp(-x)),
    "softplus": _softplus,
    "log_sigmoid": lambda x: -_softplus(-x),
    "xlogy": lambda x, y: mp.zero if x == 0 and not mp.isnan(y) else x * _log(y),
    "power": _power,
    "copysign": lambda x, y: -abs(x) if y < 0 else abs(x),
    "maximum": _maximum,
    "minimum": _minimum,
}
"""The meaning of every primitive, by name."""


class _PreciseCopier(Specialiser):
    """Copies functions as a kernel's are copied, but for arbitrary precision and without compiling."""

    def __init__(self) -> None:
        super().__init__(np.dtype(np.float64), {})

    def literal(self, constant: Any) -> Any:
        return literal(constant) if type(constant) is float else super().literal(constant)

    def rebound(self, name: str, value: Any) -> Any:
        return literal(value) if type(value) is float else super().rebound(name, value)

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__
        if PRIMITIVES.get(name) is function:
            return PRECISE[name]
        if function not in self.done:
            self.done[function] = self.copy(function)
        return self.done[function]


def copied(maths: Callable[..., Any]) -> Callable[..., Any]:
    """The same function for arbitrary precision."""
    return _PreciseCopier().copy(maths)


# ---- losses -------------------------------------------------------------------------------------------------------


def settings(facts: Definition, parameters: Mapping[str, Any], dtype: Any = np.float64) -> dict[str, Any]:
    """The hyper-parameters as the mathematics gets them at precision `dtype`."""
    every = {**facts.parameters, **parameters}
    kind = np.dtype(dtype).type
    return {name: number(kind(value)) if type(value) is float else value for name, value in every.items()}


def element(facts: Definition, parameters: Mapping[str, Any], dtype: Any = np.float64) -> Callable[..., Any]:
    """``(value, slopes, curvature)`` of one element of an elementwise loss."""
    maths, keywords = copied(facts.maths), settings(facts, parameters, dtype)
    return lambda *inputs: maths(*inputs, **keywords)


# ---- derivatives --------------------------------------------------------------------------------------------------


def _step(x: Number) -> Number:
    return (abs(x) if x != 0 else mp.one) * mp.mpf(10) ** -STEP


def _digits(x: Number) -> int:
    """Enough digits for a second difference around `x` to keep sixty."""
    size = int(mp.log10(abs(x))) if x != 0 and mp.isfinite(x) else 0
    return 80 + 2 * (STEP + abs(size))


def slope(function: Callable[..., Number], inputs: Sequence[Number], index: int) -> Number:
    """The derivative of `function` by its argument number `index`."""
    x = inputs[index]
    with mp.workdps(_digits(x)):
        h = _step(x)
        return (_moved(function, inputs, index, h) - _moved(function, inputs, index, -h)) / (2 * h)


def curvature(function: Callable[..., Number], inputs: Sequence[Number], index: int) -> Number:
    """The second derivative of `function` by its argument number `index`."""
    x = inputs[index]
    with mp.workdps(_digits(x)):
        h = _step(x)
        ends = _moved(function, inputs, index, h) + _moved(function, inputs, index, -h)
        return (ends - 2 * function(*inputs)) / (h * h)


def _moved(function: Callable[..., Number], inputs: Sequence[Number], index: int, by: Number) -> Number:
    moved = list(inputs)
    moved[index] = moved[index] + by
    return function(*moved)
