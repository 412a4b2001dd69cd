"""Losses of yes-or-no decisions: one probability, logit or score for each element."""

from __future__ import annotations

from numbaloss.compile.primitives import exp, log, log1p, maximum, power, sigmoid, softplus
from numbaloss.losses.helpers import chances, times
from numbaloss.structures.pointwise import pointwise

BOTH = ("input", "target")


@pointwise(
    class_name="BCELoss",
    domain="probability",
    target="probability",
    differentiable=BOTH,
    weight="count",
    convex=True,
)
def binary_cross_entropy(input, target):
    r"""Cross-entropy between a predicted probability and a target probability.

    .. math:: \ell = -t \log x - (1 - t) \log(1 - x)

    Each logarithm is held above -100, so the loss is at most 100 (as in torch). A probability outside [0, 1] gives
    nan. The mean divides by the number of elements, also with `weight`.

    Parameters
    ----------
    input : array of probabilities
        Prefer `binary_cross_entropy_with_logits`: probabilities near 1 have lost their digits already.
    target : array of probabilities, the shape of `input`
        0 and 1, or soft labels between.

    References
    ----------
    ``torch.nn.functional.binary_cross_entropy``.

    Examples
    --------
    >>> round(float(binary_cross_entropy([0.9, 0.2], [1.0, 0.0])), 6)
    0.164252
    """
    inside = input >= 0.0 and input <= 1.0
    yes = log(input if inside else -1.0)
    no = log1p(-input)
    value = -target * maximum(yes, -100.0) - (1.0 - target) * maximum(no, -100.0)
    slope = (input - target) / maximum(input * (1.0 - input), 1.0e-12) if inside else yes  # yes is nan there
    rest = 1.0 - input
    curvature = times(target, 1.0 / (input * input)) + times(1.0 - target, 1.0 / (rest * rest))
    return value, (slope, no - yes), curvature


@pointwise(
    class_name="BCEWithLogitsLoss",
    target="probability",
    differentiable=BOTH,
    weight="count",
    arrays=("pos_weight",),
    limits={"pos_weight": "[0, inf)", "label_smoothing": "[0, 1]"},
    convex=True,
)
def binary_cross_entropy_with_logits(input, target, pos_weight=1.0, label_smoothing=0.0):
    r"""Cross-entropy between the sigmoid of a logit and a target probability.

    .. math:: \ell = -w\, t \log \sigma(x) - (1 - t) \log \sigma(-x)

    with :math:`w` the `pos_weight`. Right to the last digits for any logit: the gradient of a confident right answer
    is tiny, not 0. The mean divides by the number of elements, also with `weight`.

    Parameters
    ----------
    input : array of logits
        Log-odds of "yes".
    target : array of probabilities, the shape of `input`
        0 and 1, or soft labels between.
    pos_weight : float or array, at least 0
        Multiplies the "yes" term; an array is broadcast from the right (one weight for each of the last axis).
    label_smoothing : float in [0, 1]
        Draws the target towards one half: ``t (1 - s) + s / 2`` (an addition to torch's arguments).

    References
    ----------
    ``torch.nn.functional.binary_cross_entropy_with_logits``.

    Examples
    --------
    >>> round(float(binary_cross_entropy_with_logits([0.5, -1.5, 2.0], [1.0, 0.0, 1.0])), 4)
    0.2675
    """
    yes = target + label_smoothing * (0.5 - target)
    no = 1.0 - yes
    weighed = pos_weight * yes
    size = abs(input)
    chance, against = chances(input)
    extra = softplus(-size)
    plus = input > 0.0
    softplus_input = input + extra if plus else extra
    softplus_minus = extra if plus else extra - input
    value = (no + weighed) * extra + times(no if plus else weighed, size)
    slope = no * chance - weighed * against
    far = times(pos_weight, softplus_minus) - softplus_input  # equal, but cancels where near does not
    near = times(pos_weight - 1.0, softplus_minus) - input
    slope_target = times(1.0 - label_smoothing, far if pos_weight < 0.5 else near)
    return value, (slope, slope_target), (no + weighed) * (chance * against)


@pointwise(
    target="probability",
    limits={"alpha": "(-inf, 1]", "gamma": "[0, inf)"},
    static=("gamma",),
    ulp=8.0,
)
def sigmoid_focal_loss(input, target, alpha=0.25, gamma=2.0):
    r"""Binary cross-entropy that pays less attention to what is already right.

    .. math:: \ell = \alpha_t\, (1 - p_t)^\gamma \left(-t \log p - (1 - t) \log(1 - p)\right), \quad p = \sigma(x)

    with :math:`1 - p_t = t (1 - p) + (1 - t) p` and :math:`\alpha_t = \alpha t + (1 - \alpha)(1 - t)`. Soft labels are
    welcome; value and gradient are finite for every `gamma` and logit. The mean divides by the number of elements.

    Parameters
    ----------
    input : array of logits
        Log-odds of "yes".
    target : array of probabilities, the shape of `input`
        0 and 1, or soft labels between.
    alpha : float, at most 1
        Weight of "yes" against "no"; a negative number switches it off.
    gamma : float, at least 0
        0 is binary cross-entropy times :math:`\alpha_t`.

    References
    ----------
    T.-Y. Lin et al., Focal Loss for Dense Object Detection, 2017; ``torchvision.ops.sigmoid_focal_loss`` (whose default
    reduction is "none").

    Examples
    --------
    >>> round(float(sigmoid_focal_loss([0.0], [1.0])), 6)
    0.043322
    """
    no = 1.0 - target
    size = abs(input)
    chance, against = chances(input)
    entropy = softplus(-size) + times(no if input > 0.0 else target, size)
    entropy_slope = no * chance - target * against
    miss = no * chance + target * against  # 1 - p_t
    variance = chance * against
    side = no - target
    ratio = variance / miss if miss > 0.0 else 1.0
    balance = alpha * target + (1.0 - alpha) * no if alpha >= 0.0 else 1.0
    if gamma >= 1.0:  # the same without a division
        lower = balance * power(miss, gamma - 1.0)
        factor, growth = lower * miss, lower * (gamma * variance * side)
    else:
        factor = balance * power(miss, gamma)
        growth = factor * (gamma * ratio * side)
    bend = gamma * ((gamma - 1.0) * ratio * ratio * side * side + ratio * side * (against - chance))
    second = factor * (variance + entropy * bend) + 2.0 * entropy_slope * growth
    return factor * entropy, factor * entropy_slope + growth * entropy, second


@pointwise(target="sign", convex=True)
def hinge_loss(input, target):
    r"""Hinge of the margin.

    .. math:: \ell = \max(0, 1 - t x)

    The slope at the kink is 0. The mean divides by the number of elements.

    Parameters
    ----------
    input : array of scores
        Signed scores.
    target : array of -1 and 1, the shape of `input`
        Labels; 0 is not a label here.

    References
    ----------
    ``optax.losses.hinge_loss``, ``keras.losses.Hinge``.

    Examples
    --------
    >>> hinge_loss([0.5, 2.0], [1, 1], reduction="none")
    array([0.5, 0. ])
    """
    margin = 1.0 - target * input
    return maximum(margin, 0.0), 0.0 if margin <= 0.0 else -target, 0.0


@pointwise(target="sign", convex=True)
def squared_hinge_loss(input, target):
    r"""Square of the hinge of the margin.

    .. math:: \ell = \max(0, 1 - t x)^2

    The mean divides by the number of elements.

    Parameters
    ----------
    input : array of scores
        Signed scores.
    target : array of -1 and 1, the shape of `input`
        Labels; 0 is not a label here.

    References
    ----------
    ``keras.losses.SquaredHinge``; ``sklearn.svm.LinearSVC``.

    Examples
    --------
    >>> squared_hinge_loss([0.5, 2.0], [1, 1], reduction="none")
    array([0.25, 0.  ])
    """
    margin = maximum(1.0 - target * input, 0.0)
    return margin * margin, -2.0 * target * margin, 0.0 if margin <= 0.0 else 2.0 * target * target


@pointwise(target="sign", convex=True)
def soft_margin_loss(input, target):
    r"""Logistic loss of the margin.

    .. math:: \ell = \log(1 + e^{-t x})

    Never overflows (torch's gives inf and a nan gradient beyond 88 in float32). The mean divides by the number of
    elements.

    Parameters
    ----------
    input : array of scores
        Signed scores.
    target : array of -1 and 1, the shape of `input`
        Labels; 0 is not a label here.

    References
    ----------
    ``torch.nn.functional.soft_margin_loss``.

    Examples
    --------
    >>> round(float(soft_margin_loss([0.0], [1])), 6)
    0.693147
    """
    wrong = -target * input
    chance = sigmoid(wrong)
    return softplus(wrong), -target * chance, target * target * (chance * sigmoid(-wrong))


@pointwise(target="sign", convex=True)
def perceptron_loss(input, target):
    r"""How far a score is on the wrong side.

    .. math:: \ell = \max(0, -t x)

    A score of 0 counts as wrong: its slope is :math:`-t`, so that a model that starts from zeros learns (optax takes
    half of it). The mean divides by the number of elements.

    Parameters
    ----------
    input : array of scores
        Signed scores.
    target : array of -1 and 1, the shape of `input`
        Labels; 0 is not a label here.

    References
    ----------
    ``optax.losses.perceptron_loss``; F. Rosenblatt, The Perceptron, 1958.

    Examples
    --------
    >>> perceptron_loss([0.5, 2.0], [-1, 1], reduction="none")
    array([0.5, 0. ])
    """
    wrong = -target * input
    return maximum(wrong, 0.0), 0.0 if wrong < 0.0 else -target, 0.0


@pointwise(target="sign", convex=True)
def exponential_loss(input, target):
    r"""Exponential of the margin, the loss that AdaBoost minimises.

    .. math:: \ell = e^{-t x}

    A score far on the wrong side overflows to infinity, value and slope, from 89 on in float32 and 710 in float64;
    `soft_margin_loss` is close to this loss where scores are right, and does not overflow. The mean divides by the
    number of elements.

    Parameters
    ----------
    input : array of scores
        Signed scores: half of the log-odds of "yes".
    target : array of -1 and 1, the shape of `input`
        Labels; 0 is not a label here (scikit-learn's ``ExponentialLoss`` has 0 for our -1).

    References
    ----------
    Y. Freund, R. E. Schapire, A Decision-Theoretic Generalization of On-Line Learning, 1997; J. Friedman, T. Hastie,
    R. Tibshirani, Additive Logistic Regression, 2000.

    Examples
    --------
    >>> exponential_loss([0.0, 1.0], [1, -1], reduction="none").round(4)
    array([1.    , 2.7183])
    """
    value = exp(-target * input)
    return value, -target * value, target * target * value


@pointwise(
    class_name="MultiLabelSoftMarginLoss",
    target="probability",
    differentiable=BOTH,
    weight="count",
    class_mean=True,
    weight_doc="Multiplies each class; does not enter the denominator.",
    unit="row",
    convex=True,
)
def multilabel_soft_margin_loss(input, target):
    r"""Binary cross-entropy with logits, averaged over the classes of each row.

    .. math:: \ell_n = -\frac1C \sum_c t_{nc} \log \sigma(x_{nc}) + (1 - t_{nc}) \log \sigma(-x_{nc})

    The last axis holds the classes; ``reduction="none"`` gives one value a row. The mean divides by the number of rows.

    Parameters
    ----------
    input : array of logits, (..., C)
        Log-odds of each class.
    target : array of 0 and 1 or probabilities, the shape of `input`
        Which classes are there.

    References
    ----------
    ``torch.nn.functional.multilabel_soft_margin_loss``.

    Examples
    --------
    >>> round(float(multilabel_soft_margin_loss([[0.0, 0.0]], [[1.0, 0.0]])), 6)
    0.693147
    """
    no = 1.0 - target
    size = abs(input)
    chance, against = chances(input)
    value = softplus(-size) + times(no if input > 0.0 else target, size)
    return value, (no * chance - target * against, -input), chance * against
