"""What fuzzing found, one test for each: it stays found."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import numbaloss as nl
from numbaloss.testing import checks_regions


def test_single_numbers_with_a_variance() -> None:
    """An input without axes was taken for one whose variance lacks the last axis."""
    single = nl.gaussian_nll_loss(np.float64(0.5), np.float64(1.0), np.float64(2.0))
    assert single == nl.gaussian_nll_loss([0.5], [1.0], [2.0])


def test_rows_of_no_classes_and_no_rows_of_classes() -> None:
    """The mean over no labels warned; a single number without an axis for labels raised NumPy's AxisError."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(nl.multilabel_soft_margin_loss(np.zeros(0), np.zeros(0)))
        values = nl.multilabel_soft_margin_loss(np.zeros((3, 0)), np.zeros((3, 0)), reduction="none")
    assert values.shape == (3,)
    assert np.isnan(values).all()
    with pytest.raises(ValueError, match=r"multilabel_soft_margin_loss: input needs a class axis, got shape \(\)"):
        nl.multilabel_soft_margin_loss(0.5, 1.0)


def test_means_over_classes_are_rounded_once() -> None:
    """In float16 the values of the classes were rounded before they were averaged."""
    logits, target = np.float32([0.37719065, -0.3963146]), np.float32([0.8070048, 0.9045005])
    half = nl.multilabel_soft_margin_loss(logits.astype(np.float16), target.astype(np.float16), reduction="none")
    single = [array.astype(np.float16).astype(np.float32) for array in (logits, target)]
    assert half == nl.multilabel_soft_margin_loss(*single, reduction="none").astype(np.float16)


def test_a_mean_over_classes_that_overflows_does_not_warn() -> None:
    """NumPy warned where the sum over the classes of a row was infinite."""
    logits, target = np.float32([[3.4e38, -3.4e38]]), np.float32([[0.2, 0.9]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isinf(nl.multilabel_soft_margin_loss(logits, target, reduction="none"))


def test_no_images_with_sums_over_the_batch_do_not_warn() -> None:
    """NumPy warned of 0 times the nan that the formula gives for no sums."""
    nothing = np.zeros((0, 3, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(nl.jaccard_loss(nothing, nothing, batch=True, smooth_dr=0.0))


@pytest.mark.parametrize("dtype", [">f4", np.float16])
def test_gradients_of_mixes_by_masks_are_of_the_type_of_the_input(dtype: Any) -> None:
    """Of another byte order it came in the machine's; in float16 each part's was rounded, and their sum again."""
    rng = np.random.default_rng(0)
    logits, masks = (3.0 * rng.standard_normal((3, 4, 5))).astype(dtype), rng.uniform(size=(3, 4, 5))
    criterion = nl.DiceCELoss(lambda_dice=0.3, lambda_ce=0.7)
    _, gradient = criterion.value_and_grad(logits, masks.astype(np.float32))
    _, wanted = criterion.value_and_grad(logits.astype(np.float32), masks.astype(np.float32))
    assert gradient.dtype == logits.dtype
    np.testing.assert_array_equal(gradient, wanted.astype(dtype))
    out = np.empty_like(logits)
    assert criterion.value_and_grad(logits, masks.astype(np.float32), out=out)[1] is out
    np.testing.assert_array_equal(out, gradient)


def test_the_gradient_by_a_tiny_vector_is_no_nan() -> None:
    """One over its length, times the scale, overflowed; times a slope of 0 that was nan."""
    image, text = np.array([[1.0], [2.3e-308], [-2.0]]), np.array([[1.0], [-0.5], [1.5]])
    for reduction in ("none", "sum", "mean"):
        _, (gradient, _) = nl.CLIPLoss(reduction=reduction).value_and_grad(image, text, np.array(50.0))
        np.testing.assert_array_equal(np.isnan(gradient), False)


def test_a_huge_scale_takes_nothing_but_itself_off_the_highest_score() -> None:
    """Fused with the product, the difference was the product's rounding error, 1e13; its exponential infinite."""
    image = np.array([[0.3771906632801799], [-0.39631458987390566]])
    for first in np.linspace(1.9, 2.0, 50):
        _, slopes = nl.CLIPLoss().value_and_grad(image, np.array([[first], [0.3147003514591191]]), np.array(1e30))
        np.testing.assert_array_equal(np.isnan(slopes), False)


def test_a_huge_scale_over_a_small_denominator_leaves_no_slope_as_it_is() -> None:
    """Their ratio overflowed; times a slope of 0 that was nan."""
    image, text = np.array([[0.4]], np.float32), np.array([[-0.4]], np.float32)
    scale, weight = np.array(3.4028235e38, np.float32), np.array([0.5])
    _, slopes = nl.CLIPLoss().value_and_grad(image, text, scale, sample_weight=weight)
    np.testing.assert_array_equal(slopes, 0.0)


def test_heavy_rows_have_the_slopes_of_light_ones() -> None:
    """A weight times the exponential of twice the largest score overflowed, and so did a weight times the scale."""
    rows = np.array([[1.0, 0.1], [-1.0, 0.0], [-1.0, 0.1], [1.0, 0.0]], np.float32)
    for criterion in (nl.NTXentLoss(temperature=0.05), nl.SupConLoss(temperature=0.05)):
        _, wanted = criterion.value_and_grad(rows, np.array([0, 0, 1, 1]))
        heavy = np.full(4, 1e22)
        _, slopes = criterion.value_and_grad(rows, np.array([0, 0, 1, 1]), sample_weight=heavy)
        np.testing.assert_allclose(slopes, wanted, rtol=1e-4, atol=1e-5)
    arrays = rows[:3], rows[1:], np.array(100.0, np.float32)
    _, wanted = nl.CLIPLoss().value_and_grad(*arrays)
    _, slopes = nl.CLIPLoss().value_and_grad(*arrays, sample_weight=np.full(3, 1e37))
    np.testing.assert_allclose(slopes, wanted, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("classes", [4, 40])
def test_the_slope_by_a_confident_teacher_keeps_its_digits(classes: int) -> None:
    """It was the difference of the largest class's gap and the mean gap, which are equal but for a rounding."""
    rng = np.random.default_rng(0)
    student, teacher = rng.standard_normal((2, 20, classes)).astype(np.float32)
    student[:, 0], teacher[:, 0] = -30.0, 15.0
    slopes = [
        nl.KLDivWithLogitsLoss().value_and_grad(student.astype(dtype), teacher.astype(dtype), wrt="teacher")[1]
        for dtype in (np.float32, np.float64)
    ]
    scale = np.abs(slopes[1]).max(axis=1, keepdims=True)
    np.testing.assert_array_less(np.abs(slopes[0] - slopes[1]) / scale, 2e-6)


def test_a_rate_beyond_its_type_does_not_hide_a_target_that_is_no_number() -> None:
    assert np.isnan(nl.poisson_nll_loss(np.float32(3e38), np.float32(np.nan)))
    assert nl.poisson_nll_loss(np.float32(3e38), np.float32(2.0)) == np.inf


def test_no_label_is_no_label_of_zero() -> None:
    """The quick way of pairs took None for a loss without labels."""
    rows = np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)
    with pytest.raises(TypeError, match="contrastive_loss: target is None"):
        nl.ContrastiveLoss().value_and_grad(*rows, None)


def test_the_head_names_itself_where_an_input_is_no_array() -> None:
    with pytest.raises(TypeError, match="linear_cross_entropy: input is a dict"):
        nl.linear_cross_entropy({}, np.ones((2, 3)), np.array([1]))


@pytest.mark.filterwarnings("error")
def test_a_value_beyond_its_type_does_not_warn() -> None:
    """NumPy warned of the overflow when the float64 sum became a float32."""
    logits = np.array([[-3.4028235e38, -0.4]], np.float32)
    assert nl.tversky_ce_loss(logits, np.array([0]), lambda_ce=2.0) == np.inf


@pytest.mark.filterwarnings("error")
def test_a_rider_of_huge_values_does_not_warn() -> None:
    """NumPy warned of the overflow when the images' sums were added up."""
    logits = np.full((2, 2, 1), 1.7e308)
    logits[:, 0] = -1.7e308
    assert nl.dice_ce_loss(logits, np.zeros((2, 1), int)) == np.inf


@pytest.mark.filterwarnings("error")
def test_infinite_slopes_of_regions_do_not_warn() -> None:
    """NumPy warned where the slopes by two sums were infinite and one was taken off the other."""
    logits = np.array([[3.4e38, -3.4e38]], np.float32)
    nl.DiceLoss(smooth_dr=0.0, smooth_nr=0.0, include_background=False).value_and_grad(logits, np.array([0]))


def test_labels_of_another_byte_order_are_read_as_they_are() -> None:
    """The quick way handed them to a kernel of native ones, once that was compiled."""
    logits, labels = np.float32([[0.4, -0.4, 1.9, 0.3, -1.6]]), np.array([3])
    criterion = nl.GeneralizedCrossEntropyLoss()
    value, gradient = criterion.value_and_grad(logits, labels)
    again, slope = criterion.value_and_grad(logits, labels.astype(">i8"))
    assert again == value
    np.testing.assert_array_equal(slope, gradient)


def test_a_target_smoothed_away_has_no_slope_however_large_the_logit() -> None:
    """Nothing of the target was left, times an infinite slope."""
    criterion = nl.BCEWithLogitsLoss(label_smoothing=1.0, pos_weight=[1.001])
    _, slope = criterion.value_and_grad(np.float32([-3.4e38]), np.float32([0.7]), wrt="target")
    np.testing.assert_array_equal(slope, [0.0])


def test_slopes_of_a_head_that_cancel_in_a_product() -> None:
    """Two classes of equal weights: slopes of nearly 1 and -1 times 3 and 5 leave the rounding of those."""
    hidden = np.float32([[0.0, -3.0, -5.0]])
    matrix = np.float32([[0.0, -3.0, -5.0], [1.0, 2.0, 1.0], [0.0, -3.0, -5.0]])
    bias = np.float32([0.0, 3.0, -4.0])
    slopes = nl.LinearCrossEntropyLoss().value_and_grad(hidden, matrix, [2], bias)[1][0]
    wide = (array.astype(np.float64) for array in (hidden, matrix))
    wanted = nl.LinearCrossEntropyLoss().value_and_grad(*wide, [2], bias.astype(np.float64))[1][0]
    np.testing.assert_allclose(slopes, wanted, rtol=0.0, atol=4.0 * np.finfo(np.float32).eps * 5.0)


def test_nothing_over_nothing_is_nan_by_the_formula_too() -> None:
    """The one class that counts is not there, and nothing is added: the rule took two nan for different."""
    setting = {"include_background": False, "w_type": "square", "smooth_nr": 0.0, "smooth_dr": 0.0}
    loss = nl.GeneralizedDiceLoss(reduction="none", **setting)
    logits = np.float32([[0.37719065, -0.3963146]])
    value, gradient = loss.value_and_grad(logits, np.array([0]))
    exact = checks_regions.Exact(loss.definition, loss.parameters, np.float32).image(logits.T, np.array([0]))
    checks_regions.hold_image(value[0], gradient.T, exact, 1e-6, "of nothing")
    assert np.isnan(value).all()
