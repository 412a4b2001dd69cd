"""Rows of embeddings in any layout, laid out for kernels that read contiguous rows of several arrays at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.loss import Array

STAGED = 1 << 17  # elements of each array staged at a time


@dataclass
class Sheets:
    """The arrays of one call, all of one shape (..., D); what a kernel cannot use as it lies is staged by pieces."""

    inputs: Sequence[Array]
    gradients: Sequence[Array | None]  # buffers in the inputs' order, None where not wanted
    dtype: np.dtype[Any]
    copies: list[tuple[Array, Array]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Gradients that overlap an input elsewhere than element for element are written to memory of their own."""
        outputs = []
        for buffer in self.gradients:
            if buffer is not None and any(_entangled(buffer, array) for array in self.inputs):
                made = np.empty(buffer.shape, buffer.dtype)
                self.copies.append((buffer, made))
                buffer = made
            outputs.append(buffer)
        self.gradients = outputs
        written = [buffer for buffer in outputs if buffer is not None]
        # read before it is overwritten: rows are read again after the first gradient is there
        self.shared = [any(np.may_share_memory(array, buffer) for buffer in written) for array in self.inputs]

    def pieces(self) -> Iterator[tuple[int, int, list[Array], list[Array | None]]]:
        """(first row, row after the last, flat inputs, flat gradients) of each launch; staged ones are copied back."""
        count = len(self.inputs)
        arrays = [*self.inputs, *(buffer for buffer in self.gradients if buffer is not None)]
        if arrays[0].size:
            for low, matrices in _matrices(arrays, 0):
                fits = [self._fits(matrix) for matrix in matrices]
                for k, shared in enumerate(self.shared):
                    fits[k] = fits[k] and not shared
                rows, width = matrices[0].shape
                span = rows if all(fits) else max(1, STAGED // width)
                for begin in range(0, rows, span):
                    end = min(begin + span, rows)
                    cuts = [matrix[begin:end] for matrix in matrices]
                    flat = [
                        checks.kernel_argument(cut).reshape(-1)
                        if fit
                        else (np.array(cut, self.dtype, order="C") if k < count else np.empty(cut.shape, self.dtype))
                        .reshape(-1)
                        for k, (cut, fit) in enumerate(zip(cuts, fits, strict=True))
                    ]
                    written = iter(flat[count:])
                    slots = [None if buffer is None else next(written) for buffer in self.gradients]
                    yield low + begin, low + end, flat[:count], slots
                    for cut, fit, made in zip(cuts[count:], fits[count:], flat[count:], strict=True):
                        if not fit:
                            cut[...] = made.reshape(cut.shape)
        for buffer, made in self.copies:
            buffer[...] = made

    def _fits(self, matrix: Array) -> bool:
        flags = matrix.flags
        return matrix.dtype == self.dtype and flags.c_contiguous and flags.aligned


def _entangled(buffer: Array, array: Array) -> bool:
    """Whether writing here may change an element of `array` other than the one in the same place."""
    if not np.may_share_memory(buffer, array):
        return False
    same = buffer.__array_interface__["data"] == array.__array_interface__["data"]
    return not (same and buffer.strides == array.strides and buffer.dtype == array.dtype)


def _matrices(arrays: list[Array], low: int) -> Iterator[tuple[int, list[Array]]]:
    """The arrays as matrices of rows that are views, and the number of their first row; in several parts if need be."""
    shape = arrays[0].shape
    if all(_collapses(array) for array in arrays):
        yield low, [array.reshape(-1, shape[-1]) for array in arrays]
        return
    inner = math.prod(shape[1:-1])
    for i in range(shape[0]):
        yield from _matrices([array[i] for array in arrays], low + i * inner)


def _collapses(array: Array) -> bool:
    """Whether the leading axes are one axis in memory, so that a reshape is a view."""
    wanted = None
    for size, stride in zip(array.shape[-2::-1], array.strides[-2::-1], strict=True):
        if size > 1:
            if wanted is not None and stride != wanted:
                return False
            wanted = stride * size
    return True
