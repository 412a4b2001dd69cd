"""Where torch loses digits, overflows or returns what it never computed: numbaloss against 50-digit references."""

import mpmath
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from differences import shows

import numbaloss as nl

EPS = {"float32": 2.0**-23, "float64": 2.0**-52}


def by_torch(loss, inputs, **arguments):
    """Value and gradient by the first input."""
    first, *rest = (torch.tensor(np.asarray(array)) for array in inputs)
    first.requires_grad_()
    value = getattr(F, loss)(first, *rest, **arguments)
    (gradient,) = torch.autograd.grad(value.sum(), first)
    return value.detach().numpy(), gradient.numpy()


@mpmath.workdps(50)
def exact_cross_entropy(row, label):
    """Value and gradient of one row at 50 digits."""
    logits = [mpmath.mpf(float(x)) for x in row]
    powers = [mpmath.exp(x - max(logits)) for x in logits]
    chances = [power / mpmath.fsum(powers) for power in powers]
    others = mpmath.fsum(chance for index, chance in enumerate(chances) if index != label)
    gradient = [-others if index == label else chance for index, chance in enumerate(chances)]
    far = chances[label] < mpmath.mpf("0.5")
    return (-mpmath.log(chances[label]) if far else -mpmath.log1p(-others)), gradient


@mpmath.workdps(50)
def exact_logistic(x):
    """log(1 + exp(x)) and its derivative."""
    x = mpmath.mpf(float(x))
    return mpmath.log1p(mpmath.exp(x)), 1 / (1 + mpmath.exp(-x))


def assert_exact(found, wanted, dtype, ulps=4):
    found = np.asarray(found)
    assert found.dtype == dtype
    wanted = np.array([float(number) for number in np.ravel(np.asarray(wanted, dtype=object))])
    # Below the smallest normal number a format has no relative precision.
    np.testing.assert_allclose(
        found.ravel().astype(np.float64), wanted, rtol=ulps * EPS[dtype], atol=float(np.finfo(dtype).tiny)
    )


# ---- softmax -------------------------------------------------------------------------------------------------


@shows("saturated-margin")
@pytest.mark.parametrize("margin", [17.0, 30.0, 60.0])
def test_confident_row_keeps_its_loss_and_gradient(margin):
    row = np.float32([[margin, 0.0]])
    value, gradient = by_torch("cross_entropy", (row, [0]))
    assert value == 0.0
    assert gradient[0, 0] == 0.0
    value, gradient = nl.CrossEntropyLoss().value_and_grad(row, np.array([0]))
    wanted, slopes = exact_cross_entropy(row[0], 0)
    assert_exact(value, [wanted], "float32")
    assert_exact(gradient, slopes, "float32")


@pytest.mark.parametrize("dtype", EPS)
@pytest.mark.parametrize("classes", [2, 10, 40, 1000])
def test_cross_entropy_is_exact_from_hopeless_to_certain(classes, dtype):
    rng = np.random.default_rng(20)
    margins = np.array([-50.0, -5.0, -0.1, 0.0, 0.1, 3.0, 10.0, 15.0, 16.6, 20.0, 40.0, 80.0])
    margins = margins[:: 1 + classes // 250]  # fifty digits take their time
    logits = rng.normal(size=(margins.size, classes))
    labels = rng.integers(0, classes, margins.size)
    logits[np.arange(margins.size), labels] += margins
    logits = logits.astype(dtype)
    values, gradients = nl.CrossEntropyLoss(reduction="none").value_and_grad(logits, labels)
    for row, label, value, gradient in zip(logits, labels, values, gradients, strict=True):
        wanted, slopes = exact_cross_entropy(row, label)
        ulps = 6 + np.ptp(row)  # a difference of logits is rounded before it becomes an exponent
        assert_exact(value, [wanted], dtype, ulps)
        assert_exact(gradient, slopes, dtype, ulps)


@pytest.mark.parametrize(("dtype", "offset"), [("float32", 1e8), ("float64", 1e16), ("float32", -1e8)])
def test_loss_does_not_depend_on_what_all_logits_share(dtype, offset):
    logits = np.full((3, 2), offset, dtype)
    value, gradient = nl.CrossEntropyLoss().value_and_grad(logits, np.array([0, 1, 1]))
    assert_exact(value, [mpmath.log(2)], dtype)
    assert np.abs(gradient).tolist() == np.full((3, 2), np.asarray(0.5 / 3, dtype)).tolist()


@shows("float16-mean")
@pytest.mark.parametrize("loss", ["cross_entropy", "nll_loss"])
@pytest.mark.parametrize("rows", [66_000, 100_000])
def test_mean_over_more_rows_than_float16_counts(loss, rows):
    logits, labels = np.full((rows, 2), -0.5, np.float16), np.zeros(rows, int)
    value, gradient = by_torch(loss, (logits, labels))
    assert value == 0.0 or np.isnan(value)
    assert not gradient.any()
    value, gradient = getattr(nl, loss).Loss().value_and_grad(logits, labels)
    wanted, slope = (np.log(2), -0.5) if loss == "cross_entropy" else (0.5, -1.0)
    assert value == np.float16(wanted)
    assert gradient.dtype == np.float16
    np.testing.assert_array_equal(gradient[:, 0], np.float16(slope / rows))


# ---- Bernoulli -----------------------------------------------------------------------------------------------


@shows("saturated-logit")
@pytest.mark.parametrize("logit", [17.0, 30.0, 80.0])
def test_confident_logit_keeps_its_gradient(logit):
    x, y = np.float32([logit]), np.float32([1.0])
    _, gradient = by_torch("binary_cross_entropy_with_logits", (x, y))
    assert gradient == 0.0
    value, gradient = nl.BCEWithLogitsLoss().value_and_grad(x, y)
    wanted, chance = exact_logistic(-logit)
    assert_exact(value, [wanted], "float32")
    assert_exact(gradient, [-chance], "float32")


@pytest.mark.parametrize("dtype", EPS)
def test_logistic_losses_are_exact_over_the_whole_line(dtype):
    size = np.array([1e-30, 1e-4, 0.1, 1.0, 5.0, 17.0, 37.5, 80.0, 500.0, 1e20], dtype)
    x = np.concatenate([-size, size])
    exact = [exact_logistic(-number) for number in x]
    for loss in (nl.BCEWithLogitsLoss, nl.SoftMarginLoss):
        value, gradient = loss(reduction="none").value_and_grad(x, np.ones_like(x))
        assert_exact(value, [wanted for wanted, _ in exact], dtype)
        assert_exact(gradient, [-chance for _, chance in exact], dtype)


@shows("infinite-logit")
def test_infinite_logit_has_the_limit_of_the_loss():
    x, y = np.array([np.inf, -np.inf, np.inf, -np.inf]), np.array([1.0, 0.0, 0.0, 1.0])
    value, _ = by_torch("binary_cross_entropy_with_logits", (x, y), reduction="none")
    assert np.isnan(value).tolist() == [True, True, False, True]
    value, gradients = nl.BCEWithLogitsLoss(reduction="none").value_and_grad(x, y, wrt=("input", "target"))
    np.testing.assert_array_equal(value, [0.0, 0.0, np.inf, np.inf])
    np.testing.assert_array_equal(gradients[0], [0.0, 0.0, 1.0, -1.0])
    np.testing.assert_array_equal(gradients[1], [-np.inf, np.inf, -np.inf, np.inf])


@shows("soft-margin-overflow")
@pytest.mark.parametrize(("dtype", "score"), [("float32", -100.0), ("float64", -800.0)])
def test_soft_margin_does_not_overflow(dtype, score):
    x, y = np.array([score], dtype), np.ones(1, dtype)
    value, gradient = by_torch("soft_margin_loss", (x, y))
    assert np.isinf(value)
    assert np.isnan(gradient).all()
    value, gradient = nl.SoftMarginLoss().value_and_grad(x, y)
    assert value == -score
    assert gradient == -1.0


# ---- nothing, and nan ----------------------------------------------------------------------------------------


@shows("empty-margin-mean")
@pytest.mark.parametrize("loss", ["multi_margin_loss", "multilabel_margin_loss"])
def test_mean_of_no_rows_is_nan_or_zero(loss):
    labels = np.zeros((0,) if loss == "multi_margin_loss" else (0, 3), np.int64)
    # torch returns uninitialised memory: there is no number to hold it to
    getattr(F, loss)(torch.zeros(0, 3), torch.tensor(labels))
    value, gradient = getattr(nl, loss).Loss().value_and_grad(np.zeros((0, 3)), labels)
    assert np.isnan(value)
    assert gradient.shape == (0, 3)
    assert getattr(nl, loss)(np.zeros((0, 3)), labels, on_empty="zero") == 0.0


@shows("nan-slope")
def test_slope_of_nan_is_nan():
    x, y = np.array([np.nan, 2.0]), np.array([1.0, 1.0])
    _, gradient = by_torch("l1_loss", (x, y), reduction="sum")
    assert gradient.tolist() == [0.0, 1.0]
    _, gradient = nl.L1Loss(reduction="sum").value_and_grad(x, y)
    np.testing.assert_array_equal(gradient, [np.nan, 1.0])


# ---- zero targets --------------------------------------------------------------------------------------------


@shows("zero-target")
@pytest.mark.parametrize(
    ("loss", "inputs", "arguments"),
    [
        ("kl_div", ([-np.inf, -1.0], [0.0, 1.0]), {}),
        ("kl_div", ([-1.0, -1.0], [-np.inf, 0.0]), {"log_target": True}),
        ("cross_entropy", ([[1.0, -np.inf]], [[1.0, 0.0]]), {}),
        ("poisson_nll_loss", ([-np.inf, 0.0], [0.0, 1.0]), {}),
    ],
    ids=["kl_div", "kl_div of logarithms", "cross_entropy", "poisson_nll_loss"],
)
def test_what_is_neither_wanted_nor_predicted_costs_nothing(loss, inputs, arguments):
    arrays = tuple(np.array(array) for array in inputs)
    value, _ = by_torch(loss, arrays, reduction="none", **arguments)
    assert np.isnan(value.ravel()[0])
    value, gradient = getattr(nl, loss).Loss(reduction="none", **arguments).value_and_grad(*arrays)
    assert value.ravel()[0] == 0.0
    assert np.isfinite(gradient).all()


@shows("zero-target-slope")
def test_slope_by_a_zero_target_is_its_limit():
    x, t = torch.tensor([-1.0]), torch.zeros(1, requires_grad=True)
    (gradient,) = torch.autograd.grad(F.kl_div(x, t, reduction="sum"), t)
    assert gradient.isnan()
    _, gradient = nl.KLDivLoss(reduction="sum").value_and_grad(x.numpy(), np.zeros(1, "f4"), wrt=("target",))
    assert gradient == -np.inf
