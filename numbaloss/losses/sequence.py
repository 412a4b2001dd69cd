"""Losses of a labelling that is shorter than its sequence, whatever the alignment of the two."""

from __future__ import annotations

from numbaloss.structures.sequence import sequence


@sequence(class_name="CTCLoss")
def ctc_loss(log_prob, rest):
    r"""Negative log-probability of a labelling, summed over all its alignments, from log-probabilities."""
    return -log_prob, -1.0, 0.0


@sequence(logits=True, class_name="CTCWithLogitsLoss")
def ctc_loss_with_logits(log_prob, rest):
    r"""Negative log-probability of a labelling, summed over all its alignments, from logits."""
    return -log_prob, -1.0, 0.0
