"""Losses of embeddings: how near or far two representations should be."""

from __future__ import annotations

from numbaloss.compile.primitives import log, maximum
from numbaloss.structures.measures import DISTANCES
from numbaloss.structures.pairs import pairs, triplets
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


@pairs(measure="softened_cosine", target="sign")
def cosine_embedding_loss(distance, cosine, target, margin=0.0):
    r"""Similar pairs should point the same way, dissimilar ones should not.

    .. math:: \ell = \begin{cases} 1 - \cos(x_1, x_2) & t = 1 \\ \max(0, \cos(x_1, x_2) - m) & t = -1 \end{cases}

    with :math:`\cos(x, y) = x \cdot y / \sqrt{(|x|^2 + \epsilon)(|y|^2 + \epsilon)}`, :math:`\epsilon = 10^{-12}` as in
    torch: the cosine with a vector of zeros is 0. Where two vectors nearly agree, :math:`1 - \cos` keeps its digits. A
    target that is neither 1 nor -1 gives nan (torch gives 0 silently). At :math:`\cos = m` a dissimilar pair is pushed
    apart, as in torch. The mean divides by the number of rows.

    Parameters
    ----------
    input1, input2 : array of embeddings, (..., D), the same shape
        The vectors compared, along the last axis; their lengths do not matter.
    target : array of -1 and 1, the shape of `input1` without its last axis
        1 for similar pairs, -1 for dissimilar ones.
    margin : float, usually from -1 to 1
        The cosine below which a dissimilar pair costs nothing.

    References
    ----------
    ``torch.nn.functional.cosine_embedding_loss``.

    Examples
    --------
    >>> cosine_embedding_loss([[3.0, 0.0], [3.0, 0.0]], [[4.0, 3.0], [4.0, 3.0]], [1, -1], reduction="none")
    array([0.2, 0.8])
    """
    short = cosine - margin
    apart = maximum(short, 0.0)
    pushed = 0.0 if short < 0.0 else -1.0
    neither = log(-1.0)  # nan
    value = distance if target == 1.0 else (apart if target == -1.0 else neither)
    return value, 1.0 if target == 1.0 else (pushed if target == -1.0 else neither)


@pairs(measure="cosine", inputs=("input", "target"), wrt=("input",), limits={"eps": "(0, inf)"})
def cosine_similarity_loss(distance, cosine, eps=1.0e-8):
    r"""One minus the cosine of the angle between two vectors: 0 where they point the same way, 2 where opposite.

    .. math:: \ell = 1 - \frac{x \cdot t}{\max(|x|, \epsilon)\, \max(|t|, \epsilon)}

    A vector of zeros costs 1. Identical vectors cost exactly 0, and nearly identical ones a number with all its digits.
    (Keras' loss of this name is ours minus 1.) The mean divides by the number of rows.

    Parameters
    ----------
    input, target : array of embeddings, (..., D), the same shape
        The vectors compared, along the last axis; their lengths do not matter.
    eps : float, above 0
        The least length that is divided by, in the unit of `input`. Shorter vectors count as less than their direction,
        and a vector of zeros has a gradient of length ``1 / eps``.

    References
    ----------
    ``torch.nn.functional.cosine_similarity``, ``optax.losses.cosine_distance``, ``keras.losses.CosineSimilarity``.

    Examples
    --------
    >>> cosine_similarity_loss([[3.0, 0.0], [0.0, 0.0]], [[4.0, 3.0], [1.0, 0.0]], reduction="none")
    array([0.2, 1. ])
    """
    return distance, 1.0


@pairs(target="binary", limits={"margin": "(0, inf)"})
def contrastive_loss(distance, target, margin=1.0):
    r"""Draws similar pairs together, and pushes dissimilar ones apart until they are `margin` away from each other.

    .. math:: \ell = \begin{cases} \tfrac12 d^2 & t = 1 \\ \tfrac12 \max(0, m - d)^2 & t = 0 \end{cases}, \quad
              d = |x_1 - x_2|

    A target that is neither 1 nor 0 gives nan. Two identical vectors have no direction to be pushed to: their gradient
    is 0. The mean divides by the number of rows.

    Parameters
    ----------
    input1, input2 : array of embeddings, (..., D), the same shape
        The vectors compared, along the last axis.
    target : array of 0 and 1, the shape of `input1` without its last axis
        1 for similar pairs, 0 for dissimilar ones. (The paper has them the other way round.)
    margin : float, above 0
        The distance beyond which a dissimilar pair costs nothing, in the unit of the embeddings.

    References
    ----------
    R. Hadsell, S. Chopra, Y. LeCun, Dimensionality Reduction by Learning an Invariant Mapping, 2006.

    Examples
    --------
    >>> contrastive_loss([[0.3, 0.4], [0.3, 0.4]], [[0.0, 0.0], [0.0, 0.0]], [1, 0], reduction="none")
    array([0.125, 0.125])
    """
    short = maximum(margin - distance, 0.0)
    neither = log(-1.0)  # nan
    value = 0.5 * distance * distance if target == 1.0 else (0.5 * short * short if target == 0.0 else neither)
    return value, distance if target == 1.0 else (-short if target == 0.0 else neither)


@triplets(limits={"margin": "(0, inf)"}, settings={"p": [1.0, 1.5, 3.0]})
def triplet_margin_loss(positive, negative, margin=1.0, p=2.0, eps=1.0e-6, swap=False):
    r"""An anchor should be nearer to a positive than to a negative, by `margin`.

    .. math:: \ell = \max\bigl(0,\ d(a, p) - d(a, n) + m\bigr), \quad d(x, y) = \|x - y + \epsilon\|_p

    with :math:`\epsilon` added to each difference, as in torch. At the kink the slopes of the active side are taken, as
    in torch. A distance of 0 has gradient 0. The mean divides by the number of rows.

    Parameters
    ----------
    anchor, positive, negative : array of embeddings, (..., D), the same shape
        The vectors compared, along the last axis.
    margin : float, above 0
        In the unit of the embeddings.
    p : float, above 0, or infinity
        The exponent of the distance: 1 sums absolute differences, 2 is Euclidean, infinity takes the largest.
    eps : float, at least 0
        Added to each difference, in the unit of the embeddings.
    swap : bool
        Let the negative's distance be the smaller of those to anchor and positive; where both are the same, each has
        half of the slope.

    References
    ----------
    ``torch.nn.functional.triplet_margin_loss``; V. Balntas et al., Learning Shallow Convolutional Feature Descriptors
    with Triplet Losses, 2016 (the swap).

    Examples
    --------
    >>> triplet_margin_loss([[0.0, 0.0]], [[0.6, 0.8]], [[1.5, 0.0]], reduction="none", eps=0.0)
    array([0.5])
    """
    short = (positive - negative) + margin
    active = 0.0 if short < 0.0 else 1.0
    return maximum(short, 0.0), active, -active


@triplets(
    limits={"margin": "(0, inf)", "distance_function": DISTANCES},
    shift={"euclidean": 1e-6, "manhattan": 1e-6, "chebyshev": 1e-6},
    functions=("distance_function",),
)
def triplet_margin_with_distance_loss(positive, negative, distance_function="euclidean", margin=1.0, swap=False):
    r"""An anchor should be nearer to a positive than to a negative, by `margin`, in a distance of your choice.

    .. math:: \ell = \max\bigl(0,\ d(a, p) - d(a, n) + m\bigr)

    At the kink the slopes of the active side are taken, as in torch. The mean divides by the number of rows.

    Parameters
    ----------
    anchor, positive, negative : array of embeddings, (..., D), the same shape
        The vectors compared, along the last axis.
    distance_function : str or function
        "euclidean", "manhattan" or "chebyshev", which add 1e-6 to each difference as ``torch.nn.PairwiseDistance``
        does; "squared_euclidean"; "cosine", which is one minus the cosine with lengths of at least 1e-8. Or a plain
        Python function ``(x, y, by_x, by_y) -> distance`` of two vectors, which writes the derivatives of the distance
        by each element of `x` and `y` to `by_x` and `by_y` (all of them, and nothing else). It is compiled into the
        kernel by the rules of the chapter "Writing a loss", but may loop over the vectors by index.
    margin : float, above 0
        In the unit of the distance.
    swap : bool
        Let the negative's distance be the smaller of those to anchor and positive; where both are the same, each has
        half of the slope.

    References
    ----------
    ``torch.nn.functional.triplet_margin_with_distance_loss``.

    Examples
    --------
    >>> anchor, positive, negative = [[1.0, 0.0]], [[0.6, 0.8]], [[0.0, 2.0]]
    >>> round(float(triplet_margin_with_distance_loss(anchor, positive, negative, distance_function="cosine")), 6)
    0.4
    >>> def hamming(x, y, by_x, by_y):
    ...     count = 0.0
    ...     for j in range(x.size):
    ...         by_x[j] = 0.0
    ...         by_y[j] = 0.0
    ...         count += 1.0 if x[j] != y[j] else 0.0
    ...     return count
    >>> float(triplet_margin_with_distance_loss(anchor, positive, negative, distance_function=hamming))
    1.0
    """
    short = (positive - negative) + margin
    active = 0.0 if short < 0.0 else 1.0
    return maximum(short, 0.0), active, -active
