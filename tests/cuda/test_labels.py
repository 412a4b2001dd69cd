"""Class labels on a device: out of range they make nan of what they touch, and raise where that is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numbaloss as nl
from numbaloss.arrays.simulated import SimulatedArray

LOGITS = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
IMAGES = np.random.default_rng(1).normal(size=(2, 3, 5)).astype(np.float32)


def on_device(*arrays: Any) -> tuple[SimulatedArray, ...]:
    return tuple(SimulatedArray(array) for array in arrays)


@pytest.mark.parametrize("name", ["cross_entropy", "focal_loss", "multi_margin_loss", "categorical_hinge_loss"])
def test_a_wrong_label_makes_its_row_nan_and_no_other(name: str) -> None:
    loss = nl.get(name, reduction="none")
    labels = np.array([0, 7, 2, 1])
    values, gradient = (found.cells for found in loss.value_and_grad(*on_device(LOGITS, labels)))
    right, slopes = loss.value_and_grad(LOGITS, np.array([0, 1, 2, 1]))
    assert np.isnan(values[1])
    assert np.isnan(gradient[1]).all()
    np.testing.assert_allclose(values[[0, 2, 3]], right[[0, 2, 3]], rtol=1e-5)
    np.testing.assert_allclose(gradient[[0, 2, 3]], slopes[[0, 2, 3]], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("label", [-1, 3])
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss", "multi_margin_loss", "arcface_loss"])
def test_it_raises_where_that_is_asked_for(name: str, label: int) -> None:
    arrays = on_device(np.tanh(LOGITS), np.array([0, 1, label, 1], np.int16))
    assert np.isnan(nl.get(name)(*arrays).cells)
    with nl.check_labels(), pytest.raises(ValueError, match=r"labels in target must be in 0 ... 2.*1 of 4 are not"):
        nl.get(name)(*arrays)
    assert np.isnan(nl.get(name)(*arrays).cells)


def test_the_ignored_label_is_right() -> None:
    with nl.check_labels():
        value = nl.cross_entropy(*on_device(LOGITS, np.array([0, -100, 2, 1])))
    np.testing.assert_allclose(value.cells, nl.cross_entropy(LOGITS, np.array([0, -100, 2, 1])), rtol=1e-6)


def test_labels_of_regions_are_checked() -> None:
    labels = np.zeros((2, 5), np.int64)
    with nl.check_labels():
        nl.dice_loss(*on_device(IMAGES, labels))
        labels[1, 2] = 3
        with pytest.raises(ValueError, match=r"labels in target must be in 0 ... 2"):
            nl.dice_loss(*on_device(IMAGES, labels))


def test_labels_and_lengths_of_sequences_are_checked() -> None:
    scores = np.log(np.full((4, 2, 3), 1 / 3, np.float32))
    good = on_device(scores, np.array([[1, 2], [1, 1]]), np.array([4, 4]), np.array([2, 1]))
    bad = on_device(scores, np.array([[1, 5], [1, 1]]), np.array([4, 4]), np.array([2, 1]))
    with nl.check_labels():
        assert np.isfinite(nl.ctc_loss(*good).cells)
        with pytest.raises(ValueError, match="1 of 2 sequences have labels or lengths out of range"):
            nl.ctc_loss(*bad)
    assert np.isnan(nl.ctc_loss(*bad).cells)
