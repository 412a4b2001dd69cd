"""The labels of sequences and their lengths, checked, in the one form that kernels read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.definition import Definition
from numbaloss.loss import Array

MOST = np.iinfo(np.int64).max  # labels in a sequence where nothing else says so


@dataclass
class Targets:
    """The labels of all sequences one after another, as int64."""

    labels: Array
    starts: Array  # where each sequence's labels begin; one more than there are sequences
    counts: Array  # labels of each sequence
    lengths: Array  # time steps of each sequence

    @staticmethod
    def checked(
        facts: Definition, shape: tuple[int, ...], batched: bool, given: list[Array], blank: int
    ) -> Targets:
        """From padded (N, S) or concatenated labels; raises TypeError or ValueError naming what is wrong."""
        steps, count, classes = shape
        name, (_, first, second, third) = facts.name, facts.inputs
        targets, input_lengths, target_lengths = given
        if not 0 <= blank < classes:
            raise ValueError(f"{name}: blank is {blank}, but classes are in 0 ... {classes - 1}")
        checks.integers(name, first, targets)
        lengths = checked_lengths(name, second, input_lengths, count, batched, steps, "the input has {} time steps")
        room, holds = MOST, ""
        if not batched and targets.ndim != 1:
            raise ValueError(f"{name}: {first} must have shape (S) for an input of shape (T, C), got {targets.shape}")
        if batched and targets.ndim not in (1, 2):
            raise ValueError(f"{name}: {first} must have shape (N, S), or one axis, got shape {targets.shape}")
        padded = targets.ndim == 2 or not batched
        table = targets.reshape(count, -1) if not batched else targets
        if padded:
            if table.shape[0] != count:
                raise ValueError(f"{name}: {first} has shape {targets.shape}; the input has {count} sequences")
            room, holds = table.shape[1], f"{first} has room for {{}} labels"
        counts = checked_lengths(name, third, target_lengths, count, batched, room, holds)
        if padded:
            labels = table[np.arange(room) < counts[:, None]]
        else:
            labels = targets
            if labels.size != counts.sum():
                raise ValueError(
                    f"{name}: {first} holds {labels.size} labels, but the {third} add up to {int(counts.sum())}"
                )
        starts = np.zeros(count + 1, np.int64)
        np.cumsum(counts, out=starts[1:])
        _check_labels(name, first, labels, starts, classes, blank)
        return Targets(checks.kernel_argument(np.ascontiguousarray(labels, np.int64)), starts, counts, lengths)


def checked_lengths(name: str, argument: str, given: Array, count: int, batched: bool, most: int, holds: str) -> Array:
    """One length for each sequence, as int64."""
    if given.dtype.kind not in "iu" and given.size:
        raise TypeError(f"{name}: {argument} must hold integers, got {checks.describe(given)}")
    if given.shape != (count,) and (batched or given.shape != ()):
        wanted = f"({count},)" if batched else "() or (1,)"
        raise ValueError(f"{name}: {argument} has shape {given.shape}; wanted one length for each sequence, {wanted}")
    lengths = given.reshape(count)
    wrong = (lengths < 0) | (lengths > most)
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        value = int(lengths[place])
        why = "it must not be negative" if value < 0 else holds.format(most)
        raise ValueError(f"{name}: {argument}[{place}] is {value}, but {why}")
    return lengths.astype(np.int64)


def _check_labels(name: str, argument: str, labels: Array, starts: Array, classes: int, blank: int) -> None:
    """Every label is a class other than the blank."""
    wrong = (labels < 0) | (labels >= classes) | (labels == blank)
    if not wrong.any():
        return
    place = int(np.flatnonzero(wrong)[0])
    row = int(np.searchsorted(starts, place, side="right")) - 1
    where = f"{argument} of sequence {row}, label {place - int(starts[row])}, is {int(labels[place])}"
    if labels[place] == blank:
        raise ValueError(
            f"{name}: {where}, the blank, which no labelling contains (if it is padding, the target length is too long)"
        )
    raise ValueError(
        f"{name}: {where}, but labels must be in 0 ... {classes - 1} ({int(wrong.sum())} of {labels.size} are wrong)"
    )
