"""Arrays of vectors, read a block at a time: as unit vectors or moved to their centre, in the order of their labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.arrays.casts import in_type, laid_out, put
from numbaloss.loss import Array

KEPT = 1 << 18  # elements up to which all blocks are kept: what two tiles take
PART = 1 << 16  # elements looked at together where lengths are measured


class Vectors:
    """The rows of a matrix in some order: of length 1, or if not `unit`, seen from their mean.

    Among unit vectors, a row shorter than the smallest normal number is taken for zero.
    """

    def __init__(
        self, array: Array, dtype: np.dtype[Any], order: Array | None, block: int, unit: bool = True
    ) -> None:
        self.array, self.dtype, self.order, self.unit = array, dtype, order, unit
        self.count, self.width = array.shape
        self.step = min(block, max(1, PART // self.width))  # rows looked at together
        self.rates = self._measured() if unit else np.empty(0)
        self.centre = None if unit else self._middle()
        self.whole = self._read(0, self.count, None) if array.size <= KEPT else None
        self.room = np.empty((2, 0 if self.whole is not None else min(block, self.count) * self.width), dtype)

    def block(self, low: int, high: int, slot: int = 0) -> Array:
        """Rows `low` to `high`; valid until the next block in this slot."""
        if self.whole is not None:
            return self.whole[low:high]
        return self._read(low, high, self.room[slot, : (high - low) * self.width].reshape(-1, self.width))

    def _read(self, low: int, high: int, out: Array | None) -> Array:
        rows = self._rows(low, high)
        if out is None:
            out = np.empty(rows.shape, self.dtype)
        np.copyto(out, laid_out(rows, self.dtype))
        if self.unit:
            out *= self.rates[low:high]
        else:
            out -= self.centre
        return out

    def squares(self) -> Array:
        """The squared length of each row, in the order of the blocks."""
        found = np.empty(self.count, self.dtype)
        for low in range(0, self.count, self.step):
            part = self.block(low, min(low + self.step, self.count))
            found[low : low + self.step] = np.einsum("ij,ij->i", part, part, dtype=np.float64)
        return found

    def dot(self, others: Array) -> float:
        """The sum of the products with the rows of another matrix, each with each."""
        total = 0.0
        for low in range(0, self.count, self.step):
            part = self.block(low, min(low + self.step, self.count))
            total += float(np.einsum("ij,ij->i", part, others[low : low + self.step]).sum(dtype=np.float64))
        return total

    def _middle(self) -> Array:
        """The mean of all rows."""
        total = np.zeros(self.width)
        for low in range(0, self.count, self.step):
            part = self._rows(low, min(low + self.step, self.count)).astype(np.float64)
            total += (part / self.count).sum(axis=0)
        return total.astype(self.dtype)

    def _rows(self, low: int, high: int) -> Array:
        return self.array[low:high] if self.order is None else self.array[self.order[low:high]]

    def _measured(self) -> Array:
        rates = np.empty((self.count, 1), self.dtype)
        least = np.finfo(self.dtype).tiny
        for low in range(0, self.count, self.step):
            part = self._rows(low, min(low + self.step, self.count)).astype(np.float64)
            largest: Any = 1.0
            if self.dtype == np.float64:  # squares must neither overflow nor vanish
                largest = np.abs(part).max(axis=1, keepdims=True)
                part /= np.where(largest > 0.0, largest, 1.0)
            length = np.sqrt(np.einsum("ij,ij->i", part, part))[:, None]
            rates[low : low + self.step] = np.where(length * largest < least, 0.0, 1.0 / length / largest)
        return rates


def gathered(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any], inputs: tuple[Array, ...]) -> tuple[Array, Any]:
    """Memory to add up a gradient in, zeroed: the caller's where it will do; else also where to copy it in the end."""
    fits = out is not None and out.dtype == dtype and checks.lies_plainly(out)
    if fits and not any(np.may_share_memory(out, a) for a in inputs):
        out[...] = 0.0
        return out, None
    return np.zeros(shape, dtype), out


def handed(gradient: Array, copy_to: Any, dtype: np.dtype[Any]) -> Array:
    """A gradient as the caller gets it: in his buffer if he gave one, and in the type of the input."""
    if copy_to is None:
        return in_type(gradient, dtype)
    put(gradient, copy_to)
    kept: Array = copy_to
    return kept


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
