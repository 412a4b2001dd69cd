"""Losses of a choice among many classes, with what is special to the last layer: its product, or its cosines."""

from __future__ import annotations

from numbaloss.compile.primitives import maximum, sqrt
from numbaloss.structures.cosines import cosines
from numbaloss.structures.head import linear_softmax

SLIGHTEST = 2e-7  # least square of a sine that a slope is divided by: that of a cosine of 1 - 1e-7


@linear_softmax(task="classification", class_name="LinearCrossEntropyLoss")
def linear_cross_entropy(log_prob, rest, label_smoothing=0.0, z_loss=0.0, softcap=None):
    r"""Cross-entropy of a linear layer's logits, without holding them.

    .. math:: \ell_n = -w_{y_n} \log p_{n y_n}, \qquad p_n = \operatorname{softmax}(W h_n + b)

    The logits of a few rows are made at a time, their gradient takes their place, and is used up by the two matrix
    products that follow. Besides the gradients, memory is bounded by `chunk_bytes`, and for float16 and bfloat16 a
    float32 copy of `linear_weight` and of its gradient. Ignored rows are left out of all products.

    The mean divides, for class labels, by the sum of the weights of the rows that are not ignored; for probability
    targets by the number of rows (both as torch).

    Parameters
    ----------
    input : array of hidden states, (D), (N, D) or (..., D)
        The layer's input.
    linear_weight : array, (C, D)
        The layer's weight, one row for each class. A transposed view of a (D, C) array is read as it is.
    target : array of integers, the shape of `input` without its last axis, or of probabilities, (..., C)
        The class of each row, in 0 ... C-1 or `ignore_index`; any integer type.
    linear_bias : array, (C), optional
        The layer's bias.
    label_smoothing : float in [0, 1]
        Mixes the target with the uniform distribution: ``(1 - s) t + s / C``.
    z_loss : float, at least 0
        Adds this times the square of the log-normaliser, as in `cross_entropy`.
    softcap : float above 0, optional
        Replaces each logit by ``c tanh(x / c)``, as in `cross_entropy`.
    chunk_bytes : int, at least 1
        The most bytes of logits at a time; one row is the least.

    References
    ----------
    ``torch.nn.functional.linear_cross_entropy``.

    Examples
    --------
    >>> hidden, weight = [[1.0, 0.0], [0.0, 1.0]], [[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]]
    >>> round(float(linear_cross_entropy(hidden, weight, [0, 2])), 4)
    0.9076
    """
    return -log_prob, -1.0, 0.0


@cosines(angle="margin", limits={"margin": "[0, 3.14159]"}, task="classification", class_name="ArcFaceLoss")
def arcface_loss(cosine, margin_cosine, margin_sine, margin=0.5, easy_margin=False):
    r"""Cross-entropy of cosines, with an angle added to that between each row and its class.

    .. math::
        \ell_n = -w_{y_n} \log \frac{e^{s \varphi(x_{n y_n})}}
                                    {e^{s \varphi(x_{n y_n})} + \sum_{c \ne y_n} e^{s x_{nc}}},
        \qquad \varphi(\cos \theta) = \cos(\theta + m)

    Beyond :math:`\theta = \pi - m`, where that would rise again, :math:`\varphi(x) = x - m \sin m`, as is usual; with
    `easy_margin` the margin holds only for angles up to a right one, and :math:`\varphi(x) = x` beyond.

    The slope of :math:`\varphi` is infinite at a cosine of 1 and of -1: it is computed with a sine of at least 4.5e-4,
    which is that of a cosine of 1 - 1e-7. A cosine beyond 1 counts as having a sine of 0.

    The mean divides by the sum of the weights of the rows that are not ignored.

    Parameters
    ----------
    input : array of cosines, (C) or (N, C)
        Products of unit vectors: an embedding with one prototype for each class.
    target : array of integers, () or (N)
        The class of each row, in 0 ... C-1 or `ignore_index`; any integer type.
    margin : float in [0, 3.14159]
        The angle, in radians.
    easy_margin : bool
        See above.
    scale : float above 0
        The factor of all cosines in the exponent.
    label_smoothing : float in [0, 1]
        Mixes the target with the uniform distribution: ``(1 - s) t + s / C``.

    References
    ----------
    J. Deng et al., ArcFace: Additive Angular Margin Loss for Deep Face Recognition, 2019.

    Examples
    --------
    >>> round(float(arcface_loss([[0.5, 0.0]], [0], margin=0.0, scale=1.0)), 4)
    0.4741
    >>> round(float(arcface_loss([[0.9, 0.1], [0.2, 0.8]], [0, 1])), 4)
    0.0
    """
    sine = sqrt(maximum((1.0 - cosine) * (1.0 + cosine), 0.0))
    guarded = sqrt(maximum((1.0 - cosine) * (1.0 + cosine), SLIGHTEST))
    moved = cosine * margin_cosine - sine * margin_sine
    slope = margin_cosine + cosine / guarded * margin_sine
    if easy_margin:
        return (cosine, 1.0) if cosine <= 0.0 else (moved, slope)
    return (cosine - margin * margin_sine, 1.0) if cosine <= -margin_cosine else (moved, slope)


@cosines(limits={"margin": "(-inf, inf)"}, task="classification", class_name="CosFaceLoss")
def cosface_loss(cosine, margin=0.35):
    r"""Cross-entropy of cosines, with a margin taken off that of each row's class.

    .. math::
        \ell_n = -w_{y_n} \log \frac{e^{s (x_{n y_n} - m)}}
                                    {e^{s (x_{n y_n} - m)} + \sum_{c \ne y_n} e^{s x_{nc}}}

    The mean divides by the sum of the weights of the rows that are not ignored.

    Parameters
    ----------
    input : array of cosines, (C) or (N, C)
        Products of unit vectors: an embedding with one prototype for each class.
    target : array of integers, () or (N)
        The class of each row, in 0 ... C-1 or `ignore_index`; any integer type.
    margin : float
        What is taken off the cosine of the row's class.
    scale : float above 0
        The factor of all cosines in the exponent.
    label_smoothing : float in [0, 1]
        Mixes the target with the uniform distribution: ``(1 - s) t + s / C``.

    References
    ----------
    H. Wang et al., CosFace: Large Margin Cosine Loss for Deep Face Recognition, 2018.

    Examples
    --------
    >>> round(float(cosface_loss([[0.5, 0.5]], [0], scale=1.0)), 4)
    0.8834
    """
    return cosine - margin, 1.0
