"""Losses of a labelling that is shorter than its sequence, whatever the alignment of the two."""

from __future__ import annotations

from numbaloss.structures.sequence import sequences


@sequences(class_name="CTCLoss", logits=False)
def ctc_loss(log_prob, rest):
    r"""Negative log-probability of a labelling, summed over all its alignments, from log-probabilities.

    Connectionist temporal classification: at each time step the network gives a label or the blank. An alignment
    :math:`\pi` yields the labelling :math:`y` if what is left of it is :math:`y` after repeats are merged and then
    blanks removed:

    .. math:: \ell_n = -\log \sum_{\pi \to y_n} \prod_{t=1}^{T_n} p_{nt}(\pi_t)

    Where no alignment exists (fewer time steps than labels and blanks between equal ones) the loss is infinite and the
    gradient nan, or both are 0 with `zero_infinity`. A target of no labels costs the blanks alone. Time steps beyond an
    input length have a gradient of 0. Long sequences keep their digits: the probability of each state has an exponent
    of its own, so nothing underflows.

    **Which gradient.** By default :math:`p_{nt}(c) - \gamma_{nt}(c)`, with :math:`\gamma` the chance that the
    alignments of :math:`y_n` have :math:`c` at :math:`t`. That is what torch gives: the gradient by the *logits* whose
    log-softmax `log_probs` is. Passed on through the log-softmax it stays the same, since its sum over the classes is
    0, so that nothing changes for who differentiates through both; who does not has the gradient to step along. Finite
    differences by `log_probs` give :math:`-\gamma` instead: ``gradient_by="log_probs"``. From logits,
    `ctc_loss_with_logits` is faster and there is only one gradient.

    The mean divides each value by its number of labels (by 1 if there are none), then their sum by the number of
    sequences, as torch. Besides the gradient, each thread keeps 16 bytes for each of the :math:`2 S + 2` states at each
    time step of the one sequence it works on, and nothing of that for the value alone.

    On a CUDA device all sequences are worked on at once, with 12 bytes for each state (16 in float64). Labels and
    lengths that lie there are not read back: one out of range makes nan of its sequence's value and gradient.

    Parameters
    ----------
    log_probs : array of log-probabilities, (T, N, C) or (T, C)
        Time steps, sequences, classes. Any strides: a transposed (N, T, C) is read where it lies.
    targets : array of integers, (N, S) or (the sum of the target lengths); (S) for an input of (T, C)
        The labels of each sequence, padded or one after another; any integer type. What lies beyond a target length is
        not looked at. The blank is no label: it raises, where torch gives a number.
    input_lengths : integers, (N); one for an input of (T, C)
        Time steps of each sequence, at most T.
    target_lengths : integers, (N); one for an input of (T, C)
        Labels of each sequence.
    blank : int in 0 ... C-1
        The class that stands for no label.
    zero_infinity : bool
        Whether sequences without an alignment have value and gradient 0.
    gradient_by : {"logits", "log_probs"}
        Whether the gradient is torch's, by the logits behind `log_probs`, or the derivative by `log_probs` itself.

    References
    ----------
    A. Graves et al., Connectionist Temporal Classification, 2006; ``torch.nn.functional.ctc_loss``.

    Examples
    --------
    Three alignments of two time steps yield the label 1: itself twice, or once, before or after a blank.

    >>> import numpy as np
    >>> log_probs = np.log([[0.4, 0.6], [0.7, 0.3]])
    >>> round(float(np.exp(-ctc_loss(log_probs, [1], 2, 1))), 6)
    0.72
    """
    return -log_prob, -1.0, 0.0


@sequences(class_name="CTCWithLogitsLoss", logits=True)
def ctc_loss_with_logits(log_prob, rest):
    r"""Negative log-probability of a labelling, summed over all its alignments, from logits.

    `ctc_loss` of the log-softmax of the logits, which is never stored:

    .. math:: \ell_n = -\log \sum_{\pi \to y_n} \prod_{t=1}^{T_n} p_{nt}(\pi_t), \qquad
              p_{nt} = \operatorname{softmax}(x_{nt})

    The sum is over all alignments that leave the labelling :math:`y_n` when repeats are merged and then blanks
    removed. The gradient is exact, :math:`p_{nt}(c) - \gamma_{nt}(c)` with :math:`\gamma` the chance that these
    alignments have :math:`c` at :math:`t`, and keeps its digits where both are near 1. Where no alignment exists the
    loss is infinite and the gradient nan, or both are 0 with `zero_infinity`. Time steps beyond an input length have a
    gradient of 0.

    The mean divides each value by its number of labels (by 1 if there are none), then their sum by the number of
    sequences, as torch. Memory as for `ctc_loss`.

    Parameters
    ----------
    logits : array of logits, (T, N, C) or (T, C)
        Time steps, sequences, classes; unnormalised log-probabilities. A transposed (N, T, C) is read where it lies.
    targets : array of integers, (N, S) or (the sum of the target lengths); (S) for an input of (T, C)
        The labels of each sequence, padded or one after another, none of them the blank; any integer type. What lies
        beyond a target length is not looked at.
    input_lengths : integers, (N); one for an input of (T, C)
        Time steps of each sequence, at most T.
    target_lengths : integers, (N); one for an input of (T, C)
        Labels of each sequence.
    blank : int in 0 ... C-1
        The class that stands for no label.
    zero_infinity : bool
        Whether sequences without an alignment have value and gradient 0.

    References
    ----------
    A. Graves et al., Connectionist Temporal Classification, 2006; ``torch.nn.functional.ctc_loss``;
    ``optax.losses.ctc_loss``.

    Examples
    --------
    Of the four equally likely alignments of two time steps and two classes, three yield the label 1.

    >>> import numpy as np
    >>> value, gradient = ctc_loss_with_logits.Loss().value_and_grad(np.zeros((2, 1, 2)), [[1]], [2], [1])
    >>> round(float(np.exp(-value)), 6)
    0.75
    >>> gradient[0, 0].round(4)
    array([ 0.1667, -0.1667])
    """
    return -log_prob, -1.0, 0.0
