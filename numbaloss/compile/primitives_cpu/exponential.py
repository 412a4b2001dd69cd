"""exp, decay and expm1, by polynomials.

x = k * ln 2 + r, |r| <= ln 2 / 2. Adding 1.5 * 2**m (m mantissa bits) to x / ln 2 rounds it and leaves k in
the lowest bits; k * ln 2 is subtracted in two parts (Cody and Waite), the first with so few bits that its
product is exact. The polynomials are minimax fits of our own: float64 by Remez exchange in 66 digits,
float32 by Lawson iteration, the coefficients rounded one by one and the rest refitted. Comparisons that
clamp let nan through.

decay never overflows: its power of two is multiplied in with the last two operations, beside the polynomial rather than
after it. What has one exponential an element waits for that longer than for the processor's units.
"""

import numpy as np

from numbaloss.compile.primitives_cpu.bits import real, scaled, two_to, typed

__all__ = ["decay_float32", "decay_float64", "exp_float32", "exp_float64", "expm1_float32", "expm1_float64"]


@typed(np.float32)
def exp_fraction_float32(x: float, k: float) -> float:
    """exp(x) / 2**k for k the integer nearest to x / ln 2; relative error of the polynomial 2**-28."""
    r = x - k * 0.693359375
    r = r - k * -0.00021219444005469057
    p = 0.0013820742
    p = p * r + 0.008369248
    p = p * r + 0.04166828
    p = p * r + 0.16666517
    p = p * r + 0.49999994
    p = p * r + 1.0
    return p * r + 1.0


@typed(np.float32)
def exp_float32(x: float) -> float:
    """e to the power x."""
    x = real(x)
    x = -104.0 if x < -104.0 else x
    x = 89.0 if x > 89.0 else x
    shifted = x * 1.4426950408889634 + 12582912.0
    return scaled(exp_fraction_float32(x, shifted - 12582912.0), shifted)


@typed(np.float32)
def decay_float32(x: float) -> float:
    """exp(-abs(x))."""
    x = abs(real(x))
    x = 104.0 if x > 104.0 else x
    shifted = x * -1.4426950408889634 + 12582912.0
    scale = scaled(real(1.0), shifted)
    k = shifted - 12582912.0
    r = k * -0.693359375 - x
    r = r - k * -0.00021219444005469057
    z = r * r
    low = 0.16666517 * r + 0.49999994
    high = 0.008369248 * r + 0.04166828
    p = ((0.0013820742 * z + high) * z + low) * r + 1.0
    return p * (r * scale) + scale


@typed(np.float64)
def exp_fraction_float64(x: float, k: float) -> float:
    """exp(x) / 2**k for k the integer nearest to x / ln 2; relative error of the polynomial 2**-56.5."""
    r = x - k * 0.693147180369123816490
    r = r - k * 1.90821492927058770002e-10
    p = 2.499991295204019e-08
    p = p * r + 2.763037872362347e-07
    p = p * r + 2.7557587514363036e-06
    p = p * r + 2.4801492762802962e-05
    p = p * r + 0.00019841269504566983
    p = p * r + 0.0013888888943922276
    p = p * r + 0.008333333333495717
    p = p * r + 0.04166666666652919
    p = p * r + 0.1666666666666641
    p = p * r + 0.5000000000000011
    p = p * r + 1.0
    return p * r + 1.0


@typed(np.float64)
def exp_float64(x: float) -> float:
    """e to the power x."""
    x = real(x)
    x = -746.0 if x < -746.0 else x
    x = 710.0 if x > 710.0 else x
    shifted = x * 1.4426950408889634 + 6755399441055744.0
    return scaled(exp_fraction_float64(x, shifted - 6755399441055744.0), shifted)


@typed(np.float64)
def decay_float64(x: float) -> float:
    """exp(-abs(x))."""
    x = abs(real(x))
    x = 746.0 if x > 746.0 else x
    shifted = x * -1.4426950408889634 + 6755399441055744.0
    scale = scaled(real(1.0), shifted)
    k = shifted - 6755399441055744.0
    r = k * -0.693147180369123816490 - x
    r = r - k * 1.90821492927058770002e-10
    z = r * r
    even = 2.763037872362347e-07
    even = even * z + 2.4801492762802962e-05
    even = even * z + 0.0013888888943922276
    even = even * z + 0.04166666666652919
    even = even * z + 0.5000000000000011
    odd = 2.499991295204019e-08
    odd = odd * z + 2.7557587514363036e-06
    odd = odd * z + 0.00019841269504566983
    odd = odd * z + 0.008333333333495717
    odd = odd * z + 0.1666666666666641
    p = (odd * r + even) * r + 1.0
    return p * (r * scale) + scale


@typed(np.float32)
def expm1_float32(x: float) -> float:
    """exp(x) - 1; relative error of the polynomial 2**-31."""
    x = real(x)
    clamped = -20.0 if x < -20.0 else x
    clamped = 89.0 if clamped > 89.0 else clamped
    shifted = clamped * 1.4426950408889634 + 12582912.0
    k = shifted - 12582912.0
    r = clamped - k * 0.693359375
    r = r - k * -0.00021219444005469057
    p = 0.00019766994
    p = p * r + 0.0013933228
    p = p * r + 0.008333541
    p = p * r + 0.041666485
    p = p * r + 0.16666666
    p = p * r + 0.5
    p = p * (r * r) + r
    # Half the result first: 2**128 is out of range. Half a denormal is inexact: tiny x is its own answer.
    half_scale = two_to(shifted - 1.0)
    half = p * half_scale + (half_scale - 0.5)
    return x if abs(x) < 1e-9 else half + half


@typed(np.float64)
def expm1_float64(x: float) -> float:
    """exp(x) - 1; relative error of the polynomial 2**-56."""
    x = real(x)
    clamped = -40.0 if x < -40.0 else x
    clamped = 710.0 if clamped > 710.0 else clamped
    shifted = clamped * 1.4426950408889634 + 6755399441055744.0
    k = shifted - 6755399441055744.0
    high = clamped - k * 0.693147180369123816490
    r = high - k * 1.90821492927058770002e-10
    lost = (high - r) - k * 1.90821492927058770002e-10
    p = 1.7687789172932757e-09
    p = p * r + 2.5105290164685554e-08
    p = p * r + 2.756794623190448e-07
    p = p * r + 2.755725523109307e-06
    p = p * r + 2.4801574492079093e-05
    p = p * r + 0.0001984126987494707
    p = p * r + 0.001388888889563345
    p = p * r + 0.008333333333326101
    p = p * r + 0.04166666666665218
    p = p * r + 0.1666666666666667
    p = p * r + 0.5000000000000001
    p = r + (p * (r * r) + lost)
    half_scale = two_to(shifted - 1.0)
    half = p * half_scale + (half_scale - 0.5)
    return x if abs(x) < 1e-18 else half + half
