"""Losses of all pairs on a simulated device, at sizes of several tiles, strips and parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("greenlet")

from numba import cuda, int64

import numbaloss as nl
from numbaloss.arrays.simulated import SimulatedArray
from numbaloss.compile.cuda import simulator
from numbaloss.compile.cuda.kernel import Kernel
from numbaloss.kernels.cuda.device import THREADS, WARPS, block_rank
from numbaloss.structures.cuda import product, tile_pairs, tile_triplets
from numbaloss.testing.checks_device import close

Array = np.ndarray[Any, Any]


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strips of one tile's height, few blocks, and short parts of sums."""
    for module in (tile_pairs, tile_triplets):
        monkeypatch.setattr(module, "SCRATCH", 1)
    monkeypatch.setattr(product, "SPREAD", 4)
    monkeypatch.setattr(product, "SHARE", 32)


def drawn(count: int, width: int, salt: int = 0) -> Array:
    return np.random.default_rng(salt).normal(size=(count, width))


def agree(loss: Any, arrays: tuple[Any, ...], weights: Array | None = None) -> None:
    """Assert that value, rows and all gradients are those of the host."""
    wrt = loss.definition.differentiable
    value, gradients = loss.value_and_grad(*arrays, wrt=wrt, sample_weight=weights)
    given = [SimulatedArray(array) for array in arrays]
    weighed = None if weights is None else SimulatedArray(weights)
    found, slopes = loss.value_and_grad(*given, wrt=wrt, sample_weight=weighed)
    close(found, value, "float64", "value")
    for name, one, two in zip(
        wrt, *((pair if len(wrt) > 1 else (pair,)) for pair in (slopes, gradients)), strict=True
    ):
        close(one, two, "float64", name)


@pytest.mark.parametrize("name", ["nt_xent_loss", "sup_con_loss", "batch_hard_triplet_loss", "batch_all_triplet_loss"])
def test_vectors_of_several_tiles_with_labels(name: str) -> None:
    labels = np.random.default_rng(1).integers(0, 40, 70)
    width = 66 if name == "batch_all_triplet_loss" else 18
    agree(nl.get(name), (drawn(70, width), labels), np.random.default_rng(2).random(70))


@pytest.mark.parametrize("name", ["clip_loss", "siglip_loss"])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_two_arrays_of_several_tiles(name: str, reduction: str) -> None:
    numbers = (np.array(2.5), np.array(-1.5))[: 1 + (name == "siglip_loss")]
    agree(nl.get(name, reduction=reduction), (drawn(67, 17), drawn(67, 17, 1), *numbers))


@pytest.mark.parametrize("name", ["clip_loss", "siglip_loss"])
def test_a_plain_number_or_one_of_another_type_scales_the_cosines(name: str) -> None:
    image, text = (SimulatedArray(drawn(5, 3, salt).astype(np.float16)) for salt in range(2))
    more = [0.5] if name == "siglip_loss" else []
    scale = SimulatedArray(np.float32(2.0))
    plain = nl.get(name)(image, text, 2.0, *more)
    value, slope = nl.get(name).value_and_grad(image, text, scale, *more, wrt=("logit_scale",))
    assert value.cells == plain.cells
    assert slope.kind == "float32"
    assert slope.shape == ()


def test_a_gradient_may_take_the_place_of_its_input() -> None:
    for name in ("nt_xent_loss", "batch_hard_triplet_loss", "batch_all_triplet_loss"):
        array, labels = SimulatedArray(drawn(6, 3)), SimulatedArray(np.arange(6) % 3)
        _, wanted = nl.get(name).value_and_grad(array, labels)
        _, found = nl.get(name).value_and_grad(array, labels, out=array)
        assert found is array
        np.testing.assert_array_equal(array.cells, wanted.cells)


def test_of_equally_hard_vectors_the_first_is_taken() -> None:
    vectors = np.array([[0.0], [2.0], [-2.0], [3.0], [-3.0]])
    _, gradient = nl.get("batch_hard_triplet_loss", margin=5.0, reduction="sum").value_and_grad(
        SimulatedArray(vectors), SimulatedArray(np.array([0, 0, 0, 1, 1])), sample_weight=SimulatedArray(np.eye(5)[0])
    )
    np.testing.assert_array_equal(gradient.cells[:, 0], [0.0, 1.0, 0.0, -1.0, 0.0])


def test_triplets_none_of_which_counts_have_a_mean_of_0() -> None:
    vectors, labels = SimulatedArray(np.array([[0.0], [0.1], [50.0]])), SimulatedArray(np.array([0, 0, 1]))
    value, gradient = nl.get("batch_all_triplet_loss").value_and_grad(vectors, labels)
    assert value.cells == 0.0
    np.testing.assert_array_equal(gradient.cells, 0.0)


def test_many_blocks_give_the_bits_of_one_run_and_another() -> None:
    arrays = SimulatedArray(drawn(66, 5).astype(np.float32)), SimulatedArray(np.arange(66) % 33)
    one, two = (nl.get("nt_xent_loss").value_and_grad(*arrays) for _ in range(2))
    np.testing.assert_array_equal(one[1].cells, two[1].cells)


@pytest.mark.parametrize(
    ("name", "others", "named"),
    [
        ("nt_xent_loss", (np.ones(4),), "labels must hold integer"),
        ("nt_xent_loss", (np.arange(5),), r"labels has shape \(5,\)"),
        ("clip_loss", (np.ones((4, 2)), np.array(1.0)), r"text has shape \(4, 2\)"),
        ("clip_loss", (np.ones((4, 3)), np.ones(2)), "logit_scale must be one number"),
    ],
)
def test_wrong_arguments_are_named(name: str, others: tuple[Array, ...], named: str) -> None:
    arrays = [SimulatedArray(array) for array in (drawn(4, 3), *others)]
    with pytest.raises((TypeError, ValueError), match=named):
        nl.get(name)(*arrays)


def rank_all(flags, ranks, totals):  # type: ignore[no-untyped-def]
    """The rank of each flag of two rounds, one after the other."""
    counts = cuda.shared.array(WARPS, int64)
    for start in range(0, 2 * THREADS, THREADS):
        i = start + cuda.threadIdx.x
        ranks[i], totals[i] = block_rank(flags[i], counts)


@pytest.mark.parametrize("order", simulator.ORDERS)
def test_ranks_are_the_flags_before(order: str) -> None:
    flags = np.random.default_rng(0).integers(0, 2, (2, 64))
    ranks, totals = np.full(128, -1), np.full(128, -1)
    kernel = Kernel(rank_all, "float32", "test", 64)
    simulator.launch(kernel.plain, 1, 64, [*map(simulator.Pointer, (flags.ravel(), ranks, totals))], order)
    np.testing.assert_array_equal(ranks.reshape(2, 64), flags.cumsum(axis=1) - flags)
    np.testing.assert_array_equal(totals.reshape(2, 64), flags.sum(axis=1, keepdims=True).repeat(64, 1))
