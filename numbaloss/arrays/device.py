"""Arrays in a device's memory, whatever library owns them, and the doors through which they come and go."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numbaloss.compile.cuda.kernel import Kernel, Kinds

FLOATING = ("float32", "float64", "float16", "bfloat16")
BITS = {"bfloat16": "uint16", "bool": "uint8"}  # kind -> the type a kernel sees
ITEM_SIZE = {"bfloat16": 2, "bool": 1}


@dataclass(frozen=True)
class DeviceArray:
    """Where an array lies, and what keeps it alive."""

    pointer: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in elements
    kind: str  # NumPy's name of the type, or "bfloat16"
    owner: Any

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def item_size(self) -> int:
        return item_size(self.kind)

    @property
    def bits(self) -> str:
        """The type of the elements as kernels see them."""
        return BITS.get(self.kind, self.kind)

    @property
    def contiguous(self) -> bool:
        """Whether the elements lie one after the other, in C order."""
        found = zip(self.shape, self.strides, steps(self.shape), strict=True)
        return self.size == 0 or all(n == 1 or step == wanted for n, step, wanted in found)

    @property
    def aligned(self) -> bool:
        """Whether it begins where 16 bytes can be read at once."""
        return self.pointer % 16 == 0

    def upright(self) -> tuple[DeviceArray, int]:
        """The same memory from its lowest address on, and where in it the first element lies."""
        origin = sum((1 - n) * step for n, step in zip(self.shape, self.strides, strict=True) if step < 0)
        steps = tuple(abs(step) for step in self.strides)
        return replace(self, pointer=self.pointer - origin * self.item_size, strides=steps), origin

    def reshaped(self, *shape: int) -> DeviceArray:
        """The same elements of a contiguous array in another shape; -1 is what is left."""
        if -1 in shape:
            known = math.prod(n for n in shape if n != -1)
            shape = tuple(self.size // known if n == -1 else n for n in shape)
        return replace(self, shape=shape, strides=steps(shape))

    def moved(self, axes: Sequence[int]) -> DeviceArray:
        """A view with the axes in another order."""
        return replace(self, shape=tuple(self.shape[a] for a in axes), strides=tuple(self.strides[a] for a in axes))

    def lengthened(self, ndim: int) -> DeviceArray:
        """The same elements of a contiguous array, with axes of length 1 after its own."""
        return self.reshaped(*self.shape, *(1,) * (ndim - self.ndim))

    def spread(self, shape: tuple[int, ...]) -> DeviceArray:
        """A view broadcast to `shape`, by NumPy's rules; ValueError where that cannot be."""
        missing = len(shape) - self.ndim
        own = (1,) * missing + self.shape
        if missing < 0 or any(have not in (1, want) for have, want in zip(own, shape, strict=True)):
            raise ValueError(f"shape {self.shape} does not broadcast to {shape}")
        given = (0,) * missing + self.strides
        strides = tuple(
            0 if have == 1 and want != 1 else step for have, want, step in zip(own, shape, given, strict=True)
        )
        return replace(self, shape=shape, strides=strides)


@dataclass(frozen=True)
class Table:
    """A contiguous array that a kernel gets with its shape, to index and slice as NumPy's are."""

    array: DeviceArray

    def words(self) -> tuple[int, ...]:
        """What Numba passes of an array: no owner, lengths in elements and bytes, address, shape, strides in bytes."""
        array, size = self.array, self.array.item_size
        return (0, 0, array.size, size, array.pointer, *array.shape, *(size * step for step in steps(array.shape)))


def item_size(kind: str) -> int:
    return ITEM_SIZE.get(kind) or np.dtype(kind).itemsize


def steps(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides, in elements, of a C-ordered array."""
    found, step = [], 1
    for n in reversed(shape):
        found.append(step)
        step *= n
    return tuple(reversed(found))


def kind_of(argument: Any, real: str) -> Any:
    """What a kernel is compiled for, of one argument of a launch."""
    if argument is None:
        return "none"
    if isinstance(argument, DeviceArray):
        return argument.bits + "*"
    if isinstance(argument, Table):
        return f"{argument.array.bits}[{argument.array.ndim}]"
    if isinstance(argument, tuple):
        return tuple(kind_of(item, real) for item in argument)
    return "int64" if isinstance(argument, int) else real


class Device(Protocol):
    """What runs kernels: a CUDA device, or its simulator."""

    def launch(self, kernel: Kernel, blocks: int, arguments: tuple[Any, ...], kinds: Kinds, stream: int) -> None:
        """Start a bound kernel on a grid of `blocks`; arrays among the arguments are `DeviceArray`."""


class DeviceDoor:
    """Takes the arrays of one library in, gives new ones of it back, and launches on its current stream."""

    device: Device

    def view(self, array: Any) -> DeviceArray:
        """Where an array lies; TypeError for one that is not on the device."""
        raise NotImplementedError

    def empty(self, shape: tuple[int, ...], kind: str) -> DeviceArray:
        """New memory."""
        raise NotImplementedError

    def upload(self, array: np.ndarray[Any, Any]) -> DeviceArray:
        """A copy of a host array."""
        raise NotImplementedError

    def download(self, array: DeviceArray) -> np.ndarray[Any, Any]:
        """A copy on the host; waits for the device."""
        raise NotImplementedError

    def stream(self) -> int:
        """The library's current stream."""
        return 0

    def place(self) -> Any:
        """What tells this device's memory from another's."""
        return type(self)

    def result(self, array: DeviceArray) -> Any:
        """An array handed to the user."""
        return array.owner

    def combined(self, factors: Sequence[float], parts: Sequence[Any], out: Any = None) -> Any:
        """``sum of factors[k] * parts[k]``, in `out` where that is given, else in the first part's memory."""
        from numbaloss.compile.cuda.kernel import common, grid
        from numbaloss.kernels.cuda.combine import combine

        if out is None and len(parts) == 1 and factors[0] == 1.0:
            return parts[0]
        views = [self.view(part) for part in parts]
        target = views[0] if out is None else self.view(out)
        weights = tuple(float(factor) for factor in factors)
        self.launch(common(combine, target.kind), grid(target.size), target.size, tuple(views), weights, target)
        return self.result(target)

    def launch(self, kernel: Kernel, blocks: int, *arguments: Any) -> None:
        """Start a kernel on the current stream; nothing waits for it."""
        kinds = tuple(kind_of(argument, kernel.storage.real.name) for argument in arguments)
        self.device.launch(kernel, blocks, arguments, kinds, self.stream())
