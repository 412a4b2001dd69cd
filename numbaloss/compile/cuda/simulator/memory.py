"""Memory as kernels see it: every access is within bounds, and told to the thread that makes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from numbaloss.compile.cuda.simulator.threads import SimulationError, current


class Pointer:
    """Device memory as a kernel sees it, with its bounds."""

    def __init__(self, cells: np.ndarray[Any, Any]) -> None:
        self.cells = cells
        self.start = cells.__array_interface__["data"][0]

    def __getitem__(self, i: Any) -> Any:
        place = self.checked(i)
        current().reads(self.start + place * self.cells.itemsize)
        return self.cells[place]

    def __setitem__(self, i: Any, value: Any) -> None:
        place = self.checked(i)
        current().writes(self.start + place * self.cells.itemsize)
        self.cells[place] = value

    def checked(self, i: Any) -> int:
        if not 0 <= i < self.cells.size:
            raise SimulationError(f"access to element {i} of an array of {self.cells.size}")
        return int(i)

    @property
    def size(self) -> int:
        return int(self.cells.size)

    def part(self, start: int, size: int) -> Pointer:
        """The memory of `size` elements."""
        if size:
            self.checked(start), self.checked(start + size - 1)
        return Pointer(self.cells[start : start + size])

    def check_aligned(self, i: int, width: int) -> None:
        address = self.cells.__array_interface__["data"][0] + int(i) * self.cells.itemsize
        if address % 16 or width * self.cells.itemsize != 16:
            raise SimulationError(f"16-byte access to element {i}, which is not aligned")

    def read(self, i: Any, storage: str) -> Any:
        """An element in the type of the arithmetic."""
        bits = self[i]
        if storage == "bfloat16":
            return np.uint32(int(bits) << 16).view(np.float32)
        return bits if storage == "float64" else np.float32(bits)

    def write(self, i: Any, value: Any, storage: str) -> None:
        if storage == "bfloat16":
            word = int(np.float32(value).view(np.uint32))
            rounded = 0x7FFF if np.isnan(value) else (word + 0x7FFF + ((word >> 16) & 1)) >> 16
            self[i] = np.uint16(rounded)
        else:
            self[i] = value


def poisoned(shape: Any, dtype: Any) -> np.ndarray[Any, Any]:
    """Memory nobody has written to: nan, or a number no index may be."""
    kind = np.dtype(dtype)
    return np.full(shape, np.nan if kind.kind == "f" else np.iinfo(kind).max, kind)


class Memory:
    """Local memory, or an array with its shape: a device does not take index -1 for the last element."""

    def __init__(self, cells: np.ndarray[Any, Any]) -> None:
        self.cells = cells
        self.axes = list(zip(cells.shape, cells.strides, strict=True))

    def __getitem__(self, index: Any) -> Any:
        self.offset(index)
        found = self.cells[index]
        return Memory(found) if isinstance(found, np.ndarray) else found

    def __setitem__(self, index: Any, value: Any) -> None:
        self.offset(index)
        self.cells[index] = value

    def __len__(self) -> int:
        return len(self.cells)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    @property
    def ndim(self) -> int:
        return self.cells.ndim

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.cells.shape)

    @property
    def size(self) -> int:
        return self.cells.size

    def offset(self, index: Any) -> int:
        """How far an element is from the first, in bytes; the element is there."""
        given = index if isinstance(index, tuple) else (index,)
        if len(given) > len(self.axes):
            raise SimulationError(f"access to element {index} of memory of shape {self.shape}")
        total = 0
        for i, (length, step) in zip(given, self.axes, strict=False):
            if isinstance(i, slice):
                i = 0  # of a part of the memory; its elements are looked at on their own
            elif not 0 <= i < length:
                raise SimulationError(f"access to element {index} of memory of shape {self.shape}")
            total += i * step
        return total


class SharedMemory(Memory):
    """Memory that a block's threads share."""

    def __init__(self, cells: np.ndarray[Any, Any]) -> None:
        super().__init__(cells)
        self.start = cells.__array_interface__["data"][0]

    def __getitem__(self, index: Any) -> Any:
        address = self.start + self.offset(index)
        found = self.cells[index]
        if isinstance(found, np.ndarray):
            return SharedMemory(found)
        current().reads_shared(address)
        return found

    def __setitem__(self, index: Any, value: Any) -> None:
        current().writes_shared(self.start + self.offset(index))
        self.cells[index] = value
