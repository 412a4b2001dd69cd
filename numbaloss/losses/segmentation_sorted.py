"""Losses of regions by sorted errors."""

from __future__ import annotations

from numbaloss.structures.lovasz import lovasz


@lovasz(task="segmentation")
def lovasz_loss(misses, alarms, size):
    r"""The Lovasz extension of the Jaccard loss: the intersection over union itself, made continuous.

    .. math:: \ell_n = \frac{1}{|C_n|} \sum_{c \in C_n} \sum_k e_{(k)} \left(J_k - J_{k-1}\right), \qquad
        J_k = 1 - \frac{|T_c| - \sum_{j \le k} t_{(j)}}{|T_c| + \sum_{j \le k} (1 - t_{(j)})}

    where the errors :math:`e_i = |t_{ci} - p_{ci}|` of a class (with ``activation="hinge"``
    :math:`\max(0, 1 - x_{ci} (2 t_{ci} - 1))`) are sorted, largest first, equal ones in the order of positions.

    The mean divides by the number of images that count, or with `batch` by 1; an image's value is the mean over its
    classes. Sorting takes 24 to 32 bytes a position and thread; the value alone takes memory of the input's size. On a
    CUDA device sorting takes 16 bytes an entry of the input (24 in float64).

    Parameters
    ----------
    input : array of logits or probabilities, (N, C, ...)
        What the network says of each class at each position, as `activation` reads it.
    target : array of integers, (N, ...), or of masks, the shape of `input`
        As of `dice_loss`.
    activation : {"softmax", "sigmoid", None, "hinge"}
        How `input` becomes probabilities; None for one that holds them; "hinge" takes logits as they are.
    include_background : bool
        False leaves class 0 out.
    batch : bool
        Whether all images together are one.
    classes : {"present", "all"}
        Which classes an image's mean is over: those that are in its target, or all. An only class always counts.

    References
    ----------
    M. Berman et al., The Lovász-Softmax Loss: A Tractable Surrogate for the Optimization of the Intersection-Over-Union
    Measure in Neural Networks, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([[0, 0, 1, 1]])
    >>> round(float(lovasz_loss(np.zeros((1, 2, 4)), labels)), 6)
    0.5
    """
    return (misses + alarms) / (size + alarms)
