"""The logistic family: sigmoid, softplus, log_sigmoid and tanh, from exp(-|x|), which never overflows."""

import numpy as np

from numbaloss.compile.primitives import exp, log1p
from numbaloss.compile.primitives_cpu.bits import llvm_copysign, real, two_to, typed
from numbaloss.compile.primitives_cpu.exponential import (
    exp_float32,
    exp_float64,
    exp_fraction_float32,
    exp_fraction_float64,
)
from numbaloss.compile.primitives_cpu.logarithm import log1p_unit_float32, log1p_unit_float64

__all__ = [
    "log_sigmoid_float32",
    "log_sigmoid_float64",
    "sigmoid_float32",
    "sigmoid_float64",
    "softplus_float32",
    "softplus_float64",
    "tanh_float32",
    "tanh_float64",
]


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)), as exp(x) * (1 - sigmoid(x)) below 0 and 1 - sigmoid(-x) above."""
    x = real(x)
    decay = exp(-abs(x))
    whole = 1.0 if x >= 0.0 else decay
    return whole - whole * (decay / (1.0 + decay))


def softplus(x: float) -> float:
    """log(1 + exp(x))."""
    x = real(x)
    return (x if x > 0.0 else 0.0) + log1p(exp(-abs(x)))


def log_sigmoid(x: float) -> float:
    """log(sigmoid(x))."""
    x = real(x)
    return (x if x < 0.0 else 0.0) - log1p(exp(-abs(x)))


float32 = typed(np.float32, exp=exp_float32, log1p=log1p_unit_float32)
float64 = typed(np.float64, exp=exp_float64, log1p=log1p_unit_float64)

sigmoid_float32, sigmoid_float64 = float32(sigmoid), float64(sigmoid)
softplus_float32, softplus_float64 = float32(softplus), float64(softplus)
log_sigmoid_float32, log_sigmoid_float64 = float32(log_sigmoid), float64(log_sigmoid)


@typed(np.float32)
def tanh_float32(x: float) -> float:
    """Hyperbolic tangent: a polynomial for |x| < 0.6, error 2**-28; 1 - 2 / (exp(2|x|) + 1) beyond."""
    x = real(x)
    z = x * x
    p = -0.0058979667
    p = p * z + 0.020798625
    p = p * z + -0.053784717
    p = p * z + 0.13331936
    p = p * z + -0.333333
    small = p * z * x + x
    twice = 2.0 * abs(x)
    twice = 20.0 if twice > 20.0 else twice
    shifted = twice * 1.4426950408889634 + 12582912.0
    growth = exp_fraction_float32(twice, shifted - 12582912.0) * two_to(shifted)
    large = llvm_copysign(1.0 - 2.0 / (growth + 1.0), x)
    return small if z < 0.36 else large


@typed(np.float64)
def tanh_float64(x: float) -> float:
    """Hyperbolic tangent: a polynomial for |x| < 0.6, error 2**-57; 1 - 2 / (exp(2|x|) + 1) beyond."""
    x = real(x)
    z = x * x
    p = -1.7178576702634073e-05
    p = p * z + 7.931367788768437e-05
    p = p * z + -0.00023039659544671896
    p = p * z + 0.0005871883090771262
    p = p * z + -0.0014552153358235935
    p = p * z + 0.0035920373742458307
    p = p * z + -0.008863226776829188
    p = p * z + 0.021869488002512334
    p = p * z + -0.053968253949293214
    p = p * z + 0.13333333333299657
    p = p * z + -0.33333333333333126
    small = p * z * x + x
    twice = 2.0 * abs(x)
    twice = 40.0 if twice > 40.0 else twice
    shifted = twice * 1.4426950408889634 + 6755399441055744.0
    growth = exp_fraction_float64(twice, shifted - 6755399441055744.0) * two_to(shifted)
    large = llvm_copysign(1.0 - 2.0 / (growth + 1.0), x)
    return small if z < 0.36 else large
