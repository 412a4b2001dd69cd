"""Losses of insurance for numbaloss: how much is claimed, and how often.

All take the logarithm of the expected value (a log link), as gradient boosting and generalised linear models do, and
have gradients and Hessians. Terms that depend on the target alone are left out: they move no prediction.
"""

from __future__ import annotations

from typing import Any

import numbaloss as nl
from numbaloss.primitives import exp, expm1, log, sigmoid, softplus


def times(weight: Any, value: Any) -> Any:
    """``weight * value``; nothing times infinity is nothing."""
    return 0.0 if weight == 0.0 and value == value else weight * value


@nl.pointwise(target="nonnegative", limits={"power": "[1, 3]"}, static=("power",), task="actuarial", ulp=8.0)
def tweedie_loss(input, target, power=1.5):
    r"""Tweedie deviance with a log link: claims that are often 0 and otherwise a positive amount.

    .. math:: \ell = \frac{e^{(2-p) x} - 1}{2 - p} - t\, \frac{e^{(1-p) x} - 1}{1 - p}

    with the limits :math:`x` for a quotient whose denominator is 0: ``power=1`` is Poisson, ``power=2`` gamma,
    ``power=3`` inverse Gaussian. Half the unit deviance, up to a term that depends on the target alone; the loss at
    :math:`x = 0` is 0. The mean divides by the number of elements.

    Parameters
    ----------
    input : array of real numbers
        The logarithm of the expected amount.
    target : array, the shape of `input`
        Amounts, at least 0; above 0 with `power` from 2.
    power : float in [1, 3]
        The variance is proportional to the mean to this power.

    References
    ----------
    B. Jorgensen, Exponential Dispersion Models, 1987; ``sklearn._loss.HalfTweedieLoss`` (the same up to a constant).

    Examples
    --------
    >>> round(float(tweedie_loss([0.5, 1.0], [0.0, 3.0])), 6)
    -0.247661
    """
    up, down = 2.0 - power, 1.0 - power
    grown = input if up == 0.0 else expm1(up * input) / up
    shrunk = input if down == 0.0 else expm1(down * input) / down
    rise, fall = exp(up * input), times(target, exp(down * input))
    # where this overflows what is taken off may, too, and is less
    overflows = grown > 0.0 and grown - grown != 0.0 and input - input == 0.0 and target == target
    value = grown if overflows else grown - times(target, shrunk)
    return value, rise - fall, up * rise - down * fall


@nl.pointwise(target="positive", task="actuarial", convex=True)
def gamma_loss(input, target):
    r"""Gamma deviance with a log link: amounts whose spread grows with their size.

    .. math:: \ell = x + t e^{-x}

    Half the unit deviance, up to a term that depends on the target alone. The mean divides by the number of elements.

    Parameters
    ----------
    input : array of real numbers
        The logarithm of the expected amount.
    target : array, the shape of `input`
        Amounts, above 0.

    References
    ----------
    P. McCullagh, J. A. Nelder, Generalized Linear Models, 1989; ``sklearn._loss.HalfGammaLoss``.

    Examples
    --------
    >>> float(gamma_loss([0.0], [3.0]))
    3.0
    """
    ratio = target * exp(-input)
    value = input + ratio
    return value, 1.0 - ratio, ratio


@nl.pointwise(
    target="count",
    differentiable=("input", "gate"),
    wrt=("input", "gate"),
    domains={"gate": "real"},
    task="actuarial",
    class_name="ZeroInflatedPoissonNLLLoss",
    ulp=8.0,
)
def zero_inflated_poisson_nll_loss(input, target, gate):
    r"""Negative log-likelihood of a count that is 0 for a reason of its own, and Poisson otherwise.

    .. math:: \ell = \begin{cases} -\log\bigl(\pi + (1 - \pi) e^{-\lambda}\bigr) & t = 0 \\
              -\log(1 - \pi) + \lambda - t x & \text{otherwise} \end{cases}
              \qquad \lambda = e^x,\ \pi = \sigma(g)

    Exact where :math:`\pi` or :math:`e^{-\lambda}` vanish. Gradients come for `input` and for `gate`. The mean divides
    by the number of elements.

    Parameters
    ----------
    input : array of real numbers
        The logarithm of the Poisson rate.
    target : array of counts, the shape of `input`
        What was counted.
    gate : array of logits, the shape of `input`
        Log-odds of a zero that is not Poisson's.

    References
    ----------
    D. Lambert, Zero-Inflated Poisson Regression, with an Application to Defects in Manufacturing, 1992.

    Examples
    --------
    >>> zero_inflated_poisson_nll_loss([0.0, 0.0], [0.0, 2.0], [0.0, 0.0], reduction="none").round(6)
    array([0.379885, 1.693147])
    """
    rate = exp(input)
    both = gate + rate
    closed, open_ = softplus(gate), softplus(-gate)
    nothing = open_ - softplus(-both) if both > 0.0 else closed + rate - softplus(both)
    # rate * sigmoid(-both), also where the rate overflows
    pull = exp(input - both) / (1.0 + exp(-both)) if both > 0.0 else rate / (1.0 + exp(both))
    chance = sigmoid(both)
    # where the rate overflows the product may, too, and is nothing against it
    overflows = rate - rate != 0.0 and input - input == 0.0 and target == target
    some = closed + (rate if overflows else rate - target * input)
    zero = target == 0.0
    slope_gate = chance * sigmoid(-gate) * expm1(-rate) if zero else sigmoid(gate)
    bend = pull * (1.0 - rate * chance) if pull > 0.0 else pull
    return nothing if zero else some, (pull if zero else rate - target, slope_gate), bend if zero else rate


@nl.pointwise(
    target="count",
    limits={"dispersion": "(0, inf)"},
    task="actuarial",
    class_name="NegativeBinomialNLLLoss",
    convex=True,
    ulp=8.0,
)
def negative_binomial_nll_loss(input, target, dispersion=1.0):
    r"""Negative log-likelihood of a count that scatters more than Poisson's.

    .. math:: \ell = \left(t + \tfrac1\alpha\right) \log(1 + \alpha e^x) - t x

    The variance is :math:`\mu + \alpha \mu^2` with :math:`\mu = e^x`. Terms that depend on the target alone are left
    out. The mean divides by the number of elements.

    Parameters
    ----------
    input : array of real numbers
        The logarithm of the expected count.
    target : array of counts, the shape of `input`
        What was counted.
    dispersion : float above 0
        :math:`\alpha`; towards 0 the loss becomes Poisson's.

    References
    ----------
    A. C. Cameron, P. K. Trivedi, Regression Analysis of Count Data, 1998 (NB2).

    Examples
    --------
    >>> round(float(negative_binomial_nll_loss([0.0], [2.0])), 6)
    2.079442
    """
    shift = log(dispersion)
    odds = input + shift
    above, below = sigmoid(odds), sigmoid(-odds)
    # softplus(odds) - input, without the difference of large numbers
    value = softplus(odds) / dispersion + times(target, softplus(-odds) + shift)
    return value, above / dispersion - target * below, (target + 1.0 / dispersion) * (above * below)


LOSSES = (tweedie_loss, gamma_loss, zero_inflated_poisson_nll_loss, negative_binomial_nll_loss)


@nl.hookimpl
def register_losses(register: Any) -> None:
    """Called by numbaloss."""
    for loss in LOSSES:
        register(loss)
