"""On a CUDA device, through PyTorch's tensors: the device checks of the suite, and what only a device can show."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import numbaloss as nl
from numbaloss.plugins.registry import function
from numbaloss.testing.checks_device import (
    check_device,
    check_device_empty,
    check_device_hessian,
    check_device_layouts,
    check_device_out,
    check_device_types,
)
from numbaloss.testing.devices import TorchPlace, running_on

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("cuda_device")]
CHECKS = [check_device, check_device_empty, check_device_layouts, check_device_out, check_device_types]
NAMES = sorted(info.name for info in nl.list_losses())


@pytest.mark.parametrize("name", NAMES)
def test_a_device_gives_what_the_host_gives(name: str) -> None:
    loss = function(name)
    with running_on(TorchPlace()):
        for check in [*CHECKS, *([check_device_hessian] if loss.definition.hessian else [])]:
            check(loss)


@pytest.mark.parametrize("name", ["mse_loss", "cross_entropy"])
def test_every_run_gives_the_same_bits(name: str) -> None:
    rows, classes = 4096, 1000
    input = torch.randn(rows, classes, device="cuda")
    target = torch.randn_like(input) if name == "mse_loss" else torch.randint(0, classes, (rows,), device="cuda")
    runs = [nl.get(name).value_and_grad(input, target) for _ in range(5)]
    assert all(torch.equal(value, runs[0][0]) and torch.equal(slope, runs[0][1]) for value, slope in runs)


def test_a_call_can_be_captured_in_a_cuda_graph() -> None:
    loss = nl.CrossEntropyLoss()
    input, target = torch.randn(64, 1000, device="cuda"), torch.randint(0, 1000, (64,), device="cuda")
    loss.value_and_grad(input, target)  # compiles, which a graph cannot hold
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        value, gradient = loss.value_and_grad(input, target)
    input.copy_(torch.randn_like(input))
    graph.replay()
    wanted = loss.value_and_grad(input, target)
    assert torch.equal(value, wanted[0])
    assert torch.equal(gradient, wanted[1])


def test_the_callers_stream_is_used() -> None:
    input = torch.randn(1 << 22, device="cuda")
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        torch.cuda._sleep(50_000_000)
        doubled = input * 2
        value = nl.mse_loss(doubled, input)
    stream.synchronize()
    torch.testing.assert_close(value, (input**2).mean())


def test_no_call_waits_for_the_device() -> None:
    loss = nl.CrossEntropyLoss(label_smoothing=0.1)
    input, target = torch.randn(64, 1000, device="cuda"), torch.randint(0, 1000, (64,), device="cuda")
    loss.value_and_grad(input, target)
    torch.cuda.set_sync_debug_mode("error")
    try:
        loss.value_and_grad(input, target)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_large_arrays_are_indexed_in_64_bits() -> None:
    n = (1 << 31) + 5
    if torch.cuda.mem_get_info()[0] < 8 * n:
        pytest.skip("needs 16 GiB of free memory")
    input, target = torch.zeros(n, dtype=torch.float16, device="cuda"), torch.zeros((), device="cuda").half().expand(n)
    input[-1] = 2.0
    value = nl.MSELoss(reduction="sum")(input, target.contiguous())
    assert value.item() == 4.0


def test_totals_of_batches_add_up() -> None:
    input, target = torch.randn(100, 7, device="cuda"), torch.randn(100, 7, device="cuda")
    loss = nl.HuberLoss()
    parts = loss.total(input[:64], target[:64]) + loss.total(input[64:], target[64:])
    np.testing.assert_allclose(parts.mean, loss(input, target).item(), rtol=1e-5)
