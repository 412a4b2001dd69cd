"""A verdict on a training run from its two loss curves: does it fit, overfit, underfit, or fall apart?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal

from numbaloss.monitor.criteria import generalization_loss, progress_quotient

Verdict = Literal["converging", "fitted", "overfitting", "underfitting", "diverged", "too short"]

SHORTEST = 5  # epochs needed for a verdict; also the least window for slopes and Prechelt's strip length
PATIENCE = 3  # epochs a rise of the validation loss must last
LOST = 5.0  # percent of generalisation loss that is overfitting by itself (Prechelt's GL with alpha = 5)
LOST_FOR_GOOD = 2.0  # percent that is overfitting where training has all but stopped (PQ with alpha = 1)
FLAT = 0.001  # change per epoch, as a fraction of the loss, that counts as standing still
FAR_FROM_CHANCE = 0.5  # a training loss above this fraction of the chance level has learned too little
BLOWN_UP = 3.0  # a training loss so many times its best has diverged


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What two loss curves say about a training run.

    `best_epoch` counts from 1 and is the epoch of the lowest validation loss (0 if there is none). `gap` is
    validation minus training loss at the last epoch, in the unit of the loss. `reason` is one sentence with
    the figures behind the verdict. `notes` are further observations, often none.
    """

    verdict: Verdict
    best_epoch: int
    gap: float
    reason: str
    notes: tuple[str, ...] = ()


def diagnose(train: Sequence[float], valid: Sequence[float], chance: float | None = None) -> Diagnosis:
    """Judge a training run by its training and validation loss per epoch.

    The rules, in this order, on curves smoothed by a median over three epochs where a trend is sought:

    - **diverged**: a loss is nan or infinite; or the training loss has ended above 3 times its best and has
      given back over half of what it had gained; or both losses rise and a tenth of the gain is lost.
    - **too short**: fewer than 5 epochs.
    - **overfitting**: over the last 3 epochs the validation loss stayed more than 5 % above its best
      (Prechelt's GL), or more than 2 % with training all but stopped (PQ > 1), while the training loss is
      below what it was then.
    - **converging**: over the last 5 epochs (or tenth of the run) the validation loss falls by more than
      0.1 % an epoch and has come to a new best.
    - **underfitting**: neither curve falls so, and the training loss is above half of the chance level, or,
      with no chance level given, has moved by under 1 % since the first epoch.
    - **fitted**: none of these; the validation loss has settled near its best.

    Parameters
    ----------
    train, valid
        The losses, one number per epoch, of equal length.
    chance
        The loss of a model that knows nothing, for example ``log(K)`` for cross-entropy over K balanced
        classes, or the variance of the target for the squared error.

    Raises
    ------
    ValueError
        If the curves differ in length, or `chance` is not a positive number.

    References
    ----------
    Lutz Prechelt, "Early stopping - but when?", in *Neural Networks: Tricks of the Trade*, Springer 1998.

    Examples
    --------
    >>> found = diagnose([2.0, 1.0, 0.6, 0.4, 0.3, 0.2, 0.1], [2.1, 1.2, 0.9, 0.8, 1.0, 1.2, 1.3], chance=2.3)
    >>> found.verdict, found.best_epoch
    ('overfitting', 4)
    """
    train, valid = [float(loss) for loss in train], [float(loss) for loss in valid]
    if len(train) != len(valid):
        raise ValueError(f"train and valid must be of equal length, got {len(train)} and {len(valid)} epochs")
    if chance is not None and not 0.0 < chance < math.inf:
        raise ValueError(f"chance must be a positive number or None, got {chance!r}")
    best_epoch = _best_epoch(valid)
    gap = valid[-1] - train[-1] if train else math.nan
    verdict, reason = _judge(train, valid, chance, best_epoch)
    return Diagnosis(verdict, best_epoch, gap, reason, _notes(train, valid))


def _judge(train: list[float], valid: list[float], chance: float | None, best: int) -> tuple[Verdict, str]:
    for epoch, (a, b) in enumerate(zip(train, valid, strict=True), start=1):
        if not (math.isfinite(a) and math.isfinite(b)):
            which, value = ("validation", b) if math.isfinite(a) else ("training", a)
            return "diverged", f"The {which} loss became {value} in epoch {epoch}; try a lower learning rate."
    if len(train) < SHORTEST:
        return "too short", f"{len(train)} epochs are too few for a verdict; at least {SHORTEST} are needed."

    given_back = _given_back(train)
    if train[-1] > BLOWN_UP * min(train) and given_back > 0.5:
        return "diverged", (
            f"The training loss rose to {train[-1]:.4g} after a best of {min(train):.4g}; "
            "try a lower learning rate."
        )

    # Rules read the smoothed curves; sentences quote the figures that the caller passed in.
    rising = _validation_rises(_smooth(train), _smooth(valid)) and best <= len(valid) - PATIENCE
    rise = f"from {min(valid):.4g} to {valid[-1]:.4g} ({generalization_loss(valid):+.0f} %)"
    if rising and train[-1] < train[best - 1]:
        return "overfitting", (
            f"Since epoch {best} the validation loss rose {rise} while the training loss fell "
            f"from {train[best - 1]:.4g} to {train[-1]:.4g}; stop earlier or regularise."
        )
    if rising and given_back > 0.1:
        return "diverged", (
            f"Both losses rise: validation {rise}, training from {min(train):.4g} to {train[-1]:.4g}; "
            "try a lower learning rate."
        )

    window = max(SHORTEST, len(valid) // 10)
    if _falls(_smooth(valid), window):
        slope = 100.0 * _slope(_smooth(valid)[-window:])
        return "converging", (
            f"The validation loss still falls by {-slope:.1f} % an epoch and is at {valid[-1]:.4g}; "
            "more epochs should help."
        )
    if not _falls(_smooth(train), window):
        advice = "try a larger model or another learning rate."
        if chance is not None and train[-1] > FAR_FROM_CHANCE * chance:
            share = 100.0 * train[-1] / chance
            return "underfitting", (
                f"The training loss stands still at {train[-1]:.4g}, {share:.0f} % of the chance level "
                f"{chance:.4g}; {advice}"
            )
        if chance is None and abs(train[0] - train[-1]) < 0.01 * abs(train[0]):
            return "underfitting", (
                f"The training loss has hardly moved, from {train[0]:.4g} to {train[-1]:.4g}; {advice}"
            )
    return "fitted", (
        f"The validation loss has settled at {valid[-1]:.4g}, {generalization_loss(valid):.1f} % above "
        f"its best of epoch {best}, with the training loss at {train[-1]:.4g}."
    )


def _validation_rises(train: list[float], valid: list[float]) -> bool:
    """Whether the last epochs all lie above the best by Prechelt's measures, and visibly so."""
    stalled = progress_quotient(train, valid, SHORTEST) > 1.0
    lost = min(generalization_loss(valid[:end]) for end in range(len(valid) - PATIENCE + 1, len(valid) + 1))
    visible = valid[-1] - min(valid) > FLAT * (max(valid) - min(valid))
    return visible and lost > (LOST_FOR_GOOD if stalled else LOST)


def _notes(train: list[float], valid: list[float]) -> tuple[str, ...]:
    if len(train) >= SHORTEST and all(b < a for a, b in zip(train, valid, strict=True)):
        return (
            "The validation loss is below the training loss in every epoch: usual with dropout or "
            "augmentation, otherwise look for training data among the validation data.",
        )
    return ()


def _best_epoch(valid: list[float]) -> int:
    finite = [loss for loss in valid if math.isfinite(loss)]
    return valid.index(min(finite)) + 1 if finite else 0


def _smooth(curve: list[float]) -> list[float]:
    """The median over three epochs; the first keeps its value, the last is the median of the last three."""
    inner = [median(curve[t - 1 : t + 2]) for t in range(1, len(curve) - 1)]
    return [curve[0], *inner, inner[-1]]


def _given_back(curve: list[float]) -> float:
    """The part of the drop from the first value to the lowest that is lost again at the end."""
    drop, rise = curve[0] - min(curve), curve[-1] - min(curve)
    if drop > 0.0:
        return rise / drop
    return math.inf if rise > 0.0 else 0.0


def _falls(curve: list[float], window: int) -> bool:
    """Whether the last epochs slope down and brought a new best; noise alone often does the first."""
    recent, earlier = curve[-window:], curve[:-window] or curve[:1]
    gained = min(earlier) - min(recent)
    return _slope(recent) <= -FLAT and gained >= FLAT * window * abs(min(earlier))


def _slope(curve: list[float]) -> float:
    """The least-squares slope per epoch, as a fraction of the curve's mean size."""
    middle, level = (len(curve) - 1) / 2.0, fmean(curve)
    size = fmean(abs(loss) for loss in curve)
    if size == 0.0:
        return 0.0
    moment = math.fsum((t - middle) * (loss - level) for t, loss in enumerate(curve))
    return moment / math.fsum((t - middle) ** 2 for t in range(len(curve))) / size
