"""The losses of the package: numbaloss's suite, the papers' formulas in NumPy, torch's autograd, cases by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numbaloss_boxes import (
    LOSSES,
    box_iou_loss,
    complete_box_iou_loss,
    distance_box_iou_loss,
    drawn_boxes,
    generalized_box_iou_loss,
)

import numbaloss as nl
from numbaloss.testing import checks_for, parametrize_loss_checks

BOTH = ("boxes1", "boxes2")
EPS = 1e-7


@parametrize_loss_checks(LOSSES)
def test_conformance(loss, check):
    check(loss)


# ---- the papers' formulas, written down once for NumPy and once for torch


def exact(name, first, second, eps=EPS):
    """One value for each pair of boxes, in float64."""
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    top_left, bottom_right = np.maximum(first[:, :2], second[:, :2]), np.minimum(first[:, 2:], second[:, 2:])
    meets = (bottom_right > top_left).all(axis=1)
    shared = np.where(meets, (bottom_right - top_left).prod(axis=1), 0.0)
    sides = [boxes[:, 2:] - boxes[:, :2] for boxes in (first, second)]
    union = sides[0].prod(axis=1) + sides[1].prod(axis=1) - shared
    iou = shared / (union + eps)
    around = np.maximum(first[:, 2:], second[:, 2:]) - np.minimum(first[:, :2], second[:, :2])
    if name == "box_iou_loss":
        return 1.0 - iou
    if name == "generalized_box_iou_loss":
        return 1.0 - (iou - (around.prod(axis=1) - union) / (around.prod(axis=1) + eps))
    centres = [(boxes[:, 2:] + boxes[:, :2]) / 2.0 for boxes in (first, second)]
    far = ((centres[0] - centres[1]) ** 2).sum(axis=1) / ((around**2).sum(axis=1) + eps)
    if name == "distance_box_iou_loss":
        return 1.0 - iou + far
    angles = [np.arctan(side[:, 0] / side[:, 1]) for side in sides]
    shape = 4.0 / np.pi**2 * (angles[1] - angles[0]) ** 2
    return 1.0 - iou + far + shape * shape / (1.0 - iou + shape + eps)


def composed(name, first, second, eps=EPS):
    """The sum, differentiable by torch; alpha outside the graph."""
    ends = torch.minimum(first[:, 2:], second[:, 2:]) - torch.maximum(first[:, :2], second[:, :2])
    shared = torch.where((ends > 0).all(1), ends.prod(1), torch.zeros(len(first), dtype=first.dtype))
    one, two = first[:, 2:] - first[:, :2], second[:, 2:] - second[:, :2]
    union = one.prod(1) + two.prod(1) - shared
    iou = shared / (union + eps)
    around = torch.maximum(first[:, 2:], second[:, 2:]) - torch.minimum(first[:, :2], second[:, :2])
    loss = 1 - iou
    if name == "generalized_box_iou_loss":
        loss = loss + (around.prod(1) - union) / (around.prod(1) + eps)
    if name in ("distance_box_iou_loss", "complete_box_iou_loss"):
        middle = (first[:, 2:] + first[:, :2] - second[:, 2:] - second[:, :2]) / 2
        loss = loss + middle.square().sum(1) / (around.square().sum(1) + eps)
    if name == "complete_box_iou_loss":
        shape = 4 / torch.pi**2 * (torch.atan(two[:, 0] / two[:, 1]) - torch.atan(one[:, 0] / one[:, 1])) ** 2
        loss = loss + (shape / (1 - iou + shape + eps)).detach() * shape
    return loss.sum()


def gradients_of_torch(name, first, second, eps=EPS):
    tensors = [torch.tensor(np.asarray(boxes, np.float64), requires_grad=True) for boxes in (first, second)]
    composed(name, *tensors, eps).backward()
    return [tensor.grad.numpy() for tensor in tensors]


def of_each(loss, first, second, **arguments):
    """(values, gradients of their sum by both boxes)."""
    return loss.Loss(reduction="none", **arguments).value_and_grad(first, second, wrt=BOTH)


@pytest.mark.parametrize("eps", [EPS, 0.0, 0.5])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_values_and_gradients_are_those_of_the_formulas(loss, eps):
    rng = np.random.default_rng(0)
    first, second = drawn_boxes(rng, (500, 4)), drawn_boxes(rng, (500, 4))
    values, gradients = of_each(loss, first, second, eps=eps)
    np.testing.assert_allclose(values, exact(loss.__name__, first, second, eps), rtol=1e-12)
    for got, wanted in zip(gradients, gradients_of_torch(loss.__name__, first, second, eps), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-12)


whole = st.integers(-3, 3)
corners = st.tuples(whole, whole, whole, whole)


@settings(max_examples=150, deadline=None, database=None)
@given(st.sampled_from(LOSSES), st.lists(st.tuples(corners, corners), min_size=1, max_size=6))
def test_ties_touching_and_inverted_boxes_as_torch(loss, pairs):
    """On a coarse grid nearly every pair has equal ends; torch shares the slope of a tie, too."""
    first, second = (np.array([pair[k] for pair in pairs], np.float64) for k in (0, 1))
    if loss is complete_box_iou_loss:  # torch's slopes are nan where a side is 0, its value where both are
        first[:, 2:] += 0.5 * (first[:, 2:] == first[:, :2])
        second[:, 2:] += 0.5 * (second[:, 2:] == second[:, :2])
    with np.errstate(all="ignore"):
        wanted = exact(loss.__name__, first, second)
    sound = np.isfinite(wanted) & (np.abs(wanted) < 1e3)  # areas of inverted boxes can cancel to an eps
    values, gradients = of_each(loss, first, second)
    np.testing.assert_allclose(values[sound], wanted[sound], rtol=1e-9, atol=1e-9)
    for got, slopes in zip(gradients, gradients_of_torch(loss.__name__, first, second), strict=True):
        np.testing.assert_allclose(got[sound], slopes[sound], rtol=1e-7, atol=1e-7)


@settings(max_examples=60, deadline=None, database=None)
@given(st.sampled_from(LOSSES), st.integers(1, 40), st.sampled_from(["f2", "f4", "f8"]), st.integers(0, 2**32 - 1))
def test_shapes_types_and_strides(loss, count, kind, seed):
    rng = np.random.default_rng(seed)
    first, second = drawn_boxes(rng, (count, 4)).astype(kind), drawn_boxes(rng, (count, 4)).astype(kind)
    tolerance = {"f2": 2e-3, "f4": 1e-5, "f8": 1e-12}[kind]
    wanted = exact(loss.__name__, first, second)
    frozen = np.asfortranarray(first)
    frozen.flags.writeable = False
    for one, two in ((first, second), (frozen, np.repeat(second, 2, axis=0)[::2])):
        values, gradients = of_each(loss, one, two)
        assert values.dtype == gradients[0].dtype == np.dtype(kind)
        np.testing.assert_allclose(values, wanted, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(loss(first, second), wanted.mean(), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(loss(first[0], second[0]), wanted[0], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(loss(first[None], second[None], reduction="none")[0], values, rtol=tolerance)


# ---- cases that torchvision's tests and documentation speak of, worked out by hand

LARGE, QUARTER, BELOW, ACROSS = [-1, -1, 1, 1], [0, 0, 1, 1], [0, 1, 1, 2], [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("loss", "first", "second", "value"),
    [
        (box_iou_loss, LARGE, QUARTER, 1 - 1 / 4),
        (box_iou_loss, QUARTER, BELOW, 1.0),
        (generalized_box_iou_loss, LARGE, QUARTER, 1 - 1 / 4),  # the large box is the hull
        (generalized_box_iou_loss, QUARTER, BELOW, 1.0),  # side by side: nothing of the hull is left over
        (generalized_box_iou_loss, QUARTER, ACROSS, 1 + 2 / 4),
        (distance_box_iou_loss, LARGE, QUARTER, 1 - 1 / 4 + 0.5 / 8),
        (distance_box_iou_loss, LARGE, BELOW, 1 + (0.25 + 2.25) / (4 + 9)),
        (distance_box_iou_loss, LARGE, ACROSS, 1 + 4.5 / 18),
        (complete_box_iou_loss, LARGE, QUARTER, 1 - 1 / 4 + 0.5 / 8),  # squares all
        (complete_box_iou_loss, LARGE, BELOW, 1 + 2.5 / 13),
        (complete_box_iou_loss, LARGE, ACROSS, 1 + 4.5 / 18),
    ],
)
def test_cases_by_hand(loss, first, second, value):
    first, second = np.array([first], float), np.array([second], float)
    np.testing.assert_allclose(loss(first, second), value, atol=2e-7)
    np.testing.assert_allclose(loss(second, first), value, atol=2e-7)
    np.testing.assert_allclose(loss(first.astype("f2"), second.astype("f2")), value, atol=1e-3)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_equal_boxes_cost_nothing_and_nearly_equal_ones_keep_their_digits(loss):
    box = drawn_boxes(np.random.default_rng(3), (50, 4)).astype("f4")
    assert float(abs(loss(box, box, reduction="none")).max()) < 1e-6
    box = np.abs(box) * 0 + np.array([1.0, 2.0, 3.0, 5.0], "f4")
    moved = box + np.float32(2.0**-16)
    wanted = exact("box_iou_loss", box, moved, eps=0.0)
    np.testing.assert_allclose(box_iou_loss(box, moved, eps=0.0, reduction="none"), wanted, rtol=1e-6)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_boxes_without_extent_give_numbers(loss):
    point, line, box = [1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 3.0, 1.0], [0.0, 0.0, 2.0, 3.0]
    first = np.array([point, point, line, line, box, box])
    second = np.array([point, box, box, line, point, line])
    for kind in ("f4", "f8"):
        values, gradients = of_each(loss, first.astype(kind), second.astype(kind))
        assert np.isfinite(values).all()
        assert all(np.isfinite(gradient).all() for gradient in gradients)
        if loss is not complete_box_iou_loss:
            np.testing.assert_allclose(values, exact(loss.__name__, first, second), rtol=1e-5)


def test_nothing_at_all():
    empty = np.zeros((0, 4), "f4")
    for loss in LOSSES:
        assert np.isnan(loss(empty, empty))
        assert loss(empty, empty, on_empty="zero") == loss(empty, empty, reduction="sum") == 0.0
        assert loss(empty, empty, reduction="none").shape == (0,)


def test_the_weight_of_the_shape_is_held_in_the_gradient():
    """What the suite is told: the gradient is not the value's, but that with alpha held (checked at fifty digits)."""
    assert "check_gradient_by_differences" not in checks_for(complete_box_iou_loss)
    assert "check_exact_rows" in checks_for(complete_box_iou_loss)
    first, second = np.array([[0.0, 0.0, 2.0, 1.0]]), np.array([[0.5, 0.0, 1.5, 3.0]])
    step = np.array([[0.0, 0.0, 1e-6, 0.0]])
    ends = [exact("complete_box_iou_loss", first + sign * step, second)[0] for sign in (1, -1)]
    slope = of_each(complete_box_iou_loss, first, second)[1][0][0, 2]
    assert abs((ends[0] - ends[1]) / 2e-6 - slope) > 1e-3


def test_gradient_descent_pulls_apart_boxes_together():
    second = np.array([[4.0, 4.0, 6.0, 7.0]])
    for loss in (generalized_box_iou_loss, distance_box_iou_loss, complete_box_iou_loss):
        first, criterion = np.array([[0.0, 0.0, 2.0, 2.0]]), loss.Loss()
        for step in range(4000):
            _, gradient = criterion.value_and_grad(first, second)
            first -= (1.0 if step < 2000 else 0.02) * gradient
        assert box_iou_loss(first, second) < 0.1, loss.__name__


def test_wrong_boxes_are_named():
    with pytest.raises(ValueError, match=r"boxes1 has shape \(3, 5\); wanted \(..., 4\)"):
        box_iou_loss(np.zeros((3, 5)), np.zeros((3, 5)))
    with pytest.raises(ValueError, match=r"boxes2 has shape \(1, 4\); wanted \(3, 4\) to go with boxes1"):
        box_iou_loss(np.zeros((3, 4)), np.zeros((1, 4)))
    with pytest.raises(ValueError, match="eps must lie in"):
        box_iou_loss.Loss(eps=-1.0)
    assert float(box_iou_loss(np.array([[0.0, 0.0, 2.0, 2.0]]), np.array([[0, 0, 1, 2]]), eps=0.0)) == 0.5


def test_the_plugin_is_found():
    (plugin,) = [plugin for plugin in nl.load_plugins() if plugin.distribution == "numbaloss-boxes"]
    assert plugin.status == "active", plugin.reason
    assert plugin.losses == tuple(sorted(loss.__name__ for loss in LOSSES))
