"""Facts that are misspelt or of a wrong kind are errors where a loss is defined; they say what is wanted."""

import re

import pytest

import numbaloss as nl
from numbaloss.structures.facts import DECORATORS, DOMAINS, is_interval
from numbaloss.testing import inputs as drawn


def loss(input, target, scale=1.0, power=2.0):
    return scale * (input - target), scale, 0.0


def row(log_prob, rest, gamma=2.0):
    return -log_prob, -1.0, 0.0


def pair(distance, label, margin=1.0):
    return distance, 1.0


def decorated(name, maths, **facts):
    return lambda: getattr(nl, name)(**facts)(maths)


def two_of_three(input, target):
    return input - target, 1.0


def one_slope(input, target):
    return input - target, 1.0, 0.0


@pytest.mark.parametrize(
    ("define", "kind", "message"),
    [
        # a fact that nobody knows
        (
            decorated("pointwise", loss, tagret="real"),
            TypeError,
            "loss: nl.pointwise takes no fact 'tagret'; did you mean 'target'?",
        ),
        (decorated("softmax", row, limit={}), TypeError, "nl.softmax takes no fact 'limit'; did you mean 'limits'?"),
        (decorated("softmax", row, probability=True), TypeError, "did you mean 'probabilities'?"),
        (
            decorated("pairs", pair, mesure="cosine"),
            TypeError,
            "nl.pairs takes no fact 'mesure'; did you mean 'measure'?",
        ),
        (
            decorated("softmax", row, target="class"),
            TypeError,
            "nl.softmax takes no fact 'target'; it takes class_name,",
        ),
        (
            decorated("lovasz", lambda misses, alarms, size: 0.0, colour="red"),
            TypeError,
            "takes no fact 'colour'; it takes",
        ),
        # a wrong kind
        (
            decorated("pointwise", loss, limits="(0, inf)"),
            TypeError,
            "loss: the fact limits must be a dict with names of hyper-parameters, got '(0, inf)'",
        ),
        (
            decorated("pointwise", loss, limits={"scale": 1.0}),
            TypeError,
            "the fact limits['scale'] must be an interval as text, such as '(0, inf)' or '[0, 1]', or a tuple of the "
            "values allowed, got 1.0",
        ),
        (
            decorated("pointwise", loss, limits={"scale": ">0"}),
            ValueError,
            "the fact limits['scale'] must be an interval",
        ),
        (decorated("pointwise", loss, limits={"scale": "(1, 0)"}), ValueError, "must be an interval as text"),
        (
            decorated("pointwise", loss, limits={"scales": "(0, 1)"}),
            ValueError,
            "loss: the fact limits names 'scales'; its hyper-parameters are scale, power; did you mean 'scale'?",
        ),
        (
            decorated("cosines", lambda cosine: (cosine, 1.0), limits={"scales": "(0, 1)"}),
            ValueError,
            "its hyper-parameters are scale, label_smoothing, ignore_index; did you mean 'scale'?",
        ),
        (
            decorated("pointwise", loss, limits={"scale": "(2, inf)"}),
            ValueError,
            "loss: scale must lie in (2, inf), got 1.0",
        ),
        (decorated("pointwise", loss, settings={"beta": [1.0]}), ValueError, "the fact settings names 'beta'"),
        (
            decorated("pointwise", loss, settings={"scale": 1.0}),
            TypeError,
            "the fact settings['scale'] must be a list of values, got 1.0",
        ),
        (
            decorated("pointwise", loss, static="power"),
            TypeError,
            "the fact static must be a tuple of names, such as ('power',), got 'power'",
        ),
        (
            decorated("softmax", row, static=("gama",)),
            ValueError,
            "the fact static names 'gama'; its hyper-parameters are gamma, ignore_index; did you mean 'gamma'?",
        ),
        (
            decorated("pointwise", loss, differentiable=("input", "targets")),
            ValueError,
            "the fact differentiable names 'targets'; its inputs are input, target; did you mean 'target'?",
        ),
        (
            decorated("pointwise", loss, differentiable="input"),
            TypeError,
            "must be a tuple of names, such as ('input',)",
        ),
        (
            decorated("pointwise", one_slope, wrt=("target",), differentiable=("input",)),
            ValueError,
            "the fact wrt names 'target'; its differentiable inputs are input",
        ),
        (decorated("pairs", pair, wrt=("label",)), ValueError, "its differentiable inputs are input1, input2"),
        (
            decorated("pointwise", loss, target="probabilities"),
            ValueError,
            "loss: the fact target is 'probabilities'; did you mean 'probability'?",
        ),
        (decorated("pointwise", loss, domains={"targets": "positive"}), ValueError, "the fact domains names 'targets'"),
        (decorated("pointwise", loss, domains={"target": "postive"}), ValueError, "did you mean 'positive'?"),
        (
            decorated("pointwise", loss, domains_when={"power": {"input": "positive"}}),
            TypeError,
            "the fact domains_when must be a dict {(hyper-parameter, value): {input: domain}}",
        ),
        (
            decorated("pointwise", loss, domains_when={("powr", 1.0): {"input": "positive"}}),
            ValueError,
            "the fact domains_when names 'powr'",
        ),
        (
            decorated("pointwise", loss, vector="power"),
            ValueError,
            "the fact vector must be one of those in the fact arrays",
        ),
        (decorated("pointwise", loss, reductions=("mean", "batch")), ValueError, "the fact reductions names 'batch'"),
        (
            decorated("pointwise", loss, weight="mean"),
            ValueError,
            "the fact weight must be one of sum, count, got 'mean'",
        ),
        (decorated("pointwise", loss, convex="yes"), TypeError, "the fact convex must be True or False, got 'yes'"),
        (decorated("pointwise", loss, ulp=0), TypeError, "the fact ulp must be a number above 0, got 0"),
        (
            decorated("pointwise", loss, class_name="my loss"),
            TypeError,
            "the fact class_name must be a name, got 'my loss'",
        ),
        (decorated("pointwise", loss, task=3), TypeError, "the fact task must be a text, got 3"),
        # what the mathematics returns
        (
            decorated("pointwise", two_of_three),
            TypeError,
            "two_of_three must return (value, slope, curvature) or the value alone; it returns (a number, a number)",
        ),
        (
            decorated("pointwise", one_slope, differentiable=("input", "target")),
            TypeError,
            "one_slope must return (value, (slope by input, slope by target), curvature) "
            "or the value alone; it returns (a number, a number, a number)",
        ),
        (
            decorated("margins", lambda gap: (gap, 1.0)),
            TypeError,
            "must return (value, slope, curvature) or the value alone; it returns (a number, a number)",
        ),
        (
            decorated("batch_triplets", lambda gap: (gap, 1.0, 0.0)),
            TypeError,
            "must return (value, slope) or the value alone; it returns",
        ),
        (
            decorated("regions", lambda tp, fp, fn: (fp, (0.0, 1.0))),
            TypeError,
            "must return (value, (slope_tp, slope_fp, slope_fn)) or the value alone; "
            "it returns (a number, (a number, a number))",
        ),
    ],
)
def test_wrong_facts_are_named(define, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        define()


def test_facts_of_a_class_are_checked():
    with pytest.raises(TypeError, match=r"pull_loss: nl\.pointwise takes no fact 'limit'; did you mean 'limits'"):

        class PullLoss(nl.Loss, limit={"pull": "(0, 1)"}):
            pull = 0.5

            def forward(self, input, target):
                return self.pull * abs(input - target)


@pytest.mark.parametrize("name", vars(nl)["_DECORATORS"])
def test_every_decorator_checks_its_facts(name):
    losses = (nl.dice_loss,) if name == "fused_regions" else ()
    needed = {"shapes": {"tp": (2,), "fp": (2,)}} if name == "kernel" else {}
    made = getattr(nl, name)(*losses, tagret=1, **needed)
    with pytest.raises(TypeError, match=rf"<lambda>: nl\.{name} takes no fact 'tagret'"):
        made(lambda tp, fp, fn: 0.0)
    assert name in DECORATORS


def test_facts_are_not_tried_on_what_they_do_not_say():
    """A loss that cannot take the numbers tried is defined all the same."""

    @nl.margins
    def picky_loss(gap):
        return 1.0 / (gap - 0.5), 1.0, 0.0

    assert picky_loss.definition.name == "picky_loss"


@pytest.mark.parametrize("text", ["(0, inf)", "[0, 1]", "(-inf, inf)", "[2, 2]", "(0,1]"])
def test_intervals(text):
    assert is_interval(text)


@pytest.mark.parametrize("text", ["0, 1", "(0; 1)", "(0, 1, 2)", "(1, 0)", "(2, 2)", "", "(", "[inf, inf]", "(0, nan)"])
def test_what_is_no_interval(text):
    assert not is_interval(text)


def test_inputs_can_be_drawn_from_every_domain_a_fact_may_name():
    assert set(DOMAINS) <= set(drawn.DOMAINS)
