"""The suite itself: it finds each kind of defect in losses that are wrong on purpose, and reports it as data."""

from __future__ import annotations

import json

import numpy as np
import pytest

import numbaloss as nl
from numbaloss.compile.primitives import exp, log
from numbaloss.testing import all_checks, check_loss, checks_for, iter_checks, parametrize_loss_checks
from numbaloss.testing.basics import loss_function


def statuses(loss, **keywords):
    results = []
    check_loss(loss, callback=results.append, **keywords)
    return {result.name: result for result in results}


def failing(loss, *names):
    found = statuses(loss, names=names)
    return [name for name, result in found.items() if result.status == "failed"]


def made(maths, **facts):
    return nl.pointwise(**facts)(maths)


def square_loss(input, target):
    error = input - target
    return error * error, 2.0 * error, 2.0


def test_a_right_loss_passes():
    names = ("check_gradient_by_differences", "check_exact_elements", "check_slopes_of_elements", "check_reductions")
    assert failing(made(square_loss), *names) == []


def test_a_wrong_gradient_is_found():
    def wrong_loss(input, target):
        error = input - target
        return error * error, error, 2.0

    found = failing(
        made(wrong_loss), "check_gradient_by_differences", "check_slopes_of_elements", "check_exact_elements"
    )
    assert found == ["check_gradient_by_differences", "check_slopes_of_elements", "check_exact_elements"]


def test_a_wrong_hessian_is_found():
    def wrong_loss(input, target):
        error = input - target
        return error * error, 2.0 * error, 1.0

    found = failing(made(wrong_loss), "check_hessian_by_differences", "check_slopes_of_elements")
    assert found == ["check_hessian_by_differences", "check_slopes_of_elements"]


def test_lost_digits_are_found():
    """log(1 + e^x) as it stands is right at fifty digits and by differences, but not in float32."""

    def naive_loss(input, target):
        grown = exp(input - target)
        return log(1.0 + grown), grown / (1.0 + grown), grown / ((1.0 + grown) * (1.0 + grown))

    names = ("check_slopes_of_elements", "check_exact_elements", "check_extremes_of_elements")
    assert failing(made(naive_loss), *names) == ["check_exact_elements", "check_extremes_of_elements"]


def test_swallowed_nan_is_found():
    def forgiving_loss(input, target):
        error = input - target
        return error * error if error == error else 0.0, 2.0 * error, 2.0

    assert failing(made(forgiving_loss), "check_nan_is_passed_on") == ["check_nan_is_passed_on"]


def test_integer_literals_and_module_attributes_are_found():
    def integer_loss(input, target):
        error = input - target
        return error * error, 2 * error, 2.0

    def attribute_loss(input, target):
        error = input - target
        return np.abs(error), np.sign(error), 0.0

    for maths in (integer_loss, attribute_loss):
        assert failing(made(maths), "check_plain_mathematics") == ["check_plain_mathematics"]


def test_missing_documentation_is_found():
    names = ["check_documented", "check_examples_run"]
    assert failing(made(square_loss), *names) == names


def test_a_domain_that_the_loss_does_not_have_is_found():
    """A loss of positive numbers that says it takes any gives nan for valid inputs."""

    def logarithm_loss(input, target):
        return log(input) - target, 1.0 / input, -1.0 / (input * input)

    assert "check_function_and_class_agree" in failing(made(logarithm_loss), "check_function_and_class_agree")
    assert failing(made(logarithm_loss, domain="positive"), "check_function_and_class_agree") == []


def test_expected_failures_are_strict():
    reason = {"check_documented": "an example without words"}
    assert statuses(made(square_loss), expected_failed=reason)["check_documented"].status == "expected failure"
    result = statuses("mse_loss", expected_failed=reason, names=["check_documented"])["check_documented"]
    assert (result.status, result.good) == ("unexpected pass", False)
    with pytest.raises(AssertionError, match=r"mse_loss: check_documented: expected to fail \(an example"):
        check_loss("mse_loss", expected_failed=reason, names=["check_documented"])


def test_without_a_callback_the_first_failure_is_raised():
    with pytest.raises(AssertionError, match="square_loss: check_documented: "):
        check_loss(made(square_loss))


def test_unknown_check_is_an_error():
    with pytest.raises(KeyError, match="check_no_such_thing"):
        check_loss("mse_loss", expected_failed={"check_no_such_thing": "because"})


def test_results_are_data():
    (result,) = check_loss("mse_loss", names=["check_documented"])
    data = json.loads(json.dumps(result.as_dict()))
    assert data == {
        "loss": "mse_loss", "name": "check_documented", "status": "passed", "seconds": result.seconds, "message": "",
    }  # fmt: skip
    assert 0.0 <= result.seconds < 60.0


def test_a_loss_may_be_named_in_any_way():
    for way in ("mse_loss", "mse", nl.mse_loss, nl.MSELoss, nl.MSELoss(reduction="sum")):
        assert loss_function(way) is nl.mse_loss
    with pytest.raises(TypeError, match="made by a decorator of numbaloss"):
        loss_function(len)


def test_checks_have_names_and_say_what_they_check():
    assert len(all_checks()) > 40
    assert all((check.__doc__ or "").split("\n")[0].endswith(".") for check in all_checks().values())
    assert [name for name, _ in iter_checks("mse_loss")] == list(checks_for("mse_loss"))


def test_pytest_decorator_marks_expected_failures():
    @parametrize_loss_checks(["mse_loss", "huber_loss"], {"huber_loss": {"check_documented": "says who"}})
    def test_conformance(loss, check):
        check(loss)

    (mark,) = test_conformance.pytestmark
    cases = {case.id: case for case in mark.args[1]}
    assert len(cases) == len(checks_for("mse_loss")) + len(checks_for("huber_loss"))
    (expected,) = cases["huber_loss-documented"].marks
    assert expected.name == "xfail"
    assert expected.kwargs == {"reason": "says who", "strict": True}
    assert not cases["mse_loss-documented"].marks


def test_expected_failures_of_nothing_are_errors():
    """A misspelt name would else hide that the failure is gone, or that the check is another one."""
    with pytest.raises(KeyError, match="huber: a failure is expected of 'check_nothing', which is no check of it"):
        parametrize_loss_checks([made(huber)], {"huber": {"check_nothing": "because"}})
    with pytest.raises(KeyError, match="failures are expected of 'hubert', which is not among the losses"):
        parametrize_loss_checks([made(huber)], {"hubert": {"check_documented": "because"}})
    (mark,) = [
        case.marks
        for case in parametrize_loss_checks([made(huber)], {"huber": {"check_documented": "because"}}).args[1]
        if case.marks
    ]
    assert mark[0].kwargs == {"reason": "because", "strict": True}


def huber(input, target):
    return square_loss(input, target)
