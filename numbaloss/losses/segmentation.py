"""Losses of regions: how well what is predicted of an image covers what is there."""

from __future__ import annotations

from numbaloss.compile.primitives import maximum, power, sqrt
from numbaloss.structures.regions import regions


@regions
def dice_loss(tp, fp, fn, jaccard=False, squared_pred=False, smooth_nr=1e-5, smooth_dr=1e-5):
    r"""One minus the Dice coefficient (F1 score) of each class in each image.

    .. math:: \ell_{nc} = w_c \left(1 - \frac{2 \sum_i p_{nci} t_{nci} + s_{nr}}
        {\sum_i p_{nci} + \sum_i t_{nci} + s_{dr}}\right)

    Computed from the sums of what is wrong, so that it keeps its digits for predictions that are nearly right. A class
    that is neither there nor predicted costs ``1 - smooth_nr / smooth_dr``.

    The mean divides by the number of regions: images that count times classes that count, or with `batch` classes;
    images whose every position is ignored do not count, and class weights do not enter.

    Parameters
    ----------
    input : array of logits or probabilities, (N, C, ...)
        What the network says of each class at each position, as `activation` reads it.
    target : array of integers, (N, ...), or of masks, the shape of `input`
        The class of each position, in 0 ... C-1 (0 or 1 if C is 1) or `ignore_index`, any integer type; or for each
        class how much of each position belongs to it, 0 to 1. A mask's entries that equal `ignore_index` are left out.
    activation : {"softmax", "sigmoid", None}
        How `input` becomes probabilities; None for one that holds them.
    include_background : bool
        False leaves class 0 out.
    batch : bool
        Whether all images together are one: the sums then run over the batch, and there is one value a class.
    jaccard : bool
        The Jaccard index in place of the Dice coefficient, see `jaccard_loss`.
    squared_pred : bool
        Sums of squares in the denominator (Milletari et al.): ``sum p^2 + sum t^2``.
    smooth_nr, smooth_dr : float, at least 0
        Added to numerator and denominator, in the unit of positions.

    References
    ----------
    F. Milletari et al., V-Net: Fully Convolutional Neural Networks for Volumetric Medical Image Segmentation, 2016;
    ``monai.losses.DiceLoss``.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.zeros((1, 2, 4, 4))
    >>> labels = np.zeros((1, 4, 4), int)
    >>> labels[0, :2] = 1
    >>> round(float(dice_loss(logits, labels)), 6)
    0.5
    """
    share = 2.0 if jaccard else 1.0
    wrong = share * (fp + fn)
    whole = 2.0 * tp + wrong + smooth_dr
    value = (wrong + (smooth_dr - smooth_nr)) / whole
    slope = share * (2.0 * tp + smooth_nr) / (whole * whole)
    return value, (-2.0 * value / whole, slope, slope)


@regions
def jaccard_loss(tp, fp, fn, squared_pred=False, smooth_nr=1e-5, smooth_dr=1e-5):
    r"""One minus the Jaccard index (intersection over union) of each class in each image.

    .. math:: \ell_{nc} = w_c \left(1 - \frac{2 \sum_i p_{nci} t_{nci} + s_{nr}}
        {2 \left(\sum_i p_{nci} + \sum_i t_{nci} - \sum_i p_{nci} t_{nci}\right) + s_{dr}}\right)

    The same as ``dice_loss(jaccard=True)``; the factors of 2 matter to the smoothing only, and are those of MONAI.

    The mean divides by the number of regions, as that of `dice_loss`.

    Parameters
    ----------
    input : array of logits or probabilities, (N, C, ...)
        What the network says of each class at each position, as `activation` reads it.
    target : array of integers, (N, ...), or of masks, the shape of `input`
        As of `dice_loss`.
    activation : {"softmax", "sigmoid", None}
        How `input` becomes probabilities; None for one that holds them.
    include_background : bool
        False leaves class 0 out.
    batch : bool
        Whether all images together are one.
    squared_pred : bool
        Sums of squares in the denominator: ``sum p^2 + sum t^2``.
    smooth_nr, smooth_dr : float, at least 0
        Added to numerator and denominator, in the unit of half positions.

    References
    ----------
    ``monai.losses.DiceLoss`` with ``jaccard=True``; M. A. Rahman, Y. Wang, Optimizing Intersection-Over-Union in Deep
    Neural Networks for Image Segmentation, 2016.

    Examples
    --------
    >>> mask = [[[1, 0, 0, 0]]]
    >>> round(float(jaccard_loss([[[0.5, 0.5, 0.0, 0.0]]], mask, activation=None)), 4)
    0.6667
    """
    wrong = fp + fn
    whole = 2.0 * (tp + wrong) + smooth_dr
    value = (2.0 * wrong + (smooth_dr - smooth_nr)) / whole
    slope = 2.0 * (2.0 * tp + smooth_nr) / (whole * whole)
    return value, (-2.0 * value / whole, slope, slope)


@regions(limits={"alpha": "[0, inf)", "beta": "[0, inf)"})
def tversky_loss(tp, fp, fn, alpha=0.5, beta=0.5, smooth_nr=1e-5, smooth_dr=1e-5):
    r"""One minus the Tversky index of each class in each image: false positives and false negatives weighed apart.

    .. math:: \ell_{nc} = w_c \left(1 - \frac{TP + s_{nr}}{TP + \alpha FP + \beta FN + s_{dr}}\right),
        \quad TP = \sum_i p_{nci} t_{nci},\ FP = \sum_i p_{nci} (1 - t_{nci}),\ FN = \sum_i (1 - p_{nci}) t_{nci}

    Halves give the Dice coefficient, ones the Jaccard index.

    The mean divides by the number of regions, as that of `dice_loss`.

    Parameters
    ----------
    input : array of logits or probabilities, (N, C, ...)
        What the network says of each class at each position, as `activation` reads it.
    target : array of integers, (N, ...), or of masks, the shape of `input`
        As of `dice_loss`.
    activation : {"softmax", "sigmoid", None}
        How `input` becomes probabilities; None for one that holds them.
    include_background : bool
        False leaves class 0 out.
    batch : bool
        Whether all images together are one.
    alpha, beta : float, at least 0
        What false positives and false negatives count; a larger `beta` finds more.
    smooth_nr, smooth_dr : float, at least 0
        Added to numerator and denominator, in the unit of positions.

    References
    ----------
    S. S. M. Salehi et al., Tversky Loss Function for Image Segmentation Using 3D Fully Convolutional Deep Networks,
    2017; ``monai.losses.TverskyLoss``.

    Examples
    --------
    >>> round(float(tversky_loss([[[0.5, 0.5, 0.0, 0.0]]], [[[1, 0, 0, 0]]], activation=None, alpha=0.3, beta=0.7)), 4)
    0.5
    """
    wrong = alpha * fp + beta * fn
    whole = tp + wrong + smooth_dr
    value = (wrong + (smooth_dr - smooth_nr)) / whole
    slope = (tp + smooth_nr) / (whole * whole)
    return value, (-value / whole, alpha * slope, beta * slope)


@regions(limits={"alpha": "[0, inf)", "beta": "[0, inf)", "gamma": "(0, inf)"})
def focal_tversky_loss(tp, fp, fn, gamma=4.0 / 3.0, alpha=0.3, beta=0.7, smooth_nr=1e-5, smooth_dr=1e-5):
    r"""A power of the Tversky loss, which with `gamma` above 1 looks harder at regions that are nearly right.

    .. math:: \ell_{nc} = w_c \left(1 - \frac{TP + s_{nr}}{TP + \alpha FP + \beta FN + s_{dr}}\right)^{1 / \gamma}

    with the sums of `tversky_loss`. A region without fault has the slope 0, though it is a cusp for `gamma` above 1.

    The mean divides by the number of regions, as that of `dice_loss`.

    Parameters
    ----------
    input : array of logits or probabilities, (N, C, ...)
        What the network says of each class at each position, as `activation` reads it.
    target : array of integers, (N, ...), or of masks, the shape of `input`
        As of `dice_loss`.
    activation : {"softmax", "sigmoid", None}
        How `input` becomes probabilities; None for one that holds them.
    include_background : bool
        False leaves class 0 out.
    batch : bool
        Whether all images together are one.
    gamma : float above 0
        The inverse of the power, as in the paper, which recommends 4/3; 1 is `tversky_loss`.
    alpha, beta : float, at least 0
        What false positives and false negatives count (the paper names them the other way round).
    smooth_nr, smooth_dr : float, at least 0
        Added to numerator and denominator, in the unit of positions.

    References
    ----------
    N. Abraham, N. M. Khan, A Novel Focal Tversky Loss Function with Improved Attention U-Net for Lesion Segmentation,
    2019.

    Examples
    --------
    >>> mask = [[[1, 0, 0, 0]]]
    >>> round(float(focal_tversky_loss([[[0.5, 0.5, 0.0, 0.0]]], mask, gamma=2.0, activation=None)), 4)
    0.7071
    """
    wrong = alpha * fp + beta * fn
    whole = tp + wrong + smooth_dr
    value = maximum((wrong + (smooth_dr - smooth_nr)) / whole, 0.0)
    raised = power(value, 1.0 / gamma)
    growth = raised / (gamma * value) if value > 0.0 else 0.0
    slope = growth * (tp + smooth_nr) / (whole * whole)
    return raised, (-growth * value / whole, alpha * slope, beta * slope)


@regions
def generalized_dice_loss(tp, fp, fn, w_type="square", smooth_nr=1e-5, smooth_dr=1e-5):
    r"""One minus the Dice coefficient of all classes of an image together, small ones counting as much as large ones.

    .. math:: \ell_n = 1 - \frac{2 \sum_c w_{nc} \sum_i p_{nci} t_{nci} + s_{nr}}
        {\sum_c w_{nc} \left(\sum_i p_{nci} + \sum_i t_{nci}\right) + s_{dr}}, \qquad
        w_{nc} = \Big(\sum_i t_{nci}\Big)^{-2}

    A class that is not in the image, whose weight would be infinite, gets the largest weight of the others.

    The mean divides by the number of images that count, or with `batch` by 1.

    Parameters
    ----------
    input : array of logits or probabilities, (N, C, ...)
        What the network says of each class at each position, as `activation` reads it.
    target : array of integers, (N, ...), or of masks, the shape of `input`
        As of `dice_loss`.
    activation : {"softmax", "sigmoid", None}
        How `input` becomes probabilities; None for one that holds them.
    include_background : bool
        False leaves class 0 out.
    batch : bool
        Whether all images together are one.
    w_type : {"square", "simple", "uniform"}
        The weight of a class of size T: 1 / T², 1 / T, or 1.
    smooth_nr, smooth_dr : float, at least 0
        Added to numerator and denominator.

    References
    ----------
    C. H. Sudre et al., Generalised Dice Overlap as a Deep Learning Loss Function for Highly Unbalanced Segmentations,
    2017; ``monai.losses.GeneralizedDiceLoss``.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.zeros((1, 4, 4), int)
    >>> labels[0, :2] = 1
    >>> round(float(generalized_dice_loss(np.zeros((1, 2, 4, 4)), labels, w_type="uniform")), 6)
    0.5
    """
    wrong = fp + fn
    whole = 2.0 * tp + wrong + smooth_dr
    value = (wrong + (smooth_dr - smooth_nr)) / whole
    slope = (2.0 * tp + smooth_nr) / (whole * whole)
    return value, (-2.0 * value / whole, slope, slope)


@regions(class_name="MCCLoss", limits={"eps": "(0, inf)"})
def mcc_loss(tp, fp, fn, tn, eps=1e-5):
    r"""One minus Matthews' correlation coefficient (phi) of each class in each image.

    .. math:: \ell_{nc} = w_c \left(1 - \frac{TP \cdot TN - FP \cdot FN + \epsilon}
        {\sqrt{(TP + FP)(TP + FN)(TN + FP)(TN + FN) + \epsilon}}\right)

    with the sums of `tversky_loss`, and of true negatives :math:`TN = \sum_i (1 - p_{nci}) (1 - t_{nci})`.

    The mean divides by the number of regions, as that of `dice_loss`.

    Parameters
    ----------
    input : array of logits or probabilities, (N, C, ...)
        What the network says of each class at each position, as `activation` reads it.
    target : array of integers, (N, ...), or of masks, the shape of `input`
        As of `dice_loss`.
    activation : {"softmax", "sigmoid", None}
        How `input` becomes probabilities; None for one that holds them.
    include_background : bool
        False leaves class 0 out.
    batch : bool
        Whether all images together are one.
    eps : float above 0
        Added to numerator and, under the root, to the denominator.

    References
    ----------
    K. Abhishek, G. Hamarneh, Matthews Correlation Coefficient Loss for Deep Convolutional Networks: Application to Skin
    Lesion Segmentation, 2021; ``segmentation_models_pytorch.losses.MCCLoss``.

    Examples
    --------
    >>> round(float(mcc_loss([[[0.5, 0.5, 0.5, 0.5]]], [[[1, 1, 0, 0]]], activation=None)), 4)
    1.0
    """
    predicted, present, absent, unpredicted = tp + fp, tp + fn, tn + fp, tn + fn
    inverse = 1.0 / sqrt(predicted * present * absent * unpredicted + eps)
    score = (tp * tn - fp * fn + eps) * inverse
    half = 0.5 * score * inverse * inverse
    first = predicted * present
    last = absent * unpredicted
    by_tp = half * last * (predicted + present) - tn * inverse
    by_fp = half * (present * last + first * unpredicted) + fn * inverse
    by_fn = half * (predicted * last + first * absent) + fp * inverse
    by_tn = half * first * (absent + unpredicted) - tp * inverse
    return 1.0 - score, (by_tp, by_fp, by_fn, by_tn)
