"""Losses of an author's own kernel on a device."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from numbaloss.arrays.device import DeviceArray, DeviceDoor, Table
from numbaloss.compile.cuda import render
from numbaloss.loss import Need
from numbaloss.structures.cuda.call import Call, DeviceOutcome, Mass, copied, described
from numbaloss.structures.cuda.pointwise import Operand, places, repeated, weigh
from numbaloss.structures.hyperparameters import hyperparameters
from numbaloss.structures.units import KernelLoss

Shape = tuple[int, ...]


@dataclass
class Units:
    """The arguments of one call: so many units, and what a unit of each input looks like."""

    call: Call
    count: int
    lead: Shape
    shapes: dict[str, Shape]
    arrays: dict[str, DeviceArray]  # contiguous, in the type of the arithmetic; labels in int64
    classes: dict[str, int]  # of each input of labels that are checked

    def table(self, array: DeviceArray, shape: Shape) -> Table:
        """An array that kernels index by the number of a unit, and slice."""
        return Table(array.reshaped(self.count, *shape))

    def slots(self, outputs: tuple[DeviceArray, ...]) -> tuple[DeviceArray, ...]:
        """Where each gradient is written: its output, or memory of its own where that is of 16 bits, or read as well.

        Other units may read what this one writes, so that such a gradient is copied when all are done.
        """
        read = tuple(self.arrays.values())
        return tuple(
            self.call.scratch(*one.shape)
            if one.kind != self.call.real.name or any(overlap(one, array) for array in read)
            else one
            for one in outputs
        )


def run(loss: KernelLoss, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> DeviceOutcome:
    """Check, launch the kernel of all units, copy what could not be written directly, launch the last sum."""
    call = Call(loss, door, need)
    units = arranged(call, inputs)
    weights: tuple[Operand, ...] = ()
    mass = Mass(float(units.count))
    column = call.row_weights(sample_weight, units.lead, loss.definition.facts["unit"])
    if column is not None:
        weights = (repeated(call, "sample_weight", column, units.lead),)
        mass = weigh(call, weights, units.count, 1.0)
    values = door.empty(units.lead, call.storage) if need.values else None
    outputs = call.buffers({name: (*units.lead, *units.shapes[name]) for name in need.wrt})
    slots, batch = units.slots(outputs), units.lead[0] if units.lead else 1
    partials = sweep(units, slots, weights, mass, batch, values)
    for slot, output in zip(slots, outputs, strict=True):
        if slot is not output:
            copied(call, slot, output)
    outcome = call.finished(partials, mass, batch)
    outcome.gradients, outcome.values = outputs, values
    return outcome


def arranged(call: Call, inputs: tuple[Any, ...]) -> Units:
    """The inputs as kernels read them, or an error that names the wrong one."""
    loss: Any = call.loss
    facts, labels = loss.definition, loss.definition.facts["labels"]
    arrays = {name: call.view(name, array) for name, array in zip(facts.inputs, inputs, strict=True)}
    for name, array in arrays.items():
        if name in labels:
            if array.size and not array.kind.startswith(("int", "uint")):
                raise TypeError(f"{call.name}: {name} must hold integer class labels, got {described(array)}")
        elif name in facts.wrt:
            call.network_output(name, array)
    call.storage = call.network_output(facts.differentiable[0], arrays[facts.differentiable[0]]).kind
    lead, sizes = loss._fitted([array.shape for array in arrays.values()])
    classes = {name: sizes[axis] for name, axis in labels.items() if axis is not None}
    shapes = {name: array.shape[len(lead) :] for name, array in arrays.items()}
    read = {
        name: (
            whole_numbers(call, name, array, classes.get(name))
            if name in labels
            else call.packed(array, call.real.name)
        )
        for name, array in arrays.items()
    }
    return Units(call, prod(lead), lead, shapes, read, classes)


def whole_numbers(call: Call, name: str, labels: DeviceArray, classes: int | None) -> DeviceArray:
    """Labels as contiguous int64; where the user asks for it, those out of range raise."""
    made = call.labels(labels, "int64")
    if classes is not None:
        call.check_labels(made, classes, name)
    return made


def sweep(
    units: Units,
    slots: tuple[DeviceArray, ...],
    weights: tuple[Operand, ...],
    mass: Mass,
    batch: int,
    values: DeviceArray | None,
) -> DeviceArray:
    """Launch the kernel of all units; the sums of its blocks."""
    from numbaloss.kernels.cuda.units import units as template

    call, facts, wrt = units.call, units.call.loss.definition, units.call.need.wrt
    sources, numbers = hyperparameters(call.loss)
    wanted, kinds = tuple(name in wrt for name in facts.differentiable), tuple(one.kind for one in weights)
    maths = facts.facts["cuda"] or facts.maths
    form = (maths, len(facts.inputs), wanted, len(units.classes), sources)
    holes = {"unit": render.unit(*form), **({"product": render.product(kinds)} if weights else {})}
    kernel = call.kernel(template, (form, kinds), **holes)
    inputs = [
        units.table(array, units.shapes[name]) if units.shapes[name] else array for name, array in units.arrays.items()
    ]
    tables = [units.table(slot, units.shapes[name] or (1,)) for name, slot in zip(wrt, slots, strict=True)]
    limits = [number for name, count in units.classes.items() for number in (prod(units.shapes[name]), count)]
    partials = call.scratch(call.blocks(units.count))
    scale, masses = call.scale(mass, batch)
    call.door.launch(
        kernel, partials.size, units.count, tuple(inputs), tuple(units.arrays[name] for name in units.classes),
        tuple(limits), tuple(tables), slots, tuple(prod(units.shapes[name]) for name in wrt),
        tuple(value if isinstance(value, int) else float(value) for value in numbers),
        tuple(one.array for one in weights) or None, places(weights), float(scale), masses, mass.parts, call.empty,
        values, partials,
    )  # fmt: skip
    return partials


def overlap(one: DeviceArray, other: DeviceArray) -> bool:
    """Whether two contiguous arrays have memory in common."""
    ends = [array.pointer + array.size * array.item_size for array in (one, other)]
    return one.pointer < ends[1] and other.pointer < ends[0]
