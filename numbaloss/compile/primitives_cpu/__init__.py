"""The primitives for the CPU: twins of `numbaloss.compile.primitives` that LLVM vectorises.

They are plain functions, to be compiled with the fast-math flags `contract` and `nsz` and no others:
`reassoc` would cancel (x + c) - c, which they rest on. float32 twins compute in float32; `power` alone goes
through float64. Errors in units in the last place, over all floats, denormals included (largest seen; CPU
with fused multiply-add):

=====================  =======  =======
primitive              float32  float64
=====================  =======  =======
exp, log, log1p           0.90     0.99
decay                     1.15     1.08
expm1                     1.44     1.46
log1pmx                   2.74     3.40
tanh                      1.44     1.41
log_cosh                  1.95     1.95
atan                      1.84     1.79
sigmoid                   1.65     1.67
softplus, log_sigmoid     1.72     1.62
power                     0.51     0.51
xlogy                     1.71     1.81
=====================  =======  =======

"""

from collections.abc import Callable
from typing import Any

import numpy as np

from numbaloss.compile.primitives_cpu import arithmetic, exponential, logarithm, logistic, power, trigonometric

MODULES = (arithmetic, exponential, logarithm, logistic, power, trigonometric)


def source(name: str, dtype: np.dtype[Any]) -> Callable[..., Any]:
    """The twin of primitive `name` at `dtype`, not compiled; LookupError if there is none."""
    twin = f"{name}_{np.dtype(dtype).name}"
    for module in MODULES:
        if twin in module.__all__:
            function: Callable[..., Any] = getattr(module, twin)
            return function
    raise LookupError(f"no compiled primitive {name!r} for dtype {np.dtype(dtype).name!r}")


def takes_time(name: str) -> bool:
    """Whether a primitive is a polynomial, rather than an instruction or two."""
    return f"{name}_float32" not in arithmetic.__all__
