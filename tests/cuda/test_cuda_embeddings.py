"""Losses of pairs and of triplets on a simulated device: hard rows, widths held in each way, gradients in place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numbaloss as nl
from numbaloss.arrays.simulated import SimulatedArray, SimulatedDoor, simulating
from numbaloss.structures.cuda.hold import Hold
from numbaloss.testing.checks_device import close

WIDTHS = [1, 8, 11, 36, 100, 520]  # held by a lane, a part of a warp, a warp, a block; 16 bytes at a time or one
LOSSES = {
    "cosine_embedding": nl.CosineEmbeddingLoss(reduction="none"),
    "cosine_similarity": nl.CosineSimilarityLoss(reduction="none"),
    "contrastive": nl.ContrastiveLoss(reduction="none"),
    "triplet": nl.TripletMarginLoss(reduction="none", swap=True),
    "triplet_manhattan": nl.TripletMarginLoss(reduction="none", p=1.0),
    "triplet_minkowski": nl.TripletMarginLoss(reduction="none", p=3.0, swap=True),
    "triplet_chebyshev": nl.TripletMarginLoss(reduction="none", p=np.inf),
    "triplet_cosine": nl.TripletMarginWithDistanceLoss(reduction="none", distance_function="cosine", swap=True),
}


def hard_rows(width: int) -> list[np.ndarray[Any, Any]]:
    """Rows of zeros, the same rows, opposite ones, tiny and huge ones, nearly parallel ones, and one with a nan."""
    rng = np.random.default_rng(width)
    x, y, z = (rng.standard_normal((9, width)).astype(np.float32) for _ in range(3))
    x[0], y[1], x[2], y[2], y[3], y[7], z[7] = 0, 0, 0, 0, x[3], -x[7], -x[7]
    x[4:6] *= np.float32([[1e-25], [1e25]])
    y[4:6] *= np.float32([[1e-25], [1e25]])
    z[4:6] = x[4:6] * np.float32([[2.0], [0.5]])
    y[6] = x[6] + np.float32(0.02) * z[6]
    x[8, 0] = np.nan
    return [x, y, z]


def arguments(name: str, rows: list[np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
    if name.startswith("triplet"):
        return rows
    odd = np.arange(len(rows[0])) % 2
    labels = {"cosine_embedding": [2 * odd - 1], "contrastive": [odd]}
    return [*rows[:2], *labels.get(name, [])]


CASES = [(name, width) for name in LOSSES for width in WIDTHS]
LONG = [(name, 4100) for name in ("cosine_similarity", "triplet", "triplet_minkowski")]  # held in spans


@pytest.mark.parametrize(("name", "width"), CASES + LONG)
def test_hard_rows_are_as_on_the_host(name: str, width: int) -> None:
    loss, arrays = LOSSES[name], arguments(name, hard_rows(width))
    wrt = loss.definition.differentiable
    value, gradients = loss.value_and_grad(*arrays, wrt=wrt)
    found, slopes = loss.value_and_grad(*map(SimulatedArray, arrays), wrt=wrt)
    close(found, value, "float32", "value")
    for slope, gradient in zip(slopes, gradients, strict=True):
        for row in range(len(gradient)):  # each by its own size: they differ by 50 orders of magnitude
            close(SimulatedArray(slope.cells[row]), gradient[row], "float32", f"gradient of row {row}")


@pytest.mark.parametrize("width", [8, 11, 4100])
def test_gradients_may_take_the_place_of_inputs_in_any_order(width: int) -> None:
    loss, arrays = LOSSES["triplet"], [array[6:8] for array in hard_rows(width)]
    _, gradients = loss.value_and_grad(*arrays)
    first, second, third = map(SimulatedArray, arrays)
    loss.value_and_grad(first, second, third, out=(third, first, second))
    for found, gradient in zip((third, first, second), gradients, strict=True):
        close(found, gradient, "float32", "gradient")


def test_identical_rows_have_no_slope_at_all() -> None:
    x = np.random.default_rng(0).standard_normal((4, 100)).astype(np.float32)
    value, gradient = nl.CosineSimilarityLoss().value_and_grad(SimulatedArray(x), SimulatedArray(x))
    assert value.cells == 0.0
    np.testing.assert_array_equal(gradient.cells, 0.0)


def test_one_launch_reads_the_rows_and_another_adds_up() -> None:
    x = np.ones((4, 16), np.float32)
    with simulating() as device:
        nl.ContrastiveLoss().value_and_grad(SimulatedArray(x), SimulatedArray(x), SimulatedArray(np.ones(4)))
    assert [kernel.template.__name__ for kernel, _ in device.launches] == ["copy", "pair_rows", "finish"]


def test_how_rows_are_held() -> None:
    some = [SimulatedDoor().empty((16,), "float32")]
    held = {width: Hold.chosen("float32", width, some) for width in (8, 12, 128, 130, 512, 4096, 8192)}
    assert {width: (hold.lanes, hold.held, hold.width, hold.whole) for width, hold in held.items()} == {
        8: (1, 8, 4, True),
        12: (2, 8, 4, True),
        128: (16, 8, 4, True),
        130: (32, 8, 1, True),
        512: (32, 16, 4, True),
        4096: (256, 16, 4, True),
        8192: (256, 16, 4, False),
    }


def quartic(x, y, by_x, by_y):
    total = 0.0
    for j in range(x.size):
        gap = x[j] - y[j]
        total += gap * gap * gap * gap
        by_x[j] = 4.0 * gap * gap * gap
        by_y[j] = -4.0 * gap * gap * gap
    return total


@pytest.mark.parametrize("kind", ["float32", "float16"])
@pytest.mark.parametrize("swap", [False, True])
def test_a_distance_of_ones_own(kind: str, swap: bool) -> None:
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal((5, 7)).astype(kind) for _ in range(3)]
    loss = nl.TripletMarginWithDistanceLoss(distance_function=quartic, swap=swap, reduction="none")
    value, gradients = loss.value_and_grad(*arrays)
    found, slopes = loss.value_and_grad(*map(SimulatedArray, arrays))
    close(found, value, kind, "value")
    for slope, gradient in zip(slopes, gradients, strict=True):
        close(slope, gradient, kind, "gradient")
    given = [SimulatedArray(array) for array in arrays]
    loss.value_and_grad(*given, out=(given[1], given[2], given[0]))
    for slope, gradient in zip((given[1], given[2], given[0]), gradients, strict=True):
        close(slope, gradient, kind, "gradient in place")


def test_what_does_not_fit_is_said() -> None:
    x, y = SimulatedArray(np.ones((4, 3))), SimulatedArray(np.ones((4, 2)))
    with pytest.raises(ValueError, match=r"input2 has shape \(4, 2\) but input1 has shape \(4, 3\)"):
        nl.contrastive_loss(x, y, SimulatedArray(np.ones(4)))
    with pytest.raises(ValueError, match=r"target has dtype float64 and shape \(3,\); wanted one number for each row"):
        nl.contrastive_loss(x, x, SimulatedArray(np.ones(3)))
