"""What the processor does in one or two instructions: sqrt, copysign, maximum, minimum."""

import numpy as np

from numbaloss.compile.primitives_cpu.bits import (
    llvm_copysign,
    llvm_maximum,
    llvm_minimum,
    llvm_sqrt,
    real,
    typed,
)

__all__ = [
    "copysign_float32",
    "copysign_float64",
    "maximum_float32",
    "maximum_float64",
    "minimum_float32",
    "minimum_float64",
    "sqrt_float32",
    "sqrt_float64",
]


def sqrt(x: float) -> float:
    """Square root; nan below 0."""
    return llvm_sqrt(real(x))


def copysign(x: float, y: float) -> float:
    """The magnitude of x with the sign of y."""
    return llvm_copysign(real(x), real(y))


def maximum(x: float, y: float) -> float:
    """The larger of two; nan where either is nan."""
    return llvm_maximum(real(x), real(y))


def minimum(x: float, y: float) -> float:
    """The smaller of two; nan where either is nan."""
    return llvm_minimum(real(x), real(y))


float32, float64 = typed(np.float32), typed(np.float64)

sqrt_float32, sqrt_float64 = float32(sqrt), float64(sqrt)
copysign_float32, copysign_float64 = float32(copysign), float64(copysign)
maximum_float32, maximum_float64 = float32(maximum), float64(maximum)
minimum_float32, minimum_float64 = float32(minimum), float64(minimum)
