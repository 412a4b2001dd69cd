"""Losses of a choice among classes: one row of logits or log-probabilities for each decision."""

from __future__ import annotations

from numbaloss.compile.primitives import exp, expm1, maximum, power
from numbaloss.structures.margins import margins
from numbaloss.structures.picks import picks
from numbaloss.structures.softmax import softmax


@softmax(probabilities=True, convex=True)
def cross_entropy(log_prob, rest, label_smoothing=0.0, z_loss=0.0, softcap=None):
    r"""Negative log-probability of the class, from logits.

    .. math:: \ell_n = -w_{y_n} \log p_{n y_n}, \qquad p_n = \operatorname{softmax}(x_n)

    For probability targets :math:`\ell_n = -\sum_c w_c t_{nc} \log p_{nc}`. Value and gradient keep their digits for
    confident rows and for logits far from 0, where float32 formulas give 0.

    The mean divides, for class labels, by the sum of the weights of the rows that are not ignored; for probability
    targets by the number of rows (both as torch).

    Parameters
    ----------
    input : array of logits, (C), (N, C) or (N, C, d1, ...)
        Unnormalised log-probabilities; the class axis is the second, or the only one.
    target : array of integers, (), (N) or (N, d1, ...), or of probabilities, the shape of `input`
        The class of each row, in 0 ... C-1 or `ignore_index`; any integer type.
    label_smoothing : float in [0, 1]
        Mixes the target with the uniform distribution: ``(1 - s) t + s / C``.
    z_loss : float, at least 0
        Adds this times the square of the log-normaliser (an addition to torch's arguments; A. Chowdhery et al.,
        PaLM, 2022); class weights do not touch it.
    softcap : float above 0, optional
        Replaces each logit by ``c tanh(x / c)`` (an addition to torch's arguments; Gemma Team, Gemma 2, 2024).

    References
    ----------
    ``torch.nn.functional.cross_entropy``.

    Examples
    --------
    >>> round(float(cross_entropy([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], [2, 0])), 4)
    1.4076
    """
    return -log_prob, -1.0, 0.0


@softmax(limits={"gamma": "[0, inf)"}, static=("gamma",))
def focal_loss(log_prob, rest, gamma=2.0):
    r"""Cross-entropy that pays less attention to rows that are already right.

    .. math:: \ell_n = -w_{y_n} (1 - p_{n y_n})^\gamma \log p_{n y_n}, \qquad p_n = \operatorname{softmax}(x_n)

    Finite, with a finite gradient, for every `gamma` and logit. The mean divides by the sum of the weights of the rows
    that are not ignored.

    Parameters
    ----------
    input : array of logits, (C), (N, C) or (N, C, d1, ...)
        Unnormalised log-probabilities; the class axis is the second, or the only one.
    target : array of integers, (), (N) or (N, d1, ...)
        The class of each row, in 0 ... C-1 or `ignore_index`; any integer type.
    gamma : float, at least 0
        0 is cross-entropy.

    References
    ----------
    T.-Y. Lin et al., Focal Loss for Dense Object Detection, 2017.

    Examples
    --------
    >>> round(float(focal_loss([[0.0, 0.0]], [0])), 6)
    0.173287
    """
    chance = exp(log_prob)  # 1 - rest has lost its digits where the chance is small
    factor = power(rest, gamma)
    ratio = log_prob / rest if rest > 0.0 else -1.0
    growth = gamma * chance / rest if rest > 0.0 else 0.0
    slope = gamma * chance * ratio - 1.0
    bend = growth * (2.0 + ratio * (rest - (gamma - 1.0) * chance))
    return -factor * log_prob, factor * slope, factor * bend


@softmax(probabilities=True, limits={"epsilon": "(-inf, inf)"})
def poly_loss(log_prob, rest, epsilon=1.0):
    r"""Cross-entropy with the first term of its expansion in one minus the probability re-weighed.

    .. math:: \ell_n = w_{y_n} \left(-\log p_{n y_n} + \varepsilon\, (1 - p_{n y_n})\right)

    For probability targets the expectation over them. The mean divides as that of `cross_entropy`.

    Parameters
    ----------
    input : array of logits, (C), (N, C) or (N, C, d1, ...)
        Unnormalised log-probabilities; the class axis is the second, or the only one.
    target : array of integers, (), (N) or (N, d1, ...), or of probabilities, the shape of `input`
        The class of each row, in 0 ... C-1 or `ignore_index`; any integer type.
    epsilon : float
        0 is cross-entropy.

    References
    ----------
    Z. Leng et al., PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions, 2022;
    ``optax.losses.poly_loss_cross_entropy`` (whose default `epsilon` is 2).

    Examples
    --------
    >>> round(float(poly_loss([[0.0, 0.0]], [0])), 6)
    1.193147
    """
    chance = 1.0 - rest
    return epsilon * rest - log_prob, -1.0 - epsilon * chance, -epsilon * chance


@softmax(limits={"q": "(0, 1]"})
def generalized_cross_entropy(log_prob, rest, q=0.7):
    r"""Between cross-entropy (`q` near 0) and the mean absolute error (`q` = 1): robust to wrong labels.

    .. math:: \ell_n = w_{y_n} \frac{1 - p_{n y_n}^{\,q}}{q}, \qquad p_n = \operatorname{softmax}(x_n)

    The mean divides by the sum of the weights of the rows that are not ignored.

    Parameters
    ----------
    input : array of logits, (C), (N, C) or (N, C, d1, ...)
        Unnormalised log-probabilities; the class axis is the second, or the only one.
    target : array of integers, (), (N) or (N, d1, ...)
        The class of each row, in 0 ... C-1 or `ignore_index`; any integer type.
    q : float in (0, 1]
        See above.

    References
    ----------
    Z. Zhang, M. Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels, 2018.

    Examples
    --------
    >>> float(generalized_cross_entropy([[0.0, 0.0]], [0], q=1.0))
    0.5
    """
    growth = exp(q * log_prob)
    return -expm1(q * log_prob) / q, -growth, -q * growth


@picks(class_name="NLLLoss", domain="log_probability", convex=True)
def nll_loss(picked):
    r"""Negative log-probability of the class, from log-probabilities.

    .. math:: \ell_n = -w_{y_n} x_{n y_n}

    From logits, `cross_entropy` is exact and needs no log-softmax. The mean divides by the sum of the weights of the
    rows that are not ignored.

    Parameters
    ----------
    input : array of log-probabilities, (C), (N, C) or (N, C, d1, ...)
        The class axis is the second, or the only one.
    target : array of integers, (), (N) or (N, d1, ...)
        The class of each row, in 0 ... C-1 or `ignore_index`; any integer type.

    References
    ----------
    ``torch.nn.functional.nll_loss``.

    Examples
    --------
    >>> float(nll_loss([[-1.0, -2.0], [-3.0, -0.5]], [1, 0]))
    2.5
    """
    return -picked, -1.0, 0.0


@margins(limits={"p": (1, 2), "margin": "(-inf, inf)"}, static=("p",), convex=True)
def multi_margin_loss(gap, p=1, margin=1.0):
    r"""Hinge of how far every other class's score comes up to that of the right class.

    .. math:: \ell_n = \frac{w_{y_n}}{C} \sum_{c \ne y_n} \max(0,\ m - x_{n y_n} + x_{nc})^p

    At the kink the slope is 0. The mean divides by the number of rows, whatever the weights.

    Parameters
    ----------
    input : array of scores, (C) or (N, C)
        One score for each class.
    target : array of integers, () or (N)
        The class of each row, in 0 ... C-1; any integer type.
    p : 1 or 2
        The power of the hinge.
    margin : float
        By how much the right class should lead, in the unit of the scores.

    References
    ----------
    ``torch.nn.functional.multi_margin_loss``; J. Weston, C. Watkins, Support Vector Machines for Multi-Class Pattern
    Recognition, 1999.

    Examples
    --------
    >>> float(multi_margin_loss([[0.0, 0.5, 2.0]], [1]))
    1.0
    """
    short = maximum(margin + gap, 0.0)
    active = 0.0 if short <= 0.0 else 1.0
    if p == 1:
        return short, active, 0.0
    return short * short, 2.0 * short, 2.0 * active


@margins(hardest=True, convex=True)
def categorical_hinge_loss(gap):
    r"""Hinge of how far the highest score of a wrong class comes up to that of the right one.

    .. math:: \ell_n = w_{y_n} \max(0,\ 1 + \max_{c \ne y_n} x_{nc} - x_{n y_n})

    Of several wrong classes with the highest score, the first one has the slope; at the kink the slope is 0.

    The mean divides by the number of rows, whatever the weights. Keras multiplies scores by one-hot targets before
    it takes the maximum, so that a 0 always takes part there; where no wrong class has a score of 0 or more, it
    gives more.

    Parameters
    ----------
    input : array of scores, (C) or (N, C)
        One score for each class.
    target : array of integers, () or (N)
        The class of each row, in 0 ... C-1; any integer type.

    References
    ----------
    ``keras.losses.CategoricalHinge``; ``optax.losses.multiclass_hinge_loss``; K. Crammer, Y. Singer, On the Algorithmic
    Implementation of Multiclass Kernel-based Vector Machines, 2001.

    Examples
    --------
    >>> float(categorical_hinge_loss([[0.0, 0.5, 2.0]], [1]))
    2.5
    """
    short = maximum(1.0 + gap, 0.0)
    return short, 0.0 if short <= 0.0 else 1.0, 0.0


@margins(sets=True, class_name="MultiLabelMarginLoss", convex=True)
def multilabel_margin_loss(gap):
    r"""Hinge of how far every wrong class's score comes up to that of every right class.

    .. math:: \ell_n = \frac1C \sum_{j \in Y_n} \sum_{i \notin Y_n} \max(0,\ 1 - x_{nj} + x_{ni})

    At the kink the slope is 0. The mean divides by the number of rows.

    Parameters
    ----------
    input : array of scores, (C) or (N, C)
        One score for each class.
    target : array of integers, the shape of `input`
        The right classes of each row, up to its first negative entry; any signed integer type.

    References
    ----------
    ``torch.nn.functional.multilabel_margin_loss``.

    Examples
    --------
    >>> round(float(multilabel_margin_loss([[0.1, 0.2, 0.4, 0.8]], [[3, 0, -1, 1]])), 4)
    0.85
    """
    short = maximum(1.0 + gap, 0.0)
    return short, 0.0 if short <= 0.0 else 1.0, 0.0
