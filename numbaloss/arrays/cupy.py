"""CuPy arrays: read where they lie, results from CuPy's allocator, launches on its current stream."""

from __future__ import annotations

from functools import cache
from typing import Any

import cupy
import numpy as np

from numbaloss.arrays.device import Device, DeviceArray, DeviceDoor
from numbaloss.compile.cuda import driver


class CuPyDoor(DeviceDoor):
    """The door for the arrays of one device. bfloat16 is a type of ml_dtypes there."""

    def __init__(self, number: int, device: Device) -> None:
        self.number, self.device = number, device

    def view(self, array: Any) -> DeviceArray:
        if not isinstance(array, cupy.ndarray):
            raise TypeError(f"all arrays of a call must be CuPy arrays, got a {type(array).__name__}")
        if array.device.id != self.number:
            raise TypeError(f"all arrays of a call must be on device {self.number}, got one on {array.device.id}")
        size = array.dtype.itemsize
        if any(step % size for step in array.strides):
            array = cupy.ascontiguousarray(array)  # a field of a record: its elements lie between others
        strides = tuple(step // size for step in array.strides)
        return DeviceArray(array.data.ptr, array.shape, strides, array.dtype.name, array)

    def empty(self, shape: tuple[int, ...], kind: str) -> DeviceArray:
        with cupy.cuda.Device(self.number):
            return self.view(cupy.empty(shape, dtype_of(kind)))

    def upload(self, array: np.ndarray[Any, Any]) -> DeviceArray:
        with cupy.cuda.Device(self.number):
            return self.view(cupy.asarray(array))

    def download(self, array: DeviceArray) -> np.ndarray[Any, Any]:
        made: np.ndarray[Any, Any] = cupy.asnumpy(array.owner)
        return made

    def stream(self) -> int:
        handle: int = cupy.cuda.get_current_stream(self.number).ptr
        return handle

    def place(self) -> Any:
        return self.number


def dtype_of(kind: str) -> Any:
    if kind != "bfloat16":
        return np.dtype(kind)
    import ml_dtypes

    return np.dtype(ml_dtypes.bfloat16)


@cache
def door_on(number: int) -> CuPyDoor:
    return CuPyDoor(number, driver.device(number))


def door_of(array: Any) -> CuPyDoor:
    """The door for an array's device."""
    return door_on(array.device.id)
