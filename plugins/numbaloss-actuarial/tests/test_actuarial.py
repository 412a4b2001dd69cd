"""The losses of the package: numbaloss's suite, and tables of scikit-learn and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from numbaloss_actuarial import (
    LOSSES,
    gamma_loss,
    negative_binomial_nll_loss,
    tweedie_loss,
    zero_inflated_poisson_nll_loss,
)
from scipy import stats
from sklearn._loss import HalfGammaLoss, HalfPoissonLoss, HalfTweedieLoss

import numbaloss as nl
from numbaloss.testing import parametrize_loss_checks

RAW = np.array([-3.0, -0.7, 0.0, 0.3, 1.1, 2.5])
AMOUNTS = np.array([0.4, 2.0, 1.0, 0.1, 3.0, 40.0])
COUNTS = np.array([0.0, 2.0, 1.0, 0.0, 3.0, 40.0])


@parametrize_loss_checks(LOSSES)
def test_conformance(loss, check):
    check(loss)


@pytest.mark.parametrize(
    ("ours", "theirs", "target"),
    [
        (tweedie_loss.Loss(power=1.0), HalfPoissonLoss(), COUNTS),
        (tweedie_loss.Loss(power=1.2), HalfTweedieLoss(power=1.2), COUNTS),
        (tweedie_loss.Loss(), HalfTweedieLoss(power=1.5), COUNTS),
        (tweedie_loss.Loss(power=2.0), HalfGammaLoss(), AMOUNTS),
        (tweedie_loss.Loss(power=3.0), HalfTweedieLoss(power=3.0), AMOUNTS),
        (gamma_loss.Loss(), HalfGammaLoss(), AMOUNTS),
    ],
    ids=lambda one: repr(one) if isinstance(one, nl.Loss) else type(one).__name__,
)
def test_as_scikit_learn(ours, theirs, target):
    """Gradients and Hessians are equal; values differ by a term that the raw prediction does not change."""
    each = type(ours)(**{**ours.parameters, "reduction": "none"})
    wanted = theirs.loss(y_true=target, raw_prediction=RAW)
    at_zero = theirs.loss(y_true=target, raw_prediction=np.zeros_like(RAW))
    np.testing.assert_allclose(each(RAW, target) - each(np.zeros_like(RAW), target), wanted - at_zero, rtol=1e-12)
    slopes, bends = theirs.gradient_hessian(y_true=target, raw_prediction=RAW)
    got = type(ours)(**{**ours.parameters, "reduction": "sum"}).grad_and_hess(RAW, target)
    np.testing.assert_allclose(got[0], slopes, rtol=1e-12)
    np.testing.assert_allclose(got[1], bends, rtol=1e-12)


@pytest.mark.parametrize("dispersion", [0.1, 1.0, 3.5])
def test_negative_binomial_as_scipy(dispersion):
    """The logarithm of SciPy's probability mass, up to a term of the target."""
    size = 1.0 / dispersion

    def theirs(raw):
        return -stats.nbinom.logpmf(COUNTS, size, size / (size + np.exp(raw)))

    ours = negative_binomial_nll_loss.Loss(dispersion=dispersion, reduction="none")
    zero = np.zeros_like(RAW)
    np.testing.assert_allclose(ours(RAW, COUNTS) - ours(zero, COUNTS), theirs(RAW) - theirs(zero), rtol=1e-10)


def test_zero_inflated_poisson_as_scipy():
    """A mixture of a certain zero and SciPy's Poisson, up to the logarithm of the factorial."""
    gate = np.array([-2.0, 0.0, 1.5, 3.0, -5.0, 0.5])
    chance = 1.0 / (1.0 + np.exp(-gate))
    mass = chance * (COUNTS == 0.0) + (1.0 - chance) * stats.poisson.pmf(COUNTS, np.exp(RAW))
    factorial = -stats.poisson.logpmf(COUNTS, 1.0) - 1.0  # log t!
    ours = zero_inflated_poisson_nll_loss(RAW, COUNTS, gate, reduction="none")
    np.testing.assert_allclose(ours, -np.log(mass) - factorial, rtol=1e-10)


def test_without_a_gate_zero_inflation_is_poisson():
    shut = np.full_like(RAW, -60.0)
    ours = zero_inflated_poisson_nll_loss(RAW, COUNTS, shut, reduction="none")
    np.testing.assert_allclose(ours, np.exp(RAW) - COUNTS * RAW, rtol=1e-14)


def test_with_little_dispersion_the_negative_binomial_is_poisson():
    zero = np.zeros_like(RAW)
    few = negative_binomial_nll_loss.Loss(dispersion=1e-9, reduction="none")
    wanted = np.exp(RAW) - COUNTS * RAW - 1.0
    np.testing.assert_allclose(few(RAW, COUNTS) - few(zero, COUNTS), wanted, rtol=1e-6)


@pytest.mark.parametrize("loss", [tweedie_loss, gamma_loss, negative_binomial_nll_loss])
def test_the_best_prediction_of_one_target_is_its_logarithm(loss):
    target = np.array([0.5, 3.0, 40.0])
    slopes, bends = loss.Loss(reduction="sum").grad_and_hess(np.log(target), target)
    np.testing.assert_allclose(slopes, 0.0, atol=1e-13)
    assert (bends > 0.0).all()


def test_boosting_by_newton_steps_finds_the_means_of_groups():
    """What a booster does in each leaf: a Newton step on the sums of gradients and Hessians."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, 4, 4000)
    target = rng.poisson(0.7, 4000) * rng.gamma(2.0, 50.0 * (1.0 + group), 4000)
    raw, criterion = np.full(4, np.log(target.mean())), nl.get("tweedie_loss", reduction="sum")
    for _ in range(12):
        slopes, bends = criterion.grad_and_hess(raw[group], target)
        raw -= np.bincount(group, slopes) / np.bincount(group, bends)
    means = np.bincount(group, target) / np.bincount(group)
    np.testing.assert_allclose(np.exp(raw), means, rtol=1e-10)


def test_the_plugin_is_found():
    (plugin,) = [plugin for plugin in nl.load_plugins() if plugin.distribution == "numbaloss-actuarial"]
    assert plugin.status == "active", plugin.reason
    assert set(plugin.losses) == {loss.__name__ for loss in LOSSES}
    assert nl.from_expression("0.5*gamma_loss + 0.5*tweedie(power=1.2)")([0.0], [1.0]) == 0.5
