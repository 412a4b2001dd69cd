"""Matrix products of a linear layer's gradients, added up chunk by chunk; all are BLAS's, in bounded memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbaloss.arrays.casts import in_type, laid_out, put
from numbaloss.arrays.numpy import lies_plainly
from numbaloss.loss import Array
from numbaloss.structures.overlap import in_place

BLOCK = 4 << 20  # bytes of a gradient that are computed before they are added


def operand(matrix: Array, dtype: np.dtype[Any]) -> Array:
    """The matrix itself where BLAS can read it, else a contiguous copy."""
    if matrix.dtype == dtype and matrix.dtype.isnative and matrix.flags.aligned:
        for view in (matrix, matrix.T):
            step, unit = view.strides
            if unit == dtype.itemsize and step % dtype.itemsize == 0 and step >= view.shape[1] * dtype.itemsize:
                return matrix
    return laid_out(matrix, dtype)


def _direct(out: Array, dtype: np.dtype[Any], others: tuple[Array, ...]) -> bool:
    """Whether results can be computed in the buffer itself: a plain array that no operand lies in."""
    plain = out.dtype == dtype and lies_plainly(out)
    return bool(plain) and not any(np.may_share_memory(out, other) for other in others)


class InputGradient:
    """``slopes @ linear_weight``, each chunk the rows of its own."""

    def __init__(
        self, out: Array, hidden: Array, matrix: Array, kept: Array | None, others: tuple[Array, ...]
    ) -> None:
        self.out, self.matrix, self.kept = out, matrix, kept
        flat = out.reshape(hidden.shape)
        if others and in_place(flat, hidden):  # a row is read before its gradient takes its place
            others = others[1:]
        within = np.may_share_memory(flat, out) or out.size == 0
        apart = not any(np.may_share_memory(out, other) for other in others)
        self.flat = flat if within and apart else np.empty(hidden.shape, out.dtype)
        self.copied = not (within and apart)
        self.straight = kept is None and self.flat.dtype == matrix.dtype and self.flat.flags.carray

    def add(self, slopes: Array, hidden: Array, rows: Any) -> None:
        """The gradient of one chunk's rows."""
        if self.straight:
            np.matmul(slopes, self.matrix, out=self.flat[rows])
        else:
            self.flat[rows] = in_type(np.matmul(slopes, self.matrix), self.flat.dtype)

    def finished(self) -> Array:
        """The gradient, zero in ignored rows."""
        if self.kept is not None:
            ignored = np.ones(len(self.flat), bool)
            ignored[self.kept] = False
            self.flat[ignored] = 0.0
        if self.copied:
            self.out[...] = self.flat.reshape(self.out.shape)
        return self.out


class WeightGradient:
    """The sum over chunks of ``slopes.T @ input``."""

    def __init__(self, out: Array, dtype: np.dtype[Any], others: tuple[Array, ...]) -> None:
        self.out = out
        self.sum = out if _direct(out, dtype, others) else np.empty(out.shape, dtype)
        self.begun = False
        self.step = max(1, BLOCK // max(1, out.shape[1] * dtype.itemsize))
        self.part: Array | None = None

    def add(self, slopes: Array, hidden: Array, rows: Any) -> None:
        """Add one chunk's share; what is added comes block by block, as BLAS through NumPy only overwrites."""
        if not self.begun:
            np.matmul(slopes.T, hidden, out=self.sum)
            self.begun = True
            return
        if self.part is None:
            self.part = np.empty((min(self.step, len(self.sum)), self.sum.shape[1]), self.sum.dtype)
        for low in range(0, len(self.sum), self.step):
            high = min(low + self.step, len(self.sum))
            part = self.part[: high - low]
            np.matmul(slopes[:, low:high].T, hidden, out=part)
            self.sum[low:high] += part

    def finished(self) -> Array:
        """The gradient; zero if there was no chunk."""
        if not self.begun:
            self.sum[...] = 0.0
        if self.sum is not self.out:
            put(self.sum, self.out)
        return self.out


class BiasGradient:
    """The sum of all rows of `slopes`, across chunks in float64."""

    def __init__(self, out: Array, dtype: np.dtype[Any]) -> None:
        self.out, self.dtype = out, dtype
        self.sum = np.zeros(out.shape, np.float64)

    def add(self, slopes: Array, hidden: Array, rows: Any) -> None:
        """Add one chunk's rows."""
        self.sum += np.matmul(np.ones(len(slopes), self.dtype), slopes)

    def finished(self) -> Array:
        """The gradient."""
        self.out[...] = self.sum
        return self.out
