"""Rows in any layout, laid out for kernels that read contiguous rows of several arrays at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.arrays.casts import copied, put
from numbaloss.loss import Array, Need
from numbaloss.structures.overlap import entangled

STAGED = 1 << 17  # elements of each array staged at a time


def gradient_buffers(
    name: str, inputs: Sequence[str], arrays: Sequence[Array], kept: np.dtype[Any], need: Need
) -> list[Array | None]:
    """For each of a loss's inputs the buffer of its gradient, the caller's where given; None where not wanted.

    Gradients of whole numbers are of type `kept`.
    """
    found: list[Array | None] = []
    buffers = dict(zip(need.wrt, need.buffers(name), strict=True))
    for given, array in zip(inputs, arrays, strict=True):
        kind = array.dtype if checks.computed_in(array.dtype) is not None else kept
        if given not in buffers:
            found.append(None)
        elif buffers[given] is None:
            found.append(np.empty(array.shape, kind))
        else:
            found.append(checks.output(name, buffers[given], array.shape, kind))
    return found


@dataclass
class Sheets:
    """The arrays of one call, alike in their leading axes; what a kernel cannot use as it lies is staged by pieces.

    A row is what the last axis holds, or the last few of an input, as `axes` says.
    """

    inputs: Sequence[Array]
    gradients: Sequence[Array | None]  # buffers in the inputs' order, None where not wanted
    dtype: np.dtype[Any]
    axes: Sequence[int] = ()  # of a row, for each input
    types: Sequence[np.dtype[Any]] = ()  # read by kernels, for each input, where not all are `dtype`
    copies: list[tuple[Array, Array]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Gradients that overlap an input elsewhere than element for element are written to memory of their own."""
        outputs = []
        for buffer in self.gradients:
            if buffer is not None and any(entangled(buffer, array) for array in self.inputs):
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
        wanted = [k for k, buffer in enumerate(self.gradients) if buffer is not None]
        axes = list(self.axes) or [1] * count
        axes += [axes[k] for k in wanted]
        kinds = [*(self.types or [self.dtype] * count), *[self.dtype] * len(wanted)]
        if arrays[0].size:
            for low, sheets in _sheets(arrays, axes, 0):
                fits = [_fits(sheet, kind) for sheet, kind in zip(sheets, kinds, strict=True)]
                for k, shared in enumerate(self.shared):
                    fits[k] = fits[k] and not shared
                rows = len(sheets[0])
                span = rows if all(fits) else max(1, STAGED * rows // max(sheet.size for sheet in sheets))
                for begin in range(0, rows, span):
                    end = min(begin + span, rows)
                    cuts = [sheet[begin:end] for sheet in sheets]
                    flat = [
                        checks.kernel_argument(cut).reshape(-1)
                        if fit
                        else (copied(cut, kind) if k < count else np.empty(cut.shape, kind)).reshape(-1)
                        for k, (cut, kind, fit) in enumerate(zip(cuts, kinds, fits, strict=True))
                    ]
                    written = iter(flat[count:])
                    slots = [None if buffer is None else next(written) for buffer in self.gradients]
                    yield low + begin, low + end, flat[:count], slots
                    for cut, fit, made in zip(cuts[count:], fits[count:], flat[count:], strict=True):
                        if not fit:
                            put(made.reshape(cut.shape), cut)
        for buffer, made in self.copies:
            buffer[...] = made


def _fits(sheet: Array, kind: np.dtype[Any]) -> bool:
    return sheet.dtype == kind and checks.lies_plainly(sheet)


def _sheets(arrays: list[Array], axes: list[int], low: int) -> Iterator[tuple[int, list[Array]]]:
    """The arrays as views with one leading axis, and the number of their first row; in several parts if need be."""
    lead = arrays[0].shape[: arrays[0].ndim - axes[0]]
    if all(_collapses(array, array.ndim - last) for array, last in zip(arrays, axes, strict=True)):
        ends = [array.shape[array.ndim - last :] for array, last in zip(arrays, axes, strict=True)]
        yield low, [array.reshape(-1, *end) for array, end in zip(arrays, ends, strict=True)]
        return
    inner = math.prod(lead[1:])
    for i in range(lead[0]):
        yield from _sheets([array[i] for array in arrays], axes, low + i * inner)


def _collapses(array: Array, leading: int) -> bool:
    """Whether the leading axes are one axis in memory, so that a reshape is a view."""
    wanted = None
    for size, stride in zip(array.shape[:leading][::-1], array.strides[:leading][::-1], strict=True):
        if size > 1:
            if wanted is not None and stride != wanted:
                return False
            wanted = stride * size
    return True
