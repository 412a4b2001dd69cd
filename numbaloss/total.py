"""A loss before its last division: a sum and what to divide it by, so that batches add up exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

OnEmpty = Literal["nan", "zero"]


def mean(total: float, denominator: float, on_empty: OnEmpty) -> float:
    """The quotient, or what the mean of nothing is; a sum that is nan stays nan."""
    if denominator != 0.0:
        return float(total) / float(denominator)
    return 0.0 if on_empty == "zero" and not math.isnan(total) else math.nan


@dataclass(frozen=True, slots=True)
class Total:
    r"""The sum of a loss over some data, and the denominator of its mean.

    .. math:: \mathrm{mean} = \frac{\sum_b \mathrm{sum}_b}{\sum_b \mathrm{denominator}_b}

    The mean over an epoch is *not* the mean of its batches' means. Each batch mean is divided by that batch's
    own denominator, and these differ:

    - the **last batch** is usually shorter, yet its mean would count as much as any other;
    - **ignored rows** (``ignore_index``) leave some batches with fewer counted rows than others;
    - with **class weights** or sample weights the denominator is the sum of the weights met, which depends on
      the labels that happened to fall into the batch.

    Totals postpone the division: add them over the batches, or over the processes of a cluster, and divide
    once.

    Parameters
    ----------
    sum
        Sum of the weighted losses, in the unit of the loss.
    denominator
        What the mean divides by: the number of elements or rows counted, or the sum of their weights.
    on_empty
        The mean when the denominator is 0: ``"nan"`` (as in torch) or ``"zero"``. A sum that is nan stays
        nan.

    Raises
    ------
    ValueError
        If ``on_empty`` is another word, or if two totals that differ in it are added.

    Examples
    --------
    Three rows and then one, by the mean of means and exactly:

    >>> first, last = Total(6.0, 3.0), Total(10.0, 1.0)
    >>> (first.mean + last.mean) / 2
    6.0
    >>> (first + last).mean
    4.0
    >>> sum([first, last])
    Total(sum=16.0, denominator=4.0)
    >>> Total(0.0, 0.0).mean, Total(0.0, 0.0, on_empty="zero").mean
    (nan, 0.0)
    """

    sum: float
    denominator: float
    on_empty: OnEmpty = "nan"

    def __post_init__(self) -> None:
        if self.on_empty not in ("nan", "zero"):
            raise ValueError(f"on_empty must be 'nan' or 'zero', got {self.on_empty!r}")
        # NumPy scalars become Python floats: float32 sums must not be added up in float32.
        object.__setattr__(self, "sum", float(self.sum))
        object.__setattr__(self, "denominator", float(self.denominator))

    @property
    def mean(self) -> float:
        """``sum / denominator``; what ``on_empty`` says when the denominator is 0."""
        return mean(self.sum, self.denominator, self.on_empty)

    def __add__(self, other: object) -> Total:
        if not isinstance(other, Total):
            return NotImplemented
        if self.on_empty != other.on_empty:
            raise ValueError(
                "cannot add totals that differ in on_empty "
                f"({self.on_empty!r} and {other.on_empty!r}): the mean of their sum would be ambiguous"
            )
        return Total(self.sum + other.sum, self.denominator + other.denominator, self.on_empty)

    def __radd__(self, other: object) -> Total:
        # The built-in sum() starts from the integer 0; any other number added to a total is a mistake.
        if isinstance(other, int) and other == 0:
            return self
        return NotImplemented

    def __repr__(self) -> str:
        note = "" if self.on_empty == "nan" else f", on_empty={self.on_empty!r}"
        return f"Total(sum={self.sum!r}, denominator={self.denominator!r}{note})"
