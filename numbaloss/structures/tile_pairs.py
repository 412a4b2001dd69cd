"""Which vectors are compared, a tile of cosines at a time, and what all losses of such tiles share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.compile import render
from numbaloss.compile.twins import Kernel, Twins
from numbaloss.loss import Array, Loss, Need, Outcome
from numbaloss.structures.hyperparameters import Sources, hyperparameters
from numbaloss.structures.vectors import Vectors

TILE = 512  # rows and columns of a tile: with the blocks that make it, it fits the second-level cache
HELD = 4  # tiles in memory at a time, so that sweeps over small batches compute each once
STRIP = 128  # rows of a tile in which only partners are looked at
INSIDE = ("temperature",)  # hyper-parameters the structure deals with


class Tile(NamedTuple):
    """The first row, the first column, the unit vectors of both, and their cosines, which kernels may overwrite."""

    row: int
    column: int
    rows: Array
    columns: Array
    cosines: Array

    @property
    def place(self) -> tuple[int, int, int, int]:
        """Where it begins and ends."""
        return self.row, self.row + len(self.rows), self.column, self.column + len(self.columns)


@dataclass
class Pairs:
    """The checked arguments of one call: which vectors are compared, and who belongs to whom."""

    rows: Vectors
    columns: Vectors  # the same object where vectors are compared among themselves
    low: Array  # the partners of row i are the columns low[i] to high[i], and the other way round
    high: Array
    scale: Any  # of the cosines
    weights: Array  # of rows, float64
    bias: Any = None
    bound: Any = None  # what exponentials of scores are relative to; None: to running maxima
    held: dict[tuple[int, ...], Array] = field(default_factory=dict)  # memory of the tiles known, at most `HELD`
    free: list[Array] = field(default_factory=list)  # memory of those that were given up
    risen: set[tuple[int, ...]] = field(default_factory=set)  # those with exponentials in place of the rivals' cosines

    def __post_init__(self) -> None:
        self.size = min(TILE, self.rows.count) * min(TILE, self.columns.count)
        self.spare = np.empty((min(TILE, max(self.rows.count, self.columns.count)), self.rows.width), self.rows.dtype)

    @property
    def alone(self) -> bool:
        """Whether vectors are compared among themselves."""
        return self.rows is self.columns

    def counts(self) -> Array:
        """How many partners each row has."""
        return self.high - self.low - self.alone

    def turned(self) -> Pairs:
        """The same with rows and columns exchanged."""
        return Pairs(self.columns, self.rows, self.low, self.high, self.scale, self.weights, bound=self.bound)

    def tiles(self) -> Iterator[Tile]:
        """All tiles; one of two that mirror each other."""
        for low in range(0, self.rows.count, TILE):
            for start in range(low if self.alone else 0, self.columns.count, TILE):
                yield self.tile(low, min(low + TILE, self.rows.count), start, min(start + TILE, self.columns.count))

    def partners(self) -> Iterator[Tile]:
        """Tiles that hold every pair of partners, seen by the rows."""
        for first in range(0, self.rows.count, TILE):
            last = min(first + TILE, self.rows.count)
            near = first <= self.low[first] and self.high[last - 1] <= last
            if near and (first, last, first, last) in self.held:
                yield self.tile(first, last, first, last)
                continue
            for low in range(first, last, STRIP):
                high = min(low + STRIP, last)
                left, right = int(self.low[low]), int(self.high[high - 1])
                for start in range(left, right, TILE):
                    yield self.tile(low, high, start, min(start + TILE, right))

    def tile(self, low: int, high: int, start: int, end: int) -> Tile:
        """Rows `low` to `high` and columns `start` to `end`; computed unless the tile is held."""
        rows = self.rows.block(low, high)
        columns = self.columns.block(start, end, slot=1)
        place = (low, high, start, end)
        known = place in self.held
        room = self.held[place] if known else self._memory()
        cosines = room[: (high - low) * (end - start)].reshape(high - low, end - start)
        if not known:
            same = np.may_share_memory(rows, columns)  # NumPy would see the symmetry, and be slower for it
            np.matmul(rows, columns.copy().T if same else columns.T, out=cosines)
            self.held[place] = room
        return Tile(low, start, rows, columns, cosines)

    def _memory(self) -> Array:
        """Room for one more tile, if need be that of the tile held last."""
        if len(self.held) + len(self.free) < HELD:
            return np.empty(self.size, self.rows.dtype)
        return self.free.pop() if self.free else self._given_up(next(reversed(self.held)))

    def _given_up(self, place: tuple[int, ...]) -> Array:
        """The memory of a tile that is held no longer."""
        self.risen.discard(place)
        return self.held.pop(place)

    def spread(self, tile: Tile, to: tuple[Any, Any]) -> None:
        """Add what a tile of slopes by cosines makes of the unit vectors up in `to`: by rows, by columns, or None."""
        self.free.append(self._given_up(tile.place))  # the slopes were written over the cosines
        low, high, start, end = tile.place
        if to[0] is not None:
            to[0][low:high] += np.matmul(tile.cosines, tile.columns, out=self.spare[: high - low])
        if to[1] is not None and not (self.alone and low == start):
            to[1][start:end] += np.matmul(tile.cosines.T, tile.rows, out=self.spare[: end - start])

    def project(self, gradient: Array, vectors: Vectors, factor: float) -> None:
        """From slopes by unit vectors, for each unit of a score, to `factor` times those by the vectors themselves."""
        numbers = gradient.dtype.type(factor), self.scale
        for low in range(0, vectors.count, TILE):
            part = gradient[low : low + TILE]
            unit = vectors.block(low, low + len(part))
            radial = np.einsum("ij,ij->i", part, unit)[:, None]
            part -= np.multiply(radial, unit, out=self.spare[: len(part)])
            for number in (*numbers, vectors.rates[low : low + TILE]):
                part *= number  # one by one: their product may overflow where the slope does not


class TileLoss(Loss):
    """What losses of all pairs share: arguments, kernels, and the way from tiles to gradients."""

    def _checked_weight(self, weight: Any) -> Array | None:
        return None

    def _twins(self, template: Kernel, dtype: np.dtype[Any], linked: bool = False) -> Twins:
        """A kernel; those that call the mathematics are bound for this loss alone."""
        key = (template, dtype)
        if key not in self._kernels:
            holes = {"link": render.link(self.definition.maths, ("gap",), self._hyper[0])} if linked else {}
            label = self.definition.name if linked else "tiles"
            self._kernels[key] = Twins(template, dtype, label, **holes)
        found: Twins = self._kernels[key]
        return found

    @cached_property
    def _hyper(self) -> tuple[Sources, tuple[Any, ...]]:
        return hyperparameters(self, INSIDE)

    def _params(self, dtype: np.dtype[Any]) -> tuple[Any, ...]:
        return tuple(dtype.type(number) for number in self._hyper[1])

    # ---- arguments

    def _vectors(self, door: Any, name: str, given: Any) -> Array:
        array = checks.network_output(self.definition.name, name, door.view(given), given)
        if array.ndim != 2 or array.shape[1] == 0:
            raise ValueError(
                f"{self.definition.name}: {name} must be a matrix with a vector in each row, got shape {array.shape}"
            )
        return array

    def _row_weights(self, sample_weight: Any, count: int, order: Array | None) -> Array:
        given = checks.unit_weights(self.definition.name, sample_weight, (count,), "row")
        return given if order is None else given[order]

    def _buffers(self, need: Need, arrays: dict[str, Array]) -> dict[str, Any]:
        """The caller's buffer for each gradient wanted, checked; None where there is none."""
        name = self.definition.name
        found = dict(zip(need.wrt, need.buffers(name), strict=True))
        if need.out is not None:
            for wanted, out in found.items():
                checks.output(name, out, arrays[wanted].shape, arrays[wanted].dtype)
        return found

    # ---- results

    def _finish(
        self, outcome: Outcome, need: Need, weights: Array, order: Array | None, values: Array, denominator: float
    ) -> float:
        """Put the rows' values where they belong; returns what the gradient of the sum is multiplied by."""
        values *= weights
        outcome.total, outcome.denominator = float(values.sum()), denominator
        if need.values:
            shown = np.empty(values.shape, outcome.dtype)
            shown[slice(None) if order is None else order] = values
            outcome.values = shown
        return self._scale(denominator, outcome.batch) if denominator != 0.0 else 0.0  # nothing there, nothing pulls
