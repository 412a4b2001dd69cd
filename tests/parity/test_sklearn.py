"""Loss, gradient and Hessian agree with scikit-learn's private `_loss` module, on its own tables and beyond."""

import numpy as np
import pytest
import sklearn._loss.tests.test_loss as sk
from differences import shows
from sklearn._loss.loss import (
    AbsoluteError,
    HalfBinomialLoss,
    HalfMultinomialLoss,
    HalfPoissonLoss,
    HalfSquaredError,
    HuberLoss,
    PinballLoss,
)

import numbaloss as nl

APPROXIMATE = (AbsoluteError, PinballLoss)  # their Hessians are 1: see approximate-hessian
HERE = (HalfSquaredError, HalfPoissonLoss, HalfBinomialLoss, HalfMultinomialLoss, HuberLoss, *APPROXIMATE)


def counterpart(loss):
    """The loss object that states `loss`, and what its numbers must be multiplied by."""
    match loss:
        case HalfSquaredError():
            return nl.MSELoss(reduction="sum"), 0.5
        case AbsoluteError():
            return nl.L1Loss(reduction="sum"), 1.0
        case PinballLoss():
            return nl.QuantileLoss(quantile=loss.closs.quantile, reduction="sum"), 1.0
        case HuberLoss():
            return nl.HuberLoss(delta=loss.closs.delta, reduction="sum"), 1.0
        case HalfPoissonLoss():
            return nl.PoissonNLLLoss(reduction="sum"), 1.0
        case HalfBinomialLoss():
            return nl.BCEWithLogitsLoss(reduction="sum"), 1.0
        case HalfMultinomialLoss():
            return nl.CrossEntropyLoss(reduction="sum"), 1.0
    raise AssertionError(f"no counterpart of {loss}")


def arrays(loss, y_true, raw):
    """scikit-learn's arrays (labels of classes as floats) as those that numbaloss takes."""
    labels = np.atleast_1d(y_true)
    if isinstance(loss, HalfMultinomialLoss):
        return np.reshape(np.asarray(raw, float), (labels.size, -1)), labels.astype(int)
    return np.atleast_1d(np.asarray(raw, float)), labels.astype(float)


def results(loss, y_true, raw, sample_weight=None):
    """Summed loss, gradient and Hessian by numbaloss, in scikit-learn's scale."""
    ours, factor = counterpart(loss)
    given = arrays(loss, y_true, raw)
    value, gradient = ours.value_and_grad(*given, sample_weight=sample_weight)
    same, hessian = ours.grad_and_hess(*given, sample_weight=sample_weight)
    np.testing.assert_allclose(gradient, same, rtol=1e-15)
    return factor * value, factor * gradient, factor * hessian


def rows(test, count):
    """The table a test of scikit-learn's is parametrised by, without the losses that are not here."""
    (mark,) = (mark for mark in test.pytestmark if mark.name == "parametrize")
    found = [row for row in mark.args[1] if isinstance(row[0], HERE)]
    assert len(found) >= count, "scikit-learn's table has moved or shrunk"
    return found


VALUES = rows(sk.test_loss_on_specific_values, 31)


@pytest.mark.parametrize(("loss", "y_true", "raw", "value", "gradient", "hessian"), VALUES)
def test_specific_values(loss, y_true, raw, value, gradient, hessian):
    found = results(loss, y_true, raw)
    close = {"rel": 1e-15, "abs": 1e-15}
    assert found[0] == pytest.approx(value, **close)
    if gradient is not None:
        assert found[1].ravel() == pytest.approx(gradient, **close)
    if hessian is not None:
        assert found[2].ravel() == pytest.approx(hessian, **close)


INSTANCES = [
    HalfSquaredError(),
    AbsoluteError(),
    PinballLoss(quantile=0.3),
    HuberLoss(delta=1.5),
    HalfPoissonLoss(),
    HalfBinomialLoss(),
    HalfMultinomialLoss(n_classes=3),
]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", INSTANCES, ids=lambda loss: type(loss).__name__)
def test_random_data(loss, weighted):
    y_true, raw = sk.random_y_true_raw_prediction(loss, n_samples=50, raw_bound=(-5, 5), seed=20)
    weight = np.linspace(0.1, 2, 50) if weighted else None
    theirs = loss.loss(y_true=y_true, raw_prediction=raw, sample_weight=weight).sum()
    their_gradient, their_hessian = loss.gradient_hessian(y_true=y_true, raw_prediction=raw, sample_weight=weight)
    value, gradient, hessian = results(loss, y_true, raw, weight)
    assert value == pytest.approx(theirs, rel=1e-12)
    np.testing.assert_allclose(gradient, their_gradient, rtol=1e-11, atol=1e-14)
    if not isinstance(loss, APPROXIMATE):
        np.testing.assert_allclose(hessian, np.broadcast_to(their_hessian, hessian.shape), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("loss", INSTANCES, ids=lambda loss: type(loss).__name__)
def test_perfect_predictions_are_at_the_minimum(loss):
    y_true = np.array([0.0, 1.0, 2.0]) if isinstance(loss, HalfMultinomialLoss) else np.array([0.1, 0.25, 0.9])
    certain = np.where(np.eye(3) > 0, 0.0, -800.0)
    raw = certain if isinstance(loss, HalfMultinomialLoss) else loss.link.link(y_true)
    value, gradient, _ = results(loss, y_true, raw)
    best = -loss.constant_to_optimal_zero(y_true).sum()
    assert value == pytest.approx(best, abs=1e-14)
    if not isinstance(loss, (AbsoluteError, PinballLoss)):
        np.testing.assert_allclose(gradient, 0, atol=1e-15)


@pytest.mark.parametrize(("loss", "x0", "y_true"), sk.test_derivatives.pytestmark[-1].args[1])
def test_newton_finds_the_minimum(loss, x0, y_true):
    """Gradient and Hessian are those of one function: Newton's steps by them end where the mean is the target."""
    theirs = sk._LOSSES[loss]()
    ours, _ = counterpart(theirs)
    x = np.array([float(np.clip(x0, -8, 8))]) if loss != "squared_error" else np.array([float(x0)])
    for _ in range(100):
        gradient, hessian = ours.grad_and_hess(x, np.array([float(y_true)]))
        x = x - np.clip(gradient / hessian, -2, 2) if loss != "squared_error" else x - gradient / hessian
    np.testing.assert_allclose(theirs.link.inverse(x), y_true, rtol=1e-12, atol=1e-12)


INSIDE = [row for row in rows(sk.test_loss_boundary_y_true, 11) if row[1]]


@pytest.mark.parametrize(("loss", "inside", "outside"), INSIDE)
def test_targets_on_the_boundary_are_taken(loss, inside, outside):
    for y_true in inside:
        raw = np.zeros((1, 3)) if isinstance(loss, HalfMultinomialLoss) else np.zeros(1)
        value, gradient, _ = results(loss, y_true, raw)
        assert np.isfinite(value)
        wanted = loss.gradient(y_true=np.array([float(y_true)]), raw_prediction=raw)
        if not (isinstance(loss, AbsoluteError) and y_true == 0):
            np.testing.assert_allclose(gradient, wanted, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("label", [-1, 3])
def test_classes_outside_the_range_are_refused(label):
    with pytest.raises(ValueError, match=rf"target\[0\] is {label}"):
        results(HalfMultinomialLoss(n_classes=3), label, np.zeros((1, 3)))


def test_two_classes_are_the_binomial_loss():
    rng = np.random.default_rng(20)
    labels, raw = rng.integers(0, 2, 20), rng.normal(size=20)
    two = np.stack([-0.5 * raw, 0.5 * raw], axis=1)
    one = nl.binary_cross_entropy_with_logits(raw, labels.astype(float), reduction="none")
    np.testing.assert_allclose(nl.cross_entropy(two, labels, reduction="none"), one, rtol=1e-14)


# ---- deliberate differences ----------------------------------------------------------------------------------


@shows("half-squared-error")
def test_squared_error_is_not_halved():
    y_true, raw = np.array([1.0]), np.array([5.0])
    ours = nl.MSELoss(reduction="sum")
    assert ours(raw, y_true) == 2 * HalfSquaredError().loss(y_true=y_true, raw_prediction=raw)
    gradient, hessian = ours.grad_and_hess(raw, y_true)
    theirs = HalfSquaredError().gradient_hessian(y_true=y_true, raw_prediction=raw)
    assert (gradient, hessian) == (2 * theirs[0], 2 * theirs[1])


@shows("approximate-hessian")
@pytest.mark.parametrize("loss", [AbsoluteError(), PinballLoss(quantile=0.3)])
def test_linear_pieces_have_no_curvature(loss):
    y_true, raw = np.array([0.0, 0.0]), np.array([3.0, -3.0])
    _, theirs = loss.gradient_hessian(y_true=y_true, raw_prediction=raw)
    assert (theirs == 1.0).all()
    assert (results(loss, y_true, raw)[2] == 0.0).all()


@shows("absolute-slope-at-zero")
def test_absolute_error_is_flat_at_zero_and_the_pinball_is_not():
    zero = np.zeros(1)
    theirs = AbsoluteError().gradient(y_true=zero, raw_prediction=zero)
    assert theirs == -1.0
    assert results(AbsoluteError(), zero, zero)[1] == 0.0
    pinball = PinballLoss(quantile=0.3)
    assert results(pinball, zero, zero)[1] == pinball.gradient(y_true=zero, raw_prediction=zero) == -0.3


@shows("unchecked-domain")
@pytest.mark.parametrize(("loss", "target"), [(HalfPoissonLoss(), -3.0), (HalfBinomialLoss(), 2.0)])
def test_targets_outside_the_domain_give_the_formulas_value(loss, target):
    y_true, raw = np.array([target]), np.array([0.5])
    assert not loss.in_y_true_range(y_true)
    assert results(loss, y_true, raw)[0] == pytest.approx(loss.loss(y_true=y_true, raw_prediction=raw)[0])
