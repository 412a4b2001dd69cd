"""Any array with ``__cuda_array_interface__`` (Numba's device arrays, RMM buffers, RAPIDS columns ...).

What it points at is read where it lies; results are Numba's device arrays, on the default stream.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from numbaloss.arrays.device import Device, DeviceArray, DeviceDoor, steps
from numbaloss.compile.cuda import driver
from numbaloss.compile.cuda.kernel import toolchain


class InterfaceDoor(DeviceDoor):
    """The door for arrays that state where they lie in CUDA's array interface."""

    def __init__(self, device: Device) -> None:
        self.device = device

    def view(self, array: Any) -> DeviceArray:
        facts = getattr(array, "__cuda_array_interface__", None)
        if facts is None:
            raise TypeError(f"all arrays of a call must have __cuda_array_interface__, got a {type(array).__name__}")
        if facts.get("mask") is not None:
            raise TypeError("a mask would be lost; pass sample_weight for it")
        dtype, shape = np.dtype(facts["typestr"]), tuple(facts["shape"])
        strides = facts.get("strides")
        if not dtype.isnative or (strides and any(step % dtype.itemsize for step in strides)):
            raise TypeError(f"cannot read elements of type {facts['typestr']} with strides {strides}")
        own = steps(shape) if strides is None else tuple(step // dtype.itemsize for step in strides)
        return DeviceArray(facts["data"][0], shape, own, dtype.name, array)

    def empty(self, shape: tuple[int, ...], kind: str) -> DeviceArray:
        return self.view(toolchain().device_array(shape, np.dtype(kind)))

    def upload(self, array: np.ndarray[Any, Any]) -> DeviceArray:
        return self.view(toolchain().to_device(array))

    def download(self, array: DeviceArray) -> np.ndarray[Any, Any]:
        made: np.ndarray[Any, Any] = array.owner.copy_to_host()
        return made


@cache
def door_here() -> InterfaceDoor:
    return InterfaceDoor(driver.device(toolchain().get_current_device().id))


def door_of(array: Any) -> InterfaceDoor:
    """The door for arrays of the current device."""
    return door_here()
