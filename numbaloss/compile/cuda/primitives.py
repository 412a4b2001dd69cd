"""The primitives for CUDA: twins of `numbaloss.compile.primitives`, by the CUDA mathematics library.

Numba calls its float32 functions for float32 and its float64 functions for float64. Errors as NVIDIA states them
(CUDA C++ Programming Guide, mathematical functions), float32 and float64, in units in the last place: exp 1 and 1,
expm1 1 and 1, log 1 and 1, log1p 1 and 1, tanh and atan 2 and 2, pow 4 and 2; square roots are correctly rounded.

Their names differ from those they read in `math`: a copied function takes a global of that name for it.
"""

from __future__ import annotations

import math

__all__ = [
    "cuda_atan",
    "cuda_copysign",
    "cuda_decay",
    "cuda_exp",
    "cuda_expm1",
    "cuda_log",
    "cuda_log1p",
    "cuda_log1pmx",
    "cuda_log_cosh",
    "cuda_log_sigmoid",
    "cuda_maximum",
    "cuda_minimum",
    "cuda_power",
    "cuda_sigmoid",
    "cuda_softplus",
    "cuda_sqrt",
    "cuda_tanh",
    "cuda_xlogy",
]


def cuda_atan(x):  # type: ignore[no-untyped-def]
    return math.atan(x)


def cuda_exp(x):  # type: ignore[no-untyped-def]
    return math.exp(x)


def cuda_decay(x):  # type: ignore[no-untyped-def]
    return math.exp(-abs(x))


def cuda_expm1(x):  # type: ignore[no-untyped-def]
    return math.expm1(x)


def cuda_log(x):  # type: ignore[no-untyped-def]
    return math.log(x)


def cuda_log1p(x):  # type: ignore[no-untyped-def]
    return math.log1p(x)


def cuda_log1pmx(x):  # type: ignore[no-untyped-def]
    if x < -0.4 or x > 0.5:
        return -x if x > 1.0e18 else math.log1p(x) - x
    s = x / (2.0 + x)
    z = s * s
    tail = 0.037037037037037035 + z * 0.034482758620689655
    tail = 0.043478260869565216 + z * (0.04 + z * tail)
    tail = 0.052631578947368418 + z * (0.047619047619047616 + z * tail)
    tail = 0.066666666666666666 + z * (0.058823529411764705 + z * tail)
    tail = 0.090909090909090912 + z * (0.076923076923076927 + z * tail)
    tail = 0.14285714285714285 + z * (0.1111111111111111 + z * tail)
    tail = 0.33333333333333331 + z * (0.2 + z * tail)
    return 2.0 * s * z * tail - x * s


def cuda_sqrt(x):  # type: ignore[no-untyped-def]
    return math.sqrt(x)


def cuda_tanh(x):  # type: ignore[no-untyped-def]
    return math.tanh(x)


def cuda_log_cosh(x):  # type: ignore[no-untyped-def]
    size = abs(x)
    if size < 1.0:
        sinh = math.sinh(size)
        return 0.5 * math.log1p(sinh * sinh)
    return (size - 0.69314718055994531) + math.log1p(math.exp(-2.0 * size))


def cuda_sigmoid(x):  # type: ignore[no-untyped-def]
    fall = math.exp(-abs(x))
    return (fall if x < 0.0 else 1.0) / (1.0 + fall)


def cuda_softplus(x):  # type: ignore[no-untyped-def]
    return (0.0 if x < 0.0 else x) + math.log1p(math.exp(-abs(x)))


def cuda_log_sigmoid(x):  # type: ignore[no-untyped-def]
    return (0.0 if x > 0.0 else x) - math.log1p(math.exp(-abs(x)))


def cuda_xlogy(x, y):  # type: ignore[no-untyped-def]
    return 0.0 if x == 0.0 and y == y else x * math.log(y)


def cuda_power(x, y):  # type: ignore[no-untyped-def]
    return x * x if y == 2.0 else math.pow(x, y)


def cuda_copysign(x, y):  # type: ignore[no-untyped-def]
    return math.copysign(x, y)


def cuda_maximum(x, y):  # type: ignore[no-untyped-def]
    return x if x > y or x != x else y


def cuda_minimum(x, y):  # type: ignore[no-untyped-def]
    return x if x < y or x != x else y
