"""Total variation distance of two softmaxes, and the hinge of each row's strongest rival."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import numbaloss as nl

LOGITS = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6), elements=st.floats(-50, 50))


def by_torch(function, *inputs):
    """Value and gradients by torch in float64."""
    leaves = [torch.tensor(array, requires_grad=True) for array in inputs]
    value = function(*leaves)
    return value.item(), [gradient.numpy() for gradient in torch.autograd.grad(value, leaves)]


def total_variation(student, teacher):
    return 0.5 * (student.softmax(1) - teacher.softmax(1)).abs().sum(1).mean()


@given(LOGITS, st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_total_variation_is_torchs(student, seed):
    teacher = 3.0 * np.random.default_rng(seed).standard_normal(student.shape)
    value, gradients = nl.TVDLoss().value_and_grad(student, teacher, wrt=("student", "teacher"))
    wanted, slopes = by_torch(total_variation, student, teacher)
    assert value == pytest.approx(wanted, rel=1e-12, abs=1e-15)
    assert 0.0 <= value <= 1.0 + 1e-15
    if student.shape[1] > 1:  # a single class is a tie, up to rounding in torch
        for got, slope in zip(gradients, slopes, strict=True):
            np.testing.assert_allclose(got, slope, rtol=1e-9, atol=1e-14)


def test_total_variation_is_a_distance():
    rng = np.random.default_rng(1)
    one, two, three = (4.0 * rng.standard_normal((20, 7)) for _ in range(3))
    there = nl.tvd_loss(one, two, reduction="none")
    np.testing.assert_allclose(there, nl.tvd_loss(two, one, reduction="none"), rtol=1e-14)
    around = nl.tvd_loss(one, three, reduction="none") + nl.tvd_loss(three, two, reduction="none")
    assert (there <= around + 1e-14).all()
    value, gradient = nl.TVDLoss().value_and_grad(one, one)
    assert value == 0.0
    assert not gradient.any()


@pytest.mark.parametrize("lead", [20.0, 60.0, 80.0])
def test_total_variation_keeps_its_digits_where_both_are_sure(lead):
    """In float32 too: relative to itself, the gradient of the class that has nearly everything included."""
    student = np.array([[lead, 0.0, 1.0], [0.0, 0.5, lead]])
    teacher = np.array([[lead - 2.0, 0.5, 0.0], [lead, 0.0, -1.0]])
    _, exact = nl.TVDLoss(reduction="sum").value_and_grad(student, teacher)
    _, found = nl.TVDLoss(reduction="sum").value_and_grad(student.astype(np.float32), teacher.astype(np.float32))
    at = np.abs(exact) > 1e-37
    assert at.any()
    np.testing.assert_allclose(found[at], exact[at], rtol=2e-6)


@pytest.mark.parametrize("shape", [(6, 200), (3, 4, 5)])
def test_total_variation_has_no_term_without_probability(shape):
    student = np.random.default_rng(2).standard_normal(shape)
    teacher = student[::-1].copy()
    student[:, 0] = teacher[:, 0] = -np.inf
    value, gradient = nl.TVDLoss().value_and_grad(student, teacher)
    wanted, without = nl.TVDLoss().value_and_grad(student[:, 1:], teacher[:, 1:])
    assert value == pytest.approx(float(wanted), rel=1e-14)
    np.testing.assert_allclose(gradient[:, 1:], without, rtol=1e-12, atol=1e-17)
    assert not gradient[:, 0].any()


def strongest_rival(scores, labels):
    label = torch.as_tensor(labels)[:, None]
    wrong = scores.scatter(1, label, -torch.inf).max(1).values
    return (1 + wrong - scores.gather(1, label)[:, 0]).relu()


@given(LOGITS.filter(lambda scores: scores.shape[1] > 1), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_the_strongest_rival_counts(scores, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, scores.shape[1], len(scores))
    class_weights = rng.uniform(0.5, 2.0, scores.shape[1])
    value, gradient = nl.CategoricalHingeLoss(weight=class_weights).value_and_grad(scores, labels)
    wanted, (slopes,) = by_torch(
        lambda x: (torch.as_tensor(class_weights[labels]) * strongest_rival(x, labels)).mean(), scores
    )
    assert value == pytest.approx(wanted, rel=1e-13, abs=1e-15)
    np.testing.assert_allclose(gradient.sum(axis=1), 0.0, atol=1e-15)
    distinct = [len(set(row)) == len(row) for row in scores.tolist()]
    np.testing.assert_allclose(gradient[distinct], slopes[distinct], rtol=1e-13)


def test_of_equal_rivals_the_first_has_the_slope():
    gradient = nl.CategoricalHingeLoss().value_and_grad([[2.0, 0.0, 2.0, 2.0]], [1])[1]
    assert gradient.tolist() == [[1.0, -1.0, 0.0, 0.0]]


def test_a_single_class_has_no_rival():
    value, gradient = nl.CategoricalHingeLoss().value_and_grad([[3.0], [np.inf]], [0, 0])
    assert value == 0.0
    assert gradient.tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_nan_is_passed_on_from_any_place(place):
    scores = np.zeros((1, 3))
    scores[0, place] = np.nan
    assert np.isnan(nl.categorical_hinge_loss(scores, [1]))


def test_kerass_meaning_is_the_same_among_scores_of_zero_or_more():
    scores = np.random.default_rng(3).uniform(0.0, 2.0, (50, 6))
    labels = np.random.default_rng(4).integers(0, 6, 50)
    shares = np.eye(6)[labels]
    keras = np.maximum(0.0, ((1.0 - shares) * scores).max(axis=1) - (shares * scores).sum(axis=1) + 1.0)
    np.testing.assert_allclose(nl.categorical_hinge_loss(scores, labels, reduction="none"), keras, rtol=1e-14)
    below = scores - 5.0
    keras = np.maximum(0.0, ((1.0 - shares) * below).max(axis=1) - (shares * below).sum(axis=1) + 1.0)
    assert (nl.categorical_hinge_loss(below, labels, reduction="none") < keras).all()


def test_sets_have_no_hardest_rival():
    with pytest.raises(ValueError, match=r"nl\.margins takes sets or hardest, not both"):
        nl.margins(sets=True, hardest=True)(lambda gap: (gap, 1.0, 0.0))
