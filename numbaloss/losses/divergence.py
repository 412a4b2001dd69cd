"""Losses between two probability distributions."""

from __future__ import annotations

from numbaloss.compile.primitives import exp, log
from numbaloss.losses.helpers import times
from numbaloss.structures.pointwise import pointwise


@pointwise(
    class_name="KLDivLoss",
    domain="log_probability",
    target="probability",
    differentiable=("input", "target"),
    reductions=("none", "mean", "sum", "batchmean"),
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
        return times(chance, gap), (-chance, times(chance, gap + 1.0)), 0.0
    gap = log(target) - input
    return times(target, gap), (-target, gap + 1.0), 0.0
