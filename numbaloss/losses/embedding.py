"""Losses of embeddings: how near or far two representations should be."""

from __future__ import annotations

from numbaloss.compile.primitives import log, maximum
from numbaloss.structures.pointwise import pointwise


@pointwise(target="sign", convex=True)
def hinge_embedding_loss(input, target, margin=1.0):
    r"""A distance that should be small for similar pairs and beyond `margin` for others.

    .. math:: \ell = \begin{cases} x & t = 1 \\ \max(0, m - x) & t = -1 \end{cases}

    A target that is neither 1 nor -1 gives nan (torch adds both branches silently). At :math:`x = m` the slope of a
    dissimilar pair is -1, as in torch. The mean divides by the number of elements.

    Parameters
    ----------
    input : array of distances
        Usually a distance between two embeddings.
    target : array of -1 and 1, the shape of `input`
        1 for similar pairs, -1 for dissimilar ones.
    margin : float
        The distance beyond which a dissimilar pair costs nothing.

    References
    ----------
    ``torch.nn.functional.hinge_embedding_loss``.

    Examples
    --------
    >>> hinge_embedding_loss([0.3, 0.3], [1, -1], reduction="none")
    array([0.3, 0.7])
    """
    short = margin - input
    apart = maximum(short, 0.0)
    pushed = 0.0 if short < 0.0 else -1.0
    neither = log(-1.0)  # nan
    value = input if target == 1.0 else (apart if target == -1.0 else neither)
    return value, 1.0 if target == 1.0 else (pushed if target == -1.0 else neither), 0.0
