"""Losses over regions against their papers' formulas, in float64 and without looking at ours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import numbaloss as nl

NAMES = ["dice_loss", "jaccard_loss", "tversky_loss", "focal_tversky_loss", "generalized_dice_loss", "mcc_loss"]


def chances(logits, activation):
    if activation == "softmax":
        terms = np.exp(logits - logits.max(axis=1, keepdims=True))
        return terms / terms.sum(axis=1, keepdims=True)
    return 1.0 / (1.0 + np.exp(-logits)) if activation == "sigmoid" else logits


def masks(logits, target):
    """(masks, whether each entry counts), of class labels or of masks; -100 is ignored."""
    if target.ndim == logits.ndim:
        return np.where(target == -100, 0.0, target), target != -100
    classes = logits.shape[1]
    first = 1 if classes == 1 else 0
    one_hot = np.stack([target == c + first for c in range(classes)], axis=1).astype(float)
    return one_hot, np.broadcast_to((target != -100)[:, None], logits.shape)


def sums(logits, target, activation="softmax", batch=False, squared=False, background=True):
    """``sum p t``, ``sum p`` and ``sum t`` (or of squares), and the number of positions, over each region."""
    p, (t, counts) = chances(logits.astype(np.float64), activation), masks(logits, target)
    axes = (0, *range(2, logits.ndim)) if batch else tuple(range(2, logits.ndim))
    power = 2 if squared else 1
    found = [(one * counts).sum(axis=axes) for one in (p * t, p**power, t**power, np.ones_like(p))]
    return [one[..., 0 if background else 1 :] for one in found]


def dice_loss(logits, target, jaccard=False, squared_pred=False, smooth_nr=1e-5, smooth_dr=1e-5, **how):
    """Milletari et al. 2016; MONAI's smoothing."""
    both, predicted, present, _ = sums(logits, target, squared=squared_pred, **how)
    below = 2 * (predicted + present - both) if jaccard else predicted + present
    return 1 - (2 * both + smooth_nr) / (below + smooth_dr)


def jaccard_loss(logits, target, **how):
    return dice_loss(logits, target, jaccard=True, **how)


def tversky_loss(logits, target, alpha=0.5, beta=0.5, smooth_nr=1e-5, smooth_dr=1e-5, **how):
    """Salehi et al. 2017: `alpha` weighs what is predicted but not there."""
    both, predicted, present, _ = sums(logits, target, **how)
    return 1 - (both + smooth_nr) / (both + alpha * (predicted - both) + beta * (present - both) + smooth_dr)


def focal_tversky_loss(logits, target, gamma=4 / 3, alpha=0.3, beta=0.7, **how):
    """Abraham and Khan 2019."""
    return np.maximum(tversky_loss(logits, target, alpha=alpha, beta=beta, **how), 0.0) ** (1 / gamma)


def generalized_dice_loss(logits, target, w_type="square", smooth_nr=1e-5, smooth_dr=1e-5, **how):
    """Sudre et al. 2017; MONAI's weight of an absent class."""
    both, predicted, present, _ = (np.atleast_2d(one) for one in sums(logits, target, **how))
    values = []
    for image in range(len(both)):
        sizes = present[image]
        power = {"square": 2, "simple": 1, "uniform": 0}[w_type]
        weights = np.array([size**-power if size or not power else np.nan for size in sizes])
        weights[np.isnan(weights)] = np.nanmax(weights) if not np.isnan(weights).all() else 0.0
        above = 2 * (weights * both[image]).sum() + smooth_nr
        values.append(1 - above / ((weights * (predicted[image] + sizes)).sum() + smooth_dr))
    return np.array(values)[:, None] if not how.get("batch") else np.array(values)


def mcc_loss(logits, target, eps=1e-5, **how):
    """Abhishek and Hamarneh 2021."""
    tp, predicted, present, number = sums(logits, target, **how)
    fp, fn = predicted - tp, present - tp
    tn = number - tp - fp - fn
    return 1 - (tp * tn - fp * fn + eps) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn) + eps)


def drawn(seed, shape, kind, activation):
    rng = np.random.default_rng(seed)
    logits = 2.0 * rng.standard_normal(shape)
    if activation is None:
        logits = 1.0 / (1.0 + np.exp(-logits))
    if kind == "labels":
        target = rng.integers(0, max(2, shape[1] - 1), (shape[0], *shape[2:]))  # the last class is empty
    elif kind == "masks":
        target = rng.integers(0, 2, shape).astype(rng.choice(["int64", "uint8", "float64", "bool"]))
    else:
        target = rng.random(shape)
    if target.dtype.kind in "if" and rng.random() < 0.5:
        target.reshape(-1)[:: 1 + target.size // 3] = -100
    return logits, target


@st.composite
def problems(draw):
    name = draw(st.sampled_from(NAMES))
    activation = draw(st.sampled_from(["softmax", "sigmoid", None]))
    classes = draw(st.sampled_from([2, 3, 7] if activation == "softmax" else [1, 2, 5]))
    space = draw(st.sampled_from([(), (1,), (2, 3), (3, 2, 4), (300,), (65, 70)]))
    shape = (draw(st.integers(1, 3)), classes, *space)
    kind = draw(st.sampled_from(["labels", "masks", "soft"]))
    logits, target = drawn(draw(st.integers(0, 10**6)), shape, kind, activation)
    options = {"activation": activation, "batch": draw(st.booleans())}
    if classes > 1:
        options["include_background"] = draw(st.booleans())
    if name in ("dice_loss", "jaccard_loss"):
        options["squared_pred"] = draw(st.booleans())
    if name != "mcc_loss":
        options["smooth_nr"] = draw(st.sampled_from([1e-5, 0.5, 1.0]))
        options["smooth_dr"] = draw(st.sampled_from([1e-5, 1.0]))
    if "tversky" in name:
        options |= {"alpha": draw(st.sampled_from([0.3, 1.0])), "beta": draw(st.sampled_from([0.7, 2.0]))}
    if name == "focal_tversky_loss":
        options["gamma"] = draw(st.sampled_from([0.75, 1.5]))
    if name == "generalized_dice_loss":
        options["w_type"] = draw(st.sampled_from(["square", "simple", "uniform"]))
    return name, logits, target, options


@settings(deadline=None, max_examples=120)
@given(problems())
def test_values_are_the_papers(problem):
    """Every region's value, for any kind of input, shape and option."""
    name, logits, target, options = problem
    reference = {("background" if k == "include_background" else k): v for k, v in options.items()}
    if "squared_pred" in reference and name != "dice_loss" and name != "jaccard_loss":
        del reference["squared_pred"]
    wanted = globals()[name](logits, target, **reference)
    counted = (masks(logits, target)[1]).any(axis=tuple(range(1, logits.ndim)))
    if options["batch"]:
        wanted = wanted if counted.any() else wanted * 0.0
    else:
        wanted = np.where(counted[:, None], wanted, 0.0)
    got = getattr(nl, name)(logits, target, reduction="none", **options)
    if name == "generalized_dice_loss":
        wanted = wanted.reshape(got.shape)
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-12)
    single = getattr(nl, name)(logits.astype(np.float32), target, reduction="none", **options)
    np.testing.assert_allclose(single, wanted, rtol=2e-4, atol=2e-5)
    assert single.dtype == np.float32
    divisor = 1.0 * (counted.any() if options["batch"] else counted.sum()) * wanted.shape[-1]
    total = getattr(nl, name).Loss(**options).total(logits, target)
    assert total.denominator == divisor
    np.testing.assert_allclose(total.sum, wanted.sum(), rtol=1e-10, atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(problems(), st.integers(0, 10**6))
@example(("dice_loss", np.array([[0.9834, 0.006]]), np.array([0]), {"activation": None, "batch": False}), 3)
def test_gradients_are_slopes_of_values(problem, seed):
    """The gradient along a random direction is the difference of the values."""
    name, logits, target, options = problem
    criterion = getattr(nl, name).Loss(**options, reduction="sum")
    _, gradient = criterion.value_and_grad(logits, target)
    direction = np.random.default_rng(seed).standard_normal(logits.shape)
    if options["activation"] is None:
        direction *= logits  # chances may be small: steps in proportion to them
    step = 1e-5
    ends = [float(criterion(logits + by * direction, target)) for by in (step, -step)]
    slope = (ends[0] - ends[1]) / (2 * step)
    assert abs(slope - (gradient * direction).sum()) <= 1e-5 * max(1.0, abs(slope))


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_nearly_perfect_predictions_keep_their_digits(activation):
    """A tiny loss is known to float32's last digits, and so is its gradient: sums of what is wrong do not cancel."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (1, 40, 50))
    sign = np.where(np.arange(3)[None, :, None, None] == labels[:, None], 1.0, -1.0)
    logits = (14.0 + rng.random((1, 3, 40, 50))) * sign
    options = {"activation": activation, "smooth_nr": 1.0, "smooth_dr": 1.0}
    exact, slopes = nl.DiceLoss(**options).value_and_grad(logits.astype(np.float32).astype(np.float64), labels)
    value, gradient = nl.DiceLoss(**options).value_and_grad(logits.astype(np.float32), labels)
    assert 0.0 < exact < 1e-5
    np.testing.assert_allclose(value, exact, rtol=1e-6)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-5)


@pytest.mark.parametrize(
    ("smooth_nr", "smooth_dr", "wanted"), [(0.0, 0.0, np.nan), (1e-5, 1e-5, 0.0), (0.0, 1e-5, 1.0)]
)
def test_a_class_that_is_neither_there_nor_predicted(smooth_nr, smooth_dr, wanted):
    nothing = np.zeros((1, 1, 5))
    got = nl.dice_loss(nothing, nothing, activation=None, smooth_nr=smooth_nr, smooth_dr=smooth_dr)
    np.testing.assert_equal(float(got), wanted)


def test_binary_labels_mean_the_only_class():
    """One class and labels 0 and 1: 1 is the class, 0 is not."""
    rng = np.random.default_rng(1)
    logits, labels = rng.standard_normal((2, 1, 6, 7)), rng.integers(0, 2, (2, 6, 7))
    by_labels = nl.DiceLoss(activation="sigmoid").value_and_grad(logits, labels)
    by_masks = nl.DiceLoss(activation="sigmoid").value_and_grad(logits, labels[:, None])
    for one, two in zip(by_labels, by_masks, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-14)


def test_class_weights_multiply_and_do_not_divide():
    rng = np.random.default_rng(2)
    logits, labels = rng.standard_normal((2, 4, 5, 5)), rng.integers(0, 4, (2, 5, 5))
    weight = np.array([0.5, 2.0, 3.0])
    criterion = nl.DiceLoss(weight=weight, include_background=False)
    values = nl.dice_loss(logits, labels, include_background=False, reduction="none")
    np.testing.assert_allclose(criterion(logits, labels), (values * weight).mean(), rtol=1e-14)
    assert criterion.total(logits, labels).denominator == 6.0
    with pytest.raises(ValueError, match="weight has 3 entries for 4 classes"):
        nl.dice_loss(logits, labels, weight=weight)


def test_sample_weights_of_a_batch_repeat_images():
    """With ``batch=True`` an image of weight 2 is there twice."""
    rng = np.random.default_rng(3)
    logits, labels = rng.standard_normal((2, 3, 5, 5)), rng.integers(0, 3, (2, 5, 5))
    twice = nl.dice_loss(logits[[0, 0, 1]], labels[[0, 0, 1]], batch=True)
    np.testing.assert_allclose(nl.dice_loss(logits, labels, batch=True, sample_weight=[2, 1]), twice, rtol=1e-14)


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 4097), (1, 2, 0)])
def test_wrong_arguments(shape):
    logits = np.zeros(shape)
    labels = np.zeros((shape[0], *shape[2:]), int)
    with pytest.raises(ValueError, match="target"):
        nl.dice_loss(logits, labels[:, None, None])
    with pytest.raises(ValueError, match="softmax of a single class"):
        nl.dice_loss(logits[:, :1], labels)
    with pytest.raises(ValueError, match="leaves nothing"):
        nl.dice_loss(logits[:, :1], labels, activation="sigmoid", include_background=False)
    with pytest.raises(ValueError, match="axes"):
        nl.dice_loss(np.zeros(3), labels)


def test_a_wrong_label_is_found_before_anything_is_written():
    logits, labels = np.zeros((1, 3, 70, 70)), np.zeros((1, 70, 70), int)
    labels[0, 69, 69] = 3
    out = np.full_like(logits, 7.0)
    mix = nl.CrossEntropyLoss() + nl.DiceLoss()
    for criterion in (nl.DiceLoss(), nl.DiceLoss(activation="sigmoid"), nl.DiceCELoss(), mix):
        with pytest.raises(ValueError, match=r"target\[4899\] is 3"):
            criterion.value_and_grad(logits, labels, out=out)
        assert np.all(out == 7.0)


def test_where_nothing_is_negative_float32_counts_no_fewer():
    """True negatives are a sum of their own: as what the other sums leave they were less than nothing, rounded."""
    logits = np.array([0.25146044, -0.26420973, 1.2808453, 0.20980023, -1.07133875, 0.72319011]).reshape(1, 1, 2, 3)
    target = np.ones((1, 1, 2, 3), np.int64)
    wanted = nl.mcc_loss(logits, target, activation="sigmoid")
    np.testing.assert_allclose(nl.mcc_loss(logits.astype(np.float32), target, activation="sigmoid"), wanted, rtol=1e-6)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", None])
@pytest.mark.parametrize("kind", ["labels", "masks"])
@pytest.mark.parametrize("margin", [0.0, 2.0, 9.0])
def test_correlation_of_an_image_that_one_class_fills(activation, kind, margin):
    """Nothing can be learnt from it, and no rounding error, a hundred times its eps, is taken for a lesson."""
    logits = np.random.default_rng(0).standard_normal((2, 2, 90, 70))
    logits[:, 0] += margin
    if activation is None:
        logits = 1.0 / (1.0 + np.exp(-logits))
    target = np.zeros((2, 90, 70), int) if kind == "labels" else np.zeros((2, 2, 90, 70), int)
    if kind == "masks":
        target[:, 0] = 1
    criterion = nl.MCCLoss(activation=activation, reduction="none")
    value, gradient = criterion.value_and_grad(logits.astype(np.float32), target)
    np.testing.assert_allclose(value, 1.0 - np.sqrt(1e-5), rtol=2e-7)
    np.testing.assert_array_equal(gradient, 0.0)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_correlation_keeps_its_digits_beside_one_position_of_another_class(activation):
    logits = np.random.default_rng(1).standard_normal((1, 2, 90, 70))
    logits[:, 0] += 4.0
    target = np.zeros((1, 90, 70), int)
    target[0, 40, 40] = 1
    criterion = nl.MCCLoss(activation=activation)
    wanted, slopes = criterion.value_and_grad(logits, target)
    value, gradient = criterion.value_and_grad(logits.astype(np.float32), target)
    assert value == pytest.approx(wanted, rel=2e-6)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-5, atol=2e-6 * np.abs(slopes).max())
