"""power and xlogy: what multiplies a logarithm by a number."""

from math import inf, nan

import numpy as np

from numbaloss.compile.primitives import log
from numbaloss.compile.primitives_cpu.bits import exponent, llvm_floor, mantissa, real, two_to, typed
from numbaloss.compile.primitives_cpu.logarithm import log_float32, log_float64

__all__ = ["power_float32", "power_float64", "xlogy_float32", "xlogy_float64"]


@typed(np.float64)
def power_wide_float64(x: float, y: float) -> float:
    """x**y by C's rules (but zeros have no sign) for float32 numbers held in float64; error 2**-31."""
    x = real(x)
    y = real(y)
    size = abs(x)
    # log(size) to 2**-43; a float32 is never a denormal float64.
    low = 0.7071067811865476
    f = mantissa(size, low) - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = 0.19584212326546258
    p = p * z + 0.22176184205869662
    p = p * z + 0.2857210927228782
    p = p * z + 0.3999999562071558
    p = p * z + 0.6666666667580412
    logarithm = exponent(size, low) * 0.6931471805599453 + (p * z * s + 2.0 * s)
    logarithm = logarithm if size < inf else size
    logarithm = -inf if size == 0.0 else logarithm
    # exp(y * log(size)) to 2**-32; the range is float32's, its denormals included.
    t = y * logarithm
    t = -110.0 if t < -110.0 else t
    t = 110.0 if t > 110.0 else t
    shifted = t * 1.4426950408889634 + 6755399441055744.0
    r = t - (shifted - 6755399441055744.0) * 0.6931471805599453
    p = 0.00017379163785453107
    p = p * r + 0.001394114444413428
    p = p * r + 0.008338588932671212
    p = p * r + 0.04166635267365246
    p = p * r + 0.1666663503964108
    p = p * r + 0.5000000047088754
    p = p * r + 1.0000000047267734
    value = (p * r + 1.0) * two_to(shifted)
    value = 1.0 if size == 1.0 else value
    # Negative x: an odd y turns the sign, any other integer leaves it, the rest is nan (but for x = -inf).
    whole = llvm_floor(y) == y
    odd = -1.0 if llvm_floor(0.5 * y) != 0.5 * y else 1.0
    negative = odd if whole else (nan if size < inf else 1.0)
    value = value * (negative if x < 0.0 else 1.0)
    # Exact where the definition is: float32 squares fit in float64.
    value = x * x if y == 2.0 else value
    value = x if y == 1.0 else value
    return 1.0 if y == 0.0 else value


@typed(np.float32)
def power_float32(x: float, y: float) -> float:
    """x**y, computed in float64."""
    return real(power_wide_float64(x, y))


@typed(np.float64)
def power_float64(x: float, y: float) -> float:
    """x**y by the C library: this one does not vectorise."""
    x = real(x)
    y = real(y)
    return x * x if y == 2.0 else x**y


def xlogy(x: float, y: float) -> float:
    """x * log(y), and 0 where x is 0 and y is not nan."""
    x = real(x)
    y = real(y)
    product = x * log(y)
    nothing = 0.0 if y == y else y
    return nothing if x == 0.0 else product


xlogy_float32 = typed(np.float32, log=log_float32)(xlogy)
xlogy_float64 = typed(np.float64, log=log_float64)(xlogy)
