"""Contrastive losses of a whole batch: what belongs together should be nearer than all the rest."""

from __future__ import annotations

from numbaloss.compile.primitives import maximum, sigmoid, softplus
from numbaloss.structures.tile_triplets import batch_triplets
from numbaloss.structures.tiles import batch_pairs


@batch_pairs(rivals="negatives", per="pair", class_name="NTXentLoss")
def nt_xent_loss(gap, temperature=0.07):
    r"""Cross-entropy of each pair of one label against the vectors of other labels.

    .. math:: \ell_{ij} = -\log \frac{e^{s_{ij}}}{e^{s_{ij}} + \sum_{k: y_k \neq y_i} e^{s_{ik}}},
        \qquad s_{ij} = \frac{x_i \cdot x_j}{\tau \lVert x_i \rVert \lVert x_j \rVert},
        \qquad y_j = y_i, \ j \neq i

    Both orders of a pair count. ``reduction="none"`` gives for each row the sum over its pairs. The mean divides by
    the number of pairs; if no label occurs twice, it is the mean of nothing. A vector of zeros has a cosine of 0 with
    every other, and no gradient. Never more than a few tiles of the cosines are in memory.

    Parameters
    ----------
    embeddings : array of shape (N, D)
        One vector in each row, of any length.
    labels : array of N integers
        Vectors of one label belong together. Two views of each image: ``[0, 1, ..., 0, 1, ...]``.
    temperature : float, above 0
        Divides the cosines.

    References
    ----------
    T. Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, 2020.
    ``optax.losses.ntxent``.

    Examples
    --------
    >>> round(float(nt_xent_loss([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [0, 0, 1], temperature=1.0)), 6)
    0.313262
    """
    return softplus(gap), sigmoid(gap)


@batch_pairs(rivals="others", per="anchor")
def sup_con_loss(gap, temperature=0.1):
    r"""Supervised contrast: each vector's pairs against all other vectors, those of its own label among them.

    .. math:: \ell_i = \frac{1}{|P_i|} \sum_{j \in P_i} \log \frac{\sum_{k \neq i} e^{s_{ik}}}{e^{s_{ij}}},
        \qquad s_{ij} = \frac{x_i \cdot x_j}{\tau \lVert x_i \rVert \lVert x_j \rVert}

    Here :math:`P_i` are the other vectors of the label of :math:`i`; this is the paper's
    :math:`\mathcal{L}_\text{out}`. The mean divides by the number of vectors that have a
    partner, others counting nothing; if no label occurs twice, it is the mean of nothing. A vector of zeros has a
    cosine of 0 with every other, and no gradient. Never more than a few tiles of the cosines are in memory.

    Parameters
    ----------
    embeddings : array of shape (N, D)
        One vector in each row, of any length; several views of an image are several rows.
    labels : array of N integers
        Vectors of one label belong together.
    temperature : float, above 0
        Divides the cosines.

    References
    ----------
    P. Khosla et al., Supervised Contrastive Learning, 2020.

    Examples
    --------
    >>> round(float(sup_con_loss([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [0, 0, 1], temperature=1.0)), 6)
    0.313262
    """
    return gap, 1.0


@batch_pairs(rivals="negatives", per="anchor", matched=("image", "text"), class_name="CLIPLoss")
def clip_loss(gap):
    r"""Each image has to find its text among all texts of the batch, and each text its image.

    .. math:: \ell_i = \tfrac{1}{2} \log \frac{\sum_k e^{s_{ik}}}{e^{s_{ii}}}
        + \tfrac{1}{2} \log \frac{\sum_k e^{s_{ki}}}{e^{s_{ii}}},
        \qquad s_{ij} = a \frac{x_i \cdot z_j}{\lVert x_i \rVert \lVert z_j \rVert}

    The mean divides by the number of rows. By default gradients are those by `image` and `text`; ask for that by
    `logit_scale` with ``wrt``. A vector of zeros has a cosine of 0 with every other, and no gradient. Never more than a
    few tiles of the cosines are in memory.

    Parameters
    ----------
    image, text : array of shape (N, D)
        Embeddings of any length; row i of one belongs to row i of the other.
    logit_scale : number
        What multiplies the cosines, :math:`a` (the exponential of the parameter that CLIP learns, usually up to 100).

    References
    ----------
    A. Radford et al., Learning Transferable Visual Models From Natural Language Supervision, 2021.

    Examples
    --------
    >>> round(float(clip_loss([[1.0, 0.0], [0.0, 1.0]], [[2.0, 0.0], [0.0, 2.0]], 1.0)), 6)
    0.313262
    """
    return softplus(gap), sigmoid(gap)


@batch_pairs(rivals=None, per="anchor", matched=("image", "text"), class_name="SigLIPLoss")
def siglip_loss(gap):
    r"""Each image with each text is judged by itself: whether they belong together.

    .. math:: \ell_i = \sum_j \log\bigl(1 + e^{-t_{ij} s_{ij}}\bigr),
        \qquad s_{ij} = a \frac{x_i \cdot z_j}{\lVert x_i \rVert \lVert z_j \rVert} + b,
        \qquad t_{ij} = \begin{cases} 1 & i = j \\ -1 & i \neq j \end{cases}

    A row is an image against every text. The mean divides by the number of rows. By default gradients are those by
    `image` and `text`; ask for those by `logit_scale` and `logit_bias` with ``wrt``. A vector of zeros has a cosine of
    0 with every other, and no gradient. Never more than a few tiles of the cosines are in memory.

    Parameters
    ----------
    image, text : array of shape (N, D)
        Embeddings of any length; row i of one belongs to row i of the other.
    logit_scale : number
        What multiplies the cosines, :math:`a` (in the paper the exponential of a parameter, at first 10).
    logit_bias : number
        What is added, :math:`b` (in the paper at first -10).

    References
    ----------
    X. Zhai et al., Sigmoid Loss for Language Image Pre-Training, 2023.

    Examples
    --------
    >>> round(float(siglip_loss([[1.0, 0.0], [0.0, 1.0]], [[2.0, 0.0], [0.0, 2.0]], 1.0, 0.0)), 6)
    1.006409
    """
    return softplus(gap), sigmoid(gap)


@batch_triplets(mining="hardest")
def batch_hard_triplet_loss(gap, margin=1.0):
    r"""Margin between the farthest vector of an anchor's label and the nearest of any other label.

    .. math:: \ell_a = \max\Bigl(0,\ m + \max_{p: y_p = y_a, p \neq a} \lVert x_a - x_p \rVert
        - \min_{n: y_n \neq y_a} \lVert x_a - x_n \rVert\Bigr)

    Distances are Euclidean, embeddings taken as they are. The mean divides by the number of anchors that have both; if
    there are none, it is the mean of nothing. Of several equally hard ones one is taken; identical vectors have a
    distance of 0 and no gradient.

    Parameters
    ----------
    embeddings : array of shape (N, D)
        One vector in each row.
    labels : array of N integers
        Vectors of one label belong together.
    margin : float
        By how much the others should be farther, in the unit of the embeddings.

    References
    ----------
    A. Hermans et al., In Defense of the Triplet Loss for Person Re-Identification, 2017.

    Examples
    --------
    >>> batch_hard_triplet_loss([[0.0], [2.0], [3.0]], [0, 0, 1], reduction="none")
    array([0., 2., 0.])
    """
    short = gap + margin
    return maximum(short, 0.0), 0.0 if short < 0.0 else 1.0


@batch_triplets(mining="all")
def batch_all_triplet_loss(gap, margin=1.0):
    r"""Margin between the distances of every pair of one label and every vector of another.

    .. math:: \ell_a = \sum_{p: y_p = y_a, p \neq a} \ \sum_{n: y_n \neq y_a}
        \max\bigl(0,\ m + \lVert x_a - x_p \rVert - \lVert x_a - x_n \rVert\bigr)

    Distances are Euclidean, embeddings taken as they are. ``reduction="none"`` gives for each anchor the sum over its
    triplets. The mean divides by the number of triplets with a loss above 0: 0 if no triplet has one; if there are no
    triplets, it is the mean of nothing. Identical vectors have a distance of 0 and no gradient.

    Parameters
    ----------
    embeddings : array of shape (N, D)
        One vector in each row.
    labels : array of N integers
        Vectors of one label belong together.
    margin : float
        By how much the others should be farther, in the unit of the embeddings.

    References
    ----------
    A. Hermans et al., In Defense of the Triplet Loss for Person Re-Identification, 2017.

    Examples
    --------
    >>> batch_all_triplet_loss([[0.0], [2.0], [3.0]], [0, 0, 1], reduction="none")
    array([0., 2., 0.])
    """
    short = gap + margin
    return maximum(short, 0.0), 0.0 if short < 0.0 else 1.0
