"""Losses of a choice among classes: one row of logits or log-probabilities for each decision."""

from __future__ import annotations

from numbaloss.compile.primitives import exp, expm1, power
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
    chance = 1.0 - rest
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
