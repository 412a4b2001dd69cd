"""The elementary functions losses are written with, in plain Python: what each one means.

The compiled twins are in `primitives_cpu`; they agree with these to the last bits. Where `math` raises,
these give what IEEE 754 gives: an infinity for an overflow or a pole, nan outside the domain; nan in gives
nan out.
"""

import math
from collections.abc import Callable

__all__ = [
    "PRIMITIVES",
    "atan",
    "copysign",
    "decay",
    "exp",
    "expm1",
    "log",
    "log1p",
    "log1pmx",
    "log_cosh",
    "log_sigmoid",
    "maximum",
    "minimum",
    "power",
    "sigmoid",
    "softplus",
    "sqrt",
    "tanh",
    "xlogy",
]


def exp(x: float) -> float:
    """e to the power `x`; inf when that overflows."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def decay(x: float) -> float:
    """exp(-abs(x)), which never overflows; sigmoid, softplus and their like are made of it."""
    return math.exp(-abs(x))


def expm1(x: float) -> float:
    """exp(x) - 1, with no digit lost near x = 0; inf when that overflows."""
    try:
        return math.expm1(x)
    except OverflowError:
        return math.inf


def log(x: float) -> float:
    """Natural logarithm; -inf at 0, nan below."""
    if x == 0.0:
        return -math.inf
    return math.nan if x < 0.0 else math.log(x)


def log1p(x: float) -> float:
    """log(1 + x), with no digit lost near x = 0; -inf at -1, nan below."""
    if x == -1.0:
        return -math.inf
    return math.nan if x < -1.0 else math.log1p(x)


def log1pmx(x: float) -> float:
    """log(1 + x) - x, which does not cancel near x = 0; -inf at -1, nan below."""
    if x < -0.5 or x > 0.5:
        return -x if x > 1e18 else log1p(x) - x
    # log(1 + x) is 2 artanh(s): its series without the first term, which x - 2 s = x s takes up.
    s = x / (2.0 + x)
    tail = 0.0
    for n in range(35, 1, -2):
        tail = s * s * (1.0 / n + tail)
    return 2.0 * s * tail - x * s


def sqrt(x: float) -> float:
    """Square root; nan below 0."""
    return math.nan if x < 0.0 else math.sqrt(x)


def tanh(x: float) -> float:
    """Hyperbolic tangent."""
    return math.tanh(x)


def log_cosh(x: float) -> float:
    """log(cosh(x)), which neither cancels near x = 0 nor overflows: x^2 / 2 there, abs(x) - log(2) far out."""
    size = abs(float(x))
    if size < 1.0:
        return 0.5 * math.log1p(math.sinh(size) ** 2)
    return size - math.log(2.0) + math.log1p(decay(2.0 * size))


def atan(x: float) -> float:
    """Arc tangent, between -pi/2 and pi/2."""
    return math.atan(x)


def sigmoid(x: float) -> float:
    """Logistic function 1 / (1 + exp(-x)); exp(x) far below 0, never 0 too soon."""
    fall = decay(x)
    return (fall if x < 0.0 else 1.0) / (1.0 + fall)


def softplus(x: float) -> float:
    """log(1 + exp(x)), which never overflows: x far above 0, exp(x) far below."""
    return (x if x > 0.0 else 0.0) + math.log1p(decay(x))


def log_sigmoid(x: float) -> float:
    """log(sigmoid(x)) = -softplus(-x), which never underflows to log(0)."""
    return (x if x < 0.0 else 0.0) - math.log1p(decay(x))


def xlogy(x: float, y: float) -> float:
    """x * log(y), and 0 where x is 0, whatever y is; nan where either is nan."""
    if x == 0.0 and not math.isnan(y):
        return 0.0
    return x * log(y)


def power(x: float, y: float) -> float:
    """`x` to the power `y`, by C's rules: exact for y = 0, 1 and 2; nan for x < 0 unless y is whole."""
    if y == 2.0:
        return x * x
    try:
        return math.pow(x, y)
    except OverflowError:
        return -math.inf if x < 0.0 and y % 2.0 == 1.0 else math.inf
    except ValueError:
        if x != 0.0:
            return math.nan
        return math.copysign(math.inf, x) if y % 2.0 == 1.0 else math.inf


def copysign(x: float, y: float) -> float:
    """The magnitude of `x` with the sign of `y`."""
    return math.copysign(x, y)


def maximum(x: float, y: float) -> float:
    """The larger of two numbers; nan where either is nan (unlike `max`)."""
    if math.isnan(x) or math.isnan(y):
        return math.nan
    return max(x, y)


def minimum(x: float, y: float) -> float:
    """The smaller of two numbers; nan where either is nan (unlike `min`)."""
    if math.isnan(x) or math.isnan(y):
        return math.nan
    return min(x, y)


PRIMITIVES: dict[str, Callable[..., float]] = {
    function.__name__: function
    for function in (
        exp, decay, expm1, log, log1p, log1pmx, sqrt, tanh, log_cosh, atan, sigmoid,
        softplus, log_sigmoid, xlogy, power, copysign, maximum, minimum,
    )
}  # fmt: skip
"""Name -> function, for every primitive a loss may call."""
