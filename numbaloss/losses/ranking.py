"""Losses of order: which of two scores should be the higher one."""

from __future__ import annotations

from numbaloss.compile.primitives import maximum
from numbaloss.losses.helpers import times
from numbaloss.structures.pointwise import pointwise


@pointwise(
    target="sign",
    differentiable=("input1", "input2", "target"),
    wrt=("input1", "input2"),
    domains={"input2": "real"},
    convex=True,
)
def margin_ranking_loss(input1, input2, target, margin=0.0):
    r"""Hinge of the distance by which two scores are in the wrong order.

    .. math:: \ell = \max\bigl(0, -t (x_1 - x_2) + m\bigr)

    At the kink the slope of the active side is taken, as in torch. The mean divides by the number of elements.

    Parameters
    ----------
    input1, input2 : array of scores, the same shape
        The scores compared.
    target : array of -1 and 1, the shape of `input1`
        1 where `input1` should be the higher, -1 where `input2` should.
    margin : float
        By how much, in the unit of the scores.

    References
    ----------
    ``torch.nn.functional.margin_ranking_loss``.

    Examples
    --------
    >>> margin_ranking_loss([1.0, 0.0], [0.0, 1.0], [1, 1], reduction="none")
    array([0., 1.])
    """
    gap = input1 - input2
    short = margin - target * gap
    active = 0.0 if short < 0.0 else 1.0
    return maximum(short, 0.0), (-target * active, target * active, -times(active, gap)), 0.0
