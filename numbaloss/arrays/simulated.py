"""Host arrays that play device arrays: the whole way of a CUDA call runs, with the simulator in the device's place.

>>> import numbaloss as nl
>>> from numbaloss.arrays.simulated import SimulatedArray
>>> loss, gradient = nl.MSELoss().value_and_grad(SimulatedArray([1.0, 4.0]), SimulatedArray([2.0, 2.0]))
>>> loss.cells, gradient.cells
(array(2.5), array([-1.,  2.]))
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from numbaloss.arrays.device import BITS, DeviceArray, DeviceDoor, Table, item_size
from numbaloss.compile.cuda.kernel import Kernel, Kinds

ALIGNMENT = 256  # bytes; as CUDA aligns new memory


class SimulatedArray:
    """An array in a simulated device's memory. `kind` names its type: NumPy's, or "bfloat16" held as uint16."""

    def __init__(self, cells: Any, kind: str = "") -> None:
        array = np.asarray(cells)
        self.kind = kind or array.dtype.name
        room = np.empty(array.nbytes + ALIGNMENT, np.uint8)
        start = -room.__array_interface__["data"][0] % ALIGNMENT
        aligned = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
        aligned[...] = array
        self.cells = aligned

    def view(self, cells: np.ndarray[Any, Any]) -> SimulatedArray:
        """A view of this array's memory, with other strides."""
        made = object.__new__(SimulatedArray)
        made.cells, made.kind = cells, self.kind
        return made

    def __repr__(self) -> str:
        return f"SimulatedArray({self.cells.tolist()}, {self.kind!r})"

    @property
    def T(self) -> SimulatedArray:  # noqa: N802
        """The axes in reverse order."""
        return self.view(self.cells.T)

    def reshape(self, shape: tuple[int, ...]) -> SimulatedArray:
        """A view in another shape."""
        return self.view(self.cells.reshape(shape))

    @property
    def dtype(self) -> str:
        return self.kind

    @property
    def shape(self) -> tuple[int, ...]:
        return self.cells.shape


class Simulator:
    """A device without hardware; threads and blocks run in the given order, or not at all. `launches` says of what."""

    def __init__(self, order: str | None = "ascending") -> None:
        self.order = order
        self.launches: list[tuple[Kernel, Kinds]] = []

    def launch(self, kernel: Kernel, blocks: int, arguments: tuple[Any, ...], kinds: Kinds, stream: int) -> None:
        from numbaloss.compile.cuda import simulator

        self.launches.append((kernel, kinds))
        if self.order is not None:
            real = kernel.storage.real.type
            given = [plain(argument, real) for argument in arguments]
            simulator.launch(kernel.plain, blocks, kernel.threads, given, self.order)


_current: ContextVar[Simulator] = ContextVar("simulator", default=Simulator())  # noqa: B039


@contextmanager
def simulating(order: str | None = "ascending") -> Iterator[Simulator]:
    """A simulated device of its own for the calls inside: with its order of threads, and its list of launches.

    With no order nothing runs: results mean nothing then, but the list is that of a real call.
    """
    device = Simulator(order)
    token = _current.set(device)
    try:
        yield device
    finally:
        _current.reset(token)


def plain(argument: Any, real: Any) -> Any:
    """An argument of a launch as a simulated kernel takes it."""
    from numbaloss.compile.cuda.simulator import Memory, Pointer

    if isinstance(argument, DeviceArray):
        return Pointer(memory(argument))
    if isinstance(argument, Table):
        return Memory(memory(argument.array).reshape(argument.array.shape))
    if isinstance(argument, tuple):
        return tuple(plain(item, real) for item in argument)
    return real(argument) if isinstance(argument, float) else argument


def memory(array: DeviceArray) -> np.ndarray[Any, Any]:
    """All elements between an array's first and last one, as a vector."""
    kind = np.dtype(array.bits)
    if not array.size:
        return np.empty(0, kind)
    reach = 1 + sum((n - 1) * step for n, step in zip(array.shape, array.strides, strict=True))
    cells = (ctypes.c_char * (reach * kind.itemsize)).from_address(array.pointer)
    found: np.ndarray[Any, Any] = np.frombuffer(memoryview(cells), kind)
    return found


class SimulatedDoor(DeviceDoor):
    """The door for `SimulatedArray`; `simulating` chooses the device."""

    @property
    def device(self) -> Simulator:  # type: ignore[override]
        return _current.get()

    def view(self, array: Any) -> DeviceArray:
        if not isinstance(array, SimulatedArray):
            raise TypeError(f"all arrays of a call must be on one device; got a {type(array).__name__} among them")
        cells = array.cells
        size = item_size(array.kind)
        strides = tuple(step // size for step in cells.strides)
        return DeviceArray(cells.__array_interface__["data"][0], cells.shape, strides, array.kind, array)

    def empty(self, shape: tuple[int, ...], kind: str) -> DeviceArray:
        bits = np.dtype(BITS.get(kind, kind))
        filler: Any = np.nan if bits.kind == "f" else 0x7FC1 if kind == "bfloat16" else 111
        return self.view(SimulatedArray(np.full(shape, filler, bits), kind))

    def upload(self, array: np.ndarray[Any, Any]) -> DeviceArray:
        return self.view(SimulatedArray(array))

    def download(self, array: DeviceArray) -> np.ndarray[Any, Any]:
        made: np.ndarray[Any, Any] = array.owner.cells.copy()
        return made


_DOOR = SimulatedDoor()


def door_of(array: SimulatedArray) -> SimulatedDoor:
    """The one door there is."""
    return _DOOR
