"""Losses of how far a pair's rivals are above it, sweep by sweep: sums over rivals, values of pairs, gradients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.compile.threads import between_products
from numbaloss.loss import Array, Need, Outcome
from numbaloss.structures.tile_pairs import TILE, Pairs, TileLoss
from numbaloss.structures.vectors import Vectors, gathered, groups, handed, labels_of, restored

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceDoor


class RivalLoss(TileLoss):
    """Losses of how far a pair's rivals are above it."""

    def _levels(self, pairs: Pairs, tops: tuple[Array, ...], sums: tuple[Array, ...]) -> None:
        """Sweep over all tiles: the running sums over rivals, of rows and of columns."""
        from numbaloss.kernels.cpu.tiles import gather_rivals

        kernel = self._twins(gather_rivals, pairs.rows.dtype)
        for tile in pairs.tiles():
            kernel(
                8 * tile.cosines.size, tile.cosines, pairs.scale, pairs.bound, pairs.low, pairs.high, tile.row,
                tile.column, tops[0], sums[0], tops[-1], sums[-1], not pairs.alone or tile.row != tile.column,
            )
            if pairs.bound is not None:
                pairs.risen.add(tile.place)

    def _stats(self, pairs: Pairs, tops: Array, sums: Array, part: float) -> Array:
        """For each row what the kernels need, but for the slopes' sums. `part` is the direction's weight."""
        dtype, counts = pairs.rows.dtype, pairs.counts()
        level = _logarithm(tops, sums)
        base, extra = level, np.zeros(level.shape)
        if self._inclusive:
            base = self._partners(pairs)
            extra = np.logaddexp(0.0, level - base)
        base[counts == 0], extra[counts == 0] = np.inf, 0.0  # nobody is above a pair that is not there
        stats = np.zeros((6, counts.size), dtype)
        stats[0], stats[1], stats[3] = base, extra, part * pairs.weights * self._inner(counts)
        stats[4] = whole = base + extra
        if pairs.bound is not None:
            stats[5] = np.exp(pairs.bound - np.where(whole == -np.inf, np.inf, whole))
        return stats

    def _partners(self, pairs: Pairs) -> Array:
        """The logarithm of the sum over partners."""
        from numbaloss.kernels.cpu.tiles import gather_partners

        kernel = self._twins(gather_partners, pairs.rows.dtype)
        tops, sums = nothing(pairs.rows)
        for tile in pairs.partners():
            kernel(
                4 * tile.cosines.size, tile.cosines, pairs.scale, pairs.low, pairs.high, tile.row, tile.column,
                pairs.alone, tops, sums,
            )
        return _logarithm(tops, sums)

    def _valued(self, pairs: Pairs, stats: Array) -> Array:
        """The values of the rows; completes `stats`."""
        from numbaloss.kernels.cpu.tiles import value_pairs

        kernel, params = self._twins(value_pairs, pairs.rows.dtype, linked=True), self._params(pairs.rows.dtype)
        values, slopes = np.zeros(pairs.rows.count), np.zeros(pairs.rows.count)
        for tile in pairs.partners():
            kernel(
                16 * tile.cosines.size, tile.cosines, pairs.scale, pairs.low, pairs.high, tile.row, tile.column,
                pairs.alone, stats, params, values, slopes,
            )
        stats[2] = stats[3] * slopes
        stats[5] *= stats[2]
        values *= self._inner(pairs.counts())
        return values

    def _weighed(self, pairs: Pairs, stats: Array, columns: Array, to: tuple[Any, Any]) -> None:
        """Sweep over all tiles: adds the slopes by the unit vectors up in `to`."""
        from numbaloss.kernels.cpu.tiles import weigh

        kernel, params = self._twins(weigh, pairs.rows.dtype, linked=True), self._params(pairs.rows.dtype)
        inclusive = True if self._inclusive else None
        for tile in pairs.tiles():
            kernel(
                16 * tile.cosines.size, tile.cosines, pairs.scale, pairs.bound, tile.place in pairs.risen, pairs.low,
                pairs.high, tile.row, tile.column, pairs.alone, stats, columns, params, inclusive,
            )
            pairs.spread(tile, to)

    @property
    def _inclusive(self) -> bool:
        """Whether a pair is among its own rivals."""
        return bool(self.definition.facts["rivals"] == "others")

    def _inner(self, counts: Array) -> Array:
        """What a pair counts in the value of its row."""
        if self.definition.facts["per"] == "pair":
            return np.where(counts > 0, 1.0, 0.0)
        return np.where(counts > 0, 1.0 / np.maximum(counts, 1), 0.0)


def bound_of(scale: Any, weights: Array) -> Any:
    """A number above all scores that all their exponentials can be relative to; None if numbers might overflow.

    A weight is multiplied by the exponential of twice the bound where all rivals are at the lowest score there is.
    """
    steepness, largest = abs(scale), float(np.finfo(scale.dtype).max)
    light = weights.max(initial=0.0) * weights.size < largest**0.4
    return steepness if light and steepness < math.log(largest) / 4.0 else None


def nothing(vectors: Vectors, bound: Any = None) -> tuple[Array, Array]:
    """Running maxima (the bound, where there is one) and sums of nothing yet."""
    return np.full(vectors.count, -np.inf if bound is None else bound, vectors.dtype), np.zeros(vectors.count)


def _logarithm(tops: Array, sums: Array) -> Array:
    return np.where(sums == 0.0, -np.inf, tops + np.log(sums))


class GroupLoss(RivalLoss):
    """Vectors among themselves; those of one label belong together."""

    def _run_on_device(self, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        from numbaloss.structures.cuda import tile_rivals

        return tile_rivals.run(self, door, inputs, sample_weight, need)

    def _run(self, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        door = self._door(inputs)
        embeddings = self._vectors(door, "embeddings", inputs[0])
        labels = labels_of(self.definition.name, door.view(inputs[1]), len(embeddings))
        out = self._buffers(need, {"embeddings": embeddings}).get("embeddings")
        with between_products(), np.errstate(all="ignore"):
            order, low, high = groups(labels)
            weights = self._row_weights(sample_weight, len(embeddings), order)
            dtype = checks.computed_dtype(embeddings.dtype)
            vectors = Vectors(embeddings, dtype, order, TILE)
            scale = dtype.type(1.0 / self.parameters["temperature"])
            pairs = Pairs(vectors, vectors, low, high, scale, weights, bound=bound_of(scale, weights))
            outcome = Outcome(door, embeddings.dtype, batch=len(embeddings))
            tops, sums = nothing(vectors, pairs.bound)
            self._levels(pairs, (tops,), (sums,))
            stats = self._stats(pairs, tops, sums, 1.0)
            values = self._valued(pairs, stats)
            counts = pairs.counts() if self.definition.facts["per"] == "pair" else pairs.counts() > 0
            factor = self._finish(outcome, need, weights, order, values, float((weights * counts).sum()))
            if need.wrt:
                gradient, copy_to = gathered(out, embeddings.shape, vectors.dtype, (embeddings,))
                self._weighed(pairs, stats, stats, (gradient, gradient))
                pairs.project(gradient, vectors, factor)
                if order is not None:
                    restored(gradient, order)
                outcome.gradients = (handed(gradient, copy_to, embeddings.dtype),)
        return outcome
