"""Arrays to and from the type of the arithmetic, laid out as kernels read them.

NumPy converts floats of 16 bits one by one, and takes some 60 ns for each that is below the smallest normal number, as
gradients of a mean often are. Kernels convert whole vectors of them, and of other types where many lie side by side.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.arrays.numpy import Array
from numbaloss.compile.twins import Twins

HALVES = ("float16", "bfloat16")  # the latter is of ml_dtypes
LARGE = 1 << 15  # elements from which a kernel pays, but for those of 16 bits


def laid_out(array: Array, dtype: np.dtype[Any]) -> Array:
    """A contiguous array of this type: the array itself, if it is one."""
    return np.ascontiguousarray(array, dtype) if _way(array.dtype, dtype) is None else copied(array, dtype)


def copied(array: Array, dtype: np.dtype[Any]) -> Array:
    """A new contiguous array of this type."""
    way = _way(array.dtype, dtype)
    if way is None or (way == "plainly" and not (array.size >= LARGE and checks.lies_plainly(array))):
        with np.errstate(over="ignore"):  # beyond the type is infinite
            return np.array(array, dtype, order="C")
    made = np.empty(array.shape, dtype)
    if way != "plainly":
        array = np.require(array, _native(array.dtype), ("C", "A")).view(np.uint16)
    _convert(way, checks.kernel_argument(array), made)
    return made


def in_type(array: Array, dtype: np.dtype[Any]) -> Array:
    """The array in this type: itself, if it is of it."""
    if array.dtype == dtype:
        return array
    if _way(array.dtype, dtype) is not None:
        return copied(array, dtype)
    made = np.empty(array.shape, dtype)
    put(array, made)
    return made


def put(array: Array, target: Array) -> None:
    """``target[...] = array``, of one shape."""
    half = _half(target.dtype)
    if half is None or array.dtype != checks.FLOAT32:
        with np.errstate(over="ignore"):  # beyond the type is infinite
            target[...] = array
        return
    direct = checks.lies_plainly(target)
    made = target if direct else np.empty(target.shape, _native(target.dtype))
    _convert(f"to_{half}", checks.kernel_argument(np.ascontiguousarray(array)), made.view(np.uint16))
    if not direct:
        target[...] = made


def staged_in(kind: np.dtype[Any], dtype: np.dtype[Any]) -> np.dtype[Any]:
    """What NumPy's iterator makes of an array of some kind: what `copied` then makes an array of this type of."""
    return dtype if _way(kind, dtype) is None else _native(kind)


@cache
def _way(kind: np.dtype[Any], dtype: np.dtype[Any]) -> str | None:
    """The kernel that converts numbers of some kind to a type of the arithmetic; None where NumPy does."""
    half, native = _half(kind), _native(kind)
    if half is not None:
        return f"from_{half}" if dtype == checks.FLOAT32 else None
    known = native.kind in "biuf" and native.itemsize <= 8 and dtype in (checks.FLOAT32, checks.FLOAT64)
    return "plainly" if known and native != dtype else None


@cache  # the name alone takes NumPy more than a microsecond
def _half(kind: np.dtype[Any]) -> str | None:
    """The name of a type of 16 bits."""
    return kind.name if kind.name in HALVES else None


def _native(kind: np.dtype[Any]) -> np.dtype[Any]:
    return kind if kind.isnative else kind.newbyteorder("=")


def _convert(way: str, source: Array, target: Array) -> None:
    dtype = target.dtype if way == "plainly" else checks.FLOAT32
    with np.errstate(over="ignore"):  # of plain Python, under NUMBA_DISABLE_JIT
        _twins(way, dtype)(source.size, source.reshape(-1), target.reshape(-1))


@cache
def _twins(way: str, dtype: np.dtype[Any]) -> Twins:
    from numbaloss.kernels.cpu import casts

    return Twins(casts.convert_all, dtype, "casts", convert=getattr(casts, way))
