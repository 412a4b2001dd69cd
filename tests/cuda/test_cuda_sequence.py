"""Alignments on a simulated device: every way states are kept, lengths and labels of every kind, long sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numbaloss as nl
from numbaloss.arrays.simulated import SimulatedArray
from numbaloss.structures.cuda import sequence
from numbaloss.testing.checks_device import close

Array = np.ndarray[Any, Any]
LOSSES = {"logits": nl.CTCWithLogitsLoss, "log_probs": nl.CTCLoss}
STEPS, COUNT, LABELS = 7, 6, 4


def drawn(name: str, classes: int = 5) -> tuple[Array, Array, Array, Array]:
    """Equal labels, none, one for one time step, more than time steps, and sequences that end early."""
    rng = np.random.default_rng(classes)
    scores = 3.0 * rng.standard_normal((STEPS, COUNT, classes))
    if name == "log_probs":
        scores -= np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    labels = rng.integers(1, classes, (COUNT, LABELS))
    labels[0] = labels[0, 0]
    counts = np.array([LABELS, 0, LABELS, 1, 2, LABELS - 1])
    lengths = np.array([STEPS, STEPS, STEPS - 1, 1, 1, STEPS])
    return scores.astype(np.float32), labels, lengths, counts


def check(loss: Any, arrays: tuple[Any, ...], given: tuple[Any, ...], **more: Any) -> None:
    value, gradient = loss.value_and_grad(*arrays, **more)
    found, slopes = loss.value_and_grad(*given, **{name: SimulatedArray(array) for name, array in more.items()})
    close(found, value, "float32", "value")
    close(slopes, gradient, "float32", "gradient")


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("settings", [{}, {"zero_infinity": True}, {"reduction": "sum"}, {"reduction": "none"}])
def test_alignments_that_are_hard_or_impossible(name: str, settings: dict[str, Any]) -> None:
    arrays = drawn(name)
    check(LOSSES[name](**settings), arrays, tuple(map(SimulatedArray, arrays)))


@pytest.mark.parametrize("classes", [40, 700])
def test_many_classes(classes: int) -> None:
    arrays = drawn("logits", classes)
    check(nl.CTCWithLogitsLoss(reduction="none"), arrays, tuple(map(SimulatedArray, arrays)))


def test_the_derivative_by_log_probabilities_themselves() -> None:
    arrays = drawn("log_probs")
    check(nl.CTCLoss(gradient_by="log_probs", reduction="none"), arrays, tuple(map(SimulatedArray, arrays)))


def test_weights_and_another_blank() -> None:
    scores, labels, lengths, counts = drawn("logits")
    arrays = scores, np.where(labels == 2, 1, labels), lengths, counts
    weights = np.array([1.0, 0.0, 2.0, 0.5, 3.0, 1.0], np.float32)
    loss = nl.CTCWithLogitsLoss(blank=2, zero_infinity=True)
    check(loss, arrays, tuple(map(SimulatedArray, arrays)), sample_weight=weights)


@pytest.mark.parametrize("kind", ["int32", "uint8"])
def test_labels_one_after_another(kind: str) -> None:
    scores, labels, lengths, counts = drawn("logits")
    joined = np.concatenate([row[:n] for row, n in zip(labels, counts, strict=True)])
    arrays = scores, joined.astype(kind), lengths.astype(np.int32), counts.astype(kind)
    check(nl.CTCWithLogitsLoss(reduction="none"), arrays, tuple(map(SimulatedArray, arrays)))


def test_labels_and_lengths_on_the_host_are_taken_and_checked() -> None:
    scores, labels, lengths, counts = drawn("logits")
    given = SimulatedArray(scores), labels.tolist(), tuple(lengths), counts
    check(nl.CTCWithLogitsLoss(reduction="none"), (scores, labels, lengths, counts), given)
    with pytest.raises(ValueError, match=r"input_lengths\[0\] is 8, but the input has 7 time steps"):
        nl.ctc_loss_with_logits(given[0], labels, lengths + 1, counts)


@pytest.mark.parametrize(("room", "threads"), [((), 64), ((64,), 32)], ids=["in global memory", "several a thread"])
def test_more_states_than_threads(monkeypatch: pytest.MonkeyPatch, room: tuple[int, ...], threads: int) -> None:
    monkeypatch.setattr(sequence, "STATES", room)
    monkeypatch.setattr(sequence, "MOST_THREADS", threads)
    rng = np.random.default_rng(0)
    labels = rng.integers(1, 5, (2, 18))
    arrays = rng.standard_normal((40, 2, 5)).astype(np.float32), labels, np.array([40, 39]), np.array([18, 17])
    for reduction in ("none", "mean"):
        check(nl.CTCWithLogitsLoss(reduction=reduction), arrays, tuple(map(SimulatedArray, arrays)))


@pytest.mark.parametrize("name", LOSSES)
def test_labels_and_lengths_out_of_range_poison_their_sequence(name: str) -> None:
    scores, labels, lengths, counts = drawn(name)
    loss = LOSSES[name](reduction="none")
    value, gradient = loss.value_and_grad(scores, labels, lengths, counts)
    labels[0, 0], labels[3, 0], labels[5, LABELS - 1] = 5, 0, 99  # the last one is beyond its length
    lengths[2] = STEPS + 1
    found, slopes = loss.value_and_grad(*map(SimulatedArray, (scores, labels, lengths, counts)))
    wrong, right = [0, 2, 3], [1, 4, 5]
    assert np.isnan(found.cells[wrong]).all()
    assert np.isnan(slopes.cells[:, wrong]).all()
    np.testing.assert_allclose(found.cells[right], value[right], rtol=1e-5)
    np.testing.assert_allclose(slopes.cells[:, right], gradient[:, right], rtol=1e-4, atol=1e-5)


def test_a_transposed_input_is_read_where_it_lies_and_may_be_overwritten() -> None:
    arrays = drawn("logits")
    loss = nl.CTCWithLogitsLoss(reduction="none")
    whole = SimulatedArray(np.ascontiguousarray(arrays[0].transpose(1, 0, 2)))
    rest = tuple(map(SimulatedArray, arrays[1:]))
    check(loss, arrays, (whole.view(whole.cells.transpose(1, 0, 2)), *rest))
    given = SimulatedArray(arrays[0])
    loss.value_and_grad(given, *rest, out=given)
    close(given, loss.value_and_grad(*arrays)[1], "float32", "gradient in place")


@pytest.mark.parametrize("name", LOSSES)
def test_nan_and_scores_that_are_nearly_impossible(name: str) -> None:
    scores, labels, lengths, counts = drawn(name)
    scores[0, 0], scores[0, 2, labels[2, 0]], scores[:, 3, 0] = np.nan, -1e9, -1e9
    arrays = scores, labels, lengths, counts
    check(LOSSES[name](reduction="none"), arrays, tuple(map(SimulatedArray, arrays)))


def test_one_sequence_without_a_batch_axis_and_no_time_steps() -> None:
    scores, labels, _, _ = drawn("logits")
    arrays = scores[:, 0], labels[0], np.array(STEPS), np.array([3])
    check(nl.CTCWithLogitsLoss(), arrays, tuple(map(SimulatedArray, arrays)))
    nothing = np.zeros((0, 2, 4), np.float32), np.array([[1], [1]]), np.array([0, 0]), np.array([0, 1])
    check(nl.CTCWithLogitsLoss(reduction="none"), nothing, tuple(map(SimulatedArray, nothing)))


@pytest.mark.parametrize("margin", [5.0, 12.0, 16.0, 25.0])
def test_a_loss_near_zero_keeps_its_digits(margin: float) -> None:
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((12, 1, 6)).astype(np.float32)
    scores[np.arange(12), 0, [0, 1, 1, 0, 2, 2, 0, 0, 3, 3, 0, 0]] += np.float32(margin)
    rest = np.array([[1, 2, 3]]), np.array([12]), np.array([3])
    loss = nl.CTCWithLogitsLoss(reduction="sum")
    value, gradient = loss.value_and_grad(scores.astype(np.float64), *rest)
    found, slopes = loss.value_and_grad(*map(SimulatedArray, (scores, *rest)))
    np.testing.assert_allclose(found.cells, value, rtol=1e-6)
    largest = np.abs(gradient).max(axis=-1, keepdims=True)
    np.testing.assert_allclose(slopes.cells / largest, gradient / largest, atol=2e-6)


def test_float32_keeps_its_digits_along_hundreds_of_time_steps() -> None:
    rng = np.random.default_rng(0)
    scores, labels = 2.0 * rng.standard_normal((400, 1, 12)), rng.integers(1, 12, (1, 9))
    loss = nl.CTCWithLogitsLoss(reduction="sum")
    value, gradient = loss.value_and_grad(scores, labels, [400], [9])
    given = [SimulatedArray(scores.astype(np.float32)), *(SimulatedArray(np.array(a)) for a in (labels, [400], [9]))]
    found, slopes = loss.value_and_grad(*given)
    np.testing.assert_allclose(found.cells, value, rtol=2e-7)
    np.testing.assert_allclose(slopes.cells, gradient, atol=2e-6)
