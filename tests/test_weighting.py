"""Weights that change: schedules, learnt uncertainties, and mixes under a name."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

import numbaloss as nl
from numbaloss.compile.cache import statistics
from numbaloss.plugins.loader import Stage
from numbaloss.testing import check_loss
from numbaloss.weighting import Constant, Cosine, Linear, Scheduled, Uncertainty

RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(2, 40))


# ---- schedules


@pytest.mark.parametrize("kind", [Linear, Cosine])
def test_a_schedule_goes_from_start_to_end_and_stays_there(kind):
    schedule = kind(2.0, -1.0, steps=10)
    values = [schedule(step) for step in range(14)]
    assert values[0] == 2.0
    assert values[10:] == [-1.0] * 4
    assert schedule(-3) == 2.0
    assert sorted(values, reverse=True) == values
    assert values[5] == 0.5


def test_the_cosine_is_slow_at_its_ends():
    schedule = Cosine(0.0, 1.0, steps=100)
    assert schedule(1) == pytest.approx(0.5 * (1 - math.cos(math.pi / 100)))
    assert schedule(1) < 0.01 * 0.1


@pytest.mark.parametrize("steps", [0, -1, 2.5, True])
def test_steps_are_a_whole_number(steps):
    with pytest.raises(ValueError, match="steps must be a whole number from 1"):
        Linear(1.0, 0.0, steps=steps)


def test_numbers_of_a_schedule_are_finite():
    with pytest.raises(ValueError, match="end must be a finite number, got nan"):
        Cosine(1.0, math.nan, steps=3)


def test_a_scheduled_mix_is_the_mix_of_its_step():
    down, up = Linear(1.0, 0.0, steps=4), Cosine(0.0, 1.0, steps=4)
    loss = down * nl.L1Loss() + up * nl.MSELoss() + nl.HuberLoss()
    for step in (0, 1, 3, 4, 9):
        loss.step = step
        mix = down(step) * nl.L1Loss() + up(step) * nl.MSELoss() + nl.HuberLoss()
        assert loss.mix == loss.at(step) == mix
        value, gradient = loss.value_and_grad(X, T)
        wanted, slope = mix.value_and_grad(X, T)
        assert value == wanted == loss(X, T)
        np.testing.assert_array_equal(gradient, slope)
        np.testing.assert_array_equal(loss.grad_and_hess(X, T)[1], mix.grad_and_hess(X, T)[1])
    assert list(loss.components(X, T)) == ["l1_loss", "mse_loss", "huber_loss"]


def test_steps_compile_nothing_anew():
    loss = Linear(1.0, 0.0, steps=50) * nl.L1Loss() + nl.MSELoss()
    loss.value_and_grad(X, T)
    before = (statistics.hits, statistics.misses)
    for _ in range(50):
        loss.step += 1
        loss.value_and_grad(X, T)
    assert (statistics.hits, statistics.misses) == before


def test_schedules_add_to_losses_and_mixes_on_either_side():
    ramp = Linear(1.0, 0.0, steps=2)
    mix = 0.5 * nl.MSELoss() + nl.L1Loss()
    assert (ramp * nl.HuberLoss() + mix).at(1) == 0.5 * nl.HuberLoss() + mix
    assert (nl.L1Loss() + ramp * nl.HuberLoss()).at(1) == nl.L1Loss() + 0.5 * nl.HuberLoss()
    assert (mix + ramp * nl.HuberLoss()).at(1) == mix + 0.5 * nl.HuberLoss()
    assert repr(ramp * nl.MSELoss()) == "Linear(start=1.0, end=0.0, steps=2) * MSELoss()"
    assert Scheduled([(0.25, nl.MSELoss())]).terms == ((Constant(0.25), nl.MSELoss()),)
    with pytest.raises(TypeError):
        ramp * 2.0


# ---- uncertainties


def test_gradients_of_uncertainties_are_differences():
    loss = Uncertainty(0.5 * nl.MSELoss() + 1.0 * nl.L1Loss() + 2.0 * nl.HuberLoss(), [0.3, -1.0, 2.0])
    value, gradient, slopes = loss.value_and_grads(X, T)
    assert value == pytest.approx(loss(X, T))
    parts = [nl.mse_loss(X, T), nl.l1_loss(X, T), nl.huber_loss(X, T)]
    wanted = sum(
        c * math.exp(-s) * part + s / 2
        for c, s, part in zip([0.5, 1.0, 2.0], loss.log_variances, parts, strict=True)
    )
    assert value == pytest.approx(wanted, rel=1e-14)
    np.testing.assert_array_equal(gradient, loss.mix.value_and_grad(X, T)[1])
    for k in range(3):
        ends = []
        for by in (1e-6, -1e-6):
            moved = Uncertainty(0.5 * nl.MSELoss() + 1.0 * nl.L1Loss() + 2.0 * nl.HuberLoss(), loss.log_variances)
            moved.log_variances[k] += by
            ends.append(moved(X, T))
        assert slopes[k] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-7)


def test_at_the_optimum_each_variance_is_its_loss():
    """dL/ds = 1/2 - c exp(-s) L is 0 where sigma^2 = 2 c L: Kendall's weights undo the scale of the losses."""
    loss = Uncertainty(0.5 * nl.MSELoss() + 0.5 * nl.L1Loss(), [9.0, 5.0])
    for _ in range(400):
        loss.log_variances -= 0.5 * loss.value_and_grads(X, 100.0 * T)[2]
    values = [nl.mse_loss(X, 100.0 * T), nl.l1_loss(X, 100.0 * T)]
    np.testing.assert_allclose(np.exp(loss.log_variances), values, rtol=1e-6)
    np.testing.assert_allclose(loss.factors * values, 0.5, rtol=1e-6)


def test_tasks_with_inputs_of_their_own_are_weighed_by_their_values():
    loss = Uncertainty([0.5, 1.0], [0.0, 1.0])
    total, by_values, by_log_variances = loss.weigh([4.0, np.float32(2.0)])
    assert total == pytest.approx(2.0 + 2.0 * math.exp(-1.0) + 0.5)
    np.testing.assert_allclose(by_values, [0.5, math.exp(-1.0)])
    np.testing.assert_allclose(by_log_variances, [0.5 - 2.0, 0.5 - 2.0 * math.exp(-1.0)])
    with pytest.raises(TypeError, match=r"call weigh\(values\)"):
        loss(X, T)
    with pytest.raises(ValueError, match="wanted the values of 2 losses, got 3"):
        loss.weigh([1.0, 2.0, 3.0])


def test_the_gradient_may_overwrite_the_input():
    loss = Uncertainty(0.5 * nl.MSELoss() + 1.0 * nl.L1Loss())
    value, gradient, slopes = loss.value_and_grads(X, T)
    mine = X.copy()
    again = loss.value_and_grads(mine, T, out=mine)
    assert again[0] == value
    assert again[1] is mine
    np.testing.assert_array_equal(mine, gradient)
    np.testing.assert_array_equal(again[2], slopes)


def test_float32_stays_float32():
    loss = Uncertainty(0.5 * nl.MSELoss() + 1.0 * nl.L1Loss(), [0.1, 0.2])
    value, gradient = loss.value_and_grad(X.astype(np.float32), T.astype(np.float32))
    assert (value.dtype, gradient.dtype) == (np.float32, np.float32)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.5 * nl.MSELoss() + 1.0 * nl.L1Loss(), [0.0]), "log_variances must have one number for each of 2 losses"),
        ((-0.5 * nl.MSELoss() + 1.0 * nl.L1Loss(),), "constants above 0"),
        (([],), "constants above 0"),
        ((1.0 * nl.MSELoss(reduction="none") + 1.0 * nl.L1Loss(reduction="none"),), "has reduction='none'"),
    ],
)
def test_wrong_uncertainties(arguments, message):
    with pytest.raises(ValueError, match=message):
        Uncertainty(*arguments)


# ---- mixes under a name

DOC = r"""Half a squared error and two Huber losses.

.. math:: \ell = f_0 (x - t)^2 + f_1 H_\delta(x - t)

The mean divides by the number of elements.

Parameters
----------
input, target : array of real numbers, the same shape
    Predictions and targets.
factor_0, factor_1 : float, at least 0
    The parts' factors.
delta_1 : float, above 0
    Where the second part turns linear.

References
----------
None.

Examples
--------
>>> float(blend_loss([2.0], [0.0]))
6.0
"""
MIX = 0.5 * nl.MSELoss() + 2.0 * nl.HuberLoss(delta=3.0)
blend_loss = nl.named_mix("blend_loss", MIX, DOC, factor_0="[0, inf)", factor_1="[0, inf)")
rows_loss = nl.named_mix("rows_loss", 0.7 * nl.CrossEntropyLoss() + 0.3 * nl.FocalLoss(gamma=3.0))


def test_a_named_mix_is_a_loss():
    assert blend_loss(X, T) == MIX(X, T)
    assert repr(blend_loss.Loss(factor_1=1.0, delta_1=2.0)) == "BlendLoss(factor_1=1.0, delta_1=2.0)"
    assert blend_loss.Loss(factor_1=1.0)(X, T) == (0.5 * nl.MSELoss() + nl.HuberLoss(delta=3.0))(X, T)
    loss = blend_loss.Loss(factor_1=1.0)
    assert pickle.loads(pickle.dumps(loss)) == loss
    logits, labels = RNG.normal(size=(5, 3)), np.array([0, 1, 2, 1, 0])
    assert rows_loss(logits, labels) == (0.7 * nl.CrossEntropyLoss() + 0.3 * nl.FocalLoss(gamma=3.0))(logits, labels)
    assert (0.5 * blend_loss.Loss() + nl.L1Loss())(X, T) == pytest.approx(0.5 * MIX(X, T) + nl.l1_loss(X, T))


def test_a_named_mix_passes_the_suite():
    results = check_loss(blend_loss, callback=lambda result: None)
    assert [(result.name, result.message) for result in results if not result.good] == []


def test_a_plugin_registers_a_named_mix():
    stage = Stage("aa-mixes 1.0", {}, {})
    stage.register(blend_loss)
    assert list(stage.losses) == ["blend_loss"]


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        (0.5 * nl.CrossEntropyLoss() + nl.MultiMarginLoss(), "joined into one kernel"),
        (0.5 * nl.MSELoss(), "only a mix"),
        (nl.MSELoss(), "only a mix"),
    ],
)
def test_what_has_no_single_kernel_gets_no_name(mix, message):
    with pytest.raises(TypeError, match=message):
        nl.named_mix("a_loss", mix)


def test_a_mix_with_regions_gets_its_name_otherwise():
    mix = nl.DiceLoss(activation="sigmoid") + nl.BCEWithLogitsLoss()
    with pytest.raises(TypeError, match=r"a_loss: a mix with losses over regions gets its name by nl.fused_regions"):
        nl.named_mix("a_loss", mix)
