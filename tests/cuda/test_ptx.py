"""What the CUDA compiler and NVIDIA's assembler make of every kernel of every loss; no device is needed.

By default every elementwise loss and one of each other structure, in float32; all losses in all types, and code that is
compiled for 9.0, are slow tests.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import numbaloss as nl
from numbaloss.arrays.simulated import simulating
from numbaloss.compile.cuda.assembler import REGISTERS, Assembled, assembled
from numbaloss.compile.cuda.kernel import Kernel, Kinds
from numbaloss.plugins.registry import function
from numbaloss.testing import inputs as drawn
from numbaloss.testing.basics import LossFunction, differentiable, made
from numbaloss.testing.checks_device import on_device

pytestmark = pytest.mark.usefixtures("compiler")
NAMES = sorted(info.name for info in nl.list_losses())
TYPICAL = list({function(name).definition.structure: name for name in reversed(NAMES)}.values())
QUICK = [name for name in NAMES if name in TYPICAL or function(name).definition.structure == "pointwise"]


def launches(name: str | LossFunction, storage: str) -> list[tuple[Kernel, Kinds]]:
    """The kernels that a loss starts for each kind of input."""
    loss, found = function(name) if isinstance(name, str) else name, {}
    host = {"bfloat16": np.float32}.get(storage, storage)
    for kind in drawn.kinds(loss.definition):
        arrays = drawn.draw(loss.definition, rows=3, dtype=np.dtype(host), salt="ptx", kind=kind)
        wrt = differentiable(loss.definition, arrays)
        with simulating(None) as device:
            made(loss).value_and_grad(*(on_device(array, storage) for array in arrays), wrt=wrt)
        found |= {(kernel.entry, kinds): (kernel, kinds) for kernel, kinds in device.launches}
    return list(found.values())


@cache
def facts(kernel: Kernel, kinds: Kinds, capability: tuple[int, int], architecture: str) -> Assembled:
    return assembled(*kernel.compiled(kinds, capability), architecture)


def check(name: str | LossFunction, storage: str, capability: tuple[int, int], architectures: tuple[str, ...]) -> None:
    kernels = launches(name, storage)
    assert kernels
    for kernel, kinds in kernels:
        for architecture in architectures:
            found = facts(kernel, kinds, capability, architecture)
            assert found.spilled == 0, f"{found.entry} spills {found.spilled} bytes on {architecture}"
            assert found.stack == 0, f"{found.entry} has {found.stack} bytes of stack on {architecture}"
            assert found.registers * kernel.threads <= REGISTERS, f"{found.entry}: {found.registers} registers a thread"
            if kernel.storage.real == np.float32:
                assert found.doubles == 0, f"{found.entry} has {found.doubles} float64 instructions"


@pytest.mark.parametrize("name", QUICK)
def test_kernels_fit_the_device(name: str) -> None:
    check(name, "float32", (8, 0), ("sm_80", "sm_90"))


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("name", NAMES)
def test_kernels_of_all_losses_fit_in_all_types(name: str, storage: str) -> None:
    check(name, storage, (8, 0), ("sm_80", "sm_90"))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_kernels_compiled_for_hopper_fit(name: str) -> None:
    check(name, "float32", (9, 0), ("sm_90",))


@pytest.mark.parametrize("storage", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("name", ["mse_loss", "binary_cross_entropy_with_logits"])
def test_elementwise_kernels_move_16_bytes_at_a_time(name: str, storage: str) -> None:
    sweep = next(found for found in launches(name, storage) if found[0].template.__name__ == "sweep")
    found = facts(*sweep, (8, 0), "sm_80")
    assert found.wide_loads == 2
    assert found.wide_stores == len(function(name).definition.differentiable)


def test_the_ptx_comes_from_the_disk_the_second_time(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from numbaloss.compile import kernel_files

    monkeypatch.setenv("NUMBALOSS_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("NUMBALOSS_CACHE", "1")
    before = vars(kernel_files.statistics).copy()
    kernels = [launches("mse_loss", "float32")[0] for _ in range(2)]
    one, two = (kernel.compiled(kinds, (8, 0)) for kernel, kinds in kernels)
    after = vars(kernel_files.statistics)
    assert one == two
    assert kernels[0][0] is not kernels[1][0]
    assert [after[name] - before[name] for name in ("misses", "stores", "hits")] == [1, 1, 1]
    assert one[0].startswith("sweep_mse_loss_float32_")
    assert f".visible .entry {one[0]}(".encode() in one[1]
