"""Arrays of vectors, read a block at a time: as unit vectors or moved to their centre, in the order of their labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.loss import Array

KEPT = 1 << 18  # elements up to which all blocks are kept: what two tiles take
PART = 1 << 16  # elements looked at together where lengths are measured


class Vectors:
    """The rows of a matrix in some order, each times a rate of its own: one over its length, so that it has length 1.

    A row shorter than the smallest normal number is taken for zero.
    """

    def __init__(self, array: Array, dtype: np.dtype[Any], order: Array | None, block: int) -> None:
        self.array, self.dtype, self.order = array, dtype, order
        self.count, self.width = array.shape
        self.rates = self._measured()
        self.whole = self._read(0, self.count, None) if array.size <= KEPT else None
        self.room = np.empty((2, 0 if self.whole is not None else min(block, self.count) * self.width), dtype)

    def block(self, low: int, high: int, slot: int = 0) -> Array:
        """Rows `low` to `high`; valid until the next block in this slot."""
        if self.whole is not None:
            return self.whole[low:high]
        return self._read(low, high, self.room[slot, : (high - low) * self.width].reshape(-1, self.width))

    def _read(self, low: int, high: int, out: Array | None) -> Array:
        rows, rates = self._rows(low, high), self.rates[low:high]
        if out is None:
            out = np.empty(rows.shape, self.dtype)
        np.copyto(out, rows)
        out *= rates
        return out

    def _rows(self, low: int, high: int) -> Array:
        return self.array[low:high] if self.order is None else self.array[self.order[low:high]]

    def _measured(self) -> Array:
        rates = np.empty((self.count, 1), self.dtype)
        least = np.finfo(self.dtype).tiny
        step = max(1, PART // self.width)
        for low in range(0, self.count, step):
            part = self._rows(low, min(low + step, self.count)).astype(np.float64)
            largest = np.abs(part).max(axis=1, keepdims=True)
            part /= np.where(largest > 0.0, largest, 1.0)  # squares must neither overflow nor vanish
            length = np.sqrt(np.einsum("ij,ij->i", part, part))[:, None]
            rates[low : low + step] = np.where(length * largest < least, 0.0, 1.0 / length / largest)
        return rates


def gathered(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any], inputs: tuple[Array, ...]) -> tuple[Array, Any]:
    """Memory to add up a gradient in, zeroed: the caller's where it will do; else also where to copy it in the end."""
    if out is not None and out.dtype == dtype and out.dtype.isnative and out.flags.c_contiguous and out.flags.aligned:
        if not any(np.may_share_memory(out, array) for array in inputs):
            out[...] = 0.0
            return out, None
    return np.zeros(shape, dtype), out


def handed(gradient: Array, copy_to: Any, dtype: np.dtype[Any]) -> Array:
    """A gradient as the caller gets it: in his buffer if he gave one, and in the type of the input."""
    if copy_to is None:
        return gradient.astype(dtype, copy=False)
    copy_to[...] = gradient
    return copy_to


def restored(gradient: Array, order: Array) -> None:
    """Put the rows of a matrix that are sorted by `order` back, in place, a few columns at a time."""
    rows, columns = gradient.shape
    step = max(8, PART // max(rows, 1))
    for low in range(0, columns, step):
        part = gradient[:, low : low + step].copy()
        gradient[order, low : low + step] = part


def labels_of(loss: str, labels: Array, count: int) -> Array:
    """Checked labels: one integer for each vector."""
    found = checks.integers(loss, "labels", labels)
    if found.shape != (count,):
        raise ValueError(
            f"{loss}: labels has shape {found.shape}; wanted one integer for each of the {count} embeddings"
        )
    return found


def groups(labels: Array) -> tuple[Array | None, Array, Array]:
    """The order that puts equal labels together (None if they are), and where each one's group begins and ends."""
    order = np.argsort(labels, kind="stable")
    ordered = labels[order]
    low = np.searchsorted(ordered, ordered, "left").astype(np.int64)
    high = np.searchsorted(ordered, ordered, "right").astype(np.int64)
    sorted_already = bool((order[1:] > order[:-1]).all())
    return None if sorted_already else order, low, high
