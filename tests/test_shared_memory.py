"""Gradients may be written over what a call reads: the result is that of arrays far apart."""

import numpy as np
import pytest

import numbaloss as nl
from numbaloss.structures.layout import STAGED

NAMES = ["multi_margin_loss", "categorical_hinge_loss", "nll_loss", "cross_entropy"]


@pytest.mark.parametrize("name", NAMES)
def test_a_gradient_may_be_written_over_labels_or_weights(name):
    rng = np.random.default_rng(0)
    scores, kept, weights = rng.standard_normal((300, 4)), rng.integers(0, 4, 300), rng.uniform(0.5, 2.0, 300)
    loss = nl.get(name)
    for way in ({}, {"wrt": ("input",)}, {"sample_weight": weights}):
        value, gradient = loss.value_and_grad(scores, kept, **way)
        out = np.zeros((300, 4))
        labels = out.view(np.int64).reshape(-1)[:300]
        labels[:] = kept
        got, slopes = loss.value_and_grad(scores, labels, out=out, **way)
        assert got == value
        np.testing.assert_array_equal(slopes, gradient)
    out = np.zeros((300, 4))
    out.reshape(-1)[100:400] = weights
    got, slopes = loss.value_and_grad(scores, kept, out=out, sample_weight=out.reshape(-1)[100:400])
    assert got == value
    np.testing.assert_array_equal(slopes, gradient)


@pytest.mark.parametrize("shift", [0, 1, 70, 7000], ids="{} elements on".format)
@pytest.mark.parametrize("name", ["multi_margin_loss", "cross_entropy"])
def test_a_gradient_may_be_written_over_logits_that_are_converted_piece_by_piece(name, shift):
    """What is not float32 or float64 is read in pieces; those to come are not to be spoilt."""
    classes = 7
    rows = 2 * STAGED // classes
    rng = np.random.default_rng(0)
    memory = rng.standard_normal(rows * classes + shift).astype(np.float16)
    logits, out = (memory[start:][: rows * classes].reshape(rows, classes) for start in (0, shift))
    labels = rng.integers(0, classes, rows)
    value, gradient = nl.get(name).value_and_grad(logits.copy(), labels)
    got, slopes = nl.get(name).value_and_grad(logits, labels, out=out)
    assert got == value
    np.testing.assert_array_equal(slopes, gradient)


@pytest.mark.parametrize("name", ["multi_margin_loss", "cross_entropy"])
def test_a_gradient_may_be_written_over_labels_that_are_read_piece_by_piece(name):
    classes = 7
    rows = 2 * STAGED // classes
    rng = np.random.default_rng(0)
    logits, kept = rng.standard_normal((rows, classes)).astype(np.float16), rng.integers(0, classes, rows)
    value, gradient = nl.get(name).value_and_grad(logits, kept)
    out = np.zeros((rows, classes), np.float16)
    labels = out.reshape(-1)[: 4 * rows].view(np.int64)
    labels[:] = kept
    got, slopes = nl.get(name).value_and_grad(logits, labels, out=out)
    assert got == value
    np.testing.assert_array_equal(slopes, gradient)
