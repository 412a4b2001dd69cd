"""Losses of how far a pair's rivals are above it, on a device: sums over rivals, values of pairs, gradients."""

from __future__ import annotations

from typing import Any

from numbaloss.arrays.device import DeviceArray, DeviceDoor
from numbaloss.loss import Need
from numbaloss.structures.cuda.call import Call, DeviceOutcome, Mass
from numbaloss.structures.cuda.product import grid, splits, up
from numbaloss.structures.cuda.tile_pairs import Pairs, factor_of
from numbaloss.structures.cuda.vectors import Gradients, labels_of, matrix, unit_vectors
from numbaloss.structures.tile_rivals import GroupLoss


def levels(pairs: Pairs, weights: DeviceArray | None, part: float, masses: DeviceArray | None) -> DeviceArray:
    """Sweep over the rivals, and settle what is known of each row then."""
    from numbaloss.kernels.cuda.tiles import gather, settle_rivals

    call, count = pairs.call, pairs.rows.count
    partials, stats = call.scratch(5, pairs.splits, count), call.scratch(6, count)
    if count:
        blocks = grid(count, pairs.columns.count)
        call.door.launch(pairs.kernel(gather), blocks, *pairs.sides, pairs.labels, pairs.splits, partials)
    call.door.launch(
        pairs.kernel(settle_rivals), call.blocks(count), count, pairs.splits, partials, weights, part, stats, masses
    )
    return stats


def valued(
    pairs: Pairs, weights: DeviceArray | None, stats: DeviceArray, values: DeviceArray, begun: bool,
    shown: DeviceArray | None, totals: DeviceArray | None,
) -> None:  # fmt: skip
    """Sweep over the partners, and settle the values of the rows."""
    from numbaloss.kernels.cuda.tiles import settle_values, value_pairs

    call, count = pairs.call, pairs.rows.count
    partials = call.scratch(2, pairs.splits, count)
    if count:
        call.door.launch(
            pairs.kernel(value_pairs, linked=True), grid(count, pairs.columns.count), *pairs.sides, pairs.labels,
            stats, pairs.params, pairs.splits, partials,
        )
    call.door.launch(
        pairs.kernel(settle_values), call.blocks(count), count, pairs.splits, partials, weights, int(begun), stats,
        values, shown, totals,
    )


def weighed(
    pairs: Pairs, stats: DeviceArray, others: DeviceArray, share: float, mass: Mass, out: DeviceArray | None,
    by_scale: bool,
) -> DeviceArray | None:  # fmt: skip
    """Sweep over all tiles: the gradient by the rows; returns sums for that by the scale, if asked for."""
    from numbaloss.kernels.cuda.tiles import weigh

    call, rows, columns = pairs.call, pairs.rows, pairs.columns
    size = pairs.chunk(whole=False)
    number, blocks = up(rows.count, size), grid(min(size, rows.count), columns.count)
    slopes = call.scratch(min(size, rows.count), pairs.pitch)
    products = call.scratch(number, blocks) if by_scale else None
    for chunk, first, end in pairs.chunks(size):
        call.door.launch(
            pairs.kernel(weigh, linked=True), blocks, rows.factor.argument, first, end, columns.factor.argument,
            columns.count, rows.width, pairs.scale, pairs.labels, rows.count, stats, others, pairs.params,
            splits(min(size, rows.count), columns.count), pairs.pitch, slopes, chunk * blocks, products,
        )
        if out is not None:
            pairs.project(slopes, first, end, share, mass, out)
    return products


def run(loss: GroupLoss, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> DeviceOutcome:
    """Vectors among themselves; those of one label belong together."""
    call = Call(loss, door, need)
    embeddings = matrix(call, "embeddings", inputs[0])
    call.storage, count = embeddings.kind, embeddings.shape[0]
    labels = labels_of(call, inputs[1], count)
    weights = call.unit_weights(sample_weight, (count,), "row")
    gradients = Gradients(call, {"embeddings": embeddings})
    vectors = unit_vectors(call, embeddings)
    scale = call.constant("scale", [1.0 / loss.parameters["temperature"]])
    pairs = Pairs(call, vectors, vectors, scale, labels)
    mass, totals = Mass(partials=call.scratch(call.blocks(count))), call.scratch(call.blocks(count))
    values, shown = call.scratch(count), door.empty((count,), call.storage) if need.values else None
    stats = levels(pairs, weights, 1.0, mass.partials)
    valued(pairs, weights, stats, values, False, shown, totals)
    outcome = call.finished(totals, mass, count)
    if need.wrt:
        weighed(pairs, stats, stats, *factor_of(call, mass, count), gradients.made["embeddings"], False)
    outcome.gradients, outcome.values = gradients.finished(), shown
    return outcome
