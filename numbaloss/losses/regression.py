"""Regression losses: how far a real-valued prediction is from a real-valued target."""

from __future__ import annotations

from numbaloss.compile.primitives import copysign, decay, log1p, log1pmx, log_cosh, maximum, sqrt, tanh
from numbaloss.losses.helpers import sign
from numbaloss.structures.pointwise import pointwise

BOTH = ("input", "target")


@pointwise(differentiable=BOTH, weight="sum", convex=True)
def l1_loss(input, target):
    r"""Absolute error.

    .. math:: \ell = |x - t|

    The slope at :math:`x = t` is 0. The mean divides by the number of elements, with `weight` by the sum of the
    weights.

    Parameters
    ----------
    input, target : array of real numbers, the same shape
        Predictions and targets, in the same unit; the loss is in that unit.

    References
    ----------
    ``torch.nn.functional.l1_loss``.

    Examples
    --------
    >>> float(l1_loss([1.0, 2.0, 5.0], [1.0, 3.0, 3.0]))
    1.0
    """
    error = input - target
    slope = sign(error)
    return abs(error), (slope, -slope), 0.0


@pointwise(differentiable=BOTH, weight="sum", convex=True)
def mse_loss(input, target):
    r"""Squared error.

    .. math:: \ell = (x - t)^2

    The mean divides by the number of elements, with `weight` by the sum of the weights.

    Parameters
    ----------
    input, target : array of real numbers, the same shape
        Predictions and targets, in the same unit; the loss is in that unit squared.

    References
    ----------
    ``torch.nn.functional.mse_loss``.

    Examples
    --------
    >>> float(mse_loss([2.0, 3.0, 4.0], [2.5, 3.5, 4.5]))
    0.25
    """
    error = input - target
    return error * error, (2.0 * error, -2.0 * error), 2.0


@pointwise(differentiable=BOTH, limits={"beta": "[0, inf)"}, convex=True)
def smooth_l1_loss(input, target, beta=1.0):
    r"""Squared error over `beta` near the target, absolute error beyond.

    .. math:: \ell = \begin{cases} (x - t)^2 / (2\beta) & |x - t| < \beta \\ |x - t| - \beta/2 & \text{otherwise}
              \end{cases}

    ``beta=0`` is the absolute error. The mean divides by the number of elements.

    Parameters
    ----------
    input, target : array of real numbers, the same shape
        Predictions and targets, in the same unit.
    beta : float, at least 0
        Where the two pieces meet, in the unit of the error.

    References
    ----------
    ``torch.nn.functional.smooth_l1_loss``; R. Girshick, Fast R-CNN, 2015.

    Examples
    --------
    >>> float(smooth_l1_loss([2.0, 3.0, 4.0], [2.5, 3.5, 4.5]))
    0.125
    """
    error = input - target
    size = abs(error)
    near = size < beta
    slope = error / beta if near else sign(error)
    return 0.5 * error * slope if near else size - 0.5 * beta, (slope, -slope), 1.0 / beta if near else 0.0


@pointwise(differentiable=BOTH, limits={"delta": "(0, inf)"}, weight="count", convex=True)
def huber_loss(input, target, delta=1.0):
    r"""Half the squared error near the target, linear beyond `delta`.

    .. math:: \ell = \begin{cases} (x - t)^2 / 2 & |x - t| \le \delta \\ \delta (|x - t| - \delta/2) & \text{otherwise}
              \end{cases}

    The mean divides by the number of elements, also with `weight` (as torch does; `sample_weight` divides by its sum).

    Parameters
    ----------
    input, target : array of real numbers, the same shape
        Predictions and targets, in the same unit; the loss is in that unit squared.
    delta : float, above 0
        Where the two pieces meet, in the unit of the error.

    References
    ----------
    ``torch.nn.functional.huber_loss``; P. J. Huber, Robust Estimation of a Location Parameter, 1964.

    Examples
    --------
    >>> huber_loss([0.5, -3.0], [0.0, 0.0], reduction="none")
    array([0.125, 2.5  ])
    """
    error = input - target
    size = abs(error)
    slope = copysign(delta, error) if size > delta else error
    return 0.5 * slope * slope + delta * (size - abs(slope)), (slope, -slope), 0.0 if size > delta else 1.0


@pointwise(differentiable=BOTH, convex=True)
def log_cosh_loss(input, target):
    r"""Logarithm of the hyperbolic cosine of the error: squared near the target, absolute far from it.

    .. math:: \ell = \log \cosh(x - t)

    Right for tiny errors, where the usual formula cancels, and for huge ones, where the cosine overflows.
    The mean divides by the number of elements.

    Parameters
    ----------
    input, target : array of real numbers, the same shape
        Predictions and targets.

    References
    ----------
    ``optax.losses.log_cosh``, ``keras.losses.LogCosh``.

    Examples
    --------
    >>> round(float(log_cosh_loss([1.0], [0.0])), 6)
    0.433781
    """
    error = input - target
    slope = tanh(error)
    fall = decay(2.0 * error)
    return log_cosh(error), (slope, -slope), 4.0 * fall / ((1.0 + fall) * (1.0 + fall))


@pointwise(differentiable=BOTH, limits={"delta": "(0, inf)"}, convex=True)
def pseudo_huber_loss(input, target, delta=1.0):
    r"""A smooth Huber loss.

    .. math:: \ell = \delta^2 \left(\sqrt{1 + \left(\frac{x - t}{\delta}\right)^2} - 1\right)

    The mean divides by the number of elements.

    Parameters
    ----------
    input, target : array of real numbers, the same shape
        Predictions and targets, in the same unit; the loss is in that unit squared.
    delta : float, above 0
        Where the loss turns from squared to linear, in the unit of the error.

    References
    ----------
    XGBoost's ``reg:pseudohubererror``; P. Charbonnier et al., 1997.

    Examples
    --------
    >>> round(float(pseudo_huber_loss([1.0], [0.0])), 6)
    0.414214
    """
    error = input - target
    size = abs(error)
    ratio = size / delta
    far = ratio > 1.0e8  # there 1 + ratio^2 is ratio^2 to the last digit, and further on it overflows
    root = ratio if far else sqrt(1.0 + ratio * ratio)
    share = ratio / (root + 1.0) if ratio < 1.0e30 else 1.0
    slope = copysign(delta, error) if far else error / root
    curvature = 0.0 if far else 1.0 / (root * root * root)
    return delta * (size * share), (slope, -slope), curvature


@pointwise(differentiable=BOTH, limits={"c": "(0, inf)"}, convex=True)
def fair_loss(input, target, c=1.0):
    r"""Squared near the target, and ever closer to linear beyond `c`: smooth everywhere.

    .. math:: \ell = c^2 \left(\frac{|x - t|}{c} - \log\left(1 + \frac{|x - t|}{c}\right)\right)

    The mean divides by the number of elements.

    Parameters
    ----------
    input, target : array of real numbers, the same shape
        Predictions and targets, in the same unit; the loss is in that unit squared.
    c : float, above 0
        Where the loss turns from squared to linear, in the unit of the error.

    References
    ----------
    LightGBM's ``fair`` objective; R. C. Fair, On the Robust Estimation of Econometric Models, 1974.

    Examples
    --------
    >>> round(float(fair_loss([1.0], [0.0])), 6)
    0.306853
    """
    error = input - target
    size = abs(error)
    ratio = size / c
    rest = 1.0 / (1.0 + ratio)
    far = ratio > 1.0e30  # there the ratio, but not the loss, may overflow; its square may underflow at the other end
    inside = c * (c * -log1pmx(ratio)) if ratio > 1.0e-17 else 0.5 * size * size
    value = c * size if far else inside
    slope = copysign(c, error) if far else error * rest
    return value, (slope, -slope), rest * rest


@pointwise(differentiable=BOTH, limits={"width": "(0, inf)", "curvature": "(0, inf)"})
def wing_loss(input, target, width=10.0, curvature=2.0):
    r"""Logarithmic within `width` of the target, so that small errors still pull, absolute beyond.

    .. math:: \ell = \begin{cases} w \log\bigl(1 + |x - t| / \epsilon\bigr) & |x - t| < w \\
              |x - t| - w + w \log(1 + w / \epsilon) & \text{otherwise} \end{cases}

    with :math:`w` the `width` and :math:`\epsilon` the `curvature`. The slope at :math:`x = t` is 0. The mean divides
    by the number of elements.

    Parameters
    ----------
    input, target : array of real numbers, the same shape
        Predictions and targets, in the same unit: usually coordinates of landmarks in pixels.
    width : float, above 0
        Up to which error the loss is logarithmic, in the unit of the error.
    curvature : float, above 0
        The error from which the logarithm bends, in the unit of the error; the steepest slope is ``width / curvature``.

    References
    ----------
    Z.-H. Feng et al., Wing Loss for Robust Facial Landmark Localisation with Convolutional Neural Networks, 2018 (with
    these defaults); the names are those of segmentation-models-pytorch, whose defaults are 5 and 0.5.

    Examples
    --------
    >>> wing_loss([2.0, 20.0], [0.0, 0.0], reduction="none").round(4)
    array([ 6.9315, 27.9176])
    """
    error = input - target
    size = abs(error)
    near = size < width
    rate = 1.0 / (curvature + size)
    slope = sign(error) * (width * rate if near else 1.0)
    value = width * log1p((size if near else width) / curvature) + (0.0 if near else size - width)
    return value, (slope, -slope), -width * (rate * rate) if near else 0.0


@pointwise(limits={"quantile": "[0, 1]"}, arrays=("quantile",), vector="quantile", convex=True)
def quantile_loss(input, target, quantile=0.5):
    r"""Pinball loss: its minimiser is the `quantile` of the target's distribution.

    .. math:: \ell = \max\bigl(q (t - x),\ (q - 1)(t - x)\bigr)

    At :math:`x = t` the slope is :math:`-q`. The mean divides by the number of elements of `input`.

    Parameters
    ----------
    input : array of real numbers
        Predicted quantiles.
    target : array, the shape of `input`
        With several quantiles it may lack the last axis.
    quantile : float in [0, 1], or a sequence of them
        With Q quantiles the last axis of `input` has length Q, one for each.

    References
    ----------
    R. Koenker, G. Bassett, Regression Quantiles, 1978; ``sklearn.metrics.mean_pinball_loss``.

    Examples
    --------
    >>> quantile_loss([[1.0, 3.0]], [2.0], quantile=[0.1, 0.9], reduction="none")
    array([[0.1, 0.1]])
    """
    error = target - input
    over = error < 0.0
    return (quantile - 1.0) * error if over else quantile * error, 1.0 - quantile if over else -quantile, 0.0


@pointwise(limits={"expectile": "(0, 1)"}, arrays=("expectile",), vector="expectile", convex=True)
def expectile_loss(input, target, expectile=0.5):
    r"""Asymmetric squared error: its minimiser is the `expectile` of the target's distribution.

    .. math:: \ell = |\tau - [t < x]|\, (t - x)^2

    The mean divides by the number of elements.

    Parameters
    ----------
    input : array of real numbers
        Predicted expectiles.
    target : array, the shape of `input`
        With several expectiles it may lack the last axis.
    expectile : float in (0, 1), or a sequence of them
        With several, the last axis of `input` has one entry for each.

    References
    ----------
    W. K. Newey, J. L. Powell, Asymmetric Least Squares Estimation and Testing, 1987.

    Examples
    --------
    >>> float(expectile_loss([1.0], [3.0], expectile=0.75))
    3.0
    """
    error = input - target
    weight = 1.0 - expectile if error > 0.0 else expectile
    return weight * error * error, 2.0 * weight * error, 2.0 * weight


@pointwise(differentiable=BOTH, domain="nonnegative", target="nonnegative")
def msle_loss(input, target):
    r"""Squared logarithmic error.

    .. math:: \ell = \bigl(\log(1 + x) - \log(1 + t)\bigr)^2

    nan below -1. The mean divides by the number of elements.

    Parameters
    ----------
    input, target : array of real numbers above -1, the same shape
        Predictions and targets.

    References
    ----------
    ``sklearn.metrics.mean_squared_log_error``, ``keras.losses.MeanSquaredLogarithmicError`` (which clips at 1e-7).

    Examples
    --------
    >>> round(float(msle_loss([3.0], [1.0])), 6)
    0.480453
    """
    inside = input >= -1.0 and target >= -1.0
    error = input - target
    over = error > 0.0
    # log(1 + x) - log(1 + t) without the cancellation; outside the domain, log1p(-2) is the nan that is due
    distance = log1p(abs(error) / (1.0 + (target if over else input)) if inside else -2.0)
    gap = distance if over else -distance
    rate = 1.0 / (1.0 + input)
    return gap * gap, (2.0 * gap * rate, -2.0 * gap / (1.0 + target)), 2.0 * (1.0 - gap) * rate * rate


@pointwise(target="positive", convex=True)
def mape_loss(input, target):
    r"""Absolute percentage error, as a fraction.

    .. math:: \ell = \frac{|x - t|}{\max(|t|, 10^{-7})}

    The slope at :math:`x = t` is 0. The mean divides by the number of elements.

    Parameters
    ----------
    input, target : array of real numbers, the same shape
        Predictions and targets; targets near 0 weigh up to ten million.

    References
    ----------
    ``sklearn.metrics.mean_absolute_percentage_error`` (with another floor),
    ``keras.losses.MeanAbsolutePercentageError`` (which multiplies by 100).

    Examples
    --------
    >>> float(mape_loss([1.0, 6.0], [2.0, 4.0]))
    0.5
    """
    error = input - target
    rate = 1.0 / maximum(abs(target), 1.0e-7)
    return abs(error) * rate, sign(error) * rate, 0.0
