"""Losses over rows, pairs and regions stated by their value alone: derivatives are those of the built-in ones."""

import pickle

import numpy as np
import pytest

import numbaloss as nl
from numbaloss.compile import kernel_files
from numbaloss.compile.symbolic.copies import traced
from numbaloss.compile.symbolic.plan import Plan
from numbaloss.primitives import exp, log1p, maximum, power, sigmoid, softplus
from numbaloss.structures.derived import DerivedDefinition
from numbaloss.testing import checks_for, inputs

POSITIVE = "(0, inf)"


@nl.softmax(limits={"gamma": "[0, inf)"}, static=("gamma",))
def own_focal_loss(log_prob, rest, gamma=2.0):
    return -power(rest, gamma) * log_prob


@nl.softmax(limits={"q": "(0, 1]"})
def own_generalized_loss(log_prob, rest, q=0.7):
    return (1.0 - exp(q * log_prob)) / q


@nl.linear_softmax
def own_linear_loss(log_prob, rest):
    return -log_prob


@nl.picks(domain="log_probability")
def own_nll_loss(picked):
    return -picked


@nl.margins(limits={"margin": "(-inf, inf)"})
def own_margin_loss(gap, margin=1.0):
    return maximum(gap + margin, 0.0)


@nl.cosines(limits={"margin": "(-inf, inf)"})
def own_cosface_loss(cosine, margin=0.35):
    return cosine - margin


@nl.distributions
def own_crossed_loss(log_p, log_q, temperature=1.0):
    return exp(log_q) * (log_q - log_p)


@nl.pairs(target="binary", limits={"margin": POSITIVE})
def own_contrastive_loss(distance, target, margin=1.0):
    short = maximum(margin - distance, 0.0)
    return 0.5 * target * distance**2 + 0.5 * (1 - target) * short**2


@nl.pairs(measure="cosine", inputs=("input", "target"), wrt=("input",), limits={"eps": POSITIVE})
def own_cosine_loss(distance, cosine, eps=1e-8):
    return 1.5 * distance + 0.5 * cosine - 0.5  # the distance, as it is one minus the cosine


@nl.triplets(limits={"margin": POSITIVE})
def own_triplet_loss(positive, negative, margin=1.0, p=2.0, eps=1e-6, swap=False):
    return maximum(positive - negative + margin, 0.0)


@nl.batch_pairs(limits={"temperature": POSITIVE})
def own_contrast_loss(gap, temperature=0.07):
    return softplus(gap)


@nl.batch_triplets(mining="all", limits={"margin": POSITIVE})
def own_mined_loss(gap, margin=1.0):
    return maximum(gap + margin, 0.0)


@nl.sequences(logits=True)
def own_ctc_loss(log_prob, rest):
    return -log_prob


@nl.regions
def own_dice_loss(tp, fp, fn, smooth_nr=1e-5, smooth_dr=1e-5):
    return 1 - (2 * tp + smooth_nr) / (2 * tp + fp + fn + smooth_dr)


SAME = [
    (own_focal_loss, nl.focal_loss),
    (own_generalized_loss, nl.generalized_cross_entropy),
    (own_linear_loss, nl.linear_cross_entropy),
    (own_nll_loss, nl.nll_loss),
    (own_margin_loss, nl.multi_margin_loss),
    (own_cosface_loss, nl.cosface_loss),
    (own_crossed_loss, nl.kl_div_with_logits),
    (own_contrastive_loss, nl.contrastive_loss),
    (own_cosine_loss, nl.cosine_similarity_loss),
    (own_triplet_loss, nl.triplet_margin_loss),
    (own_contrast_loss, nl.nt_xent_loss),
    (own_ctc_loss, nl.ctc_loss_with_logits),
    (own_dice_loss, nl.dice_loss),
]


@pytest.mark.parametrize(("own", "known"), SAME, ids=[own.definition.name for own, _ in SAME])
def test_derived_slopes_are_those_given_by_hand(own, known):
    assert isinstance(own.definition, DerivedDefinition)
    arrays = inputs.draw(known.definition, salt="same")
    value, gradients = own.Loss().value_and_grad(*arrays)
    wanted, slopes = known.Loss().value_and_grad(*arrays)
    assert value == pytest.approx(float(wanted), rel=1e-12)
    for got, slope in zip(*([x] if isinstance(x, np.ndarray) else x for x in (gradients, slopes)), strict=True):
        np.testing.assert_allclose(got, slope, rtol=1e-9, atol=1e-13)


def test_the_mined_triplets_may_state_the_value_alone():
    arrays = inputs.draw(own_mined_loss.definition)
    value, gradient = own_mined_loss.Loss().value_and_grad(*arrays)
    step = 1e-6 * np.random.default_rng(0).standard_normal(arrays[0].shape)
    ends = [float(own_mined_loss(arrays[0] + sign * step, arrays[1])) for sign in (1.0, -1.0)]
    assert float((gradient * step).sum()) == pytest.approx((ends[0] - ends[1]) / 2.0, rel=1e-6)
    assert value == pytest.approx(sum(ends) / 2.0)


def test_the_curvature_of_a_softmax_loss_is_derived():
    logits, labels = inputs.draw(nl.focal_loss.definition)
    for got, wanted in zip(
        own_focal_loss.Loss(gamma=3.0).grad_and_hess(logits, labels),
        nl.FocalLoss(gamma=3.0).grad_and_hess(logits, labels),
        strict=True,
    ):
        np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-14)


CHECKED = [
    (loss, name)
    for loss in (own_focal_loss, own_contrastive_loss)
    for name, check in checks_for(loss).items()
    if not check.__module__.endswith("checks_text")  # these have no documentation
]


@pytest.mark.parametrize(("loss", "name"), CHECKED, ids=lambda part: getattr(part, "__name__", part))
def test_a_derived_loss_passes_the_suite(loss, name):
    checks_for(loss)[name](loss)


def test_the_rest_moves_with_the_log_probability():
    """The slope is the whole derivative: ``d rest / d log_prob`` is minus the probability."""
    maths = own_focal_loss.definition.maths
    for log_prob in (-0.1, -2.0, -30.0):
        rest = -np.expm1(log_prob)
        ends = [float(maths(x, -np.expm1(x))[0]) for x in (log_prob + 1e-6, log_prob - 1e-6)]
        assert maths(log_prob, rest)[1] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-7)


def test_the_text_is_stored_and_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBALOSS_CACHE_DIR", str(tmp_path))

    def odd_loss(distance, scale=3.25):
        return log1p(scale * distance)

    first, second = (nl.pairs(limits={"scale": POSITIVE})(odd_loss).definition for _ in range(2))
    assert first.derived is not None
    assert first.derived.startswith("def odd_loss(distance, scale=3.25):\n")
    assert first.derived.rstrip().rpartition("\n")[2].startswith("    return value, scale / ")
    if kernel_files.switched_on():
        stored = {path.name for path in tmp_path.rglob("derived-*")}
        assert len(stored) == 1
        assert second.derived == first.derived
        assert {path.name for path in tmp_path.rglob("derived-*")} == stored


def test_a_stated_slope_is_kept():
    @nl.softmax
    def stated_loss(log_prob, rest):
        return (-log_prob, -1.0, 0.0) if rest > 0.0 else (0.0, -1.0, 0.0)

    assert not isinstance(stated_loss.definition, DerivedDefinition)
    assert stated_loss.definition.derived is None
    assert traced(stated_loss.definition.maths, ("log_prob", "rest"), {})[1]


def test_derived_losses_are_pickled_and_mixed():
    logits, labels = inputs.draw(nl.focal_loss.definition)
    copied = pickle.loads(pickle.dumps(own_focal_loss.Loss(gamma=1.5)))
    assert copied == own_focal_loss.Loss(gamma=1.5)
    mix = 0.5 * nl.CrossEntropyLoss() + 2.0 * own_focal_loss.Loss()
    wanted = 0.5 * nl.CrossEntropyLoss().value_and_grad(logits, labels)[1]
    wanted = wanted + 2.0 * nl.FocalLoss().value_and_grad(logits, labels)[1]
    np.testing.assert_allclose(mix.value_and_grad(logits, labels)[1], wanted, rtol=1e-10, atol=1e-15)


def test_plans_with_other_facts_have_other_keys():
    assert str(Plan(("gap",))) != str(Plan(("gap",), {"gap": "positive"})) != str(Plan(("gap",), result="flat"))


def test_steps_of_numpy_are_read_in_rows_too():
    @nl.margins
    def logistic_loss(gap):
        return np.log1p(np.exp(gap))

    scores, labels = inputs.draw(logistic_loss.definition)
    value, slope, bend = logistic_loss.definition.maths(0.75)
    chance = sigmoid(0.75)
    assert (value, slope, bend) == pytest.approx((softplus(0.75), chance, chance * (1.0 - chance)))
    assert np.isfinite(logistic_loss.Loss().value_and_grad(scores, labels)[1]).all()
