"""The generators of test inputs: valid, varied, covering their domain with its edges, and the same on every run."""

from __future__ import annotations

import numpy as np
import pytest

import numbaloss as nl
from numbaloss.definition import Interval
from numbaloss.plugins.registry import builtins
from numbaloss.testing import inputs, parameters

LOSSES = [loss.definition for loss in builtins().values()]
CASES = [(facts, kind) for facts in LOSSES for kind in inputs.kinds(facts)]
NAMED = [f"{facts.name}-{kind}" for facts, kind in CASES]

INSIDE = {
    "real": lambda x: np.isfinite(x),
    "sign": lambda x: abs(x) == 1,
    "binary": lambda x: (x == 0) | (x == 1),
    "probability": lambda x: (x >= 0) & (x <= 1),
    "log_probability": lambda x: x <= 0,
    "positive": lambda x: x > 0,
    "nonnegative": lambda x: x >= 0,
    "group": lambda x: x == np.floor(x),
    "cosine": lambda x: (x >= -1) & (x <= 1),
    "count": lambda x: (x >= 0) & (x == np.floor(x)),
}


@pytest.mark.parametrize("name", inputs.DOMAINS)
def test_domain_draws_members_only_and_many_of_them(name):
    domain = inputs.DOMAINS[name]
    drawn = domain.draw(np.random.default_rng(0), (500,))
    assert INSIDE[name](drawn).all()
    assert INSIDE[name](np.array(domain.edges)).all()
    assert len(np.unique(drawn)) >= (2 if domain.labels else 8 if domain.whole else 400)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("real", -4, 4),
        ("probability", 0.05, 0.95),
        ("log_probability", -2.5, -0.05),
        ("positive", 0.1, 10),
        ("nonnegative", 0.1, 10),
    ],
)
def test_domain_is_covered(name, low, high):
    """Draws reach both ends of what is usual, and come from the middle as well."""
    drawn = inputs.DOMAINS[name].draw(np.random.default_rng(1), (500,))
    assert drawn.min() < low
    assert drawn.max() > high
    assert ((drawn > low) & (drawn < high)).mean() > 0.5


def test_edges_include_both_certainties():
    facts = nl.get("binary_cross_entropy").definition
    probability, target = inputs.draw(facts, edges=True)
    assert {0.0, 1.0} <= set(probability.ravel())
    assert {0.0, 1.0} <= set(target.ravel())
    assert not {0.0, 1.0} & set(inputs.draw(facts)[0].ravel())


@pytest.mark.parametrize(("facts", "kind"), CASES, ids=NAMED)
def test_inputs_are_valid_and_varied(facts, kind):
    """The loss takes what is drawn, and no input is constant."""
    arrays = inputs.draw(facts, kind=kind, rows=8)
    assert len(arrays) == len(facts.inputs)
    assert all(len(np.unique(array)) > 1 for array in arrays if array.ndim)
    for k, (name, array) in enumerate(zip(facts.inputs, arrays, strict=True)):
        if array.ndim and name not in inputs.shared(facts):
            assert array.shape[inputs.batch_axis(facts, array, k)] == 8
    assert np.isfinite(facts.maths and getattr(nl, facts.name)(*arrays))


@pytest.mark.parametrize(("facts", "kind"), CASES, ids=NAMED)
def test_inputs_are_the_same_on_every_run(facts, kind):
    once, again = (inputs.draw(facts, kind=kind, salt="x") for _ in range(2))
    other = inputs.draw(facts, kind=kind, salt="y")
    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(once, other, strict=True))


@pytest.mark.parametrize(("facts", "kind"), CASES, ids=NAMED)
def test_precision_is_as_asked_and_labels_stay_integers(facts, kind):
    for dtype in (np.float32, np.float64):
        for array in inputs.draw(facts, kind=kind, dtype=dtype):
            assert array.dtype in (dtype, np.int64)


def test_edges_of_rows_are_an_ignored_one_and_a_certain_one():
    facts = nl.get("cross_entropy").definition
    assert -100 in inputs.draw(facts, edges=True)[1]
    assert -100 not in inputs.draw(facts)[1]
    shares = inputs.draw(facts, kind="distribution", edges=True)[1]
    assert (shares[0] == [1, 0, 0, 0, 0]).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)


def test_a_hyper_parameter_can_decide_the_domain():
    facts = nl.get("kl_div").definition
    assert inputs.domain_name(facts, "target") == "probability"
    assert inputs.domain_name(facts, "target", {"log_target": True}) == "log_probability"


def test_unknown_domain_and_structure_say_where_to_add_them():
    @nl.pointwise(target="colour")
    def some_loss(input, target):
        return input - target, 1.0, 0.0

    with pytest.raises(LookupError, match=r"'colour'; add it to inputs\.DOMAINS"):
        inputs.draw(some_loss.definition)


@pytest.mark.parametrize("facts", LOSSES, ids=lambda facts: facts.name)
def test_hyper_parameters_are_inside_their_limits_and_outside(facts):
    for setting in parameters.sets(facts):
        assert facts.checked(setting).keys() == facts.parameters.keys()
    for name in facts.parameters:
        for value in parameters.outside(facts, name):
            with pytest.raises((ValueError, TypeError), match=name):
                facts.checked({name: value})


@pytest.mark.parametrize("text", ["[0, 1]", "(0, 1)", "[0, inf)", "(0, inf)", "(-inf, 1]", "(-inf, inf)"])
def test_interval_gives_its_own_edges_and_points_inside(text):
    limit = Interval(text)

    def plain_loss(input, target, size=0.5):
        return size * (input - target), size, 0.0

    facts = nl.pointwise(limits={"size": text})(plain_loss).definition
    inside, outside = parameters.others(facts, "size"), parameters.outside(facts, "size")
    assert len(inside) >= 2
    assert all(value in limit and np.float32(value) == value for value in inside)
    assert not any(value in limit for value in outside)
    for bound in limit.bounds:
        if np.isfinite(bound):
            assert bound in (inside if bound in limit else outside)
