"""The array door: what an array library's arrays are, seen as NumPy views, and how results go back.

A door is chosen by the type of the arrays, and its module is imported only when such an array arrives.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.arrays.numpy import NumPyDoor, host_array

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceDoor

NUMPY = NumPyDoor()
# Library of an array's type -> "module:class" of its door; a framework adds its own line here.
DOORS: dict[str, str] = {}
# The same for arrays in a device's memory: "module" whose `door_of` gives the door for an array's device.
DEVICE_DOORS: dict[str, str] = {
    "cupy": "numbaloss.arrays.cupy",
    "numbaloss.arrays.simulated": "numbaloss.arrays.simulated",
    "torch": "numbaloss.arrays.torch",
}
INTERFACE_DOOR = "numbaloss.arrays.interface"  # for whatever states where it lies on a device
HOST_TYPES = (np.ndarray, np.generic, list, tuple, int, float)


def door(arrays: tuple[Any, ...], names: tuple[str, ...], loss: str = "numbaloss") -> NumPyDoor:
    """The door for these arrays; TypeError for a kind of array that nobody has made a door for."""
    chosen: NumPyDoor | None = None
    for name, array in zip(names, arrays, strict=True):
        kind = type(array)
        if kind is np.ndarray:
            continue
        if isinstance(array, HOST_TYPES):
            host_array(loss, name, array)
            continue
        library = kind.__module__.partition(".")[0]
        if library not in DOORS:
            found = "None" if array is None else f"a {kind.__module__}.{kind.__qualname__}".replace("builtins.", "")
            raise TypeError(
                f"{loss}: {name} is {found}; "
                "wanted a NumPy array, or a list of numbers (convert it with numpy.asarray first)"
            )
        module, _, attribute = DOORS[library].partition(":")
        chosen = chosen or getattr(import_module(module), attribute)()
    return chosen or NUMPY


def device_door(arrays: tuple[Any, ...]) -> DeviceDoor | None:
    """The door for arrays in a device's memory; None where the first array that is no number or list is on the host."""
    for array in arrays:
        if isinstance(array, HOST_TYPES):
            continue
        module = type(array).__module__
        place = DEVICE_DOORS.get(module) or DEVICE_DOORS.get(module.partition(".")[0])
        if place is None and hasattr(array, "__cuda_array_interface__"):
            place = INTERFACE_DOOR
        return None if place is None else import_module(place).door_of(array)
    return None
