"""`nl.kernel`: losses from their author's own kernel for one unit, of any shapes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numbaloss as nl
from numbaloss.compile.primitives import exp, log, maximum
from numbaloss.testing import check_loss, checks_for, parametrize_loss_checks
from numbaloss.testing.checks_twins import twin


def exponentials(scores, heat, highest):
    """A helper that is given a slice."""
    total = 0.0
    for j in range(scores.size):
        total += exp(scores[j] * heat - highest)
    return total


@nl.kernel(shapes={"scores": ("C",), "target": ()}, labels={"target": "C"}, unit="row")
def own_entropy_loss(scores, target, gradient, heat=1.0):
    r"""Cross-entropy of scores that are multiplied by an inverse temperature.

    .. math:: \ell = \log \sum_c e^{\beta x_c} - \beta x_y

    The mean divides by the number of rows.

    Parameters
    ----------
    scores : array (N, C)
        Scores.
    target : array (N,) of whole numbers
        Classes.
    heat : float
        The inverse temperature.

    References
    ----------
    None: made for this test.

    Examples
    --------
    >>> round(float(own_entropy_loss([[0.0, 0.0]], [1])), 4)
    0.6931
    """
    highest = scores[0] * heat
    for j in range(scores.size):
        highest = maximum(highest, scores[j] * heat)
    total = exponentials(scores, heat, highest)
    if gradient is not None:
        for j in range(scores.size):
            gradient[j] = heat * exp(scores[j] * heat - highest) / total
        gradient[target] -= heat
    return log(total) - (scores[target] * heat - highest)


@nl.kernel(shapes={"matrix": ("K", "D"), "vector": ("D",), "offset": ()}, wrt=("matrix", "vector"), unit="system")
def residual_loss(matrix, vector, offset, by_matrix, by_vector, by_offset, power=2):
    r"""Half the squared residual of a small linear system, and an offset.

    .. math:: \ell = \tfrac12 \sum_k (a_k \cdot x + b)^2

    The mean divides by the number of systems.

    Parameters
    ----------
    matrix : array (N, K, D)
        The system.
    vector : array (N, D)
        What is multiplied.
    offset : array (N,)
        Added to each product.
    power : int
        Whole, so that the function gets an integer.

    References
    ----------
    None: made for this test.

    Examples
    --------
    >>> float(residual_loss([[[1.0, 2.0]]], [[1.0, 1.0]], [0.0]))
    4.5
    """
    total = 0.0
    for k in range(matrix.shape[0]):
        product = offset
        for j in range(matrix.shape[1]):
            product += matrix[k, j] * vector[j]
        total += 0.5 * product * product
        if by_offset is not None:
            by_offset[0] += product
        for j in range(matrix.shape[1]):
            if by_matrix is not None:
                by_matrix[k, j] = product * vector[j]
            if by_vector is not None:
                by_vector[j] += product * matrix[k, j]
    return total


def half_of(x, held, share=0.5):
    return share * (x[0] - held[0]) * (x[1] + held[1]) + x[0] * x[1]


@nl.kernel(shapes={"x": (2,)}, gradient_of=half_of)
def held_loss(x, gradient, share=0.5):
    r"""A product whose gradient takes something else for it.

    .. math:: \ell = x_0 x_1

    The mean divides by the number of units.

    Parameters
    ----------
    x : array (N, 2)
        Factors.
    share : float
        Of what is added in the gradient.

    References
    ----------
    None: made for this test.

    Examples
    --------
    >>> float(held_loss([[2.0, 3.0]]))
    6.0
    """
    if gradient is not None:
        gradient[0] = x[1] + 2.0 * share * x[1]
        gradient[1] = x[0]
    return x[0] * x[1]


LOSSES = [own_entropy_loss, residual_loss, held_loss]


@parametrize_loss_checks(LOSSES)
def test_conformance(loss, check):
    check(loss)


def test_a_gradient_of_something_else_is_not_compared_with_differences_but_at_fifty_digits():
    assert "check_gradient_by_differences" not in checks_for(held_loss)
    assert "check_exact_rows" in checks_for(held_loss)
    assert "check_gradient_by_differences" in checks_for(residual_loss)


def test_the_suite_finds_a_wrong_gradient():
    @nl.kernel(shapes={"x": (2,)})
    def wrong_loss(x, gradient):
        if gradient is not None:
            gradient[0] = x[1]
            gradient[1] = 1.5 * x[0]
        return x[0] * x[1]

    for name in ("check_gradient_by_differences", "check_exact_rows"):
        with pytest.raises(AssertionError, match="by x"):
            check_loss(wrong_loss, names=[name])


# ---- numbers


@settings(max_examples=25, deadline=None, database=None)
@given(
    st.integers(1, 7), st.integers(1, 6), st.sampled_from(["f4", "f8", "f2"]), st.sampled_from(["C", "F", "half"]),
    st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_own_entropy_is_cross_entropy(rows, classes, kind, order, seed):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(rows, classes)).astype(kind)
    target = rng.integers(0, classes, rows)
    given_scores = {"C": scores, "F": np.asfortranarray(scores), "half": np.repeat(scores, 2, axis=0)[::2]}[order]
    weights = rng.uniform(0.5, 2.0, rows)
    value, gradient = own_entropy_loss.Loss().value_and_grad(given_scores, target, sample_weight=weights)
    each, slopes = nl.CrossEntropyLoss(reduction="none").value_and_grad(scores.astype("f8"), target)
    tolerance = {"f8": 1e-13, "f4": 1e-5, "f2": 4e-3}[kind]
    share = weights / weights.sum()
    np.testing.assert_allclose(value, share @ each, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(gradient, share[:, None] * slopes, rtol=tolerance, atol=tolerance)
    assert value.dtype == gradient.dtype == scores.dtype


def test_leading_axes_of_any_number_and_layout():
    rng = np.random.default_rng(1)
    matrix, vector, offset = rng.normal(size=(4, 3, 2, 5)), rng.normal(size=(4, 3, 5)), rng.normal(size=(4, 3))
    products = np.einsum("nmkd,nmd->nmk", matrix, vector) + offset[..., None]
    criterion = residual_loss.Loss(reduction="none")
    turned = np.asfortranarray(matrix), vector.transpose(1, 0, 2).copy().transpose(1, 0, 2), offset[::-1].copy()[::-1]
    for arrays in ((matrix, vector, offset), turned):
        values, (by_matrix, by_vector, by_offset) = criterion.value_and_grad(
            *arrays, wrt=("matrix", "vector", "offset")
        )
        np.testing.assert_allclose(values, 0.5 * (products**2).sum(-1), rtol=1e-13)
        np.testing.assert_allclose(by_matrix, products[..., None] * vector[:, :, None], rtol=1e-13)
        np.testing.assert_allclose(by_vector, np.einsum("nmk,nmkd->nmd", products, matrix), rtol=1e-12)
        np.testing.assert_allclose(by_offset, products.sum(-1), rtol=1e-12)
    value, slope = criterion.value_and_grad(matrix[0, 0], vector[0, 0], offset[0, 0], wrt=("offset",))
    assert value.shape == slope.shape == ()


def test_no_gradient_that_is_not_asked_for_is_written_and_slices_come_as_zeros():
    rng = np.random.default_rng(2)
    arrays = rng.normal(size=(6, 2, 3)), rng.normal(size=(6, 3)), rng.normal(size=6)
    criterion = residual_loss.Loss(reduction="sum")
    _, every = criterion.value_and_grad(*arrays, wrt=("matrix", "vector", "offset"))
    for k, name in enumerate(("matrix", "vector", "offset")):
        out = np.full_like(arrays[k], np.nan)
        _, alone = criterion.value_and_grad(*arrays, wrt=(name,), out=out)
        assert alone is out
        np.testing.assert_allclose(alone, every[k], rtol=1e-14)


def test_the_same_bits_on_any_number_of_threads():
    rng = np.random.default_rng(3)
    scores, target = rng.normal(size=(50_000, 7)).astype("f4"), rng.integers(0, 7, 50_000)
    criterion, found, weights = own_entropy_loss.Loss(), [], rng.uniform(size=50_000)
    for parallel, threads in ((False, None), (True, 1), (True, 2)):
        with twin(parallel, threads):
            found.append(criterion.value_and_grad(scores, target, sample_weight=weights))
    for value, gradient in found[1:]:
        assert value == found[0][0]
        np.testing.assert_array_equal(gradient, found[0][1])


def test_a_function_may_make_arrays_of_its_own():
    @nl.kernel(shapes={"x": ("D",)})
    def sorted_loss(x, gradient):
        order = np.argsort(x)
        if gradient is not None:
            for rank in range(order.size):
                gradient[order[rank]] = rank * 1.0
        total = 0.0
        for rank in range(order.size):
            total += rank * x[order[rank]]
        return total

    value, gradient = sorted_loss.Loss(reduction="none").value_and_grad([[3.0, 1.0, 2.0], [0.0, 5.0, -1.0]])
    np.testing.assert_allclose(value, [8.0, 10.0])
    np.testing.assert_allclose(gradient, [[2.0, 0.0, 1.0], [1.0, 2.0, 0.0]])


def unit(x):
    """A helper with the name of an open name of the template."""
    return x * x


@pytest.mark.filterwarnings("error")
def test_a_sum_beyond_the_type_is_infinite_and_does_not_warn():
    value, _ = held_loss.Loss(reduction="sum").value_and_grad(np.full((4, 2), 1.5e19, np.float32))
    assert value == np.inf
    assert type(value) is np.float32


def test_helpers_may_have_any_name():
    @nl.kernel(shapes={"x": ("D",)})
    def squares_loss(x, gradient):
        total = 0.0
        for j in range(x.size):
            total += unit(x[j])
        return total

    assert squares_loss([[1.0, 2.0]]) == 5.0


def test_the_counterpart_for_a_device_is_kept():
    def device(x, gradient, share=0.5):
        return x[0]

    @nl.kernel(shapes={"x": (2,)}, cuda=device)
    def some_loss(x, gradient, share=0.5):
        return x[0]

    assert some_loss.definition.facts["cuda"] is device
    assert held_loss.definition.facts["cuda"] is None


# ---- errors


def test_labels_are_checked_before_anything_is_read():
    scores = np.zeros((2, 3))
    for bad in ([0, 3], [-1, 0], np.array([0, 2**63], np.uint64)):
        with pytest.raises(ValueError, match="target must hold whole numbers from 0 to 2, got"):
            own_entropy_loss(scores, bad)
    with pytest.raises(TypeError, match="target must hold integer"):
        own_entropy_loss(scores, [0.0, 1.0])


@pytest.mark.parametrize(
    ("matrix", "vector", "offset", "words"),
    [
        ((4, 2, 3), (4, 2), (4,), r"vector has shape \(4, 2\); wanted \(4, 3\) to go with matrix"),
        ((4, 2, 3), (4, 3), (3,), r"offset has shape \(3,\); wanted \(4\) to go with matrix"),
        ((3,), (3,), (), r"matrix has shape \(3,\); wanted \(..., K, D\)"),
        ((4, 0, 3), (4, 3), (4,), r"matrix has shape \(4, 0, 3\); wanted \(..., K, D\)"),
        ((4, 2, 3), (3,), (4,), r"vector has shape \(3,\); wanted \(4, 3\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(matrix, vector, offset, words):
    with pytest.raises(ValueError, match=words):
        residual_loss(np.zeros(matrix), np.zeros(vector), np.zeros(offset))


def plain(x, y, by_x, by_y, scale=1.0):
    return x[0] * y[0] * scale


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"shapes": {"y": (2,), "x": (2,)}}, "the first arguments are"),
        ({"shapes": {"x": (2,)}}, "one argument for each gradient"),
        ({"shapes": {"x": (2,), "y": (2,), "by_x": (), "by_y": ()}}, "one argument for each gradient"),
        ({"shapes": {"x": (2,), "y": (0,)}}, "the shape of y must be a tuple"),
        ({"shapes": {"x": (2,), "y": 2}}, "the shape of y must be a tuple"),
        ({"shapes": {"x": (2,), "y": (2,)}, "labels": {"z": None}}, "no inputs"),
        ({"shapes": {"x": (2,), "y": (2,)}, "labels": {"y": "C"}}, "which no input has"),
        ({"shapes": {"x": (2,), "y": (2,)}, "differentiable": ("y", "x")}, "in their order"),
        ({"shapes": {"x": (2,), "y": (2,)}, "wrt": ("y", "x")}, "wrt must name"),
        ({"shapes": {"x": (2,), "y": (2,)}, "weight": "sum"}, "nl.kernel takes no fact 'weight'"),
        ({"shapes": {"x": (2,), "y": (2,)}, "cuda": half_of}, "cuda must be a function of the same arguments"),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(facts, words):
    with pytest.raises(TypeError, match=words):
        nl.kernel(plain, **facts)
