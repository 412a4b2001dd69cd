"""Mixes of region losses and softmax losses: the parts' values and gradients, from one softmax."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numbaloss as nl
from numbaloss.testing.checks_twins import twin

WEIGHT = np.array([0.5, 1.0, 2.0, 1.0])
MIXES = {
    "dice and cross-entropy": [(0.7, nl.CrossEntropyLoss()), (0.3, nl.DiceLoss())],
    "three": [
        (0.3, nl.DiceLoss(batch=True)),
        (2.0, nl.FocalLoss(weight=WEIGHT)),
        (1.0, nl.TverskyLoss(include_background=False)),
    ],
    "two row losses": [(1.0, nl.CrossEntropyLoss()), (0.25, nl.FocalLoss(gamma=3.0)), (0.5, nl.GeneralizedDiceLoss())],
    "sums": [(1.0, nl.DiceLoss(reduction="sum", squared_pred=True)), (2.0, nl.PolyLoss(reduction="sum"))],
    "sigmoids": [(1.0, nl.DiceLoss(activation="sigmoid")), (2.0, nl.MCCLoss(activation="sigmoid"))],
}


MASKED = {
    "dice and binary cross-entropy": [(0.7, nl.DiceLoss(activation="sigmoid")), (0.3, nl.BCEWithLogitsLoss())],
    "two elementwise losses": [
        (1.0, nl.TverskyLoss(activation="sigmoid", batch=True)),
        (0.5, nl.BCEWithLogitsLoss(label_smoothing=0.1)),
        (2.0, nl.SigmoidFocalLoss(gamma=3.0)),
    ],
    "sums": [
        (2.0, nl.SigmoidFocalLoss(reduction="sum")),
        (1.0, nl.DiceLoss(activation="sigmoid", squared_pred=True, reduction="sum")),
        (1.0, nl.JaccardLoss(activation="sigmoid", squared_pred=True, reduction="sum")),
    ],
    "probabilities": [(1.0, nl.DiceLoss(activation=None)), (0.5, nl.BCELoss())],
}


def drawn(seed, shape=(3, 4, 9, 11), dtype=np.float64):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, shape[1], (shape[0], *shape[2:]))
    labels.reshape(-1)[:: rng.integers(2, 9)] = -100
    return (3.0 * rng.standard_normal(shape)).astype(dtype), labels


def drawn_masks(seed, name, dtype=np.float64):
    """Logits or probabilities, and soft masks with entries that regions leave out."""
    rng = np.random.default_rng(seed)
    logits = 3.0 * rng.standard_normal((3, 4, 9, 130))
    masks = rng.random(logits.shape).round(1)
    masks.reshape(-1)[::7] = -100.0
    return (1.0 / (1.0 + np.exp(-logits)) if name == "probabilities" else logits).astype(dtype), masks.astype(dtype)


@pytest.mark.parametrize("name", [*MIXES, *MASKED])
@pytest.mark.parametrize("sample_weight", [None, [0.5, 0.0, 2.0]])
def test_a_mix_is_the_sum_of_its_parts(name, sample_weight):
    """Value, gradient, components with and without the gradient, for every group that shares a pass."""
    terms, (logits, labels) = (MIXES[name], drawn(0)) if name in MIXES else (MASKED[name], drawn_masks(0, name))
    mix = nl.Mix(terms)
    assert len(mix._fused) == 1
    value, gradient, parts = mix.value_and_grad(logits, labels, sample_weight=sample_weight, components=True)
    wanted, slopes = 0.0, np.zeros_like(logits)
    for factor, loss in terms:
        alone, slope = loss.value_and_grad(logits, labels, sample_weight=sample_weight)
        wanted, slopes = wanted + factor * alone, slopes + factor * slope
        np.testing.assert_allclose(parts[loss.definition.name], alone, rtol=1e-13)
        total = mix.components(logits, labels, sample_weight=sample_weight, totals=True)[loss.definition.name]
        exact = loss.total(logits, labels, sample_weight=sample_weight)
        np.testing.assert_allclose([total.sum, total.denominator], [exact.sum, exact.denominator], rtol=1e-13)
    np.testing.assert_allclose(value, wanted, rtol=1e-13)
    np.testing.assert_allclose(mix(logits, labels, sample_weight=sample_weight), wanted, rtol=1e-13)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-10, atol=1e-17)
    assert list(parts) == [loss.definition.name for _, loss in terms]


@pytest.mark.parametrize(
    ("fused", "parts", "factors"),
    [
        (nl.DiceCELoss(lambda_ce=0.5), (nl.DiceLoss(), nl.CrossEntropyLoss()), (1.0, 0.5)),
        (
            nl.DiceFocalLoss(gamma=1.5, lambda_dice=2.0, weight=WEIGHT, include_background=False),
            (nl.DiceLoss(weight=WEIGHT[1:], include_background=False), nl.FocalLoss(gamma=1.5, weight=WEIGHT)),
            (2.0, 1.0),
        ),
        (
            nl.TverskyCELoss(alpha=0.2, beta=0.9, ignore_index=2),
            (nl.TverskyLoss(alpha=0.2, beta=0.9, ignore_index=2), nl.CrossEntropyLoss(ignore_index=2)),
            (1.0, 1.0),
        ),
    ],
)
def test_named_mixes(fused, parts, factors):
    logits, labels = drawn(1)
    labels[labels == -100] = fused.ignore_index
    value, gradient = fused.value_and_grad(logits, labels)
    found = [part.value_and_grad(logits, labels) for part in parts]
    np.testing.assert_allclose(value, sum(k * one for k, (one, _) in zip(factors, found, strict=True)), rtol=1e-13)
    wanted = sum(k * slope for k, (_, slope) in zip(factors, found, strict=True))
    np.testing.assert_allclose(gradient, wanted, rtol=1e-10, atol=1e-17)


def test_distributions_take_a_pass_for_each_part():
    """For probability targets cross-entropy is an expectation, and the mix still is the sum of its parts."""
    logits, _ = drawn(2)
    rng = np.random.default_rng(2)
    target = rng.dirichlet(np.ones(4), (3, 9, 11)).transpose(0, 3, 1, 2)
    value, gradient = nl.DiceCELoss().value_and_grad(logits, target, out=np.empty_like(logits))
    parts = [loss.value_and_grad(logits, target) for loss in (nl.DiceLoss(), nl.CrossEntropyLoss())]
    np.testing.assert_allclose(value, parts[0][0] + parts[1][0], rtol=1e-13)
    np.testing.assert_allclose(gradient, parts[0][1] + parts[1][1], rtol=1e-12, atol=1e-17)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    space=st.sampled_from([(), (1,), (5, 3), (2, 3, 4), (300,), (70, 65)]),
    classes=st.integers(2, 9),
    scale=st.sampled_from([0.1, 3.0, 40.0]),
    squared=st.booleans(),
)
def test_float32_against_float64(seed, space, classes, scale, squared):
    """The shared pass in float32 gives what the parts give in float64, extremes included."""
    logits, labels = drawn(seed, (2, classes, *space), np.float32)
    logits = (logits * np.float32(scale)).astype(np.float32)
    losses = nl.DiceLoss(squared_pred=squared, on_empty="zero"), nl.CrossEntropyLoss(on_empty="zero")
    value, gradient = (losses[0] + losses[1]).value_and_grad(logits, labels)
    exact = [loss.value_and_grad(logits.astype(np.float64), labels) for loss in losses]
    np.testing.assert_allclose(value, exact[0][0] + exact[1][0], rtol=2e-5, atol=1e-6)
    wanted = exact[0][1] + exact[1][1]
    np.testing.assert_allclose(gradient, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max(initial=0.0) + 1e-37)


def test_cross_entropy_keeps_its_digits_in_a_mix():
    """At margins where 1 - p is 0 in float32, the joint gradient is that of float64."""
    margins = np.linspace(10.0, 80.0, 64, dtype=np.float32)
    logits = np.zeros((1, 3, 64), np.float32)
    logits[0, 1] = margins
    labels = np.ones((1, 64), int)
    mix = nl.CrossEntropyLoss() + 0.5 * nl.DiceLoss()
    value, gradient = mix.value_and_grad(logits, labels)
    exact, slopes = mix.value_and_grad(logits.astype(np.float64), labels)
    np.testing.assert_allclose(value, exact, rtol=1e-6)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-5, atol=1e-38)
    assert np.all(gradient != 0.0)


def test_a_mix_writes_where_it_reads():
    """`out` may be the input itself; strided and half-precision arrays are staged."""
    logits, labels = drawn(3)
    mix = nl.CrossEntropyLoss() + nl.DiceLoss()
    value, gradient = mix.value_and_grad(logits, labels)
    given = logits.copy()
    got, slopes = mix.value_and_grad(given, labels, out=given)
    assert slopes is given
    np.testing.assert_array_equal(given, gradient)
    assert got == value
    last = np.moveaxis(np.ascontiguousarray(np.moveaxis(logits, 1, -1)), -1, 1)
    got, slopes = mix.value_and_grad(last, labels)
    np.testing.assert_array_equal(slopes, gradient)
    half = logits.astype(np.float16)
    got, slopes = mix.value_and_grad(half, labels)
    assert slopes.dtype == np.float16
    np.testing.assert_array_equal(slopes, mix.value_and_grad(half.astype(np.float32), labels)[1].astype(np.float16))


def test_masks_of_any_kind_share_a_pass():
    """Booleans and whole numbers, strided logits, halves, one plane; the gradient in the place of the logits."""
    mix = nl.DiceLoss(activation="sigmoid") + 0.5 * nl.BCEWithLogitsLoss()
    rng = np.random.default_rng(3)
    logits = rng.standard_normal((2, 1, 40, 30)).astype(np.float32)
    masks = rng.integers(0, 2, logits.shape)
    value, gradient = mix.value_and_grad(logits, masks)
    for array, targets in [
        (logits, masks.astype(bool)),
        (logits, masks.astype(np.int8)),
        (np.asfortranarray(logits), masks),
        (np.repeat(logits, 2, axis=3)[..., ::2], masks.astype(np.float64)),
    ]:
        again, slope = mix.value_and_grad(array, targets)
        np.testing.assert_array_equal(slope, gradient)
        assert again == value
    half, slope = mix.value_and_grad(logits.astype(np.float16), masks)
    np.testing.assert_allclose(half, value, rtol=2e-3)
    np.testing.assert_allclose(slope, gradient, rtol=0.01, atol=1e-6)
    place = logits.copy()
    again, slope = mix.value_and_grad(place, masks, out=place)
    assert slope is place
    assert again == value
    np.testing.assert_array_equal(place, gradient)


def test_labels_are_no_masks_for_elementwise_losses():
    mix = nl.DiceLoss(activation="sigmoid") + nl.BCEWithLogitsLoss()
    logits, labels = drawn(0)
    with pytest.raises(ValueError, match=r"^binary_cross_entropy_with_logits: target has shape \(3, 9, 11\)"):
        mix.value_and_grad(logits, np.abs(labels) % 4)


@pytest.mark.parametrize("other", [nl.CrossEntropyLoss(), nl.LovaszLoss()])
def test_sorted_losses_are_mixed_in_passes_of_their_own(other):
    logits, labels = drawn(0)
    value, gradient = (nl.LovaszLoss() + other + nl.DiceLoss()).value_and_grad(logits, labels)
    parts = [loss.value_and_grad(logits, labels) for loss in (nl.LovaszLoss(), other, nl.DiceLoss())]
    np.testing.assert_allclose(value, sum(part for part, _ in parts), rtol=1e-13)
    np.testing.assert_allclose(gradient, sum(slope for _, slope in parts), rtol=1e-10, atol=1e-16)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("on_empty", ["nan", "zero"])
def test_nothing_and_infinity_are_those_of_the_parts(on_empty):
    """No images, no positions, no weight; a weight of 0 or infinity, an infinite value: without a warning."""
    dice, entropy = nl.DiceLoss(activation="sigmoid", on_empty=on_empty), nl.BCEWithLogitsLoss(on_empty=on_empty)
    logits, masks = drawn_masks(0, "logits")
    infinite = np.where(np.arange(3)[:, None, None, None] == 1, np.inf, logits)
    for x, t, weight in [
        (logits[:0], masks[:0], None),
        (logits[..., :0], masks[..., :0], None),
        (logits, masks, [0.0, 0.0, 0.0]),
        (infinite, masks, [1.0, 0.0, 2.0]),
        (logits, masks, [1.0, np.inf, 2.0]),
    ]:
        value, gradient = (dice + entropy).value_and_grad(x, t, sample_weight=weight)
        one, two = (loss.value_and_grad(x, t, sample_weight=weight) for loss in (dice, entropy))
        np.testing.assert_allclose(value, one[0] + two[0], rtol=1e-13)
        np.testing.assert_allclose(gradient, one[1] + two[1], rtol=1e-10, atol=1e-16)


def test_threads_change_nothing():
    logits, labels = drawn(4, (2, 5, 90, 100), np.float32)
    mix = nl.CrossEntropyLoss() + nl.DiceLoss()
    with twin(False):
        value, gradient = mix.value_and_grad(logits, labels)
    for threads in (1, 2):
        with twin(True, threads):
            got, slopes = mix.value_and_grad(logits, labels)
        assert got == value
        np.testing.assert_array_equal(slopes, gradient)


def test_nothing_of_the_inputs_size_is_kept():
    """Beyond the gradient a call takes 1 % of the input's memory at most, and 64 KiB that do not grow with it."""
    logits, labels = drawn(5, (4, 4, 400, 400), np.float32)
    out = np.empty_like(logits)
    criterion = nl.DiceCELoss()
    criterion.value_and_grad(logits, labels, out=out)
    tracemalloc.start()
    criterion.value_and_grad(logits, labels, out=out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.01 * logits.nbytes + 65536


def test_what_does_not_share_a_pass():
    """Other options are other passes; unreduced values of different shapes have no sum."""
    dice = nl.DiceLoss()
    for other in (
        nl.CrossEntropyLoss(ignore_index=-1),
        nl.CrossEntropyLoss(label_smoothing=0.1),
        nl.CrossEntropyLoss(reduction="sum"),
        nl.DiceLoss(squared_pred=True),
        nl.DiceLoss(activation="sigmoid"),
        nl.LovaszLoss(),
        nl.BCEWithLogitsLoss(),
    ):
        assert len((dice + other)._fused) == 2
        assert len((other + dice)._fused) == 2
    logits, labels = drawn(6)
    mix = dice + nl.CrossEntropyLoss(label_smoothing=0.1)
    value, _, parts = mix.value_and_grad(logits, labels, components=True)
    np.testing.assert_allclose(value, parts["dice_loss"] + parts["cross_entropy"], rtol=1e-13)
    with pytest.raises(ValueError, match="divide by different denominators"):
        mix.total(logits, labels)
    with pytest.raises(ValueError, match="divide by different denominators"):
        (dice + nl.CrossEntropyLoss()).total(logits, labels)
    with pytest.raises(TypeError, match="unreduced"):
        nl.DiceLoss(reduction="none") + nl.CrossEntropyLoss(reduction="none")


@pytest.mark.parametrize(
    "parts",
    [
        (nl.dice_loss, nl.binary_cross_entropy_with_logits),
        (nl.cross_entropy,),
        (nl.dice_loss, nl.cross_entropy, nl.focal_loss),
    ],
)
def test_what_cannot_be_fused_is_refused(parts):
    with pytest.raises(TypeError, match="a_loss: the parts must be losses over regions and at most one softmax loss"):

        @nl.fused_regions(*parts)
        def a_loss(one, two):
            return one + two, (1.0, 1.0)
