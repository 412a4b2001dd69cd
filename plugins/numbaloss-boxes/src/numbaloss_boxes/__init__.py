"""Losses of bounding boxes for numbaloss, with torchvision's names, formats and meaning.

A box is ``(x1, y1, x2, y2)``, its left, top, right and bottom, with x1 < x2 and y1 < y2. Each box is compared with the
one in its place, not with every other. Gradients are by `boxes1`, the predicted ones, unless
``wrt=("boxes1", "boxes2")`` asks for both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import numbaloss as nl
from numbaloss_boxes.geometry import apart, common, corner_slopes, distance, hull, overlap, turn, turn_slopes, write

__all__ = ["box_iou_loss", "complete_box_iou_loss", "distance_box_iou_loss", "generalized_box_iou_loss"]

QUARTER = 0.4052847345693511  # 4 / pi**2: a turn of a quarter of the circle counts 1


def drawn_boxes(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Boxes of which many overlap, for the tests."""
    middle = rng.normal(size=(*shape[:-1], 2))
    half = np.exp(0.5 * rng.normal(size=(*shape[:-1], 2)))
    return np.concatenate([middle - half, middle + half], axis=-1)


BOXES: dict[str, Any] = {
    "shapes": {"boxes1": (4,), "boxes2": (4,)},
    "draws": {"boxes1": drawn_boxes, "boxes2": drawn_boxes},
    "limits": {"eps": "[0, inf)"},
    "unit": "pair of boxes",
    "task": "detection",
}


def pull(boxes1, boxes2, gradient1, gradient2, by_area, by_shared, by_hull, by_square, by_centres, by_turn):
    """The slopes by both boxes, from those by areas, shared area, hull's area, its squared sides, centres and turn."""
    if gradient1 is None and gradient2 is None:
        return
    wide1, high1 = boxes1[2] - boxes1[0], boxes1[3] - boxes1[1]
    wide2, high2 = boxes2[2] - boxes2[0], boxes2[3] - boxes2[1]
    wide = common(boxes1[0], boxes1[2], boxes2[0], boxes2[2])
    high = common(boxes1[1], boxes1[3], boxes2[1], boxes2[3])
    shared = by_shared if wide > 0.0 and high > 0.0 else 0.0
    across = hull(boxes1[0], boxes1[2], boxes2[0], boxes2[2])
    along = hull(boxes1[1], boxes1[3], boxes2[1], boxes2[3])
    turn_wide1, turn_high1 = turn_slopes(wide1, high1)
    turn_wide2, turn_high2 = turn_slopes(wide2, high2)
    left1, right1, left2, right2 = corner_slopes(
        boxes1[0], boxes1[2], boxes2[0], boxes2[2], shared * high, by_hull * along + 2.0 * by_square * across,
        by_area * high1 - by_turn * turn_wide1, by_area * high2 + by_turn * turn_wide2,
        2.0 * by_centres * apart(boxes1[0], boxes1[2], boxes2[0], boxes2[2]),
    )  # fmt: skip
    top1, bottom1, top2, bottom2 = corner_slopes(
        boxes1[1], boxes1[3], boxes2[1], boxes2[3], shared * wide, by_hull * across + 2.0 * by_square * along,
        by_area * wide1 - by_turn * turn_high1, by_area * wide2 + by_turn * turn_high2,
        2.0 * by_centres * apart(boxes1[1], boxes1[3], boxes2[1], boxes2[3]),
    )  # fmt: skip
    write(gradient1, left1, top1, right1, bottom1)
    write(gradient2, left2, top2, right2, bottom2)


@nl.kernel(class_name="BoxIoULoss", **BOXES)
def box_iou_loss(boxes1, boxes2, gradient1, gradient2, eps=1e-7):
    r"""One minus the intersection over the union of two boxes.

    .. math:: \ell = 1 - \frac{|A \cap B|}{|A \cup B| + \varepsilon}

    Boxes that do not overlap cost 1 and have no gradient. The mean divides by the number of pairs of boxes.

    Parameters
    ----------
    boxes1 : array (N, 4) or (4,), any leading axes
        Predicted boxes (x1, y1, x2, y2), in any unit of length.
    boxes2 : array, the shape of `boxes1`
        The boxes they should be.
    eps : float, at least 0
        Added to the union's area, so that boxes without extent do not divide by 0.

    References
    ----------
    J. Yu, Y. Jiang, Z. Wang, Z. Cao, T. Huang, UnitBox: An Advanced Object Detection Network, 2016 (its logarithm).

    Examples
    --------
    >>> round(float(box_iou_loss([[0.0, 0.0, 2.0, 2.0]], [[1.0, 0.0, 3.0, 2.0]])), 4)
    0.6667
    """
    value, share, union = overlap(boxes1, boxes2, eps)
    pull(boxes1, boxes2, gradient1, gradient2, share / union, -(1.0 + share) / union, 0.0, 0.0, 0.0, 0.0)
    return value


@nl.kernel(class_name="GeneralizedBoxIoULoss", **BOXES)
def generalized_box_iou_loss(boxes1, boxes2, gradient1, gradient2, eps=1e-7):
    r"""Box IoU loss, and how much of the smallest box around both is covered by neither.

    .. math:: \ell = 1 - \frac{|A \cap B|}{|A \cup B| + \varepsilon} + \frac{|C| - |A \cup B|}{|C| + \varepsilon}

    with the hull :math:`C`, the smallest box that holds both. Between 0 and 2; boxes that do not overlap are pulled
    together. The mean divides by the number of pairs of boxes.

    Parameters
    ----------
    boxes1 : array (N, 4) or (4,), any leading axes
        Predicted boxes (x1, y1, x2, y2), in any unit of length.
    boxes2 : array, the shape of `boxes1`
        The boxes they should be.
    eps : float, at least 0
        Added to both areas that are divided by.

    References
    ----------
    H. Rezatofighi, N. Tsoi, J. Gwak, A. Sadeghian, I. Reid, S. Savarese, Generalized Intersection over Union, 2019;
    torchvision.ops.generalized_box_iou_loss.

    Examples
    --------
    >>> float(generalized_box_iou_loss([[0.0, 0.0, 1.0, 1.0]], [[1.0, 1.0, 2.0, 2.0]], eps=0.0))
    1.5
    """
    value, share, union = overlap(boxes1, boxes2, eps)
    wide = hull(boxes1[0], boxes1[2], boxes2[0], boxes2[2])
    high = hull(boxes1[1], boxes1[3], boxes2[1], boxes2[3])
    area = wide * high + eps
    bare = (area - union) / area
    by_area = share / union - 1.0 / area
    by_shared = 1.0 / area - (1.0 + share) / union
    pull(boxes1, boxes2, gradient1, gradient2, by_area, by_shared, (1.0 - bare) / area, 0.0, 0.0, 0.0)
    return value + bare


@nl.kernel(class_name="DistanceBoxIoULoss", **BOXES)
def distance_box_iou_loss(boxes1, boxes2, gradient1, gradient2, eps=1e-7):
    r"""Box IoU loss, and how far apart the centres are, measured by the diagonal of the box around both.

    .. math:: \ell = 1 - \frac{|A \cap B|}{|A \cup B| + \varepsilon} + \frac{\rho^2}{c^2 + \varepsilon}

    with the distance :math:`\rho` of the centres and the diagonal :math:`c` of the smallest box that holds both. The
    mean divides by the number of pairs of boxes.

    Parameters
    ----------
    boxes1 : array (N, 4) or (4,), any leading axes
        Predicted boxes (x1, y1, x2, y2), in any unit of length.
    boxes2 : array, the shape of `boxes1`
        The boxes they should be.
    eps : float, at least 0
        Added to the union's area and to the squared diagonal.

    References
    ----------
    Z. Zheng, P. Wang, W. Liu, J. Li, R. Ye, D. Ren, Distance-IoU Loss, 2020; torchvision.ops.distance_box_iou_loss.

    Examples
    --------
    >>> float(distance_box_iou_loss([[0.0, 0.0, 1.0, 1.0]], [[1.0, 1.0, 2.0, 2.0]], eps=0.0))
    1.25
    """
    value, share, union = overlap(boxes1, boxes2, eps)
    ratio, diagonal = distance(boxes1, boxes2, eps)
    by_shared = -(1.0 + share) / union
    pull(
        boxes1, boxes2, gradient1, gradient2, share / union, by_shared, 0.0, -ratio / diagonal, 1.0 / diagonal, 0.0
    )  # fmt: skip
    return value + ratio


def complete_with_held_weight(boxes1, boxes2, held1, held2, eps=1e-7):
    """`complete_box_iou_loss` with the weight of its last term taken from the held boxes: what its gradient is of."""
    value, ratio = overlap(boxes1, boxes2, eps)[0], distance(boxes1, boxes2, eps)[0]
    angle, held = turn(boxes1, boxes2), turn(held1, held2)
    weight = weight_of(QUARTER * held * held, overlap(held1, held2, eps)[0], eps)
    return value + ratio + weight * QUARTER * angle * angle


def weight_of(shape, value, eps):
    """How much the difference in shape counts: little where the boxes hardly overlap."""
    return shape / (value + shape + eps) if shape != 0.0 else 0.0


@nl.kernel(class_name="CompleteBoxIoULoss", gradient_of=complete_with_held_weight, **BOXES)
def complete_box_iou_loss(boxes1, boxes2, gradient1, gradient2, eps=1e-7):
    r"""Distance box IoU loss, and how much the ratios of width to height differ.

    .. math::

        \ell = \ell_\text{distance} + \alpha v, \qquad
        v = \frac{4}{\pi^2} \left(\arctan\frac{w_2}{h_2} - \arctan\frac{w_1}{h_1}\right)^2, \qquad
        \alpha = \frac{v}{1 - \text{IoU} + v + \varepsilon}

    The weight :math:`\alpha` is held constant in the gradient, as in the paper and in torchvision: the gradient is not
    the derivative of the value. A box without width and height has no ratio; its :math:`v` is 0. The mean divides by
    the number of pairs of boxes.

    Parameters
    ----------
    boxes1 : array (N, 4) or (4,), any leading axes
        Predicted boxes (x1, y1, x2, y2), in any unit of length.
    boxes2 : array, the shape of `boxes1`
        The boxes they should be.
    eps : float, at least 0
        Added to the union's area, to the squared diagonal, and to what :math:`\alpha` is divided by.

    References
    ----------
    Z. Zheng, P. Wang, W. Liu, J. Li, R. Ye, D. Ren, Distance-IoU Loss, 2020; torchvision.ops.complete_box_iou_loss.

    Examples
    --------
    >>> round(float(complete_box_iou_loss([[0.0, 0.0, 1.0, 1.0]], [[1.0, 1.0, 2.0, 3.0]])), 4)
    1.2517
    """
    value, share, union = overlap(boxes1, boxes2, eps)
    ratio, diagonal = distance(boxes1, boxes2, eps)
    angle = turn(boxes1, boxes2)
    shape = QUARTER * angle * angle
    weight = weight_of(shape, value, eps)
    by_shared, by_turn = -(1.0 + share) / union, 2.0 * weight * QUARTER * angle
    pull(
        boxes1, boxes2, gradient1, gradient2, share / union, by_shared, 0.0, -ratio / diagonal, 1.0 / diagonal, by_turn
    )  # fmt: skip
    return value + ratio + weight * shape


LOSSES = (box_iou_loss, generalized_box_iou_loss, distance_box_iou_loss, complete_box_iou_loss)


@nl.hookimpl
def register_losses(register: Any) -> None:
    """Called by numbaloss."""
    for loss in LOSSES:
        register(loss)
