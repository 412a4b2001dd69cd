"""What one entry of a region adds to its sums, and what its chance is worth."""

from __future__ import annotations

from typing import Any

from numba import int64

from numbaloss.kernels.cuda.device import real

SUMS = 4  # of each class: true positives, false positives, false negatives, true negatives
MISSING = -9.0  # in place of a label: this position is ignored
WRONG = float("nan")  # in place of a label out of range: it spoils all it enters


def read(pointer: Any, i: Any) -> Any:
    """Open name: a tuple of the `WIDTH` entries from `i` on."""
    raise NotImplementedError


def write(pointer: Any, i: Any, row: Any) -> None:
    """Open name: write the `WIDTH` numbers of `row` to the entries from `i` on."""
    raise NotImplementedError


def label_at(labels, i, classes, ignored):  # type: ignore[no-untyped-def]
    """A label as a number; `MISSING` where it is ignored, nan where it is out of range."""
    label = int64(labels[i])
    if label == ignored:
        return real(MISSING)
    if label < 0 or label >= classes:
        return real(WRONG)
    return real(label)


def shares_of(chance, rest, wish, squared):  # type: ignore[no-untyped-def]
    """(true positives, false positives, false negatives, true negatives) of one entry; `rest` is one minus the chance.

    With `squared`, false positives are ``p^2 - p t``, false negatives ``t^2 - p t`` and true negatives what is left
    of 1.
    """
    other = 1.0 - wish
    if squared is None:
        return chance * wish, chance * other, rest * wish, rest * other
    return (
        chance * wish, chance * (-rest if wish == 1.0 else chance - wish), wish * (rest - other),
        rest * other + chance * rest + wish * other,
    )


def slope_at(chance, wish, outside, inside, squared):  # type: ignore[no-untyped-def]
    """Derivative by the chance of one class: `outside` where its target is 0, `inside` where it is 1, mixed between.

    Where chances are squared, `outside` comes ``2 p`` times, and to `inside` there is the difference.
    """
    if squared is None:
        mixed = outside * (1.0 - wish) + inside * wish
        return inside if wish == 1.0 else outside if wish == 0.0 else mixed  # one may be huge
    return 2.0 * chance * outside + (inside - outside) * wish
