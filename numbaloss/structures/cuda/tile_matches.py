"""Losses of two arrays of vectors on a device; row by row they belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from numbaloss.arrays.device import DeviceArray, DeviceDoor
from numbaloss.loss import Need
from numbaloss.structures.cuda.call import Call, DeviceOutcome, Mass, copied
from numbaloss.structures.cuda.product import grid, splits, up
from numbaloss.structures.cuda.tile_pairs import Pairs, factor_of
from numbaloss.structures.cuda.tile_rivals import levels, valued, weighed
from numbaloss.structures.cuda.vectors import Gradients, matrix, summed, unit_vectors
from numbaloss.structures.tile_matches import MatchLoss, SingleLoss, TwoLoss


@dataclass
class Matched:
    """The checked arguments of a loss of two arrays."""

    call: Call
    pairs: Pairs
    weights: DeviceArray | None
    mass: Mass
    gradients: Gradients
    shown: DeviceArray | None

    @property
    def names(self) -> tuple[str, ...]:
        return self.call.loss.definition.inputs

    def out(self, index: int) -> DeviceArray | None:
        return self.gradients.made.get(self.names[index])


def matched(loss: TwoLoss, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Matched:
    """Check the arguments, and measure the vectors."""
    call, names = Call(loss, door, need), loss.definition.inputs
    arrays = {name: matrix(call, name, given) for name, given in zip(names[:2], inputs[:2], strict=True)}
    first, second = arrays.values()
    if second.shape != first.shape:
        raise ValueError(
            f"{call.name}: {names[1]} has shape {second.shape} but {names[0]} has shape {first.shape}; they must be "
            "the same (nothing is broadcast)"
        )
    call.storage, count = first.kind, first.shape[0]
    numbers = []
    for name, given in zip(names[2:], inputs[2:], strict=True):
        host = isinstance(given, (int, float, np.generic, np.ndarray))
        array = door.upload(np.asarray(given, call.real)) if host else call.view(name, given)
        arrays[name] = call.network_output(name, array)
        if array.ndim:
            raise ValueError(f"{call.name}: {name} must be one number, got shape {array.shape}")
        numbers.append(call.packed(array, call.real.name).reshaped(1))
    weights = call.unit_weights(sample_weight, (count,), "row")
    mass = Mass(float(count))
    if weights is not None:
        mass = Mass(partials=summed(call, weights))
    gradients = Gradients(call, arrays, {name: arrays[name].kind for name in names[2:]})
    bias = numbers[1] if len(numbers) > 1 else None
    pairs = Pairs(call, unit_vectors(call, first), unit_vectors(call, second), numbers[0], bias=bias)
    shown = door.empty((count,), call.storage) if need.values else None
    return Matched(call, pairs, weights, mass, gradients, shown)


def run_match(
    loss: MatchLoss, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need
) -> DeviceOutcome:
    """Each vector has to find its partner among all of the other array; the mean of both directions."""
    found = matched(loss, door, inputs, sample_weight, need)
    call, pairs, turned, weights = found.call, found.pairs, found.pairs.turned, found.weights
    count = pairs.rows.count
    values, totals = call.scratch(count), call.scratch(call.blocks(count))
    stats, others = levels(pairs, weights, 0.5, None), levels(turned, weights, 0.5, None)
    valued(pairs, weights, stats, values, False, None, None)
    valued(turned, weights, others, values, True, found.shown, totals)
    outcome = call.finished(totals, found.mass, count)
    share, mass = factor_of(call, found.mass, count)
    by_scale = found.out(2)
    if found.out(0) is not None or by_scale is not None:
        products = weighed(pairs, stats, others, share, mass, found.out(0), by_scale is not None)
        if products is not None and by_scale is not None:
            copied(call, summed(call, products, share, mass).reshaped(), by_scale)
    if found.out(1) is not None:
        weighed(turned, others, stats, share, mass, found.out(1), False)
    outcome.gradients, outcome.values = found.gradients.finished(), found.shown
    return outcome


def run_single(
    loss: SingleLoss, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need
) -> DeviceOutcome:
    """Every pair of a vector of one array and a vector of the other is judged by itself."""
    found = matched(loss, door, inputs, sample_weight, need)
    call, pairs, count = found.call, found.pairs, found.pairs.rows.count
    share, mass = factor_of(call, found.mass, count)
    totals, sums = judged(found, pairs, share, mass, found.out(0), second=False)
    if found.out(1) is not None:
        judged(found, pairs.turned, share, mass, found.out(1), second=True)
    for index, one in zip((3, 2), sums, strict=False):
        out = found.out(index)
        if out is not None:
            copied(call, summed(call, one, share, mass).reshaped(), out)
    outcome = call.finished(totals, found.mass, count)
    outcome.gradients, outcome.values = found.gradients.finished(), found.shown
    return outcome


def judged(
    found: Matched, pairs: Pairs, share: float, mass: Mass, out: DeviceArray | None, second: bool
) -> tuple[DeviceArray, tuple[DeviceArray, ...]]:
    """Sweep over all tiles: the values of the rows, the gradient by them, and sums for those by numbers.

    Of the `second` direction only the gradient.
    """
    from numbaloss.kernels.cuda.tile_judges import judge, settle_judged

    call, rows, columns = pairs.call, pairs.rows, pairs.columns
    size = pairs.chunk(whole=out is None)
    height = min(size, rows.count)
    number, blocks, parts = max(1, up(rows.count, max(1, size))), grid(height, columns.count), call.blocks(height)
    slopes = None if out is None else call.scratch(height, pairs.pitch)
    numbers = not second and (found.out(2) is not None or found.out(3) is not None)
    sums = tuple(call.scratch(number, blocks) for _ in range(2)) if numbers else ()
    partials = None if second else call.scratch(splits(height, columns.count), height)
    totals = call.scratch(number, parts)
    weights = (None, found.weights) if second else (found.weights, None)
    for chunk, first, end in pairs.chunks(size):
        call.door.launch(
            pairs.kernel(judge, linked=True), blocks, rows.factor.argument, first, end, columns.factor.argument,
            columns.count, rows.width, pairs.scale, pairs.bias, pairs.params, *weights,
            splits(height, columns.count), pairs.pitch, slopes, partials, chunk * blocks, *(sums or (None, None)),
        )
        if partials is not None:
            call.door.launch(
                pairs.kernel(settle_judged), parts, first, end, splits(height, columns.count), partials,
                found.weights, found.shown, chunk * parts, totals,
            )
        if slopes is not None and out is not None:
            pairs.project(slopes, first, end, share, mass, out)
    if not rows.count:
        call.door.launch(pairs.kernel(settle_judged), parts, 0, 0, 1, totals, None, found.shown, 0, totals)
    return totals, sums
