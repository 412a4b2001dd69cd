"""Derivatives for free: what SymPy derives from a value is what one writes by hand, in forms that keep their digits."""

from __future__ import annotations

import math
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import numbaloss as nl
from numbaloss.compile.primitives import exp, expm1, log, log1p, maximum, minimum, sigmoid, softplus, sqrt
from numbaloss.compile.symbolic.copies import traced
from numbaloss.compile.symbolic.derive import compiled, source
from numbaloss.compile.symbolic.trace import DerivationError
from numbaloss.plugins.registry import builtins
from numbaloss.structures.derived import DerivedDefinition, planned
from numbaloss.testing import check_loss, inputs
from numbaloss.testing import parameters as chosen

BOTH = {"differentiable": ("input", "target")}


# The catalogue's losses as their authors would state them without any derivative.


@nl.pointwise(**BOTH)
def mse_loss(input, target):
    return (input - target) ** 2


@nl.pointwise(**BOTH)
def l1_loss(input, target):
    return abs(input - target)


@nl.pointwise(limits={"delta": "(0, inf)"}, **BOTH)
def huber_loss(input, target, delta=1.0):
    size = abs(input - target)
    if size <= delta:
        return 0.5 * size * size
    return delta * (size - 0.5 * delta)


@nl.pointwise(limits={"delta": "(0, inf)"}, **BOTH)
def pseudo_huber_loss(input, target, delta=1.0):
    ratio = (input - target) / delta
    return delta**2 * (math.sqrt(1 + ratio**2) - 1)


@nl.pointwise(**BOTH)
def log_cosh_loss(input, target):
    size = np.abs(input - target)
    return size + np.log1p(np.exp(-2 * size)) - math.log(2)


@nl.pointwise(limits={"quantile": "[0, 1]"})
def quantile_loss(input, target, quantile=0.5):
    error = target - input
    return max(quantile * error, (quantile - 1) * error)


@nl.pointwise(limits={"expectile": "(0, 1)"})
def expectile_loss(input, target, expectile=0.5):
    return (1 - expectile if input > target else expectile) * (input - target) ** 2


@nl.pointwise(domain="nonnegative", target="nonnegative", **BOTH)
def msle_loss(input, target):
    return (log1p(input) - log1p(target)) ** 2


@nl.pointwise(target="positive")
def mape_loss(input, target):
    return abs(input - target) / maximum(abs(target), 1e-7)


@nl.pointwise(target="probability", **BOTH)
def binary_cross_entropy_with_logits(input, target):
    return softplus(input) - target * input


@nl.pointwise(target="sign")
def hinge_loss(input, target):
    return maximum(0, 1 - target * input)


@nl.pointwise(target="sign")
def squared_hinge_loss(input, target):
    return maximum(1 - target * input, 0) ** 2


@nl.pointwise(target="sign")
def soft_margin_loss(input, target):
    return softplus(-target * input)


@nl.pointwise(target="count", **BOTH)
def poisson_nll_loss(input, target, log_input=True):
    return exp(input) - target * input if log_input else input - target * log(input + 1e-8)


@nl.pointwise(differentiable=("input", "target", "var"), domains={"var": "positive"})
def gaussian_nll_loss(input, target, var):
    return (log(var) + (input - target) ** 2 / var) / 2


@nl.pointwise(target="probability", limits={"alpha": "[0, 1]", "gamma": "[0, inf)"})
def sigmoid_focal_loss(input, target, alpha=0.25, gamma=2.0):
    chance = sigmoid(input)
    miss = target * sigmoid(-input) + (1 - target) * chance
    entropy = target * softplus(-input) + (1 - target) * softplus(input)
    return (alpha * target + (1 - alpha) * (1 - target)) * miss**gamma * entropy


STATED = [value for value in globals().values() if isinstance(getattr(value, "definition", None), DerivedDefinition)]


@pytest.mark.parametrize("loss", STATED, ids=lambda loss: loss.__name__)
@pytest.mark.parametrize("changed", [False, True], ids=["defaults", "others"])
def test_derived_from_the_value_alone_as_by_hand(loss, changed):
    facts = loss.definition
    setting = chosen.changed(facts) if changed else {}
    byhand = nl.get(facts.name, reduction="none", **setting)
    mine = loss.Loss(reduction="none", **setting)
    arrays = inputs.draw(byhand.definition, rows=50, parameters=setting, salt="symbolic")
    value, gradients = mine.value_and_grad(*arrays, wrt=facts.differentiable)
    wanted, slopes = byhand.value_and_grad(*arrays, wrt=facts.differentiable)
    np.testing.assert_allclose(value, wanted, rtol=2e-13, atol=1e-15)
    np.testing.assert_allclose(np.asarray(gradients), np.asarray(slopes), rtol=2e-13, atol=1e-15)
    bends, right = (one.grad_and_hess(*arrays)[1] for one in (mine, byhand))
    np.testing.assert_allclose(bends, right, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "name", sorted(name for name, loss in builtins().items() if loss.definition.structure == "pointwise")
)
def test_every_builtin_can_be_read_and_its_derivatives_derived(name):
    facts = builtins()[name].definition
    value, complete = traced(facts.maths, facts.inputs, facts.parameters)
    assert complete
    text = source(
        facts.maths, value, facts.inputs, facts.parameters, planned(facts), simplest=True
    )
    again = compiled(text, facts.maths)
    point = [float(array.reshape(-1)[3]) for array in inputs.draw(facts, salt="symbolic")]
    wanted, got = facts.maths(*point), again(*map(np.float64, point))
    np.testing.assert_allclose(got[0], wanted[0], rtol=1e-13)
    np.testing.assert_allclose(got[1], wanted[1], rtol=1e-9, atol=1e-15)


# ---- what is read


def derived(function, **facts):
    return nl.pointwise(**facts)(function).definition


def values_at(function, *points, **keywords):
    """Value, slope and curvature of the derived function at some points."""
    maths = derived(function).maths
    return [tuple(float(x) for x in maths(*map(np.float64, point), **keywords)) for point in points]


def test_helpers_closures_and_ways_through_are_read():
    rate = 3.0

    def helper(x):
        for _ in range(2):
            x = x + 1
        return x if not x < 0 else -x

    def a_loss(input, target):
        error = helper(input) - target
        if (error > 1 and target > 0) or error < -50:
            return rate * error
        return error * error

    assert values_at(a_loss, (5.0, 1.0), (-1.5, 1.0), (-9.0, 0.0)) == [
        (18.0, 3.0, 0.0), (0.25, -1.0, 2.0), (49.0, -14.0, 2.0)
    ]  # fmt: skip


def test_words_and_truths_choose_a_way():
    def a_loss(input, target, kind="square", twice=False):
        error = input - target
        value = error * error if kind == "square" else abs(error)
        return 2 * value if twice else value

    made = nl.pointwise(limits={"kind": ("square", "size")})(a_loss)
    assert made([3.0], [1.0]) == 4.0
    assert made([3.0], [1.0], kind="size", twice=True) == 4.0
    assert made.Loss(kind="size").value_and_grad([3.0], [1.0])[1] == 1.0


def test_a_hyper_parameter_may_be_called_as_a_primitive():
    def a_loss(input, target, power=1.5, exp=0.0):
        return abs(input - target) ** power + math.exp(exp * input)

    assert values_at(a_loss, (5.0, 1.0)) == [(9.0, 3.0, 0.375)]


def test_at_a_kink_the_slope_is_that_of_nothing():
    assert values_at(lambda input, target: abs(input - target), (1.0, 1.0)) == [(0.0, 0.0, 0.0)]
    assert values_at(lambda input, target: maximum(0.0, input - target), (1.0, 1.0)) == [(0.0, 0.0, 0.0)]
    assert values_at(lambda input, target: minimum(input - target, 0.0), (1.0, 1.0)) == [(0.0, 0.0, 0.0)]


def test_the_curvature_of_a_function_of_the_size_is_right_at_zero():
    def a_loss(input, target):
        return abs(input - target) ** 2 + abs(input - target) ** 3

    assert values_at(a_loss, (1.0, 1.0), (3.0, 1.0)) == [(0.0, 0.0, 2.0), (12.0, 16.0, 14.0)]


def test_nan_is_passed_on():
    value, slope, _ = derived(lambda input, target: maximum(input - target, 0.0)).maths(math.nan, 1.0)
    assert math.isnan(value)
    assert math.isnan(slope)


def test_the_authors_value_is_computed_in_his_own_order():
    def a_loss(input, target):
        return (input + 1.0) - 1.0 - (target - 2.0 * (3.0 * input))

    for point in [(1e-17, 0.3), (0.1, 0.7)]:
        assert derived(a_loss).maths(*point)[0] == a_loss(*point)


def test_what_is_shared_is_computed_once():
    def a_loss(input, target):
        return exp(2 * (input - target)) - 2 * (input - target)

    text = derived(a_loss, **BOTH).derived
    assert text.count("exp(") == 1, text


def test_a_function_that_ends_in_another_and_returns_derivatives_is_taken_as_it_is():
    def halves(error):
        return 0.5 * error * error, error, 1.0

    def a_loss(input, target):
        return halves(input - target)

    facts = derived(a_loss)
    assert facts.maths is a_loss
    assert facts.derived is None
    assert nl.pointwise(a_loss)([3.0], [1.0]) == 2.0


# ---- digits


def test_of_equal_forms_the_one_that_keeps_its_digits_is_taken():
    """1/v - r**2/v**3, as it comes, has no right digit far out; 1/v**3 has all."""
    maths = pseudo_huber_loss.definition.maths
    exact = 1.0 / (1.0 + 1e12) ** 1.5
    assert maths(1e6, 0.0, 1.0)[2] == pytest.approx(exact, rel=1e-14)
    assert maths(1e-9, 0.0, 1.0)[1][0] == pytest.approx(1e-9, rel=1e-15)


def test_differences_cancel_before_anything_multiplies_them():
    """And where the author takes care of large ones, their squares are not in the way."""

    @nl.pointwise(**BOTH)
    def cauchy_loss(input, target):
        size = abs(input - target)
        return log1p(size**2) if size < 1e8 else 2 * log1p(size - 1)

    x = np.array([1000.0, 3e5, 1.0])
    t = x * (1.0 - 2.0**-20)
    _, (slope, other) = cauchy_loss.Loss(reduction="sum").value_and_grad(x, t, wrt=("input", "target"))
    np.testing.assert_allclose(slope, 2.0 * (x - t) / (1.0 + (x - t) ** 2), rtol=4e-16)
    np.testing.assert_array_equal(other, -slope)
    most = np.finfo(np.float64).max
    _, slope = cauchy_loss.Loss(reduction="sum").value_and_grad([most, most, most], [most, -most, 0.0])
    np.testing.assert_allclose(slope, [0.0, 0.0, 2.0 / most], rtol=1e-15)


def test_differences_that_cancel_get_their_function():
    def a_loss(input, target):
        return exp(input) - input + 0.0 * target

    slope = derived(a_loss).maths(1e-9, 0.0)[1]
    assert slope == pytest.approx(math.expm1(1e-9), rel=1e-15)
    assert "expm1" in derived(a_loss).derived


def test_the_suite_says_where_a_derived_form_is_unstable():
    def overflowing_loss(input, target):
        return log(1 + exp(-target * input))

    (result,) = check_loss(
        nl.pointwise(target="sign")(overflowing_loss), names=["check_derived_forms"], callback=lambda result: None
    )
    assert result.status == "failed"
    assert "the derived form is unstable at" in result.message
    assert "slope by input at {'input': 100.0, 'target': -1.0} in float32 is nan, wanted 1.0" in result.message


@pytest.mark.parametrize("loss", [huber_loss, binary_cross_entropy_with_logits], ids=["huber", "bce"])
def test_derived_losses_pass_the_suite(loss):
    undocumented = {"check_documented": "no docstring", "check_examples_run": "no docstring"}
    results = check_loss(loss, expected_failed=undocumented, callback=lambda result: None)
    assert [result.message for result in results if not result.good] == []
    assert "check_derived_forms" in [result.name for result in results]


def test_the_suite_finds_a_slope_by_hand_that_is_not_the_derivative():
    def wrong_loss(input, target):
        error = input - target
        return expm1(error * error), 2.0 * error, 2.0

    (result,) = check_loss(
        nl.pointwise(wrong_loss), names=["check_slopes_against_symbolic_ones"], callback=lambda result: None
    )
    assert result.status == "failed"
    assert "slope by input at" in result.message
    assert "SymPy derives" in result.message


# ---- errors


def no_number(input, target, scale=None):
    return input * scale


def unknown_function(input, target):
    return math.erf(input - target)


def many_ways(input, target):
    total = input
    for k in range(12):
        total = total + (k * input if target > k else input)
    return total


def an_array(input, target):
    return input * [1.0]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (no_number, "no_number: the hyper-parameter scale has no number for its default"),
        (unknown_function, "unknown_function: a function of Python's or NumPy's was called that numbaloss does not"),
        (many_ways, "many_ways: there are more than 256 ways through many_ways; give its derivatives by hand"),
        (an_array, r"an_array: the loss computes with \[1.0\], which is no number"),
        (lambda input, target: undefined_name * input, "cannot be read: NameError"),  # noqa: F821
    ],
)
def test_what_cannot_be_derived_is_an_error_at_the_first_call(function, message):
    loss = nl.pointwise(class_name="ALoss")(function)
    with pytest.raises(DerivationError, match=message):
        loss([1.0], [2.0])


# ---- in processes of their own

SCRIPT = """
import sys
import numbaloss as nl
@nl.pointwise
def my_loss(input, target, k=2.0):
    return k * (input - target) ** 4
print('sympy' in sys.modules)
print(float(my_loss([3.0], [1.0])), my_loss.Loss(k=1.0).value_and_grad([3.0], [1.0])[1])
print('sympy' in sys.modules)
"""


def run(folder: Path, code: str) -> str:
    path = os.pathsep.join([str(Path(__file__).parents[2]), *(path for path in sys.path if path)])
    environment = {**os.environ, "PYTHONPATH": path, "NUMBALOSS_CACHE_DIR": str(folder)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip() + done.stderr.strip()


def test_sympy_is_imported_at_the_first_call_of_the_first_process_alone(tmp_path):
    assert run(tmp_path, SCRIPT).split() == ["False", "32.0", "[32.]", "True"]
    assert run(tmp_path, SCRIPT).split() == ["False", "32.0", "[32.]", "False"]
    assert run(tmp_path, SCRIPT.replace("** 4", "** 2")).split() == ["False", "8.0", "[4.]", "True"]


def test_without_sympy_the_error_names_the_extra(tmp_path):
    told = run(tmp_path, "import sys; sys.modules['sympy'] = None\n" + SCRIPT)
    assert "ImportError: my_loss states its value alone" in told
    assert "pip install 'numbaloss[sympy]', or return (value, slope, curvature)" in told


def test_derived_losses_are_pickled_mixed_and_shown():
    mix = 0.5 * huber_loss.Loss(delta=2.0) + pseudo_huber_loss.Loss()
    assert mix([3.0], [1.0]) == pytest.approx(0.5 * 2.0 + math.sqrt(5.0) - 1.0)
    assert pickle.loads(pickle.dumps(huber_loss.Loss(delta=2.0))) == huber_loss.Loss(delta=2.0)
    assert huber_loss.definition.derived.startswith("def huber_loss(input, target, delta=1.0):")
    assert sqrt(4.0) == 2.0


@nl.pointwise(**BOTH)
def angle_loss(input, target):
    return np.arctan(input - target) ** 2


def test_an_arc_tangent_under_either_name_has_its_derivative():
    _, slope = angle_loss.Loss(reduction="sum").value_and_grad([0.5, -3.0, 0.0], [0.0, 0.0, 0.0])
    wanted = [2.0 * math.atan(x) / (1.0 + x * x) for x in (0.5, -3.0, 0.0)]
    np.testing.assert_allclose(slope, wanted, rtol=1e-15)
