"""The arguments of a loss over regions, and the two sweeps over them: sums of each image and class, then the gradient.

Kernels read contiguous planes. What lies otherwise, or in another type, is staged a piece at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.arrays.casts import laid_out, put
from numbaloss.compile.twins import Kernel, Twins
from numbaloss.loss import Array, Need
from numbaloss.structures.overlap import entangled, written_apart

STAGED = 1 << 18  # elements staged at a time, about
SUMS = 4  # numbers a class: true positives, false positives, false negatives, true negatives


@dataclass(frozen=True)
class Rider:
    """A loss of rows or elements that shares the sweeps: its mathematics, hyper-parameters and class weights."""

    link: Any
    params: tuple[Any, ...]
    weights: Array | None = None


@dataclass
class Sums:
    """What the first sweep finds of each image."""

    classes: Array  # (N, C, 4), float64
    wrong: int  # labels out of range
    ridden: Array  # (N, 2), float64: value of the rider, weight of its rows or elements


@dataclass
class Piece:
    """What one launch reads: neighbouring images, or a part of one image."""

    images: slice
    first: int
    last: int
    logits: Array
    labels: Array | None
    targets: Array | None


@dataclass
class Images:
    """Checked arguments as they lie."""

    input: Array  # (N, C, ...)
    dtype: np.dtype[Any]
    labels: Array | None  # (N, positions)
    targets: Array | None  # the input's shape
    ignored: int
    activation: str | None
    squared: bool
    kernels: dict[Any, Any] = field(repr=False)

    def __post_init__(self) -> None:
        self.count, self.classes = self.input.shape[:2]
        self.positions = math.prod(self.input.shape[2:])
        self.shift = 1 if self.classes == 1 else 0  # label 1 means the only class there is
        direct = _plain(self.input, self.dtype) and (self.targets is None or _plain(self.targets, self.dtype))
        self.whole = self._all() if direct else None  # one piece, if kernels can read all where it lies
        self.flag = 1 if self.squared else None
        # what a target's entry must be to be left out, in the target's type
        self.left_out = self.ignored if self.targets is None else self.dtype.type(self.ignored)

    # ---- first sweep

    def sums(self, rider: Rider | None = None) -> Sums:
        """Sums of each class of each image, and of the rider."""
        from numbaloss.kernels.cpu.regions_softmax import EXTRA, TASK

        tasks, width = -(-self.positions // TASK), SUMS * self.classes + EXTRA
        partials = np.empty((self.count * tasks, width), np.float64)
        twins = self._twins("statistics", rider)
        for piece in self._pieces(TASK):
            low = piece.images.start * tasks + piece.first // TASK
            number = (piece.images.stop - piece.images.start) * -(-(piece.last - piece.first) // TASK)
            twins(
                piece.logits.size, piece.logits, piece.last - piece.first, self.classes, *self._shift(),
                piece.labels, piece.targets, self.left_out, self.flag, *self._ridden(rider),
                partials[low : low + number],
            )
        found = partials if tasks == 1 else partials.reshape(self.count, tasks, width).sum(axis=1)
        classes = np.ascontiguousarray(found[:, : SUMS * self.classes]).reshape(self.count, self.classes, SUMS)
        wrong = int(sum(found[:, SUMS * self.classes].tolist()))  # of few images, sooner than NumPy
        return Sums(classes, wrong, found[:, SUMS * self.classes + 1 :])

    # ---- second sweep

    def gradient(self, need: Need, both: Array, rider: Rider | None = None, factors: Array | None = None) -> Array:
        """The gradient, in the caller's buffer or a new one.

        `both` (2, N, C) holds what each class's chance is worth where its target is 0, and where it is 1;
        `factors` (N,) what the rider is worth in an image.
        """
        from numbaloss.kernels.cpu.regions_softmax import TASK

        slopes = both.astype(self.dtype)
        outside, inside = slopes[0], slopes[1]  # by index: unpacking an array takes longer
        factors = np.zeros(self.count, self.dtype) if factors is None else factors.astype(self.dtype)
        given: Array | None = need.out[0] if isinstance(need.out, (tuple, list)) else need.out
        made = np.empty(self.input.shape, self.input.dtype) if given is None or not self._apart(given) else given
        twins = self._twins("gradients", rider)
        plain = _plain(made, self.dtype)
        for piece in self._pieces(TASK):
            whole = plain and piece.last - piece.first == self.positions
            target = flat(made[piece.images]) if whole else np.empty(piece.logits.size, self.dtype)
            twins(
                piece.logits.size, piece.logits, piece.last - piece.first, self.classes, *self._shift(),
                piece.labels, piece.targets, self.left_out, self.flag, outside[piece.images], inside[piece.images],
                *self._ridden(rider), factors[piece.images], target, *self._over(target, piece.logits),
            )
            if not whole:
                self._put(target, made, piece)
        if given is None:
            return made
        if made is not given:
            given[...] = made
        return given

    def _apart(self, given: Array) -> bool:
        """Whether the gradient can be written to the caller's buffer while inputs are being read."""
        if self.targets is not None and np.may_share_memory(given, self.targets):
            return False
        return not entangled(given, self.input)

    # ---- launches

    def _pieces(self, step: int) -> Iterator[Piece]:
        """All images at once where kernels can read them; else parts of one image, `step` positions or a multiple."""
        if self.input.size == 0:
            return
        if self.whole is not None:
            yield self.whole
            return
        span = max(1, STAGED // (self.classes * step)) * step
        for n in range(self.count):
            for first in range(0, self.positions, span):
                last = min(first + span, self.positions)
                yield Piece(
                    slice(n, n + 1), first, last, self._staged(self.input, n, first, last),
                    None if self.labels is None else self.labels[n, first:last],
                    None if self.targets is None else self._staged(self.targets, n, first, last),
                )

    def _all(self) -> Piece:
        labels = None if self.labels is None else self.labels.reshape(-1)
        targets = None if self.targets is None else flat(self.targets)
        return Piece(slice(0, self.count), 0, self.positions, flat(self.input), labels, targets)

    def _staged(self, array: Array, n: int, first: int, last: int) -> Array:
        """Some positions of an image, of all classes, laid out as kernels read them."""
        lines, skipped = self._lines(array[n], first, last)
        found = laid_out(lines, self.dtype).reshape(self.classes, -1)
        return checks.kernel_argument(np.ascontiguousarray(found[:, skipped : skipped + last - first])).reshape(-1)

    def _put(self, staged: Array, array: Array, piece: Piece) -> None:
        """Positions of an image that were computed apart, back where they belong."""
        for n, found in enumerate(staged.reshape(-1, self.classes, piece.last - piece.first), piece.images.start):
            lines, skipped = self._lines(array[n], piece.first, piece.last)
            if found.size < lines.size:
                both = np.array(lines, order="C")
                put(found, both.reshape(self.classes, -1)[:, skipped : skipped + piece.last - piece.first])
                found = both
            put(found.reshape(lines.shape), lines)

    def _lines(self, image: Array, first: int, last: int) -> tuple[Array, int]:
        """The lines that some positions of an image (C, ...) are on, and how many come before on the first of them."""
        while True:
            axes = [axis for axis in zip(image.shape[1:], image.strides[1:], strict=True) if axis[0] > 1]
            if all(step == size * inner for (_, step), (size, inner) in pairwise(axes)):
                image = image.reshape(self.classes, -1)  # a view: lines of one position
            line = math.prod(image.shape[2:])
            low, high = first // line, -(-last // line)
            if image.ndim == 2 or high - low > 1:
                return image[:, low:high], first - low * line
            image, first, last = image[:, low], first - low * line, last - low * line  # part of one: lines of that

    def _shift(self) -> tuple[int, ...]:
        return () if self.activation == "softmax" else (self.shift,)

    def _over(self, target: Array, logits: Array) -> tuple[Any, ...]:
        """None to the kernels of elements where the gradient is written over them."""
        return () if self.activation == "softmax" else (written_apart(target, logits),)

    def _ridden(self, rider: Rider | None) -> tuple[Any, ...]:
        weights, params = (None, None) if rider is None else (rider.weights, rider.params)
        return (weights, params) if self.activation == "softmax" else (params,)

    def _twins(self, name: str, rider: Rider | None) -> Twins:
        """A sweep's kernel: the same for all losses over regions without a rider."""
        link = None if rider is None else rider.link
        key = (name, self.dtype, self.activation, link)
        if key not in self.kernels:
            self.kernels[key] = self._made(name, link)
        found: Twins = self.kernels[key]
        return found

    def _made(self, name: str, link: Any) -> Twins:
        from numbaloss.kernels.cpu import regions_elements, regions_softmax

        holes: dict[str, Any] = {"narrow": self.dtype.type}
        if link is not None:
            holes["link"] = link
        if self.activation == "softmax":
            template: Kernel = getattr(regions_softmax, name)
        else:
            template = getattr(regions_elements, name)
            holes["activate"] = regions_elements.given if self.activation is None else regions_elements.logistic
        return Twins(template, self.dtype, "regions", **holes)


def _plain(array: Array, dtype: np.dtype[Any]) -> bool:
    return array.dtype == dtype and checks.lies_plainly(array)


def flat(array: Array) -> Array:
    return checks.kernel_argument(array).reshape(-1)
