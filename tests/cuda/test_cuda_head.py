"""The loss of a linear layer on a simulated device: chunks, ignored rows, layouts of the weight."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("greenlet")

import numbaloss as nl
from numbaloss.arrays.simulated import SimulatedArray
from numbaloss.testing.checks_device import close

Array = np.ndarray[Any, Any]
RNG = np.random.default_rng


def layer(rows: int, width: int, classes: int, dtype: str = "float64") -> tuple[Array, ...]:
    """Hidden states, weight, labels and bias."""
    rng = RNG(0)
    hidden, weight = rng.normal(size=(rows, width)).astype(dtype), rng.normal(size=(classes, width)).astype(dtype)
    return hidden, weight, rng.integers(0, classes, rows), rng.normal(size=classes).astype(dtype)


def agree(loss: Any, arrays: tuple[Array, ...], weights: Array | None = None, kind: str = "float64") -> None:
    """Assert that value and gradients are those of the host."""
    value, gradients = loss.value_and_grad(*arrays, sample_weight=weights)
    weighed = None if weights is None else SimulatedArray(weights)
    found, slopes = loss.value_and_grad(*map(SimulatedArray, arrays), sample_weight=weighed)
    close(found, value, kind, "value")
    for name, one, two in zip(("input", "linear_weight", "linear_bias"), slopes, gradients, strict=False):
        close(one, two, kind, name)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_chunks_of_several_tiles_add_up(reduction: str) -> None:
    loss = nl.LinearCrossEntropyLoss(reduction=reduction, label_smoothing=0.1, z_loss=0.01, chunk_bytes=64 * 70 * 8)
    agree(loss, layer(68, 18, 70), RNG(1).random(68))


def test_soft_caps_and_distributions_read_logits_again() -> None:
    hidden, weight, _, bias = layer(7, 5, 9)
    targets = RNG(2).dirichlet(np.ones(9), 7)
    agree(nl.LinearCrossEntropyLoss(chunk_bytes=300), (hidden, weight, targets, bias))
    agree(nl.LinearCrossEntropyLoss(softcap=2.0, chunk_bytes=300), layer(7, 5, 9))


def test_ignored_rows_do_not_count_whatever_they_hold() -> None:
    hidden, weight, labels, bias = layer(6, 4, 5)
    labels[2], hidden[2] = -100, np.nan
    agree(nl.LinearCrossEntropyLoss(weight=np.arange(1.0, 6.0)), (hidden, weight, labels, bias))


def test_a_label_out_of_range_poisons_its_row() -> None:
    hidden, weight, labels, bias = layer(4, 3, 5)
    labels[1] = 5
    given = map(SimulatedArray, (hidden, weight, labels, bias))
    value, slopes = nl.LinearCrossEntropyLoss(reduction="none").value_and_grad(*given)
    np.testing.assert_array_equal(np.isnan(value.cells), labels == 5)
    np.testing.assert_array_equal(np.isnan(slopes[0].cells).all(axis=1), labels == 5)


def test_a_transposed_weight_is_read_as_it_is() -> None:
    hidden, weight, labels, _ = layer(5, 4, 6)
    turned = SimulatedArray(np.ascontiguousarray(weight.T))
    loss = nl.LinearCrossEntropyLoss()
    value, slopes = loss.value_and_grad(SimulatedArray(hidden), turned.view(turned.cells.T), SimulatedArray(labels))
    wanted, gradients = loss.value_and_grad(hidden, weight, labels)
    close(value, wanted, "float64", "value")
    for one, two in zip(slopes, gradients, strict=True):
        close(one, two, "float64", "gradient")


def test_gradients_have_the_types_of_what_they_are_by() -> None:
    hidden, weight, labels, bias = layer(4, 3, 5, "float32")
    given = map(SimulatedArray, (hidden.astype(np.float16), weight, labels, bias))
    _, slopes = nl.LinearCrossEntropyLoss().value_and_grad(*given)
    assert [slope.kind for slope in slopes] == ["float16", "float32", "float32"]


def test_the_input_gradient_may_take_the_place_of_the_input() -> None:
    arrays = [SimulatedArray(array) for array in layer(5, 3, 4)]
    loss = nl.LinearCrossEntropyLoss(chunk_bytes=1)
    _, wanted = loss.value_and_grad(*arrays, wrt="input")
    _, found = loss.value_and_grad(*arrays, wrt="input", out=arrays[0])
    assert found is arrays[0]
    np.testing.assert_array_equal(found.cells, wanted.cells)


def test_a_weight_computed_in_another_type_is_refused() -> None:
    hidden, weight, labels, _ = layer(4, 3, 5)
    with pytest.raises(TypeError, match="linear_weight is float64 but input is float32"):
        nl.linear_cross_entropy(*map(SimulatedArray, (hidden.astype(np.float32), weight, labels)))
