"""Losses of the triplets of a batch on a device: a sweep over tiles of distances, or strips of them.

The hardest triplets take besides the gradient at most 1 MiB of what blocks found, and eight numbers an anchor. For all
triplets there are up to 48 MiB of distances, partners and factors (at least 64 rows of N), 8 of parts of products, and
for 16-bit embeddings a gradient in float32.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from numbaloss.arrays.device import DeviceArray, DeviceDoor
from numbaloss.compile import render
from numbaloss.compile.cuda.kernel import WARP, Kernel, common
from numbaloss.kernels.cuda import product
from numbaloss.kernels.cuda import tile_triplets as kernels
from numbaloss.kernels.cuda import vectors as loops
from numbaloss.kernels.cuda.fold import fold
from numbaloss.loss import Need
from numbaloss.structures.cuda.call import Call, DeviceOutcome, Mass
from numbaloss.structures.cuda.product import SCRATCH, Factor, added, filled, grid, part, splits, up
from numbaloss.structures.cuda.tile_pairs import factor_of
from numbaloss.structures.cuda.vectors import Gradients, labels_of, matrix
from numbaloss.structures.tile_triplets import TripletLoss

TILE = product.TILE
STRIPS = 64  # blocks that add up the mean of all vectors


class Triplets:
    """The checked arguments of one call."""

    def __init__(self, call: Call, inputs: tuple[Any, ...], sample_weight: Any) -> None:
        self.call = call
        embeddings = matrix(call, "embeddings", inputs[0])
        call.storage, (self.count, self.width) = embeddings.kind, embeddings.shape
        self.labels = labels_of(call, inputs[1], self.count)
        self.weights = call.unit_weights(sample_weight, (self.count,), "row")
        self.gradients = Gradients(call, {"embeddings": embeddings})
        self.array = call.packed(embeddings)
        self.mass, self.totals = Mass(partials=call.scratch(self.blocks)), call.scratch(self.blocks)
        self.shown = call.door.empty((self.count,), call.storage) if call.need.values else None

    @property
    def blocks(self) -> int:
        return self.call.blocks(self.count)

    @property
    def out(self) -> DeviceArray | None:
        return self.gradients.made.get("embeddings")

    @property
    def factor(self) -> Factor:
        return Factor(self.array, self.count, self.width)

    @property
    def params(self) -> tuple[float, ...]:
        loss: Any = self.call.loss
        return tuple(float(number) for number in loss._hyper[1])

    @cached_property
    def least(self) -> float:
        return float(np.finfo(self.call.real).tiny)

    @cached_property
    def fills(self) -> dict[str, Any]:
        return filled(self.factor, self.factor, product.square_gap)

    def kernel(self, template: Any) -> Kernel:
        """A kernel that calls the mathematics."""
        loss: Any = self.call.loss
        return self.call.kernel(template, link=render.link(loss.definition.maths, ("gap",), loss._hyper[0]))

    def finished(self) -> DeviceOutcome:
        outcome = self.call.finished(self.totals, self.mass, self.count)
        outcome.gradients, outcome.values = self.gradients.finished(), self.shown
        return outcome


def run(loss: TripletLoss, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> DeviceOutcome:
    """Check, launch the sweeps, and launch their last sums."""
    found = Triplets(Call(loss, door, need), inputs, sample_weight)
    (hardest if loss.definition.facts["mining"] == "hardest" else everyone)(found)
    return found.finished()


def hardest(found: Triplets) -> None:
    """For each anchor one triplet; each vector then gathers the gradient from those it is in."""
    call, count, launch = found.call, found.count, found.call.door.launch
    parts = splits(count, count)
    partials, places = call.scratch(3, parts, count), call.door.empty((2, parts, count), "int64")
    chosen, pulls = call.door.empty((2, count), "int64"), call.scratch(2, count)
    argument = found.factor.argument
    if count:
        launch(
            common(kernels.seek, call.storage, **found.fills), grid(count, count), argument, count, argument, count,
            found.width, found.labels, parts, partials, places,
        )
    launch(
        found.kernel(kernels.settle_hardest), found.blocks, count, parts, partials, places, found.weights,
        found.params, chosen, pulls, found.shown, found.totals, found.mass.partials,
    )
    if found.out is not None:
        share, mass = factor_of(call, found.mass, count)
        launch(
            common(kernels.draw, call.storage), call.blocks(count, 1), count, found.width, found.array, chosen, pulls,
            share, mass.partials, mass.parts, 0.0, found.out,
        )


def everyone(found: Triplets) -> None:
    """A strip of anchors at a time; what the factors of the differences make of the gradient is by products."""
    call, count, width, launch = found.call, found.count, found.width, found.call.door.launch
    pitch, real = up(count, 4) * 4, call.real.name
    size = min(count, max(TILE, SCRATCH // max(1, pitch) // TILE * TILE))
    strip, members = call.scratch(size, pitch), call.door.empty((size, pitch), "int32")
    values, out = call.scratch(3, count), found.out
    factors = None if out is None else call.scratch(size, pitch)
    lines, columns = call.scratch(count), call.scratch(count)
    sums = out if out is not None and out.kind == real else call.scratch(*((count, width) if out else (0, 0)))
    centre = middle(found) if out is not None else None
    argument = found.factor.argument
    for first in range(0, count, max(1, size)):
        end = min(first + size, count)
        parts = splits(end - first, count)
        launch(
            common(kernels.stretch, call.storage, **found.fills), grid(end - first, count), argument, first, end,
            argument, count, width, parts, pitch, strip,
        )
        launch(
            found.kernel(kernels.everyone), call.blocks(end - first, 1), first, end, count, found.labels, strip, pitch,
            found.weights, found.params, members, values, factors,
        )
        if factors is None:
            continue
        launch(
            common(loops.sum_lines, call.storage, LANES=WARP), call.blocks((end - first) * WARP), end - first, count,
            pitch, factors, part(lines, first, end),
        )
        launch(
            common(loops.sum_columns, call.storage), call.blocks(count), end - first, count, pitch, factors,
            int(first > 0), columns,
        )
        drawn = Factor(factors, end - first, count, pitch)
        vectors, own = Factor(found.array, count, width, centre=centre), part(found.array, first, end)
        others = Factor(own, end - first, width, centre=centre, across=True)
        added(call, sums, drawn.transposed(), count, others, width, end - first, begun=first > 0)
        added(call, part(sums, first, end), drawn, end - first, vectors.transposed(), width, count, begun=True)
    launch(
        common(kernels.settle_everyone, call.storage, LEAST=found.least), found.blocks, count, values, found.weights,
        found.shown, found.totals, found.mass.partials,
    )
    if out is not None:
        share, mass = factor_of(call, found.mass, count)
        launch(
            common(loops.settle_pulls, call.storage), call.blocks(out.size), out.size, width, found.array, centre,
            lines, columns, sums, share, mass.partials, mass.parts, 4096 * found.least, out,
        )


def middle(found: Triplets) -> DeviceArray:
    """The mean of all vectors, nearly."""
    call, (count, width) = found.call, (found.count, found.width)
    partials, centre = call.scratch(STRIPS, width), call.scratch(width)
    share = 1.0 / max(1, count)
    kernel = common(loops.gather_middle, call.storage)
    call.door.launch(kernel, STRIPS, count, width, share, found.array, partials)
    call.door.launch(common(fold, call.real.name), call.blocks(width), width, partials, STRIPS, width, 1.0, centre)
    return centre
