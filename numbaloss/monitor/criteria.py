r"""Prechelt's measures of a training run, from its loss curves.

Reference: Lutz Prechelt, "Early stopping - but when?", in *Neural Networks: Tricks of the Trade*, Springer
1998, section 2. Losses there are positive; for curves that reach 0 or below (a Gaussian likelihood, a hinge
loss that is fully met) the differences are divided by the range of the curve instead of by its minimum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def generalization_loss(valid: Sequence[float]) -> float:
    r"""How much worse the validation loss is now than at its best, in percent.

    .. math:: GL(t) = 100 \left( \frac{E_{va}(t)}{\min_{t' \le t} E_{va}(t')} - 1 \right)

    `valid` holds the validation loss of each epoch, the last being now.

    >>> round(generalization_loss([1.0, 0.5, 0.6]), 9)
    20.0
    """
    return 100.0 * _excess(valid[-1], valid)


def training_progress(train: Sequence[float], strip: int = 5) -> float:
    r"""How far the training loss still moves within the last `strip` epochs, in per mille.

    .. math:: P_k(t) = 1000 \left( \frac{\sum_{t' \in S} E_{tr}(t')}{k \min_{t' \in S} E_{tr}(t')} - 1 \right)
              , \quad S = \{t - k + 1, \dots, t\}

    Near 0 once training stands still; large when it is fast or unstable.

    >>> training_progress([3.0, 2.0, 2.0, 2.0], strip=2)
    0.0
    """
    last = train[-strip:]
    scale = _scale(last) if min(last) > 0.0 else _scale(train)
    rise = math.fsum(last) / len(last) - min(last)
    return 1000.0 * rise / scale if scale else 0.0


def progress_quotient(train: Sequence[float], valid: Sequence[float], strip: int = 5) -> float:
    r"""Generalisation lost per training progress, :math:`PQ = GL / P_k`; 0 where nothing is lost.

    High values say that the rise of the validation loss is unlikely to be made good, as training hardly
    moves.
    """
    lost, progress = generalization_loss(valid), training_progress(train, strip)
    if lost == 0.0:
        return 0.0
    return lost / progress if progress else math.inf


def _scale(curve: Sequence[float]) -> float:
    """What differences of a curve are measured against: its minimum, or its range if that is not positive."""
    lowest = min(curve)
    return lowest if lowest > 0.0 else max(curve) - lowest


def _excess(value: float, curve: Sequence[float]) -> float:
    """How far `value` lies above the minimum of `curve`, as a fraction."""
    scale = _scale(curve)
    return (value - min(curve)) / scale if scale else 0.0
