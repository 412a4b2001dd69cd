"""The algebra of losses, and mixes written as text."""

import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numbaloss as nl
from numbaloss.weighting import Linear

MSE, L1, HUBER = nl.MSELoss(), nl.L1Loss(), nl.HuberLoss(delta=2.0)
X, T = np.array([3.0, -1.0, 0.5]), np.array([1.0, 1.0, 0.0])
FACTORS = st.floats(-100, 100).filter(bool)


def factors(mix):
    return {loss: factor for factor, loss in mix.terms}


@given(FACTORS, FACTORS, FACTORS)
def test_operators_are_those_of_a_vector_space(a, b, c):
    assert factors(a * MSE + L1 * b) == {MSE: a, L1: b}
    assert factors(a * MSE - b * L1) == {MSE: a, L1: -b}
    assert factors((a * MSE + b * L1) / c) == {MSE: a / c, L1: b / c}
    assert factors(-(a * MSE + b * L1)) == factors(-a * MSE + -b * L1)
    assert c * (a * MSE + L1) == c * a * MSE + c * L1
    assert sum([a * MSE, b * L1, HUBER]) == a * MSE + b * L1 + HUBER


@pytest.mark.parametrize("number", [2, True, np.float32(0.5), np.int8(3), np.array(0.5), Fraction(1, 4)])
def test_a_factor_is_any_number_on_either_side(number):
    for mix in (number * MSE, MSE * number, number * (1.0 * MSE)):
        assert type(mix) is nl.Mix
        assert factors(mix) == {MSE: float(number)}
    assert factors(MSE / number) == {MSE: 1.0 / float(number)}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: MSE * L1, lambda: MSE * "2", lambda: None * MSE, lambda: MSE / MSE, lambda: 2 / MSE, lambda: MSE + 1,
        lambda: 1 + MSE, lambda: MSE - 0.5, lambda: 1 - MSE, lambda: MSE * np.array([1.0, 2.0]), lambda: MSE + None,
    ],
)  # fmt: skip
def test_what_is_no_sum_of_losses_is_refused(wrong):
    with pytest.raises(TypeError, match=r"unsupported operand|can't multiply|0-dimensional"):
        wrong()


def test_differences_and_quotients_compute():
    mix = (MSE - 0.25 * L1) / 2
    value, gradient = mix.value_and_grad(X, T)
    assert value == pytest.approx(0.5 * MSE(X, T) - 0.125 * L1(X, T))
    slopes = [loss.value_and_grad(X, T)[1] for loss in (MSE, L1)]
    np.testing.assert_allclose(gradient, 0.5 * slopes[0] - 0.125 * slopes[1], rtol=1e-15)
    assert pickle.loads(pickle.dumps(mix)) == mix


def test_a_sum_of_schedules():
    ramp = Linear(1.0, 0.0, steps=2)
    assert sum([ramp * MSE, L1 * ramp]).at(1) == 0.5 * MSE + 0.5 * L1
    with pytest.raises(TypeError, match="unsupported operand"):
        1 + ramp * MSE


@pytest.mark.parametrize(
    ("mix", "text"),
    [
        (0.5 * MSE + L1, "0.5 * MSELoss() + 1 * L1Loss()"),
        (MSE - 0.5 * HUBER, "1 * MSELoss() - 0.5 * HuberLoss(delta=2.0)"),
        (-MSE - L1, "-1 * MSELoss() - 1 * L1Loss()"),
        (0.123456789 * MSE + 1e-9 * L1, "0.123456789 * MSELoss() + 1e-09 * L1Loss()"),
    ],
)
def test_repr_is_how_it_is_written(mix, text):
    assert repr(mix) == text
    assert eval(text, vars(nl) | {name: getattr(nl, name) for name in ("MSELoss", "L1Loss", "HuberLoss")}) == mix


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("mse_loss", MSE),
        ("MSELoss()", MSE),
        ("huber_loss(delta=2)", HUBER),
        (" 0.5*mse_loss + l1_loss*2 ", 0.5 * MSE + 2 * L1),
        ("mse_loss - -0.5*l1_loss", MSE + 0.5 * L1),
        ("-(mse_loss - l1_loss) / 4", -0.25 * MSE + 0.25 * L1),
    ],
)
def test_from_expression(text, wanted):
    assert nl.from_expression(text) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mse_loss +", r"cannot read the loss expression 'mse_loss \+'"),
        ("mse_loss * l1_loss", r"cannot read 'mse_loss \* l1_loss'"),
        ("0.5", "write a name such as cross_entropy"),
        ("1 / mse_loss", "write a name such as cross_entropy"),
        ("huber_loss(2)", "write a name such as cross_entropy"),
        ("huber_loss(delta=two)", "cannot read 'two', an argument of huber_loss, in"),
        ("huber_loss(delta=1 + 'a')", "an argument of huber_loss"),
        ("huber_loss(delta=-1)", "delta must lie in"),
        ("hubber_loss", "did you mean 'huber_loss'"),
    ],
)
def test_from_expression_says_what_it_cannot_read(text, message):
    with pytest.raises((ValueError, LookupError), match=message):
        nl.from_expression(text)
