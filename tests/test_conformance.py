"""Every built-in loss satisfies every check of the conformance suite; so does a loss made of one function here."""

from __future__ import annotations

import pytest

import numbaloss as nl
from numbaloss.compile.primitives import log1p
from numbaloss.plugins.registry import builtins
from numbaloss.testing import check_loss, checks_for, parametrize_loss_checks

# How a device reads and writes arrays is its structure's business: by default one loss of each is enough.
BY_STRUCTURE = ("device_layouts", "device_orders", "device_types", "device_out")
TYPICAL = list({loss.definition.structure: name for name, loss in reversed(builtins().items())}.values())


def slow_elsewhere(decorator):
    """The parametrization `decorator`, in which checks of one loss's structure are slow for the others of it."""
    for case in decorator.args[1]:
        name, check = case.id.split("-")
        if check in BY_STRUCTURE and name not in TYPICAL:
            case.marks.append(pytest.mark.slow)
    return decorator


@slow_elsewhere(parametrize_loss_checks(builtins().values()))
def test_builtin(loss, check):
    check(loss)


@nl.pointwise(differentiable=("input", "target"), limits={"scale": "(0, inf)"})
def cauchy_loss(input, target, scale=1.0):
    r"""Logarithm of one plus the squared error: outliers hardly pull.

    .. math:: \ell = \frac{s^2}{2} \log\left(1 + \left(\frac{x - t}{s}\right)^2\right)

    The mean divides by the number of elements.

    Parameters
    ----------
    input, target : array of real numbers, the same shape
        Predictions and targets, in the same unit.
    scale : float, above 0
        Where the loss turns from squared to logarithmic, in the unit of the error.

    References
    ----------
    J. T. Barron, A General and Adaptive Robust Loss Function, 2019.

    Examples
    --------
    >>> round(float(cauchy_loss([1.0], [0.0])), 6)
    0.346574
    """
    ratio = (input - target) / scale
    size = abs(ratio)
    far = size > 1.0e8  # there 1 + ratio^2 is ratio^2 to the last digit, and further on it overflows
    square = ratio * ratio
    grown = 1.0 + square
    slope = scale / ratio if far else scale * ratio / grown
    value = log_of_one_plus_square(size)
    return 0.5 * scale * scale * value, (slope, -slope), 0.0 if far else (1.0 - square) / (grown * grown)


def log_of_one_plus_square(size):
    """log(1 + size^2), whatever the size."""
    return 2.0 * (log1p(size - 1.0)) if size > 1.0e8 else log1p(size * size)


@parametrize_loss_checks([cauchy_loss])
def test_a_loss_is_one_function(loss, check):
    check(loss)


def test_a_loss_made_at_run_time_needs_no_name_anywhere():
    """A loss that no module holds, made by one decorator, goes through the suite, too."""

    def made_here(input, target, power=1.0):
        error = input - target
        return power * error * error, 2.0 * power * error, 2.0 * power

    loss = nl.pointwise(limits={"power": "(0, inf)"}, convex=True)(made_here)
    undocumented = {
        "check_documented": "has no docstring",
        "check_examples_run": "has no docstring",
        "check_copies": "is not importable, so it cannot be pickled",
    }
    results = []
    check_loss(loss, expected_failed=undocumented, callback=results.append)
    assert [result.message for result in results if not result.good] == []
    assert len(results) == len(checks_for(loss)) > 30


@pytest.mark.parametrize("name", sorted(builtins()))
def test_every_builtin_has_the_checks_of_its_structure(name):
    """No check is lost because a fact is misspelt: each loss has the common ones and those of its kind."""
    names = set(checks_for(name))
    facts = nl.get(name).definition
    apart = "none" in facts.reductions
    assert len(names) >= (30 if apart else 20)
    assert ("check_exact_elements" in names) == (facts.structure == "pointwise")
    assert ("check_exact_rows" in names) == (facts.structure not in ("pointwise", "tiles", "regions"))
    assert ("check_one_row" in names) == (facts.facts.get("separable", True) and apart)
    of_sums = (facts.structure == "regions" and facts.weight == "region") or "w_type" in facts.parameters
    assert ("check_exact_regions" in names) == (of_sums and apart)
    assert ("check_hessian_by_differences" in names) == facts.hessian
    assert ("check_ignored_rows" in names) == ("ignore_index" in facts.parameters and apart)
    assert ("check_class_weights" in names) == (facts.weight == "class")
