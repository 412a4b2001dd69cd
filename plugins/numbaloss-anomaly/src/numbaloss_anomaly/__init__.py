"""Losses for anomaly detection in time series: learn the envelope of the expected, then weigh what leaves it.

`envelope_loss` trains two curves between which a series should run, each side with a share of misses of its own.
`band_loss` says how badly an observation leaves a band, each side with a weight of its own: as a score for each step,
or as a loss that leaves a model's ordinary scatter alone.
"""

from __future__ import annotations

from typing import Any

import numbaloss as nl


@nl.pointwise(
    differentiable=("lower", "upper"),
    wrt=("lower", "upper"),
    domains={"upper": "real"},
    limits={"below": "(0, 1)", "above": "(0, 1)"},
    task="anomaly",
    convex=True,
)
def envelope_loss(lower, target, upper, below=0.05, above=0.05):
    r"""Width of an envelope, and what lies outside it: its minimisers are two quantiles of the target.

    .. math:: \ell = (u - l) + \frac{\max(0,\ l - t)}{p_\text{below}} + \frac{\max(0,\ t - u)}{p_\text{above}}

    A share :math:`p_\text{below}` of the targets lies below the best `lower`, a share :math:`p_\text{above}` above the
    best `upper`; where an error on one side matters more, give that side the smaller share. Where a curve meets the
    target, its slope is that of the inside. The mean divides by the number of elements.

    Parameters
    ----------
    lower, upper : array of real numbers, the same shape
        The envelope that the model predicts, in the unit of the target.
    target : array, the shape of `lower`
        What was observed.
    below, above : float in (0, 1)
        The shares of targets that may lie outside, on either side.

    References
    ----------
    T. Gneiting, A. E. Raftery, Strictly Proper Scoring Rules, 2007 (the interval score, here with a share for each
    side).

    Examples
    --------
    >>> envelope_loss([0.0, 0.0], [0.5, 2.0], [1.0, 1.0], above=0.25, reduction="none")
    array([1., 5.])
    """
    short = lower - target
    over = target - upper
    # the width, shared out between the sides, so that nothing cancels where the curves cross
    steep_lower = (1.0 - below) / below if short > 0.0 else -1.0
    steep_upper = (1.0 - above) / above if over > 0.0 else -1.0
    return short * steep_lower + over * steep_upper, (steep_lower, -steep_upper), 0.0


@nl.pointwise(
    domains={"width": "positive"},
    limits={"below": "[0, inf)", "above": "[0, inf)", "knee": "(0, inf)"},
    task="anomaly",
    convex=True,
)
def band_loss(input, target, width, below=1.0, above=1.0, knee=1.0):
    r"""How far an observation leaves a band around the expected: nothing inside, squared at its edge, linear far out.

    .. math:: \ell = w \begin{cases} 0 & z \le 0 \\ z^2 / 2 & z \le k \\ k\,(z - k/2) & \text{otherwise} \end{cases}
              \qquad z = \frac{|t - x|}{b} - 1

    with the half-width :math:`b` of the band, the `knee` :math:`k`, and for :math:`w` the weight of the side on which
    the observation lies. The mean divides by the number of elements.

    Parameters
    ----------
    input : array of real numbers
        The expected pattern, such as a seasonal mean.
    target : array, the shape of `input`
        What was observed.
    width : array of numbers above 0, the shape of `input`
        Half the width of the band at each step, in the unit of the target.
    below, above : float, at least 0
        Weights of observations below and above the band.
    knee : float, above 0
        Distance from the band, in half-widths, from which the loss is linear.

    References
    ----------
    V. Vapnik, The Nature of Statistical Learning Theory, 1995 (the insensitive band); P. J. Huber, Robust Estimation of
    a Location Parameter, 1964 (the knee).

    Examples
    --------
    >>> band_loss([0.0] * 3, [0.5, 2.0, -3.0], [1.0] * 3, below=4.0, reduction="none")
    array([0. , 0.5, 6. ])
    """
    error = input - target
    high = error < 0.0  # the observation lies above
    size = abs(error) / width
    out = size - 1.0
    weight = above if high else below
    steep = knee if out >= knee else out  # nan stays nan
    inside = out <= 0.0
    value = 0.0 if inside else weight * steep * (out - 0.5 * steep)
    pull = 0.0 if inside else weight * steep / width
    bend = 0.0 if inside or out > knee else weight / (width * width)
    return value, -pull if high else pull, bend


LOSSES = (envelope_loss, band_loss)


@nl.hookimpl
def register_losses(register: Any) -> None:
    """Called by numbaloss."""
    for loss in LOSSES:
        register(loss)
