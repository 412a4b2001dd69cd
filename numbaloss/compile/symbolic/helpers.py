"""The functions that derivatives are written with, besides the primitives."""

from __future__ import annotations

import math
from typing import Any

from numbaloss.compile.primitives import PRIMITIVES, copysign, decay


def sign(x: Any) -> Any:
    """-1, 0 or 1; nan of nan."""
    return copysign(1.0, x) if abs(x) > 0.0 else x


def sech_squared(x: Any) -> Any:
    """The derivative of tanh, to the last digits where it is tiny."""
    fall = decay(2.0 * x)
    return 4.0 * fall / ((1.0 + fall) * (1.0 + fall))


def sigmoid_slope(x: Any) -> Any:
    """The derivative of the logistic function, to the last digits where it is tiny."""
    fall = decay(x)
    return fall / ((1.0 + fall) * (1.0 + fall))


def share(x: Any, y: Any) -> Any:
    """x / y; nothing of nothing is nothing."""
    return 0.0 if x == 0.0 and y == y else x / y


def larger(a: Any, b: Any, yes: Any, no: Any) -> Any:
    """`yes` where a > b, `no` where not; nan where either is nan."""
    return yes if a > b else (no if a <= b else a + b)


HELPERS = {function.__name__: function for function in (sign, sech_squared, sigmoid_slope, share, larger)}
_FUNCTIONS = {**PRIMITIVES, **HELPERS}
# A function is also known by its name with _ behind it, for where a hyper-parameter has the name itself.
_ALIASES = {f"{name}_": function for name, function in _FUNCTIONS.items()}
SCOPE = {**_FUNCTIONS, **_ALIASES, "inf": math.inf, "nan": math.nan}
"""What names mean in a derived function."""
