"""Arrays of other libraries at the door: PyTorch's tensors on the host play CUDA tensors, with the simulator below."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import numbaloss as nl
from numbaloss.arrays import device_door, interface, simulated
from numbaloss.arrays import torch as torch_arrays
from numbaloss.arrays.device import DeviceArray, DeviceDoor
from numbaloss.arrays.simulated import SimulatedArray, Simulator

HOST = torch.device("cpu")


class HostStream(torch_arrays.TorchDoor):
    """The door of tensors, but for the stream, which only CUDA has."""

    def stream(self) -> int:
        return 0


@pytest.fixture
def tensors_on_device(monkeypatch: pytest.MonkeyPatch) -> Simulator:
    device = Simulator()
    monkeypatch.setattr(torch_arrays, "door_of", lambda tensor: HostStream(HOST, device))
    return device


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_torch_tensors_give_torch_tensors(tensors_on_device: Simulator, dtype: torch.dtype) -> None:
    input, target = torch.randn(5, 3).to(dtype), torch.randn(5, 3).to(dtype)
    value, gradient = nl.HuberLoss().value_and_grad(input, target)
    expected = input.clone().requires_grad_()
    loss = torch.nn.functional.huber_loss(expected, target)
    loss.backward()
    assert value.dtype == gradient.dtype == dtype
    assert value.shape == ()
    torch.testing.assert_close(value, loss.detach())
    torch.testing.assert_close(gradient, expected.grad)
    assert len(tensors_on_device.launches) == 2


def test_transposed_tensors_and_other_types_are_read(tensors_on_device: Simulator) -> None:
    input, target = torch.randn(3, 5).T, torch.randint(0, 2, (5, 3))
    value = nl.BCEWithLogitsLoss()(input, target)
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(input, target.float())
    torch.testing.assert_close(value, wanted)
    torch.testing.assert_close(nl.MSELoss()(input, target > 0), ((input - target) ** 2).mean())


def test_out_is_the_tensor_given(tensors_on_device: Simulator) -> None:
    input, target = torch.randn(6), torch.randn(6)
    buffer = torch.empty(6)
    _, gradient = nl.MSELoss().value_and_grad(input, target, out=buffer)
    assert gradient is buffer
    with pytest.raises(ValueError, match=r"out must be contiguous, have dtype float32 and shape \(6,\)"):
        nl.MSELoss().value_and_grad(input, target, out=torch.empty(6, dtype=torch.float64))


def test_a_tensor_that_requires_grad_is_refused_with_the_remedy(tensors_on_device: Simulator) -> None:
    input = torch.randn(4, requires_grad=True)
    with pytest.raises(TypeError, match=r"mse_loss: input: the tensor requires grad.*pass tensor.detach\(\)"):
        nl.mse_loss(input, torch.zeros(4))
    with torch.no_grad():
        nl.mse_loss(input, torch.zeros(4))


def test_a_tensor_on_the_host_is_refused_with_the_remedy() -> None:
    with pytest.raises(TypeError, match=r"the tensor is on 'cpu'; pass tensor.detach\(\).numpy\(\)"):
        nl.mse_loss(torch.zeros(3), torch.zeros(3))


def test_arrays_of_two_libraries_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match="mse_loss: target: all arrays of a call must be on one device; got a ndarray"):
        nl.mse_loss(SimulatedArray([1.0]), np.zeros(1))


def test_shapes_are_not_broadcast_silently() -> None:
    with pytest.raises(ValueError, match=r"mse_loss: target has shape \(2, 1\) but input has shape \(2, 2\)"):
        nl.mse_loss(SimulatedArray(np.zeros((2, 2))), SimulatedArray(np.zeros((2, 1))))
    with pytest.raises(TypeError, match="input must be a floating array"):
        nl.mse_loss(SimulatedArray([1, 2]), SimulatedArray([1, 2]))
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3,\); wanted the shape \(2, 2\)"):
        nl.mse_loss(*[SimulatedArray(np.zeros((2, 2)))] * 2, sample_weight=SimulatedArray(np.ones(3)))


class InterfaceArray:
    """An array of an unknown library that states where it lies."""

    def __init__(self, array: np.ndarray[Any, Any], **changes: Any) -> None:
        self.array = array
        self.__cuda_array_interface__ = {**array.__array_interface__, "version": 3, **changes}


class InterfaceOnHost(interface.InterfaceDoor):
    """The interface's door, with results of the simulator."""

    def empty(self, shape: tuple[int, ...], kind: str) -> DeviceArray:
        return simulated.SimulatedDoor().empty(shape, kind)


def test_the_cuda_array_interface_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interface, "door_of", lambda array: InterfaceOnHost(Simulator()))
    input, target = np.arange(6.0).reshape(2, 3), np.ones((3, 2)).T
    value, gradient = nl.MSELoss().value_and_grad(InterfaceArray(input), InterfaceArray(target))
    wanted = nl.MSELoss().value_and_grad(input, target)
    assert value.cells == wanted[0]
    np.testing.assert_array_equal(gradient.cells, wanted[1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"mask": 1}, "a mask would be lost"), ({"typestr": ">f8"}, "cannot read elements of type >f8")],
)
def test_what_the_interface_cannot_say_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        interface.InterfaceDoor(Simulator()).view(InterfaceArray(np.zeros(2), **changes))


def test_host_arrays_need_no_device_door() -> None:
    assert device_door((np.zeros(2), [1.0])) is None
    assert isinstance(device_door((2.0, SimulatedArray([1.0]))), DeviceDoor)
