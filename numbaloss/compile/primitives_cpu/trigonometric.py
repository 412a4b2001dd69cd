"""atan, whose argument is turned to within an eighth of a circle of 0 by one division."""

import numpy as np

from numbaloss.compile.primitives_cpu.bits import llvm_copysign, real, typed

__all__ = ["atan_float32", "atan_float64"]


@typed(np.float32)
def atan_float32(x: float) -> float:
    """Arc tangent: a polynomial for |x| < tan(pi/8), error 2**-30; a turn by pi/4 or pi/2 beyond."""
    x = real(x)
    a = abs(x)
    far = a > 2.4142135
    near = a < 0.41421357
    above = -1.0 if far else a if near else a - 1.0
    below = a if far else 1.0 if near else a + 1.0
    turn = 1.5707964 if far else 0.0 if near else 0.7853982
    rest = -4.371139e-08 if far else 0.0 if near else -2.1855694e-08
    t = above / below
    z = t * t
    p = -0.060829904
    p = p * z + 0.10595828
    p = p * z + -0.14243826
    p = p * z + 0.19998488
    p = p * z + -0.33333316
    return llvm_copysign(turn + (t + (p * z * t + rest)), x)


@typed(np.float64)
def atan_float64(x: float) -> float:
    """Arc tangent: a polynomial for |x| < tan(pi/8), error 2**-64; a turn by pi/4 or pi/2 beyond."""
    x = real(x)
    a = abs(x)
    far = a > 2.414213562373095
    near = a < 0.4142135623730951
    above = -1.0 if far else a if near else a - 1.0
    below = a if far else 1.0 if near else a + 1.0
    turn = 1.5707963267948966 if far else 0.0 if near else 0.7853981633974483
    rest = 6.123233995736766e-17 if far else 0.0 if near else 3.061616997868383e-17
    t = above / below
    z = t * t
    p = 0.015206289628699606
    p = p * z + -0.03348540523388332
    p = p * z + 0.045040190254984756
    p = p * z + -0.05218519728592536
    p = p * z + 0.05877039696086868
    p = p * z + -0.06666228583597739
    p = p * z + 0.07692282882271663
    p = p * z + -0.0909090814999556
    p = p * z + 0.1111111108832944
    p = p * z + -0.14285714285390447
    p = p * z + 0.1999999999999769
    p = p * z + -0.33333333333333326
    return llvm_copysign(turn + (t + (p * z * t + rest)), x)
