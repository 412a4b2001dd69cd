"""The arguments of a loss over regions, and the two sweeps over them: sums of each image and class, then the gradient.

Kernels read contiguous planes. What lies otherwise, or in another type, is staged a piece at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.loss import Array, Need
from numbaloss.structures.overlap import entangled, written_apart
from numbaloss.structures.twins import Kernel, Twins

STAGED = 1 << 18  # elements staged at a time, about
SUMS = 4  # numbers a class: true positives, false positives, false negatives, positions that count


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
    """Checked arguments in the layout (N, C, positions), as views where there is one."""

    input: Array
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    labels: Array | None  # (N, positions)
    targets: Array | None  # (N, C, positions)
    ignored: int
    activation: str | None
    squared: bool
    kernels: dict[Any, Any] = field(repr=False)

    def __post_init__(self) -> None:
        self.count, self.classes, self.positions = self.input.shape
        self.shift = 1 if self.classes == 1 else 0  # label 1 means the only class there is
        self.direct = _plain(self.input, self.dtype) and (self.targets is None or _plain(self.targets, self.dtype))
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

        `both` (2, N, C) holds what each class's chance is worth where its target is 0, and how much more where it is 1;
        `factors` (N,) what the rider is worth in an image.
        """
        from numbaloss.kernels.cpu.regions_softmax import TASK

        slopes, jumps = both.astype(self.dtype)
        factors = np.zeros(self.count, self.dtype) if factors is None else factors.astype(self.dtype)
        given = need.out[0] if isinstance(need.out, (tuple, list)) else need.out
        made = np.empty(self.input.shape, self.input.dtype) if given is None else planes(given)
        if given is not None and not self._apart(given, made):
            made = np.empty(self.input.shape, self.input.dtype)
        twins = self._twins("gradients", rider)
        inner = _plain(made, self.dtype)
        for piece in self._pieces(TASK):
            place = made[piece.images, :, piece.first : piece.last]
            whole = inner and place.flags.c_contiguous
            target = place if whole else np.empty(place.shape, self.dtype)
            twins(
                piece.logits.size, piece.logits, piece.last - piece.first, self.classes, *self._shift(),
                piece.labels, piece.targets, self.left_out, self.flag, slopes[piece.images], jumps[piece.images],
                *self._ridden(rider), factors[piece.images], target.reshape(-1), *self._over(target, piece.logits),
            )
            if not whole:
                place[...] = target
        if given is None:
            return made.reshape(self.shape)
        if not np.may_share_memory(made, given):
            given[...] = made.reshape(self.shape)
        result: Array = given
        return result

    def _apart(self, given: Array, view: Array) -> bool:
        """Whether the gradient can be written to this view of the caller's buffer while inputs are being read."""
        if not np.may_share_memory(view, given):
            return given.size == 0
        if self.targets is not None and np.may_share_memory(given, self.targets):
            return False
        return not entangled(view, self.input)

    # ---- launches

    def _pieces(self, step: int) -> Iterator[Piece]:
        """All images at once where kernels can read them; else parts of one image, `step` positions or a multiple."""
        if self.input.size == 0:
            return
        if self.direct:
            yield Piece(
                slice(0, self.count), 0, self.positions, flat(self.input),
                None if self.labels is None else self.labels.reshape(-1),
                None if self.targets is None else flat(self.targets),
            )
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

    def _staged(self, array: Array, n: int, first: int, last: int) -> Array:
        return checks.kernel_argument(np.ascontiguousarray(array[n, :, first:last], self.dtype)).reshape(-1)

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


def planes(array: Array) -> Array:
    """(N, C, ...) as (N, C, positions): a view where there is one."""
    return array.reshape(*array.shape[:2], math.prod(array.shape[2:]))


def _plain(array: Array, dtype: np.dtype[Any]) -> bool:
    return array.dtype == dtype and array.flags.c_contiguous and array.flags.aligned


def flat(array: Array) -> Array:
    return checks.kernel_argument(array).reshape(-1)
