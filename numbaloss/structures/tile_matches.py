"""Losses of two arrays of vectors, such as images and texts: row by row they belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.compile.threads import between_products
from numbaloss.loss import Array, Need, Outcome
from numbaloss.structures.tile_pairs import TILE, Pairs, TileLoss
from numbaloss.structures.tile_rivals import RivalLoss, bound_of, nothing
from numbaloss.structures.vectors import Vectors, gathered, handed

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceDoor


@dataclass
class Matched:
    """The checked arguments of a call."""

    arrays: dict[str, Array]
    out: dict[str, Any]
    pairs: Pairs
    outcome: Outcome


class TwoLoss(TileLoss):
    """What losses of two arrays share."""

    def _matched(self, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Matched:
        name, names, door = self.definition.name, self.definition.inputs, self._door(inputs)
        arrays = {key: self._vectors(door, key, given) for key, given in zip(names[:2], inputs[:2], strict=True)}
        first, second = arrays.values()
        checks.same_shape(name, names[1], second, names[0], first.shape)
        for key, given in zip(names[2:], inputs[2:], strict=True):
            arrays[key] = checks.network_output(name, key, door.view(given), given)
            if arrays[key].ndim:
                raise ValueError(f"{name}: {key} must be one number, got shape {arrays[key].shape}")
        out = self._buffers(need, arrays)
        count = len(first)
        dtype = np.result_type(*(checks.computed_dtype(array.dtype) for array in (first, second)))
        rows, columns = (Vectors(array, dtype, None, TILE) for array in (first, second))
        numbers = [dtype.type(arrays[key]) for key in names[2:]]
        place = np.arange(count)
        weights = self._row_weights(sample_weight, count, None)
        pairs = Pairs(rows, columns, place, place + 1, numbers[0], weights, bias=(numbers[1:] or [None])[0])
        return Matched(arrays, out, pairs, Outcome(door, first.dtype, batch=count))

    def _gather(self, matched: Matched, need: Need) -> tuple[dict[str, Any], tuple[Any, Any]]:
        """Where the gradients by the two arrays are added up, zeroed; None for one that is not wanted."""
        found = {}
        inputs = tuple(matched.arrays.values())
        for name in self.definition.inputs[:2]:
            if name in need.wrt:
                out, shape = matched.out[name], matched.arrays[name].shape
                found[name] = gathered(out, shape, matched.pairs.rows.dtype, inputs)
        rows, columns = (found[name][0] if name in found else None for name in self.definition.inputs[:2])
        return found, (rows, columns)

    def _hand_over(
        self, matched: Matched, need: Need, found: dict[str, Any], numbers: tuple[float, ...], factor: float
    ) -> None:
        """The gradients of the outcome: those by the arrays along their spheres, those by numbers as they are."""
        pairs, results = matched.pairs, dict(zip(self.definition.inputs[2:], numbers, strict=False))
        for name in need.wrt:
            array, out = matched.arrays[name], matched.out[name]
            if name in found:
                gradient, copy_to = found[name]
                vectors = pairs.rows if name == self.definition.inputs[0] else pairs.columns
                pairs.project(gradient, vectors, factor)
            else:
                gradient, copy_to = np.array(results[name] * factor), out
            matched.outcome.gradients += (handed(gradient, copy_to, array.dtype),)


class MatchLoss(RivalLoss, TwoLoss):
    """Each vector has to find its partner among all of the other array; the mean of both directions."""

    def _run_on_device(self, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        from numbaloss.structures.cuda import tile_matches

        return tile_matches.run_match(self, door, inputs, sample_weight, need)

    def _run(self, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        with between_products(), np.errstate(all="ignore"):
            matched = self._matched(inputs, sample_weight, need)
            pairs = matched.pairs
            pairs.bound = bound_of(pairs.scale, pairs.weights)
            turned = pairs.turned()
            sums = nothing(pairs.rows, pairs.bound), nothing(pairs.columns, pairs.bound)
            self._levels(pairs, *zip(*sums, strict=True))
            stats, columns = (self._stats(side, *found, 0.5) for side, found in zip((pairs, turned), sums, strict=True))
            values = 0.5 * (self._valued(pairs, stats) + self._valued(turned, columns))
            factor = self._finish(matched.outcome, need, pairs.weights, None, values, float(pairs.weights.sum()))
            if need.wrt:
                found, (by_rows, by_columns) = self._gather(matched, need)
                by_scale = self.definition.inputs[2] in need.wrt
                if by_scale and by_rows is None:  # the slope by the scale comes from that by the rows
                    by_rows = np.zeros((pairs.rows.count, pairs.rows.width), pairs.rows.dtype)
                self._weighed(pairs, stats, columns, (by_rows, by_columns))
                slope = pairs.rows.dot(by_rows) if by_scale else 0.0
                self._hand_over(matched, need, found, (slope,), factor)
        return matched.outcome


class SingleLoss(TwoLoss):
    """Every pair of a vector of one array and a vector of the other is judged by itself."""

    def _run_on_device(self, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        from numbaloss.structures.cuda import tile_matches

        return tile_matches.run_single(self, door, inputs, sample_weight, need)

    def _run(self, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        from numbaloss.kernels.cpu.tiles import judge

        with between_products(), np.errstate(all="ignore"):
            matched = self._matched(inputs, sample_weight, need)
            pairs, dtype = matched.pairs, matched.pairs.rows.dtype
            kernel, params = self._twins(judge, dtype, linked=True), self._params(dtype)
            sums = np.zeros(2) if need.wrt else None
            found, to = self._gather(matched, need)
            values, weights = np.zeros(pairs.rows.count), pairs.weights.astype(dtype)
            for tile in pairs.tiles():
                kernel(
                    24 * tile.cosines.size, tile.cosines, pairs.scale, pairs.bias, pairs.low, pairs.high, tile.row,
                    tile.column, weights, params, values, sums,
                )
                pairs.spread(tile, to)
            factor = self._finish(matched.outcome, need, pairs.weights, None, values, float(pairs.weights.sum()))
            if sums is not None:
                self._hand_over(matched, need, found, (sums[1], sums[0]), factor)
        return matched.outcome
