"""Losses between two probability distributions."""

from __future__ import annotations

from numbaloss.compile.primitives import exp, expm1, log, log1p, log1pmx, maximum, softplus
from numbaloss.losses.helpers import sign, times
from numbaloss.structures.distributions import distributions
from numbaloss.structures.pointwise import pointwise


@pointwise(
    class_name="KLDivLoss",
    domain="log_probability",
    target="probability",
    differentiable=("input", "target"),
    reductions=("none", "mean", "sum", "batchmean"),
    domains_when={("log_target", True): {"target": "log_probability"}},
)
def kl_div(input, target, log_target=False):
    r"""Kullback-Leibler divergence from a predicted log-probability to a target probability, element by element.

    .. math:: \ell = t (\log t - x), \qquad e^t (t - x) \quad\text{(log\_target)}

    A target of zero costs nothing, even where `input` is minus infinity; the slope by a zero target is its limit, minus
    infinity. ``"mean"`` divides by the number of elements, which is not the divergence of the distributions;
    ``"batchmean"`` divides by the length of the first axis, which is.

    Parameters
    ----------
    input : array of log-probabilities
        The prediction (`log_softmax` of logits; from logits directly, `kl_div_with_logits` is exact and faster).
    target : array, the shape of `input`
        Probabilities, or log-probabilities with ``log_target=True``.
    log_target : bool
        Whether `target` holds logarithms.

    References
    ----------
    ``torch.nn.functional.kl_div``; S. Kullback, R. Leibler, On Information and Sufficiency, 1951.

    Examples
    --------
    >>> import numpy as np
    >>> predicted, wanted = np.log([[0.4, 0.6], [0.3, 0.7]]), [[0.5, 0.5], [0.4, 0.6]]
    >>> round(float(kl_div(predicted, wanted, reduction="batchmean")), 4)
    0.0215
    """
    if log_target:
        chance, gap = exp(target), target - input
        cost, slope = times(chance, gap), times(chance, gap + 1.0)
        return cost if input == input else input, (-chance, slope if input == input else input), 0.0
    gap = log(target) - input
    return times(target, gap) if input == input else input, (-target, gap + 1.0), 0.0  # nan is passed on


@distributions(anchored=("teacher",))
def kl_div_with_logits(log_p, log_q, temperature=1.0):
    r"""Kullback-Leibler divergence of a student's softmax from a teacher's, from the logits of both.

    .. math:: \ell_n = T^2 \sum_c q_{nc} (\log q_{nc} - \log p_{nc}), \qquad
              p_n = \operatorname{softmax}(x_n / T),\ q_n = \operatorname{softmax}(z_n / T)

    The factor :math:`T^2` keeps the size of the gradient when the temperature changes. The mean divides by the number
    of rows.

    Parameters
    ----------
    student : array of logits, (C), (N, C) or (N, C, d1, ...)
        The prediction; the class axis is the second, or the only one.
    teacher : array of logits, the shape of `student`
        What to imitate.
    temperature : float above 0
        Flattens both distributions.

    References
    ----------
    G. Hinton, O. Vinyals, J. Dean, Distilling the Knowledge in a Neural Network, 2015.

    Examples
    --------
    >>> round(float(kl_div_with_logits([[0.0, 0.0]], [[1.0, 0.0]])), 6)
    0.110944
    """
    p, q = exp(log_p), exp(log_q)
    gap = 0.0 if log_q == log_p else log_q - log_p
    cost = times(q, gap)
    more = excess(-gap, p, q)  # sums to 0 over the classes; with it none of them has a negative value
    return cost + more, (more, cost)


@distributions(anchored=True, limits={"beta": "(0, 1)"})
def jsd_loss(log_p, log_q, beta=0.5, temperature=1.0):
    r"""Generalised Jensen-Shannon divergence between a student's and a teacher's softmax, from the logits of both.

    .. math:: \ell_n = T^2 \sum_c \beta\, q_{nc} \log \frac{q_{nc}}{m_{nc}} + (1 - \beta)\, p_{nc} \log
              \frac{p_{nc}}{m_{nc}}, \qquad m = \beta q + (1 - \beta) p

    with :math:`p_n = \operatorname{softmax}(x_n / T)`, :math:`q_n = \operatorname{softmax}(z_n / T)`. The mean divides
    by the number of rows.

    Parameters
    ----------
    student : array of logits, (C), (N, C) or (N, C, d1, ...)
        The prediction; the class axis is the second, or the only one.
    teacher : array of logits, the shape of `student`
        What to imitate.
    beta : float in (0, 1)
        Weight of the teacher in the mixture; 0.5 is the symmetric divergence.
    temperature : float above 0
        Flattens both distributions.

    References
    ----------
    R. Agarwal et al., On-Policy Distillation of Language Models, 2024; J. Lin, Divergence Measures Based on the Shannon
    Entropy, 1991.

    Examples
    --------
    >>> float(jsd_loss([[0.0, 1.0]], [[0.0, 1.0]]))
    0.0
    """
    gap = 0.0 if log_q == log_p else log_q - log_p
    part_p, part_q = (1.0 - beta) * exp(log_p), beta * exp(log_q)
    # Each side's value is p log(p / m) + m - p: the added terms cancel over both, and neither can be negative.
    above, size = gap > 0.0, abs(gap)
    share = beta if above else 1.0 - beta
    large, small = part_q if above else part_p, part_p if above else part_q
    shrunk, grown = (1.0 - share) * expm1(-size), share * expm1(size)
    behind = log1pmx(shrunk)
    far = (1.0 - share) * large - share * small - times(small, size + shrunk + behind)
    value = (-small * log1pmx(grown) if grown < 1.0 else far) - large * behind
    # slopes without the constants log(1 - beta) and log(beta), which the softmax takes out again: what is left is exact
    # where one of the probabilities has vanished beside the other
    lead = gap + (log(beta) - log1p(-beta))
    rest = softplus(-abs(lead))
    slope_p, slope_q = -times(part_p, rest + maximum(lead, 0.0)), -times(part_q, rest + maximum(-lead, 0.0))
    return value, (slope_p, slope_q)


@distributions(anchored=True, class_name="TVDLoss")
def tvd_loss(log_p, log_q):
    r"""Total variation distance between a student's and a teacher's softmax, from the logits of both.

    .. math:: \ell_n = \frac12 \sum_c |p_{nc} - q_{nc}|, \qquad
              p_n = \operatorname{softmax}(x_n),\ q_n = \operatorname{softmax}(z_n)

    From 0 (the same) to 1 (nothing in common): by how much the two can differ in the probability of any event. Where
    both give a class the same probability its slope is 0. The mean divides by the number of rows.

    Parameters
    ----------
    student : array of logits, (C), (N, C) or (N, C, d1, ...)
        The prediction; the class axis is the second, or the only one.
    teacher : array of logits, the shape of `student`
        What to imitate.

    References
    ----------
    Y. Wen et al., f-Divergence Minimization for Sequence-Level Knowledge Distillation, 2023; ``LigerTVDLoss`` of
    Liger-Kernel, which takes probabilities.

    Examples
    --------
    >>> round(float(tvd_loss([[0.0, 0.0]], [[1.0, 0.0]])), 6)
    0.231059
    """
    gap = 0.0 if log_p == log_q else log_p - log_q
    p, q = exp(log_p), exp(log_q)
    side = 0.5 * sign(gap)
    return side * excess(gap, p, q), (side * p, -side * q)


def excess(gap, one, two):
    """``one - two``, where `gap` is ``log(one / two)``: to the last digits where the two are close."""
    shrink = expm1(-abs(gap))
    return -one * shrink if gap > 0.0 else two * shrink
