"""The functions that the mathematics of a loss calls by their bare names: `exp`, `log1p`, `softplus` and their like.

In plain Python they mean what is said at each; in a kernel the compiler puts versions in their place that vectorise.
"""

from numbaloss.compile.primitives import (
    atan,
    copysign,
    decay,
    exp,
    expm1,
    log,
    log1p,
    log1pmx,
    log_cosh,
    log_sigmoid,
    maximum,
    minimum,
    power,
    sigmoid,
    softplus,
    sqrt,
    tanh,
    xlogy,
)

__all__ = [
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
