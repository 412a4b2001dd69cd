"""Elementwise losses on a device."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from numbaloss.arrays.device import DeviceArray, DeviceDoor
from numbaloss.compile.cuda import render
from numbaloss.compile.cuda.kernel import common
from numbaloss.compile.cuda.memory import STORAGES, accessors
from numbaloss.loss import Need
from numbaloss.structures.broadcast import spread_sum
from numbaloss.structures.cuda.call import Call, DeviceOutcome, Mass
from numbaloss.structures.hyperparameters import hyperparameters
from numbaloss.structures.pointwise import PointwiseLoss

Shape = tuple[int, ...]


@dataclass
class Operand:
    """An array a kernel reads: each element serves `inner` neighbours, and all of them recur after `outer`."""

    array: DeviceArray
    inner: int = 1
    outer: int = 0  # 0: one element for each of the first input's

    real: bool = False  # in the type of the arithmetic, as whatever is repeated

    @property
    def kind(self) -> str:
        return "spread" if self.outer else "real" if self.real else "input"


def run(
    loss: PointwiseLoss, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need
) -> DeviceOutcome:
    """Check, launch the sweep, and launch its last sum."""
    facts, call = loss.definition, Call(loss, door, need)
    arrays = {name: call.view(name, array) for name, array in zip(facts.inputs, inputs, strict=True)}
    first = call.network_output(facts.inputs[0], arrays[facts.inputs[0]])
    call.storage, shape = first.kind, first.shape
    if loss._class_mean and not shape:
        raise ValueError(f"{call.name}: {facts.inputs[0]} needs a class axis, got shape ()")
    operands = [Operand(call.packed(first))]
    operands += [operand(call, name, arrays[name], shape) for name in facts.inputs[1:]]
    operands += [repeated(call, name, call.constant(name, loss.parameters[name]), shape) for name in loss._vectors]
    classes = (shape[-1] if loss._class_mean else 1) or 1
    weights, mass = weighing(call, sample_weight, shape, classes)

    own = {name: arrays[name].shape for name in need.wrt}
    direct = call.buffers({name: own[name] for name in need.wrt})
    gradients = [one if one.shape == shape else door.empty(shape, call.storage) for one in direct]
    values = door.empty(shape, call.real.name if loss._class_mean else call.storage) if need.values else None
    curvature = door.empty(shape, call.storage) if need.hessian else None
    batch = shape[0] if shape else 1
    partials = sweep(call, operands, weights, mass, batch, 1.0 / classes, values, curvature, gradients)
    outcome = call.finished(partials, mass, batch, 1.0 / classes)
    outcome.gradients = tuple(folded(call, one, full) for one, full in zip(direct, gradients, strict=True))
    outcome.curvature = curvature
    outcome.values = row_means(call, values) if loss._class_mean and values is not None else values
    return outcome


# ---- arguments


def operand(call: Call, name: str, array: DeviceArray, shape: Shape) -> Operand:
    """An input of the first one's shape, or one that is broadcast to it where that is documented."""
    facts = call.loss.definition
    spreads = name in facts.facts.get("broadcast", ())
    vector = facts.facts.get("vector")
    several = vector is not None and np.ndim(call.loss.parameters[vector]) > 0
    if shape and array.shape == shape[:-1] and (several or spreads):
        array, spreads = call.packed(array, call.real.name).reshaped(*array.shape, 1), True
    if array.shape == shape:
        return Operand(call.packed(array))
    if not spreads:
        raise ValueError(
            f"{call.name}: {name} has shape {array.shape} but {facts.inputs[0]} has shape {shape}; they must be the "
            "same (nothing is broadcast)"
        )
    return repeated(call, name, array, shape)


def repeated(call: Call, name: str, array: DeviceArray, shape: Shape) -> Operand:
    """An array broadcast to `shape`: read where it lies if it is repeated along its first and last axes alone."""
    try:
        spread = array.spread(shape)
    except ValueError:
        raise ValueError(
            f"{call.name}: {name} of shape {array.shape} does not broadcast to the "
            f"{call.loss.definition.inputs[0]}'s shape {shape}"
        ) from None
    own = (1,) * (len(shape) - array.ndim) + array.shape
    kept = [axis for axis, n in enumerate(own) if n != 1]
    low, high = (kept[0], kept[-1] + 1) if kept else (0, 0)
    real = call.real.name
    if array.shape == shape or own[low:high] != shape[low:high]:
        return Operand(call.packed(spread, real), real=True)
    return Operand(call.packed(array, real), max(1, math.prod(shape[high:])) if kept else 1, max(1, array.size))


def weighing(call: Call, sample_weight: Any, shape: Shape, classes: int) -> tuple[tuple[Operand, ...], Mass]:
    """What each element is weighed by (class and sample weights), and the denominator of the mean."""
    loss: Any = call.loss
    size, summed = math.prod(shape), loss.definition.weight == "sum"
    weights: tuple[Operand, ...] = ()
    mass = Mass(size / classes)
    if loss.weight is not None:
        weights = (repeated(call, "weight", call.constant("weight", loss.weight), shape),)
        if summed:
            mass = Mass(spread_sum(loss.weight, shape) / classes)
    if sample_weight is None:
        return weights, mass
    given = call.view("sample_weight", sample_weight)
    most = len(shape) - loss._class_mean
    if given.shape != shape[:most][: given.ndim]:
        raise ValueError(
            f"{call.name}: sample_weight has shape {given.shape}; wanted the shape {shape[:most]}, "
            f"or one weight for each row {shape[:1]}"
        )
    own = repeated(call, "sample_weight", call.packed(given, call.real.name).lengthened(len(shape)), shape)
    counted = (*weights, own) if summed else (own,)
    return (*weights, own), weigh(call, counted, size, 1.0 / classes)


def weigh(call: Call, weights: tuple[Operand, ...], size: int, share: float) -> Mass:
    """The sum over all elements of the product of their weights."""
    from numbaloss.kernels.cuda.pointwise import weigh as template

    partials = call.scratch(call.blocks(size))
    kinds = tuple(one.kind for one in weights)
    kernel = call.kernel(template, kinds, product=render.product(kinds))
    arrays, spreads = tuple(one.array for one in weights), places(weights)
    call.door.launch(kernel, partials.size, size, arrays, spreads, float(share), partials)
    return Mass(partials=partials)


def places(operands: tuple[Operand, ...]) -> tuple[int, ...]:
    """`inner` and `outer` of each array that is repeated."""
    return tuple(number for one in operands if one.outer for number in (one.inner, one.outer))


# ---- kernels


def sweep(
    call: Call,
    operands: list[Operand],
    weights: tuple[Operand, ...],
    mass: Mass,
    batch: int,
    share: float,
    values: DeviceArray | None,
    curvature: DeviceArray | None,
    gradients: list[DeviceArray],
) -> DeviceArray:
    """Launch the sweep over all elements; the sums of its blocks."""
    from numbaloss.kernels.cuda.pointwise import sweep as template

    facts, size = call.loss.definition, operands[0].array.size
    named = {"values": values, "curvature": curvature, **dict(zip(call.need.wrt, gradients, strict=True))}
    outputs = {name: array for name, array in named.items() if array is not None}
    whole = [one.array for one in operands if one.kind == "input"]
    width = STORAGES[call.storage].width if all(one.aligned for one in (*whole, *outputs.values())) else 1
    if values is not None and values.kind != call.storage:
        width = 1
    hyper, numbers = hyperparameters(call.loss)
    kinds = iter(one.kind for one in operands)
    sources = tuple(
        (next(kinds), None) if kind == "input" else (kind, constant)
        for kind, constant in ((("input", None),) * len(facts.inputs) + hyper)
    )
    wanted = tuple(facts.differentiable.index(name) for name in call.need.wrt)
    weight_kinds = tuple(one.kind for one in weights)
    form = (facts.maths, sources, weight_kinds, tuple(outputs), wanted, len(facts.differentiable) > 1)
    kernel = call.kernel(
        template, (form, width), chunk=render.chunk(*form, width), single=render.chunk(*form, 1), WIDTH=width
    )
    partials = call.scratch(call.blocks(-(-size // width)))
    scale, masses = call.scale(mass, batch)
    call.door.launch(
        kernel, partials.size, size, tuple(one.array for one in operands), places((*operands, *weights)),
        tuple(float(number) for number in numbers), tuple(one.array for one in weights), scale * share, masses,
        mass.parts, call.empty, tuple(outputs.values()), partials,
    )
    return partials


def folded(call: Call, one: DeviceArray, full: DeviceArray) -> DeviceArray:
    """A gradient summed over the axes along which its input was repeated."""
    if one is full:
        return one
    from numbaloss.kernels.cuda.fold import fold

    own = (1,) * (full.ndim - one.ndim) + one.shape
    shape = list(full.shape)
    axis = full.ndim
    while axis:
        axis -= 1
        if own[axis] == shape[axis]:
            continue
        last = axis
        while axis and own[axis - 1] != shape[axis - 1]:
            axis -= 1
        repeats, inner = math.prod(shape[axis : last + 1]), math.prod(shape[last + 1 :])
        shape[axis : last + 1] = own[axis : last + 1]
        target = one if tuple(shape) == own else call.door.empty(tuple(shape), call.storage)
        blocks = call.blocks(target.size)
        call.door.launch(common(fold, call.storage), blocks, target.size, full, repeats, inner, 1.0, target)
        full = target
    return one


def row_means(call: Call, values: DeviceArray) -> DeviceArray:
    """The mean over the last axis."""
    from numbaloss.kernels.cuda.fold import fold

    classes = values.shape[-1]
    means = call.door.empty(values.shape[:-1], call.storage)
    kernel = common(fold, call.storage, load=accessors(values.kind)["load"])
    share = 1.0 / classes if classes else math.nan  # no classes: the mean of nothing
    call.door.launch(kernel, call.blocks(means.size), means.size, values, classes, 1, share, means)
    return means


