"""log and log1p by one polynomial, log1pmx by another.

x = 2**k * m with 3/4 <= m < 3/2; log(x) = k * ln 2 + log(1 + f), f = m - 1. log1p scales x itself: with k
from 1 + x, f = 2**-k * x + (2**-k - 1), and these bounds on m are the ones for which that sum is exact
(Sterbenz' lemma): no digit of x is lost and nothing has to be corrected. In float32 log(1 + f) is a minimax
polynomial, in float64 it is 2 atanh(s), s = f / (2 + f), an odd one. Fits as in `exponential`. log1pmx takes
f - x, which would cancel, as (2**-k - 1) * (1 + x), multiplied out where 1 + x is inexact, and log(1 + f) - f
from a polynomial that is closer to that.
"""

from math import inf, nan

import numpy as np

from numbaloss.compile.primitives_cpu.bits import downscale, exponent, mantissa, real, typed

__all__ = ["log1p_float32", "log1p_float64", "log1pmx_float32", "log1pmx_float64", "log_float32", "log_float64"]


@typed(np.float32)
def log_sum_float32(k: float, f: float) -> float:
    """k * ln 2 + log(1 + f) for -1/4 <= f <= 1/2; relative error of the polynomial 2**-27.6."""
    p = -0.045152254
    p = p * f + 0.1047255
    p = p * f + -0.13163936
    p = p * f + 0.1447763
    p = p * f + -0.16646878
    p = p * f + 0.19990848
    p = p * f + -0.2500011
    p = p * f + 0.3333345
    p = p * f + -0.5
    tail = p * (f * f) + k * -0.00021219444005469057
    return k * 0.693359375 + (f + tail)


@typed(np.float64)
def log_sum_float64(k: float, f: float) -> float:
    """k * ln 2 + log(1 + f) for -1/4 <= f <= 1/2; relative error of the polynomial 2**-54.9."""
    s = f / (2.0 + f)
    z = s * s
    p = 0.15368420149507114
    p = p * z + 0.1525015917529042
    p = p * z + 0.1818635753733123
    p = p * z + 0.22222138465690172
    p = p * z + 0.28571429395730996
    p = p * z + 0.39999999996159186
    p = p * z + 0.6666666666667271
    half_square = 0.5 * f * f
    tail = s * (half_square + p * z) + k * 1.90821492927058770002e-10
    return k * 0.693147180369123816490 + (f - (half_square - tail))


@typed(np.float32)
def log_rest_float32(k: float, f: float, less: float, x: float) -> float:
    """k * ln 2 + log(1 + f) - x for f = x + less * (1 + x) as above; relative error of the polynomial 2**-26.7."""
    p = 0.040299933
    p = p * f + -0.093635745
    p = p * f + 0.11707947
    p = p * f + -0.1268217
    p = p * f + 0.1426964
    p = p * f + -0.16658042
    p = p * f + 0.2000001
    p = p * f + -0.2500011
    p = p * f + 0.33333334
    p = p * f + -0.5
    tail = p * (f * f) + k * -0.00021219444005469057
    far = k * 0.693359375 + (1.0 + x) * less
    near = (k * 0.693359375 + less) + x * less
    return (far if x < -0.5 else near) + tail


@typed(np.float64)
def log_rest_float64(k: float, f: float, less: float, x: float) -> float:
    """k * ln 2 + log(1 + f) - x for f = x + less * (1 + x) as above; relative error of the polynomial 2**-59.3."""
    s = f / (2.0 + f)
    z = s * s
    p = 0.1372076835117771
    p = p * z + 0.13193046398907718
    p = p * z + 0.15389859045330598
    p = p * z + 0.1818170771622485
    p = p * z + 0.22222223528388116
    p = p * z + 0.2857142856337242
    p = p * z + 0.4000000000002152
    p = p * z + 0.6666666666666665
    half_square = 0.5 * f * f
    tail = s * (half_square + p * z) + k * 1.90821492927058770002e-10
    far = k * 0.693147180369123816490 + (1.0 + x) * less
    near = (k * 0.693147180369123816490 + less) + x * less
    return (far if x < -0.5 else near) + (tail - half_square)


@typed(np.float32)
def log1p_unit_float32(x: float) -> float:
    """log(1 + x) for 0 <= x <= 1; relative error of the polynomial 2**-27.5."""
    p = -0.0032910798
    p = p * x + 0.02008847
    p = p * x + -0.057460487
    p = p * x + 0.10661371
    p = p * x + -0.15344977
    p = p * x + 0.19692121
    p = p * x + -0.2495802
    p = p * x + 0.33330464
    p = p * x + -0.4999993
    return p * (x * x) + x


log_sum, log_rest, SMALLEST_NORMAL = log_sum_float64, log_rest_float64, 2.0**-1022


def log(x: float) -> float:
    """Natural logarithm."""
    x = real(x)
    tiny = x < SMALLEST_NORMAL
    scaled = x * 18014398509481984.0 if tiny else x
    k = exponent(scaled, real(0.75)) - (54.0 if tiny else 0.0)
    value = log_sum(k, mantissa(scaled, real(0.75)) - 1.0)
    value = value if x < inf else x
    pole = -inf if x == 0.0 else nan
    return value if x > 0.0 else pole


def log1p(x: float) -> float:
    """log(1 + x)."""
    x = real(x)
    u = 1.0 + x
    scale = downscale(u, real(0.75))
    f = x * scale + (scale - 1.0)
    # Beyond 2**60, where 1 + x is x, the scale may be below the normal range.
    f = mantissa(u, real(0.75)) - 1.0 if x > 1152921504606846976.0 else f
    value = log_sum(exponent(u, real(0.75)), f)
    value = value if x < inf else x
    pole = -inf if x == -1.0 else nan
    return value if x > -1.0 else pole


def log1pmx(x: float) -> float:
    """log(1 + x) - x."""
    x = real(x)
    u = 1.0 + x
    k = exponent(u, real(0.75))
    scale = downscale(u, real(0.75))
    less = scale - 1.0
    value = log_rest(k, x * scale + less, less, x)
    value = value if x < 1152921504606846976.0 else -x
    pole = -inf if x == -1.0 else nan
    return value if x > -1.0 else pole


def log1p_unit(x: float) -> float:
    """log(1 + x) for 0 <= x <= 1. In float32 a polynomial of the whole range is as short as that of half of it."""
    upper = x > 0.5
    return log_sum(1.0 if upper else 0.0, x * 0.5 - 0.5 if upper else x)


float32 = typed(np.float32, log_sum=log_sum_float32, log_rest=log_rest_float32, SMALLEST_NORMAL=2.0**-126)
float64 = typed(np.float64)

log_float32, log_float64 = float32(log), float64(log)
log1p_float32, log1p_float64 = float32(log1p), float64(log1p)
log1pmx_float32, log1pmx_float64 = float32(log1pmx), float64(log1pmx)
log1p_unit_float64 = float64(log1p_unit)
