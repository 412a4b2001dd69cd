"""CTC beside torch's: inputs its own list of samples does not have, and where numbaloss answers otherwise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from differences import shows

import numbaloss as nl


def batch(steps=12, count=5, classes=6, labels=4, seed=0, dtype=np.float64):
    """Logits, padded targets, input lengths and target lengths with room for an alignment."""
    rng = np.random.default_rng(seed)
    logits = (3.0 * rng.standard_normal((steps, count, classes))).astype(dtype)
    target_lengths = rng.integers(0, labels + 1, count)
    input_lengths = rng.integers(2 * labels, steps + 1, count)
    return logits, rng.integers(1, classes, (count, labels)), input_lengths, target_lengths


def by_torch(logits, *labels, fused=True, **arguments):
    """torch's value and gradient, through its log-softmax where the input holds logits."""
    leaf = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    log_probs = F.log_softmax(leaf, -1) if fused else leaf
    value = F.ctc_loss(log_probs, *map(torch.as_tensor, labels), **arguments)
    (gradient,) = torch.autograd.grad(value.sum(), leaf)
    return value.detach().numpy(), gradient.numpy()


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("blank", [0, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_from_logits_agrees_with_torch_through_its_log_softmax(reduction, blank, dtype):
    logits, targets, *lengths = batch(dtype=dtype)
    targets = targets - (blank == 5)
    value, gradient = by_torch(logits, targets, *lengths, reduction=reduction, blank=blank)
    criterion = nl.CTCWithLogitsLoss(reduction=reduction, blank=blank)
    found, slopes = criterion.value_and_grad(logits, targets, *lengths)
    tolerance = 1e-6 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(found, value, rtol=tolerance)
    np.testing.assert_allclose(slopes, gradient, rtol=0, atol=tolerance)


@pytest.mark.parametrize("gradient_by", ["logits", "log_probs"])
def test_both_gradients_through_a_log_softmax_are_that_by_the_logits(gradient_by):
    logits, targets, *lengths = batch(seed=1)
    log_probs = torch.log_softmax(torch.tensor(logits), 2).numpy()
    _, slopes = nl.CTCLoss(gradient_by=gradient_by).value_and_grad(log_probs, targets, *lengths)
    passed_on = slopes - np.exp(log_probs) * slopes.sum(axis=2, keepdims=True)
    np.testing.assert_allclose(passed_on, by_torch(logits, targets, *lengths)[1], rtol=0, atol=1e-14)


def test_log_probabilities_that_do_not_add_up_to_one_are_treated_as_torch_does():
    scores, targets, *lengths = batch(seed=2)
    value, gradient = by_torch(scores, targets, *lengths, fused=False)
    found, slopes = nl.CTCLoss().value_and_grad(scores, targets, *lengths)
    np.testing.assert_allclose(found, value, rtol=1e-13)
    np.testing.assert_allclose(slopes, gradient, rtol=1e-11, atol=1e-13)


def test_one_sequence_without_a_batch_axis():
    logits, targets, input_lengths, target_lengths = batch(count=1, seed=3)
    one = logits[:, 0], targets[0, : target_lengths[0]], input_lengths[0], target_lengths[0]
    value, gradient = by_torch(*one)
    found, slopes = nl.CTCWithLogitsLoss().value_and_grad(*one)
    assert np.shape(found) == ()
    np.testing.assert_allclose(found, value, rtol=1e-13)
    np.testing.assert_allclose(slopes, gradient, rtol=0, atol=1e-13)


@pytest.mark.parametrize("zero_infinity", [False, True])
def test_sequences_without_an_alignment_are_answered_as_torch_answers(zero_infinity):
    """Too many labels, equal labels without room for a blank, no time steps; with nan where torch has nan."""
    logits = batch(count=4, classes=5, seed=4)[0][:6]
    targets = np.array([[1, 2, 3, 4], [1, 1, 1, 1], [2, 2, 3, 4], [1, 2, 1, 2]])
    lengths = np.array([3, 6, 0, 4]), np.array([4, 4, 1, 4])
    log_probs = torch.log_softmax(torch.tensor(logits), 2).numpy()
    value, gradient = by_torch(log_probs, targets, *lengths, fused=False, reduction="none", zero_infinity=zero_infinity)
    criterion = nl.CTCLoss(reduction="none", zero_infinity=zero_infinity)
    found, slopes = criterion.value_and_grad(log_probs, targets, *lengths)
    np.testing.assert_array_equal(np.isinf(found), np.isinf(value))
    np.testing.assert_allclose(found, value, rtol=1e-13)
    np.testing.assert_allclose(slopes, gradient, rtol=0, atol=1e-13)
    assert np.isinf(value).sum() == (0 if zero_infinity else 3)


@shows("ctc-blank-in-target")
def test_the_blank_is_no_label():
    logits, targets, *lengths = batch(seed=5)
    targets[0, 0], lengths[1][0] = 0, 2
    assert np.isfinite(by_torch(logits, targets, *lengths)[0]).all()
    with pytest.raises(ValueError, match="targets of sequence 0, label 0, is 0, the blank"):
        nl.ctc_loss_with_logits(logits, targets, *lengths)


@shows("ctc-labels")
@pytest.mark.parametrize("wrong", [6, -1])
def test_labels_out_of_range_are_refused(wrong):
    """torch reads whatever lies beyond its array: what it answers is not looked at here."""
    logits, targets, *lengths = batch(seed=6)
    targets[2, 0], lengths[1][2] = wrong, 3
    with pytest.raises(ValueError, match=f"targets of sequence 2, label 0, is {wrong}, but labels must be in 0 ... 5"):
        nl.ctc_loss_with_logits(logits, targets, *lengths)


@shows("ctc-impossible-symbols")
def test_symbols_of_no_probability_have_a_finite_gradient():
    """torch subtracts an infinity from an infinity where a log-probability is minus infinity."""
    log_probs = np.full((2, 1, 3), -np.inf)
    log_probs[:, 0, :2] = np.log([[0.5, 0.5], [0.25, 0.75]])
    arguments = log_probs, [[1]], [2], [1]
    value, gradient = by_torch(*arguments, fused=False)
    assert np.isnan(gradient[:, 0, 2]).all()
    found, slopes = nl.CTCLoss().value_and_grad(*arguments)
    np.testing.assert_allclose(found, value, rtol=1e-13)
    np.testing.assert_allclose(slopes[:, 0, :2], gradient[:, 0, :2], rtol=1e-12)
    assert not slopes[:, 0, 2].any()


@shows("ctc-empty-batch")
def test_no_sequences_are_the_mean_of_nothing():
    empty = np.zeros((4, 0, 3)), np.zeros((0, 2), np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
    with pytest.raises(RuntimeError):
        F.ctc_loss(*map(torch.tensor, empty))
    assert np.isnan(nl.ctc_loss(*empty))
    assert nl.ctc_loss(*empty, reduction="sum") == 0.0
