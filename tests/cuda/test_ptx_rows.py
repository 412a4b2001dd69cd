"""What the compiler and NVIDIA's assembler make of rows of every width, and of targets of every length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numbaloss as nl
from numbaloss.arrays.simulated import SimulatedArray, simulating
from numbaloss.compile.cuda.assembler import REGISTERS, Assembled, assembled, ptxas

pytest.importorskip("numba_cuda", reason="no CUDA compiler")
pytestmark = pytest.mark.skipif(ptxas() is None, reason="no CUDA assembler: ptxas was not found")
LOSSES = {
    "cosine": nl.CosineEmbeddingLoss(),
    "triplet": nl.TripletMarginLoss(swap=True),
    "minkowski": nl.TripletMarginLoss(p=3.0),
    "triplet_cosine": nl.TripletMarginWithDistanceLoss(distance_function="cosine", swap=True),
}


def facts(loss: Any, arrays: list[Any], architecture: str = "sm_80") -> dict[str, Assembled]:
    """Every kernel of a call, by its template's name; none may spill, be too large to launch, or hold doubles."""
    with simulating(None) as device:
        loss.value_and_grad(*arrays, wrt=loss.definition.differentiable)
    found = {}
    for kernel, kinds in device.launches:
        if kernel.label != "common":
            one = assembled(*kernel.compiled(kinds, (8, 0)), architecture)
            assert (one.spilled, one.stack, one.doubles) == (0, 0, 0), one.entry
            assert one.registers * kernel.threads <= REGISTERS, one.entry
            found[kernel.template.__name__] = one
    return found


@pytest.mark.parametrize("width", [64, 512, 4096, 8192])
@pytest.mark.parametrize("name", LOSSES)
def test_rows_stay_in_registers_and_are_read_16_bytes_at_a_time(name: str, width: int) -> None:
    arrays = [SimulatedArray(np.zeros((2, width), np.float32)) for _ in range(2 if name == "cosine" else 3)]
    labels = [SimulatedArray(np.ones(2, np.int64))] if name == "cosine" else []
    found = facts(LOSSES[name], [*arrays, *labels])
    (rows,) = found.values()
    runs = {64: 2}.get(width, 4)  # of 16 bytes in each lane
    assert rows.wide_stores == runs * len(arrays)
    if width <= 4096:
        assert rows.wide_loads == runs * len(arrays)


@pytest.mark.parametrize("labels", [20, 200, 400, 600])
@pytest.mark.parametrize("loss", [nl.CTCLoss(), nl.CTCWithLogitsLoss()], ids=["log_probs", "logits"])
def test_alignments_fit_the_device(loss: Any, labels: int) -> None:
    found = facts(loss, targets_of(labels, np.float32))
    assert found["slopes"].wide_loads == found["slopes"].wide_stores == 1


def test_states_in_float64_fit_shared_memory() -> None:
    with simulating(None) as device:
        nl.CTCLoss().value_and_grad(*targets_of(470, np.float64))
    kernel, kinds = next(one for one in device.launches if one[0].template.__name__ == "alignments")
    found = assembled(*kernel.compiled(kinds, (8, 0)), "sm_80")
    assert 40 * 1024 < found.shared <= 48 * 1024
    assert found.spilled == 0


def targets_of(labels: int, dtype: Any) -> list[Any]:
    """A sequence with so many labels, and time steps enough for them."""
    steps = 2 * labels + 1
    scores, targets = np.zeros((steps, 1, 32), dtype), np.ones((1, labels), np.int64)
    return [SimulatedArray(array) for array in (scores, targets, np.array([steps]), np.array([labels]))]
