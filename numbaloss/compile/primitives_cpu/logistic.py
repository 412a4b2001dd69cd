"""The logistic family, from decay(x) = exp(-|x|): sigmoid, softplus, log_sigmoid, tanh, log_cosh.

The last two are polynomials near 0, minimax fits as in `exponential`.
"""

import numpy as np

from numbaloss.compile.primitives import decay, log1p
from numbaloss.compile.primitives_cpu.bits import llvm_copysign, real, typed
from numbaloss.compile.primitives_cpu.exponential import decay_float32, decay_float64
from numbaloss.compile.primitives_cpu.logarithm import log1p_unit_float32, log1p_unit_float64

__all__ = [
    "log_cosh_float32",
    "log_cosh_float64",
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
    fall = decay(x)
    whole = 1.0 if x >= 0.0 else fall
    return whole - whole * (fall / (1.0 + fall))


def softplus(x: float) -> float:
    """log(1 + exp(x))."""
    x = real(x)
    return (x if x > 0.0 else 0.0) + log1p(decay(x))


def log_sigmoid(x: float) -> float:
    """log(sigmoid(x))."""
    x = real(x)
    return (x if x < 0.0 else 0.0) - log1p(decay(x))


@typed(np.float32)
def tanh_near_float32(x: float, z: float) -> float:
    """tanh(x) for z = x * x < 0.36; error of the polynomial 2**-28."""
    p = -0.0058979667
    p = p * z + 0.020798625
    p = p * z + -0.053784717
    p = p * z + 0.13331936
    p = p * z + -0.333333
    return p * z * x + x


@typed(np.float32)
def log_cosh_near_float32(z: float) -> float:
    """log(cosh(x)) for z = x * x < 0.49; error of the polynomial 2**-28."""
    p = -0.00046221624
    p = p * z + 0.0020531327
    p = p * z + -0.006715007
    p = p * z + 0.022219012
    p = p * z + -0.083333224
    p = p * z + 0.5
    return p * z


@typed(np.float64)
def tanh_near_float64(x: float, z: float) -> float:
    """tanh(x) for z = x * x < 0.36; error of the polynomial 2**-57."""
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
    return p * z * x + x


@typed(np.float64)
def log_cosh_near_float64(z: float) -> float:
    """log(cosh(x)) for z = x * x < 0.49; error of the polynomial 2**-56."""
    p = -5.893033833845021e-07
    p = p * z + 3.3195184028524313e-06
    p = p * z + -1.124065903011938e-05
    p = p * z + 3.2467224761106725e-05
    p = p * z + -9.089798593856515e-05
    p = p * z + 0.0002565624457851008
    p = p * z + -0.000738600594048235
    p = p * z + 0.0021869486583366753
    p = p * z + -0.006746031736638108
    p = p * z + 0.02222222222199632
    p = p * z + -0.08333333333333144
    p = p * z + 0.5
    return p * z


tanh_near, log_cosh_near = tanh_near_float64, log_cosh_near_float64


def tanh(x: float) -> float:
    """Hyperbolic tangent."""
    x = real(x)
    z = x * x
    fall = decay(2.0 * x)
    return tanh_near(x, z) if z < 0.36 else llvm_copysign(1.0 - 2.0 * (fall / (1.0 + fall)), x)


def log_cosh(x: float) -> float:
    """log(cosh(x))."""
    x = real(x)
    z = x * x
    far = (abs(x) - 0.69314718055994531) + log1p(decay(2.0 * x))
    return log_cosh_near(z) if z < 0.49 else far


float32 = typed(
    np.float32,
    decay=decay_float32,
    log1p=log1p_unit_float32,
    tanh_near=tanh_near_float32,
    log_cosh_near=log_cosh_near_float32,
)
float64 = typed(np.float64, decay=decay_float64, log1p=log1p_unit_float64)

sigmoid_float32, sigmoid_float64 = float32(sigmoid), float64(sigmoid)
softplus_float32, softplus_float64 = float32(softplus), float64(softplus)
log_sigmoid_float32, log_sigmoid_float64 = float32(log_sigmoid), float64(log_sigmoid)
tanh_float32, tanh_float64 = float32(tanh), float64(tanh)
log_cosh_float32, log_cosh_float64 = float32(log_cosh), float64(log_cosh)
