"""Losses of regions and of single positions together: one softmax, one gradient."""

from __future__ import annotations

from numbaloss.losses.classification import cross_entropy, focal_loss
from numbaloss.losses.segmentation import dice_loss, tversky_loss
from numbaloss.structures.region_mix import fused_regions


@fused_regions(dice_loss, cross_entropy, task="segmentation", class_name="DiceCELoss")
def dice_ce_loss(dice, ce, lambda_dice=1.0, lambda_ce=1.0):
    r"""Dice loss plus cross-entropy, from one softmax.

    .. math:: \ell = \lambda_{dice}\, \mathrm{dice\_loss} + \lambda_{ce}\, \mathrm{cross\_entropy}

    Each part divides as it does alone: ``"mean"`` divides the first by the number of regions and the second by the sum
    of the weights of the positions. So the mean of several batches is not the mean of all; `total` weighs a batch by
    its images. Nothing of the input's size is kept between the two sweeps.

    Parameters
    ----------
    input : array of logits, (N, C, ...)
        Unnormalised log-probabilities; the class axis is the second.
    target : array of integers, (N, ...), or of probabilities, the shape of `input`
        The class of each position, in 0 ... C-1 or `ignore_index`; any integer type. Probabilities, for which the
        parts mean different sums, take a pass for each part.
    include_background : bool
        False leaves class 0 out of the Dice loss.
    batch : bool
        Whether all images together are one, to the Dice loss.
    jaccard, squared_pred : bool
        As of `dice_loss`.
    smooth_nr, smooth_dr : float, at least 0
        As of `dice_loss`, in the unit of positions.
    lambda_dice, lambda_ce : float
        The weights of the parts.

    References
    ----------
    ``monai.losses.DiceCELoss``; S. A. Taghanaki et al., Combo Loss: Handling Input and Output Imbalance in Multi-Organ
    Segmentation, 2019.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.zeros((1, 4, 4), int)
    >>> labels[0, :2] = 1
    >>> round(float(dice_ce_loss(np.zeros((1, 2, 4, 4)), labels)), 4)
    1.1931
    """
    return lambda_dice * dice + lambda_ce * ce, (lambda_dice, lambda_ce)


@fused_regions(dice_loss, focal_loss, task="segmentation", class_name="DiceFocalLoss")
def dice_focal_loss(dice, focal, lambda_dice=1.0, lambda_focal=1.0):
    r"""Dice loss plus softmax focal loss, from one softmax.

    .. math:: \ell = \lambda_{dice}\, \mathrm{dice\_loss} + \lambda_{focal}\, \mathrm{focal\_loss}

    Each part divides as it does alone: ``"mean"`` divides the first by the number of regions and the second by the sum
    of the weights of the positions; see `dice_ce_loss`.

    Parameters
    ----------
    input : array of logits, (N, C, ...)
        Unnormalised log-probabilities; the class axis is the second.
    target : array of integers, (N, ...)
        The class of each position, in 0 ... C-1 or `ignore_index`; any integer type.
    include_background : bool
        False leaves class 0 out of the Dice loss.
    batch : bool
        Whether all images together are one, to the Dice loss.
    jaccard, squared_pred : bool
        As of `dice_loss`.
    smooth_nr, smooth_dr : float, at least 0
        As of `dice_loss`, in the unit of positions.
    gamma : float, at least 0
        As of `focal_loss`; 0 is cross-entropy.
    lambda_dice, lambda_focal : float
        The weights of the parts.

    References
    ----------
    ``monai.losses.DiceFocalLoss`` (whose focal loss is that of sigmoids, each class on its own); W. Zhu et al.,
    AnatomyNet: Deep Learning for Fast and Fully Automated Whole-Volume Segmentation of Head and Neck Anatomy, 2019.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.zeros((1, 4, 4), int)
    >>> labels[0, :2] = 1
    >>> round(float(dice_focal_loss(np.zeros((1, 2, 4, 4)), labels)), 4)
    0.6733
    """
    return lambda_dice * dice + lambda_focal * focal, (lambda_dice, lambda_focal)


@fused_regions(tversky_loss, cross_entropy, task="segmentation", class_name="TverskyCELoss")
def tversky_ce_loss(tversky, ce, lambda_tversky=1.0, lambda_ce=1.0):
    r"""Tversky loss plus cross-entropy, from one softmax.

    .. math:: \ell = \lambda_{tversky}\, \mathrm{tversky\_loss} + \lambda_{ce}\, \mathrm{cross\_entropy}

    Each part divides as it does alone: ``"mean"`` divides the first by the number of regions and the second by the sum
    of the weights of the positions; see `dice_ce_loss`.

    Parameters
    ----------
    input : array of logits, (N, C, ...)
        Unnormalised log-probabilities; the class axis is the second.
    target : array of integers, (N, ...), or of probabilities, the shape of `input`
        As of `dice_ce_loss`.
    include_background : bool
        False leaves class 0 out of the Tversky loss.
    batch : bool
        Whether all images together are one, to the Tversky loss.
    alpha, beta : float, at least 0
        What false positives and false negatives count.
    smooth_nr, smooth_dr : float, at least 0
        As of `tversky_loss`, in the unit of positions.
    lambda_tversky, lambda_ce : float
        The weights of the parts.

    References
    ----------
    S. S. M. Salehi et al., Tversky Loss Function for Image Segmentation Using 3D Fully Convolutional Deep Networks,
    2017; ``nnU-Net``'s sums of region losses and cross-entropy (F. Isensee et al., 2021).

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.zeros((1, 4, 4), int)
    >>> labels[0, :2] = 1
    >>> round(float(tversky_ce_loss(np.zeros((1, 2, 4, 4)), labels)), 4)
    1.1931
    """
    return lambda_tversky * tversky + lambda_ce * ce, (lambda_tversky, lambda_ce)
