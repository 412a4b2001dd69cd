"""Arrays to and from the type of the arithmetic, laid out as kernels read them.

NumPy converts floats of 16 bits one by one, and takes some 60 ns for each that is below the smallest normal number, as
gradients of a mean often are. Kernels convert whole vectors of them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.arrays.numpy import Array
from numbaloss.compile.twins import Twins

HALVES = ("float16", "bfloat16")  # the latter is of ml_dtypes


def laid_out(array: Array, dtype: np.dtype[Any]) -> Array:
    """A contiguous array of this type: the array itself, if it is one."""
    return copied(array, dtype) if _converted(array, dtype) else np.ascontiguousarray(array, dtype)


def copied(array: Array, dtype: np.dtype[Any]) -> Array:
    """A new contiguous array of this type."""
    if not _converted(array, dtype):
        return np.array(array, dtype, order="C")
    made = np.empty(array.shape, dtype)
    source = np.require(array, _native(array.dtype), ("C", "A"))
    _convert(f"from_{_half(source.dtype)}", checks.kernel_argument(source.view(np.uint16)), made)
    return made


def in_type(array: Array, dtype: np.dtype[Any]) -> Array:
    """The array in this type: itself, if it is of it."""
    if array.dtype == dtype:
        return array
    if _converted(array, dtype):
        return copied(array, dtype)
    made = np.empty(array.shape, dtype)
    put(array, made)
    return made


def put(array: Array, target: Array) -> None:
    """``target[...] = array``, of one shape."""
    if not _converted(target, array.dtype):
        with np.errstate(over="ignore"):  # beyond the type is infinite
            target[...] = array
        return
    plain = target.flags.c_contiguous and target.flags.aligned and target.dtype.isnative
    made = target if plain else np.empty(target.shape, _native(target.dtype))
    _convert(f"to_{_half(made.dtype)}", checks.kernel_argument(np.ascontiguousarray(array)), made.view(np.uint16))
    if not plain:
        target[...] = made


def staged_in(kind: np.dtype[Any], dtype: np.dtype[Any]) -> np.dtype[Any]:
    """What NumPy makes of an array of some kind where it stages it for kernels of this type."""
    return _native(kind) if dtype == checks.FLOAT32 and _half(kind) else dtype


def _converted(array: Array, dtype: np.dtype[Any]) -> bool:
    """Whether kernels convert these numbers to this type, or back."""
    return dtype == checks.FLOAT32 and _half(array.dtype) is not None


@cache  # the name alone takes NumPy more than a microsecond
def _half(dtype: np.dtype[Any]) -> str | None:
    """The name of a type of 16 bits."""
    return dtype.name if dtype.name in HALVES else None


def _native(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype if dtype.isnative else dtype.newbyteorder("=")


def _convert(way: str, source: Array, target: Array) -> None:
    _twins(way)(source.size, source.reshape(-1), target.reshape(-1))


@cache
def _twins(way: str) -> Twins:
    from numbaloss.kernels.cpu import halves

    return Twins(halves.convert_all, checks.FLOAT32, "halves", convert=getattr(halves, way))
