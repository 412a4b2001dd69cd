"""Negative log-likelihoods: losses of the parameters of a distribution of the target."""

from __future__ import annotations

from numbaloss.compile.primitives import exp, log, maximum
from numbaloss.losses.helpers import times
from numbaloss.structures.pointwise import pointwise


@pointwise(
    target="count",
    limits={"eps": "[0, inf)"},
    differentiable=("input", "target"),
    domains_when={("log_input", False): {"input": "positive"}},
    ulp=8.0,
    convex=True,
)
def poisson_nll_loss(input, target, log_input=True, full=False, eps=1e-8):
    r"""Negative log-likelihood of a count under a Poisson distribution, without the target's own constant.

    .. math:: \ell = e^x - t x \quad\text{(log\_input)}, \qquad x - t \log(x + \varepsilon) \quad\text{(otherwise)}

    `full` adds Stirling's approximation of :math:`\log t!` where :math:`t > 1`.
    The mean divides by the number of elements.

    Parameters
    ----------
    input : array of real numbers
        The logarithm of the expected count, or with ``log_input=False`` the expected count itself.
    target : array, the shape of `input`
        Observed counts.
    log_input, full : bool
        See above.
    eps : float, at least 0
        Keeps the logarithm finite when ``log_input=False``.

    References
    ----------
    ``torch.nn.functional.poisson_nll_loss``.

    Examples
    --------
    >>> round(float(poisson_nll_loss([0.0], [2.0], full=True)), 6)
    1.651806
    """
    if log_input:
        rate = exp(input)
        # where the rate overflows the product may, too, and is nothing against it
        overflows = rate - rate != 0.0 and input - input == 0.0 and target == target
        value = rate if overflows else rate - times(target, input)
        slope, slope_target, curvature = rate - target, -input, rate
    else:
        shifted = input + eps
        value = input - times(target, log(shifted))
        ratio = target / shifted
        slope, slope_target, curvature = 1.0 - ratio, -log(shifted), ratio / shifted
    if full:
        many = target > 1.0
        logarithm = log(target if many else 1.0)
        value += target * logarithm - target + 0.5 * (1.8378770664093453 + logarithm) if many else 0.0
        slope_target += logarithm + 0.5 / target if many else 0.0
    return value, (slope, slope_target), curvature


@pointwise(
    differentiable=("input", "target", "var"),
    wrt=("input", "var"),
    broadcast=("var",),
    limits={"eps": "(0, inf)"},
    domains={"var": "positive"},
    settings={"eps": (1e-3,)},
)
def gaussian_nll_loss(input, target, var, full=False, eps=1e-6):
    r"""Negative log-likelihood under a normal distribution whose mean and variance are both predicted.

    .. math:: \ell = \tfrac12 \left(\log v + \frac{(x - t)^2}{v}\right), \quad v = \max(\text{var}, \varepsilon)

    `full` adds :math:`\tfrac12 \log 2\pi`. The gradient for `var` passes through the floor, as in torch; a negative
    `var` gives nan. The mean divides by the number of elements.

    Parameters
    ----------
    input : array of real numbers
        Predicted means.
    target : array, the shape of `input`
        Observations.
    var : array
        Predicted variances: the shape of `input`, or without its last axis, or 1 there, or a single number.
    full : bool
        See above.
    eps : float, above 0
        Floor of the variance.

    References
    ----------
    ``torch.nn.functional.gaussian_nll_loss``; D. Nix, A. Weigend, Estimating the Mean and Variance of the Target
    Probability Distribution, 1994.

    Examples
    --------
    >>> float(gaussian_nll_loss([1.0], [0.0], [1.0]))
    0.5
    """
    error = input - target
    variance = maximum(var, eps) if var >= 0.0 else log(var)  # the logarithm of a negative number: nan, as is due
    scaled = error / variance
    value = 0.5 * (log(variance) + error * scaled)
    if full:
        value += 0.9189385332046727
    return value, (scaled, -scaled, 0.5 * (1.0 / variance - scaled * scaled)), 1.0 / variance
