"""Losses of a labelling that is shorter than its sequence, on a device.

Labels and lengths that lie on the device are not read back: a sequence whose labels or lengths are out of range has the
value nan, and its gradient is nan. Lengths given on the host are checked there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.arrays.device import DeviceArray, DeviceDoor
from numbaloss.arrays.labels import checking_labels
from numbaloss.compile import render
from numbaloss.compile.cuda.kernel import WARP
from numbaloss.loss import Need
from numbaloss.structures.alignment import checked_lengths
from numbaloss.structures.cuda.call import Call, DeviceOutcome, Mass, described
from numbaloss.structures.cuda.hold import Hold
from numbaloss.structures.cuda.pointwise import repeated, weigh
from numbaloss.structures.hyperparameters import hyperparameters
from numbaloss.structures.sequence import SequenceLoss

STATES = (64, 128, 256, 512, 960)  # that shared memory has room for, in float64 too
MOST_THREADS = 512  # of a block; one for each state where there are no more
# By type: what `kernels.cuda.lattice` says of these names.
PARTS = {
    "float32": {"NEAR": 1e7, "LN2_HIGH": 0.693359375, "LN2_LOW": -2.12194440054690583e-4},
    "float64": {"NEAR": 1e12, "LN2_HIGH": 0.693147180369123816490, "LN2_LOW": 1.90821492927058770002e-10},
}


@dataclass
class Labels:
    """Labels and lengths of all sequences, as they lie."""

    targets: DeviceArray
    lengths: DeviceArray
    counts: DeviceArray
    joined: bool  # whether the labels of all sequences lie one after another
    room: int  # labels there is room for, of each sequence, or of all

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The vector of labels, how far apart sequences are in it, and the room."""
        upright, origin = self.targets.upright()
        apart = 0 if self.joined else self.targets.strides[0]
        return (upright, origin, self.targets.strides[-1]), apart, self.room


def vector(array: DeviceArray) -> tuple[Any, ...]:
    """A vector of whole numbers as kernels take it."""
    upright, origin = array.upright()
    return upright, origin, array.strides[0]


def run(
    loss: SequenceLoss, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need
) -> DeviceOutcome:
    """Check, and launch what comes before, the alignments, the gradient, and the last sum."""
    facts, call = loss.definition, Call(loss, door, need)
    first = facts.inputs[0]
    given = call.network_output(first, call.view(first, inputs[0]))
    if given.ndim not in (2, 3) or given.shape[-1] == 0:
        raise ValueError(f"{call.name}: {first} must have shape (T, N, C) or (T, C), got shape {given.shape}")
    call.storage, batched = given.kind, given.ndim == 3
    readable = given.strides[-1] == 1 and min(given.strides) >= 0
    scores = given if readable else call.packed(given)
    steps, count, classes = given.shape if batched else (given.shape[0], 1, given.shape[1])
    time_step, batch_step = scores.strides[0], scores.strides[1] if batched else 0
    labels = labelled(call, (steps, count, classes), batched, inputs[1:])
    weights, mass = weighing(call, sample_weight, (count,) if batched else ())
    gradients = call.buffers(dict.fromkeys(need.wrt, given.shape))
    values = door.empty(given.shape[1:-1], call.storage) if need.values else None
    work = Work(call, scores, (steps, count, classes), (time_step, batch_step), labels)
    partials = work.launch(weights, mass, values, gradients[0] if gradients else None)
    outcome = call.finished(partials, mass, count)
    outcome.gradients, outcome.values = gradients, values
    return outcome


# ---- arguments


def labelled(call: Call, shape: tuple[int, int, int], batched: bool, given: tuple[Any, ...]) -> Labels:
    """Labels and their lengths; raises TypeError or ValueError for what can be told without reading the device."""
    steps, count, classes = shape
    (_, first, second, third), blank = call.loss.definition.inputs, call.loss.parameters["blank"]
    if not 0 <= blank < classes:
        raise ValueError(f"{call.name}: blank is {blank}, but classes are in 0 ... {classes - 1}")
    targets = on_device(call, first, given[0])
    if not batched and targets.ndim != 1:
        raise ValueError(f"{call.name}: {first} must have shape (S) for an input of shape (T, C), got {targets.shape}")
    if batched and targets.ndim not in (1, 2):
        raise ValueError(f"{call.name}: {first} must have shape (N, S), or one axis, got shape {targets.shape}")
    if targets.ndim == 2 and targets.shape[0] != count:
        raise ValueError(f"{call.name}: {first} has shape {targets.shape}; the input has {count} sequences")
    lengths = lengths_of(call, second, given[1], count, batched, steps, "the input has {} time steps")
    room = targets.shape[-1]
    counts = lengths_of(call, third, given[2], count, batched, room, f"{first} has room for {{}} labels")
    return Labels(targets, lengths, counts, targets.ndim == 1 and batched, room)


def lengths_of(
    call: Call, name: str, given: Any, count: int, batched: bool, most: int, holds: str
) -> DeviceArray:
    """One length for each sequence."""
    try:
        lengths = call.door.view(given)
    except TypeError:
        checked = checked_lengths(call.name, name, np.asarray(given), count, batched, most, holds)
        return call.door.upload(checked)
    found = whole_numbers(call, name, lengths)
    if found.shape != (count,) and (batched or found.shape != ()):
        wanted = f"({count},)" if batched else "() or (1,)"
        raise ValueError(
            f"{call.name}: {name} has shape {found.shape}; wanted one length for each sequence, {wanted}"
        )
    return found if found.ndim else found.reshaped(1)


def on_device(call: Call, name: str, given: Any) -> DeviceArray:
    """An array of whole numbers, brought to the device where it is not there."""
    try:
        found = call.door.view(given)
    except TypeError:
        array = np.asarray(given)
        checks.integers(call.name, name, array)
        return call.door.upload(np.ascontiguousarray(array, np.int64))
    return whole_numbers(call, name, found)


def whole_numbers(call: Call, name: str, array: DeviceArray) -> DeviceArray:
    if not array.kind.startswith(("int", "uint")):
        raise TypeError(f"{call.name}: {name} must hold integers, got {described(array)}")
    return array


def weighing(call: Call, sample_weight: Any, shape: tuple[int, ...]) -> tuple[DeviceArray | None, Mass]:
    """A weight for each sequence, and the denominator of the mean."""
    count = shape[0] if shape else 1
    given = call.unit_weights(sample_weight, shape, "sequence")
    if given is None:
        return None, Mass(float(count))
    weights = given.reshaped(count)
    return weights, weigh(call, (repeated(call, "sample_weight", weights, (count,)),), count, 1.0)


# ---- kernels


@dataclass
class Work:
    """The scores of all sequences, their labels, and the launches over them."""

    call: Call
    scores: DeviceArray
    shape: tuple[int, int, int]
    apart: tuple[int, int]  # elements between time steps, and between sequences
    labels: Labels

    def launch(
        self, weights: DeviceArray | None, mass: Mass, values: DeviceArray | None, gradient: DeviceArray | None
    ) -> DeviceArray:
        """The weighted value of each sequence."""
        call, loss, labels = self.call, self.call.loss, self.labels
        steps, count, classes = self.shape
        partials = call.scratch(count)
        if count == 0:
            return partials
        norms = self.normalised() if loss.definition.inputs[0] == "logits" else None
        total = labels.room * (1 if labels.joined else count)
        states = 2 * min(labels.room, steps) + 1
        enough = next((size for size in STATES if size >= states), 0)
        ahead = ahead_e = near = near_e = near_rest = None
        if gradient is not None:
            ahead, ahead_e = self.pair(steps * (2 * total + count))
        if not enough:
            near, near_e = self.pair(count * 2 * (states + 4))
            near_rest = call.scratch(count * 2 * (states + 4))
        links, starts, fates = (call.door.empty((size,), "int64") for size in (2 * total, count, count))
        factors = call.scratch(count)
        kernel, params = self.alignments(enough)
        scale, masses = call.scale(mass, count)
        call.door.launch(
            kernel, count, count, steps, classes, self.scores, *self.apart, norms, *labels.arguments,
            vector(labels.lengths), vector(labels.counts), loss.parameters["blank"], weights, params, scale, masses,
            mass.parts, call.empty, ahead, ahead_e, near, near_e, near_rest, states + 4, links, starts, fates,
            factors, values, partials,
        )
        from numbaloss.kernels.cuda.sequence import WRONG

        if checking_labels() and (wrong := int((call.door.download(fates) == WRONG).sum())):
            raise ValueError(f"{call.name}: {wrong} of {count} sequences have labels or lengths out of range")
        if gradient is not None:
            self.slopes(norms, (ahead, links, starts, fates, factors), gradient)
        return partials

    def pair(self, size: int) -> tuple[DeviceArray, DeviceArray]:
        """Memory for mantissas and exponents."""
        return self.call.scratch(size), self.call.door.empty((size,), "int64")

    def hold(self, *arrays: DeviceArray) -> Hold:
        return Hold.chosen(self.call.storage, self.shape[2], (self.scores, *arrays), WARP, self.apart)

    def normalised(self) -> tuple[DeviceArray, DeviceArray]:
        """What to take off the logits of each time step."""
        from numbaloss.kernels.cuda.sequence import normalise

        call, (steps, count, classes) = self.call, self.shape
        norms, hold = (call.scratch(steps * count), call.scratch(steps * count)), self.hold()
        if steps:
            blocks = call.blocks(steps * count * hold.lanes)
            call.door.launch(
                call.kernel(normalise, hold, **hold.holes), blocks, steps * count, count, classes, self.scores,
                *self.apart, vector(self.labels.lengths), *norms,
            )
        return norms

    def alignments(self, enough: int) -> tuple[Any, tuple[float, ...]]:
        """The kernel for targets with so many states at most (0: more than shared memory holds), and its parameters."""
        from numbaloss.kernels.cuda.sequence import alignments

        loss = self.call.loss
        sources, numbers = hyperparameters(loss)
        kernel = self.call.kernel(
            alignments, (enough, self.labels.joined), min(enough or MOST_THREADS, MOST_THREADS),
            NEAR_BY=0 < enough <= MOST_THREADS, SHARED=enough > 0, SPAN=enough + 4, CELLS=2 * enough + 8,
            NORMALISED=loss.definition.inputs[0] == "logits",
            JOINED=self.labels.joined, FORGIVING=bool(loss.parameters["zero_infinity"]),
            PER_LABEL=loss.reduction == "mean", link=render.link(loss.definition.maths, ("log_prob", "rest"), sources),
            **PARTS[self.call.real.name],
        )  # fmt: skip
        return kernel, tuple(float(number) for number in numbers)

    def slopes(self, norms: Any, told: tuple[Any, ...], gradient: DeviceArray) -> None:
        """Write the gradient, from what the alignments told."""
        from numbaloss.kernels.cuda.sequence import slopes

        call, labels, (steps, count, classes) = self.call, self.labels, self.shape
        if steps == 0:
            return
        hold = self.hold(gradient)
        by_logits = call.loss.parameters.get("gradient_by", "logits") == "logits"
        kernel = call.kernel(
            slopes, (hold, labels.joined), BY_LOGITS=by_logits, JOINED=labels.joined, NORMALISED=norms is not None,
            **hold.holes,
        )  # fmt: skip
        call.door.launch(
            kernel, call.blocks(steps * count * hold.lanes), steps * count, count, steps, classes, self.scores,
            *self.apart, norms, *labels.arguments[:2], vector(labels.lengths), vector(labels.counts),
            call.loss.parameters["blank"], *told, gradient,
        )
