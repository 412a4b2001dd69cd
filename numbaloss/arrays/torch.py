"""CUDA tensors of PyTorch: read where they lie, results from PyTorch's allocator, launches on its current stream."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch

from numbaloss.arrays.device import Device, DeviceArray, DeviceDoor
from numbaloss.compile.cuda import driver


class TorchDoor(DeviceDoor):
    """The door for the tensors of one device."""

    def __init__(self, where: torch.device, device: Device) -> None:
        self.where, self.device = where, device

    def view(self, array: Any) -> DeviceArray:
        if not isinstance(array, torch.Tensor):
            raise TypeError(f"all arrays of a call must be tensors on {self.where}, got a {type(array).__name__}")
        if array.device != self.where:
            raise TypeError(f"all arrays of a call must be on {self.where}, got a tensor on {array.device}")
        if array.requires_grad and torch.is_grad_enabled():
            raise TypeError(
                "the tensor requires grad, but the result would not be on the autograd graph; pass tensor.detach() to "
                "value_and_grad, which returns the gradient"
            )
        kind = str(array.dtype).removeprefix("torch.")
        return DeviceArray(array.data_ptr(), tuple(array.shape), array.stride(), kind, array)

    def empty(self, shape: tuple[int, ...], kind: str) -> DeviceArray:
        return self.view(torch.empty(shape, dtype=getattr(torch, kind), device=self.where))

    def upload(self, array: np.ndarray[Any, Any]) -> DeviceArray:
        return self.view(torch.as_tensor(array.copy()).to(self.where))

    def download(self, array: DeviceArray) -> np.ndarray[Any, Any]:
        made: np.ndarray[Any, Any] = array.owner.cpu().numpy()
        return made

    def stream(self) -> int:
        handle: int = torch.cuda.current_stream(self.where).cuda_stream
        return handle

    def place(self) -> Any:
        return str(self.where)


@cache
def door_on(where: torch.device) -> TorchDoor:
    return TorchDoor(where, driver.device(where.index))


def door_of(tensor: torch.Tensor) -> TorchDoor:
    """The door for a tensor's device; TypeError for one on the host."""
    if tensor.device.type == "cpu" and tensor.layout == torch.strided:
        plain = "tensor.detach().numpy()" if tensor.dtype != torch.bfloat16 else "tensor.detach().float().numpy()"
        graph = " (its graph ends there: take the gradient from value_and_grad)" if tensor.requires_grad else ""
        raise TypeError(f"the tensor is on 'cpu'; pass {plain}{graph}, or move it to a CUDA device")
    if tensor.device.type != "cuda" or tensor.layout != torch.strided:
        wanted = "wanted a NumPy array or a dense CUDA tensor"
        raise TypeError(f"the tensor is on {tensor.device.type!r}, of layout {tensor.layout}; {wanted}")
    return door_on(tensor.device)
