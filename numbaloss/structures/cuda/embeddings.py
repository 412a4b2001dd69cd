"""Losses of pairs and of triplets of embeddings on a device."""

from __future__ import annotations

import math
from typing import Any

from numbaloss.arrays.device import DeviceArray, DeviceDoor
from numbaloss.compile.cuda.kernel import THREADS
from numbaloss.loss import Need
from numbaloss.structures.cuda.call import Call, DeviceOutcome, Mass, copied, described
from numbaloss.structures.cuda.hold import Hold
from numbaloss.structures.cuda.pointwise import repeated, weigh
from numbaloss.structures.embeddings import EmbeddingLoss
from numbaloss.structures.measures import holes

Shape = tuple[int, ...]

ROOM = 1 << 22  # numbers that the gradients of users' distances take, if one block of threads needs no more
LABELS = ("int32", "int64")  # read as they are; others are numbers


def run(
    loss: EmbeddingLoss, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need
) -> DeviceOutcome:
    """Check, launch the kernel over all rows, and launch its last sum."""
    facts, call = loss.definition, Call(loss, door, need)
    names: tuple[str, ...] = facts.facts["rows"]
    views = {name: call.view(name, array) for name, array in zip(facts.inputs, inputs, strict=True)}
    shape = checked(call, names, views)
    lead = shape[:-1]
    kind = call.storage
    call.storage = call.real.name if callable(loss._distance) else kind  # a user's function reads memory itself
    rows = [call.packed(views[name]) for name in names]
    per_row = [label(call, name, views[name], lead) for name in facts.facts["per_row"]]
    weights, mass = weighing(call, sample_weight, lead)
    computed, call.storage = call.storage, kind
    direct = call.buffers(dict.fromkeys(need.wrt, shape))
    call.storage = computed
    written = [one if kind == computed else door.empty(shape, computed) for one in direct]
    gradients = dict(zip(need.wrt, written, strict=True))
    values = door.empty(lead, computed) if need.values else None
    batch = lead[0] if lead else 1
    partials = launch(call, rows, per_row, weights, mass, batch, values, [gradients.get(name) for name in names])
    call.storage = kind
    outcome = call.finished(partials, mass, batch)
    outcome.gradients = direct
    for one, two in zip(written, direct, strict=True):
        if one is not two:
            copied(call, one, two)
    outcome.values = None if values is None else call.packed(values)
    return outcome


# ---- arguments


def checked(call: Call, names: tuple[str, ...], views: dict[str, DeviceArray]) -> Shape:
    """The shape of all rows."""
    first = call.network_output(names[0], views[names[0]])
    call.storage, shape = first.kind, first.shape
    if not shape or shape[-1] == 0:
        raise ValueError(f"{call.name}: {names[0]} needs a last axis that holds an embedding, got shape {shape}")
    for name in names[1:]:
        if name in call.loss.definition.wrt:
            call.network_output(name, views[name])
        if views[name].shape != shape:
            raise ValueError(
                f"{call.name}: {name} has shape {views[name].shape} but {names[0]} has shape {shape}; they must be the "
                "same (nothing is broadcast)"
            )
    return shape


def label(call: Call, name: str, array: DeviceArray, lead: Shape) -> DeviceArray:
    """One number for each row."""
    if array.shape != lead:
        raise ValueError(
            f"{call.name}: {name} has {described(array)}; wanted one number for each row, {lead}, the shape of "
            f"{call.loss.definition.inputs[0]} without its last axis"
        )
    return array if array.kind in LABELS and array.contiguous else call.packed(array, call.real.name)


def weighing(call: Call, sample_weight: Any, lead: Shape) -> tuple[DeviceArray | None, Mass]:
    """A weight for each row, given for each or for the samples of the first axes; the denominator of the mean."""
    column = call.row_weights(sample_weight, lead)
    if column is None:
        return None, Mass(float(math.prod(lead)))
    weights = call.packed(column.spread(lead), call.real.name)
    return weights, weigh(call, (repeated(call, "sample_weight", weights, lead),), weights.size, 1.0)


# ---- the kernel


def launch(
    call: Call,
    rows: list[DeviceArray],
    labels: list[DeviceArray],
    weights: DeviceArray | None,
    mass: Mass,
    batch: int,
    values: DeviceArray | None,
    gradients: list[DeviceArray | None],
) -> DeviceArray:
    """Launch the kernel over all rows; the sums of its blocks."""
    loss: Any = call.loss
    width = rows[0].shape[-1]
    template, link, scalars = loss._template_on_device()
    count, given = rows[0].size // width, callable(loss._distance)
    hold = Hold.chosen(call.storage, width, [one for one in (*rows, *gradients) if one is not None])
    blocks, room, slots = call.blocks(count * hold.lanes), None, 1 if len(rows) == 2 else 3
    if given:
        hold = Hold(1, 1, 1, whole=False)
        blocks = max(1, min(call.blocks(count), ROOM // (THREADS * 2 * slots * width)))
        room = call.scratch(blocks * THREADS * 2 * slots * width)
    kernel = call.kernel(
        template, hold, GIVEN=given, SLOTS=slots, **holes(loss._distance, loss._exponent, call.real, True),
        **hold.holes, **link,
    )  # fmt: skip
    partials = call.scratch(blocks)
    scale, masses = call.scale(mass, batch)
    call.door.launch(
        kernel, partials.size, count, width, *rows, *(labels or (None,))[: len(rows) == 2], weights, loss._eps, room,
        tuple(float(number) for number in scalars), scale, masses, mass.parts, call.empty, values, *gradients, partials,
    )
    return partials
