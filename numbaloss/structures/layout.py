"""The layouts row kernels read, and how any array gets into one of them.

Kernels read *rows* (class axis contiguous) or *planes* (positions contiguous, one plane a class). What lies in neither
way, or in another type, is staged batch by batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.arrays.casts import laid_out, put
from numbaloss.loss import Array, Need, Outcome
from numbaloss.structures.overlap import entangled, in_place

STAGED = 1 << 18  # elements staged at a time


@dataclass(slots=True)
class Piece:
    """What one kernel launch reads and writes; flat vectors, or None."""

    logits: Array
    stride: int
    positions: int
    planes: bool
    labels: Array | None
    targets: Array | None
    row_weights: Array | None
    values: Array | None = None
    gradient: Array | None = None
    curvature: Array | None = None
    target_gradient: Array | None = None


class Cut(NamedTuple):
    """A part of the arrays of a call."""

    place: Any  # where it lies in an array of the input's shape
    rows: slice  # and in one of a number a row
    positions: int  # rows that one step along its first axis holds


@dataclass
class Rows:
    """The checked arguments of one call, in the layout they will be read."""

    input: Array  # (rows, C), or (N, C, d1, ...) as planes
    planes: bool
    turned: bool  # whether those are the columns of an array (N, C)
    dtype: np.dtype[Any]
    classes: int
    shape: tuple[int, ...]  # of the input as given
    labels: Array | None
    targets: Array | None
    weights: Array | None
    row_weights: Array | None
    ignored: int
    first: str  # name of the first input
    rereads: bool  # whether the kernel reads logits again after it wrote there
    copies: list[tuple[Array, Array]] = field(default_factory=list)  # (caller's buffer, what to copy into it)

    @property
    def positions(self) -> int:
        """Rows that one step along the first axis holds."""
        return math.prod(self.input.shape[2:])

    def back(self, array: Array) -> Array:
        """An array of the canonical layout, in the shape the user gave."""
        if self.turned:
            return np.swapaxes(array[0], 0, 1)
        if self.planes or len(self.shape) <= 2:
            return array.reshape(self.shape)
        batch, classes, *rest = self.shape
        return np.moveaxis(array.reshape(batch, *rest, classes), -1, 1)

    def pieces(self, need: Need, outcome: Outcome) -> Iterator[Piece]:
        """Allocate the outputs; yield the launches, copying staged results back after each."""
        if self.input.size == 0:
            return
        direct = self.dtype == self.input.dtype and self._readable()
        outputs = self.outputs(need, outcome)
        late = {name: whole for name, whole in outputs.items() if self._spoils(whole)}  # written when all has been read
        outputs |= {name: np.empty(whole.shape, whole.dtype) for name, whole in late.items()}
        over = {name for name, whole in outputs.items() if self.rereads and in_place(whole, self.input)}
        for cut in self._cuts(whole=direct and not over):
            read = self.input[cut.place]
            if not direct or self.planes:
                read = laid_out(read, self.dtype)
            stride = self.classes if self.planes or read.shape[0] < 2 else read.strides[0] // read.itemsize
            targets = None
            if self.targets is not None:
                targets = _flat(laid_out(self.targets[cut.place], self.dtype))
            piece = Piece(
                _flat(read), stride, cut.positions, self.planes,
                self._of_rows(self.labels, cut), targets, self._of_rows(self.row_weights, cut),
            )
            staged = {}
            for name, whole in outputs.items():
                place: Any = cut.rows if name == "values" else cut.place
                target = whole[place]
                if whole.dtype == self.dtype and target.flags.c_contiguous and name not in over:
                    setattr(piece, name, target.reshape(-1))
                else:
                    staged[name] = place, np.empty(target.shape, self.dtype)
                    setattr(piece, name, staged[name][1].reshape(-1))
            yield piece
            for name, (place, scratch) in staged.items():
                put(scratch, outputs[name][place])
        for name, whole in late.items():
            whole[...] = outputs[name]
        for out, whole in self.copies:
            out[...] = self.back(whole)

    def _of_rows(self, numbers: Array | None, cut: Cut) -> Array | None:
        """Those of the part's rows: one a row or, of a list of labels, several."""
        if numbers is None:
            return None
        each = numbers.size // (self.input.shape[0] * self.positions)
        return numbers[cut.rows.start * each : cut.rows.stop * each]

    def _cuts(self, whole: bool) -> Iterator[Cut]:
        """The parts that launches read: one, if it may be the whole, else of some `STAGED` elements each."""
        steps, each = self.input.shape[0], self.positions
        span = steps if whole else max(1, STAGED // (self.classes * each))
        if not self.planes or whole or self.classes * each <= STAGED:
            for low in range(0, steps, span):
                high = min(low + span, steps)
                yield Cut(slice(low, high), slice(low * each, high * each), each)
            return
        inner = self.input.shape[2:]
        fits = (axis for axis in range(len(inner)) if self.classes * math.prod(inner[axis + 1 :]) <= STAGED)
        cut = next(fits, len(inner) - 1)  # the axis along which an image is cut itself
        lines, line = inner[cut], math.prod(inner[cut + 1 :])
        span = max(1, STAGED // (self.classes * line))
        for before, (n, *at) in enumerate(np.ndindex(steps, *inner[:cut])):
            for low in range(0, lines, span):
                high = min(low + span, lines)
                place = slice(n, n + 1), slice(None), *(slice(i, i + 1) for i in at), slice(low, high)
                rows = slice((before * lines + low) * line, (before * lines + high) * line)
                yield Cut(place, rows, rows.stop - rows.start)

    def _readable(self) -> bool:
        """Whether kernels can read the input, and the targets, where they lie."""
        array, targets = self.input, self.targets
        if not array.flags.aligned or not array.dtype.isnative:
            return False
        if targets is not None and not (targets.dtype == self.dtype and targets.flags.c_contiguous):
            return False
        if self.planes or targets is not None:
            return bool(array.flags.c_contiguous)
        step = array.strides[0]
        return array.strides[1] == array.itemsize and step % array.itemsize == 0 and step >= 0

    def outputs(self, need: Need, outcome: Outcome) -> dict[str, Array]:
        """The arrays to write, in the canonical layout; the outcome holds views of the user's shape."""
        outputs: dict[str, Array] = {}
        given = need.out if isinstance(need.out, (tuple, list)) else (need.out,) * len(need.wrt)
        gradients = []
        for name, buffer in zip(need.wrt, given, strict=True):
            key = "gradient" if name == self.first else "target_gradient"
            outputs[key], shown = self._buffer(buffer)
            gradients.append(shown)
        outcome.gradients = tuple(gradients)
        if need.hessian:
            outputs["curvature"], outcome.curvature = self._buffer(None)
        if need.values:
            shape = (*self.shape[:1], *self.shape[2:]) if len(self.shape) > 1 else ()
            outputs["values"] = np.empty(self.input.shape[0] * self.positions, self.input.dtype)
            outcome.values = outputs["values"].reshape(shape)
        return outputs

    def _spoils(self, output: Array) -> bool:
        """Whether writing the result of some rows may change what is to be read for others."""
        others = (self.targets, self.labels, self.weights, self.row_weights)
        shared = any(array is not None and np.may_share_memory(output, array) for array in others)
        return shared or entangled(output, self.input)

    def _buffer(self, out: Array | None) -> tuple[Array, Array]:
        """A new array, or the caller's, as (canonical layout, user's shape)."""
        if out is None:
            made = np.empty(self.input.shape, self.input.dtype)
            return made, self.back(made)
        view = canonical(out, self.planes, self.turned)
        if out.size and not np.may_share_memory(view, out):  # no view of it has the layout: copied at the end
            view = np.empty(self.input.shape, self.input.dtype)
            self.copies.append((out, view))
        return view, out


def canonical(array: Array, planes: bool, turned: bool) -> Array:
    """A ``(C)``, ``(N, C)`` or ``(N, C, d1, ...)`` array as rows, a view where possible; as planes it is already.

    `turned` rows ``(N, C)`` are planes of their columns.
    """
    if turned:
        return array.T[None]
    if array.ndim == 1:
        return array.reshape(1, -1)
    if array.ndim == 2 or planes:
        return array
    return np.moveaxis(array, 1, -1).reshape(-1, array.shape[1])


def plain_gradient(logits: Any, out: Any) -> Array | None:
    """Memory for the gradient of rows that kernels read where they lie and write to directly; None for any others.

    The quick way of small calls: what is not the most common case is not looked at any further.
    """
    if type(logits) is not np.ndarray or logits.ndim != 2 or not logits.flags.carray or logits.size == 0:
        return None
    dtype = logits.dtype
    if dtype not in (checks.FLOAT32, checks.FLOAT64):
        return None
    if out is None:
        return np.empty(logits.shape, dtype)
    if type(out) is not np.ndarray or np.may_share_memory(out, logits):
        return None
    return out if out.dtype is dtype and out.shape == logits.shape and out.flags.carray else None


def _flat(array: Array) -> Array:
    """The memory of a contiguous array, or of rows with a stride, as one writable vector."""
    if array.flags.c_contiguous:
        return checks.kernel_argument(array).reshape(-1)
    length = (array.shape[0] - 1) * (array.strides[0] // array.itemsize) + array.shape[1]
    return checks.kernel_argument(np.lib.stride_tricks.as_strided(array, (length,), (array.itemsize,)))
