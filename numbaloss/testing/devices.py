"""Where the device checks run: on the simulated device, or on a real one through PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, Any]


class Place(Protocol):
    """A device's memory, for checks: arrays go in and come back. `kind` is a name of NumPy's, or "bfloat16"."""

    def put(self, array: Array, kind: str = "") -> Any:
        """A copy of a host array; float32 becomes bfloat16 where `kind` says so."""

    def get(self, array: Any) -> Array:
        """A copy on the host; of bfloat16 in float32."""

    def view(self, array: Any, index: Any) -> Any:
        """``array[index]`` without a copy."""


def bfloat16_bits(array: Array) -> Array:
    """The upper halves of float32 numbers."""
    return np.asarray(np.array(array, order="C").view(np.uint32) >> 16).astype(np.uint16)


def from_bfloat16(bits: Array) -> Array:
    return (bits.astype(np.uint32) << 16).view(np.float32)


class SimulatedPlace:
    """The simulator's memory."""

    def put(self, array: Array, kind: str = "") -> Any:
        from numbaloss.arrays.simulated import SimulatedArray

        if kind == "bfloat16" and array.dtype == np.float32:
            return SimulatedArray(bfloat16_bits(array), kind)
        return SimulatedArray(array)

    def get(self, array: Any) -> Array:
        cells: Array = array.cells
        return from_bfloat16(cells) if array.kind == "bfloat16" else cells.copy()

    def view(self, array: Any, index: Any) -> Any:
        return array.view(array.cells[index])


class TorchPlace:
    """A CUDA device's memory, as PyTorch's tensors."""

    def __init__(self, device: str = "cuda") -> None:
        self.device = device

    def put(self, array: Array, kind: str = "") -> Any:
        import torch

        tensor = torch.from_numpy(np.array(array))
        if kind == "bfloat16" and array.dtype == np.float32:
            tensor = torch.from_numpy(from_bfloat16(bfloat16_bits(array))).bfloat16()
        return tensor.to(self.device)

    def get(self, array: Any) -> Array:
        found: Array = (array.float() if str(array.dtype) == "torch.bfloat16" else array).cpu().numpy()
        return found

    def view(self, array: Any, index: Any) -> Any:
        return array[index]


_place: ContextVar[Place] = ContextVar("place", default=SimulatedPlace())  # noqa: B039


def place() -> Place:
    """Where device checks run now."""
    return _place.get()


@contextmanager
def running_on(place: Place) -> Iterator[None]:
    """Run the device checks inside on another device."""
    token = _place.set(place)
    try:
        yield
    finally:
        _place.reset(token)
