"""NumPy arrays: any strides, byte order and alignment, read-only, memory-mapped, 0-d, empty; lists of numbers too."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
LARGEST = {dtype: float(np.finfo(dtype).max) for dtype in (FLOAT32, FLOAT64)}
# Storage type -> the type the arithmetic is done in.
COMPUTED_IN: dict[np.dtype[Any], np.dtype[Any]] = {FLOAT32: FLOAT32, FLOAT64: FLOAT64, np.dtype(np.float16): FLOAT32}


class NumPyDoor:
    """Takes NumPy arrays and lists of numbers in, gives NumPy arrays and scalars back."""

    def view(self, array: Any) -> Array:
        """The array itself, or an array made of a list of numbers; never a copy of an array."""
        return array if type(array) is np.ndarray else np.asarray(array)

    def result(self, array: Array) -> Any:
        """An array handed to the user."""
        return array

    def scalar(self, value: float, dtype: np.dtype[Any]) -> Any:
        """A number handed to the user, in the type of the input."""
        return number(value, dtype)


def host_array(loss: str, name: str, given: Any) -> Array:
    """An argument as an array; raises for one whose mask would be lost, and for lists that are no array."""
    if isinstance(given, np.ma.MaskedArray):
        raise TypeError(
            f"{loss}: {name} is a masked array, and its mask would be lost; fill it, array.filled(0.0), and leave out "
            "what was masked by sample_weight=~mask"
        )
    try:
        return np.asarray(given)
    except ValueError as error:
        raise ValueError(f"{loss}: {name} is a list of lists of unequal lengths, no array: {error}") from None
    except (RuntimeError, TypeError) as error:  # on a device, or part of a graph
        raise TypeError(f"{loss}: {name} cannot be read as a NumPy array: {error}") from None


def number(value: float, dtype: np.dtype[Any]) -> Any:
    """A number in a type; infinity, without a warning, where that does not reach so far."""
    if abs(value) <= LARGEST.get(dtype, 0.0):
        return dtype.type(value)
    with np.errstate(over="ignore"):
        return dtype.type(value)


def computed_in(dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """The type arithmetic on this storage type is done in; None where there is none."""
    found = COMPUTED_IN.get(dtype)
    if found is None and dtype.name == "bfloat16":  # of ml_dtypes, which registers it with NumPy under this name
        return FLOAT32
    if found is None and not dtype.isnative:
        return computed_in(dtype.newbyteorder("="))
    return found


def computed_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """`computed_in` of an array that was checked to be floating."""
    found = computed_in(dtype)
    assert found is not None
    return found


def row_weights(loss: str, sample_weight: Any, lead: tuple[int, ...], dtype: np.dtype[Any]) -> Array | None:
    """A weight for each row as a flat vector for a kernel; given for each row, or for each sample of `lead`'s axes."""
    if sample_weight is None:
        return None
    given = weights(loss, "sample_weight", sample_weight)
    if given.shape != lead[: given.ndim]:
        samples = f", or for each sample, {lead[:1]}" if len(lead) > 1 else ""
        raise ValueError(
            f"{loss}: sample_weight has shape {given.shape}; wanted one weight for each row, {lead}{samples}"
        )
    spread = np.broadcast_to(given.reshape(given.shape + (1,) * (len(lead) - given.ndim)), lead)
    with np.errstate(over="ignore"):  # beyond the type is infinite
        return kernel_argument(np.ascontiguousarray(spread, dtype)).reshape(-1)


def unit_weights(loss: str, sample_weight: Any, shape: tuple[int, ...], unit: str) -> Array:
    """A float64 weight for each `unit` (image, sequence, row), ones if none are given."""
    if sample_weight is None:
        return np.ones(shape)
    given = weights(loss, "sample_weight", sample_weight)
    if given.shape != shape:
        raise ValueError(f"{loss}: sample_weight has shape {given.shape}; wanted one weight for each {unit}, {shape}")
    return given.astype(np.float64)


def network_output(loss: str, name: str, array: Array, given: Any) -> Array:
    """Check an array that must be floating; whole numbers in a *list* are read as float64."""
    if computed_in(array.dtype) is not None:
        return array
    if array.dtype.kind in "iub" and not isinstance(given, (np.ndarray, np.generic)):
        return array.astype(np.float64)
    if array.dtype == np.float64 and array.size == 0:
        return array
    raise TypeError(
        f"{loss}: {name} must be a floating array (float32, float64, float16 or bfloat16), got {describe(array)}"
    )


def numeric(loss: str, name: str, array: Array) -> Array:
    """Check an array of real numbers of any numeric type: a target or a weight."""
    if array.dtype.kind in "iub" or computed_in(array.dtype) is not None:
        return array
    raise TypeError(f"{loss}: {name} must be an array of real numbers, got {describe(array)}")


def weights(loss: str, name: str, given: Any) -> Array:
    """The same of weights as they were given."""
    return numeric(loss, name, host_array(loss, name, given))


def integers(loss: str, name: str, array: Array) -> Array:
    """Check an array of class labels: any integer type."""
    if array.dtype.kind in "iu" or array.size == 0:
        return array if array.dtype.kind in "iu" else array.astype(np.int64)
    cast = "; astype(int) makes whole numbers such" if array.dtype.kind == "f" else ""
    raise TypeError(f"{loss}: {name} must hold integer class labels, got {describe(array)}{cast}")


def describe(array: Array) -> str:
    return f"dtype {array.dtype} and shape {array.shape}"


def same_shape(loss: str, name: str, array: Array, of: str, wanted: tuple[int, ...]) -> None:
    """Raise unless `array` has the shape of `of`: shapes are never broadcast silently."""
    if array.shape != wanted:
        raise ValueError(
            f"{loss}: {name} has shape {array.shape} but {of} has shape {wanted}; they must be the same "
            "(nothing is broadcast: reshape or numpy.broadcast_to it yourself)"
        )


class _Alias:
    """Keeps a read-only array alive under a writable view of its memory."""

    def __init__(self, array: Array) -> None:
        self.array = array
        self.__array_interface__ = {**array.__array_interface__, "data": (array.__array_interface__["data"][0], False)}


def lies_plainly(array: Array) -> bool:
    """Whether an array's elements lie one after the other as kernels read them, whatever their type."""
    return bool(array.flags.c_contiguous and array.flags.aligned and array.dtype.isnative)


def kernel_argument(array: Array) -> Array:
    """The same memory as the one array type kernels are compiled for (a read-only array is another type to Numba).

    No kernel writes to an input.
    """
    return array if array.flags.writeable else np.asarray(_Alias(array))


def output(loss: str, out: Any, shape: tuple[int, ...], dtype: np.dtype[Any], name: str = "out") -> Array:
    """Check a caller's buffer for a gradient."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{loss}: {name} must be a NumPy array, got {type(out).__name__}")
    if isinstance(out, np.matrix):
        raise TypeError(f"{loss}: {name} is a numpy.matrix, which is never a vector; pass numpy.asarray({name})")
    if out.shape != shape or out.dtype != dtype:
        raise ValueError(f"{loss}: {name} must have dtype {dtype} and shape {shape}, got {describe(out)}")
    if not out.flags.writeable:
        raise ValueError(f"{loss}: {name} is read-only")
    return out
