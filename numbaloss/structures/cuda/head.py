"""Softmax losses of a linear layer's output on a device: its rows are made, used and forgotten in chunks.

Besides the gradients there are at most `chunk_bytes` of logits (twice, where they are read again), 8 MiB of parts of
products, three numbers a row, and for 16-bit arrays a gradient by the weight, and a chunk of that by the input, in the
type of the arithmetic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from numbaloss.arrays.device import DeviceArray, DeviceDoor
from numbaloss.compile.cuda.kernel import common
from numbaloss.compile.cuda.memory import STORAGES
from numbaloss.kernels.cuda.product import TILE
from numbaloss.loss import Need
from numbaloss.structures.cuda.call import Call, DeviceOutcome, Mass, copied, described
from numbaloss.structures.cuda.product import Factor, added, part
from numbaloss.structures.cuda.rows import Rows, counted, stand_in
from numbaloss.structures.cuda.vectors import Gradients
from numbaloss.structures.head import INPUTS, HeadLoss


@dataclass
class Head:
    """The checked arguments of one call. `inner` is the call as the rows see it: in the type of the arithmetic."""

    call: Call
    inner: Call
    arrays: dict[str, DeviceArray]
    lead: tuple[int, ...]  # the input's shape without its last axis
    labels: DeviceArray | None = None
    targets: DeviceArray | None = None
    weights: DeviceArray | None = None
    row_weights: DeviceArray | None = None

    @property
    def rows(self) -> int:
        return math.prod(self.lead)

    @property
    def classes(self) -> int:
        return self.arrays["linear_weight"].shape[0]

    @property
    def width(self) -> int:
        return self.arrays["linear_weight"].shape[1]

    @property
    def ignored(self) -> int:
        return int(self.call.loss.parameters["ignore_index"])

    @cached_property
    def hidden(self) -> DeviceArray:
        return self.call.packed(self.arrays["input"]).reshaped(self.rows, self.width)

    @cached_property
    def matrix(self) -> Factor:
        """The layer's weight; a transposed view is read as it is."""
        given = self.arrays["linear_weight"]
        turned = given.moved((1, 0))
        if turned.contiguous and not given.contiguous:
            return Factor(turned, self.width, self.classes, across=True)
        return Factor(self.call.packed(given, given.kind), self.classes, self.width)

    @cached_property
    def bias(self) -> DeviceArray | None:
        given = self.arrays.get("linear_bias")
        return None if given is None else self.inner.packed(given)

    @cached_property
    def marks(self) -> DeviceArray | None:
        """0 for each row that is ignored: whatever its hidden state is, it does not count."""
        if self.labels is None:
            return None
        from numbaloss.kernels.cuda.head import mark

        marks = self.call.scratch(self.rows)
        kernel, blocks = common(mark, self.call.storage), self.call.blocks(self.rows)
        self.call.door.launch(kernel, blocks, self.rows, self.labels, self.ignored, marks)
        return marks

    def chunk(self, first: int, end: int) -> Factor:
        """Some rows of the hidden states."""
        marks = None if self.marks is None else part(self.marks, first, end)
        return Factor(part(self.hidden, first, end), end - first, self.width, rates=marks)

    def softmax_rows(self, logits: DeviceArray, first: int, end: int) -> Rows:
        """The rows `first` to `end` as softmax kernels take them."""
        shape = (self.rows, self.classes)
        rows = Rows(self.inner, logits, shape, self.classes, end - first, self.classes, None, weights=self.weights)
        for name in ("labels", "targets", "row_weights"):
            array = getattr(self, name)
            setattr(rows, name, None if array is None else part(array, first, end))
        return rows


def run(loss: HeadLoss, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> DeviceOutcome:
    """Check, find the denominator, launch chunk by chunk, and launch the last sum."""
    head = checked(loss, door, inputs, sample_weight, need)
    call, inner, rows = head.call, head.inner, head.rows
    layer = {name: array for name, array in head.arrays.items() if name != "target"}
    gradients = Gradients(call, layer, {name: array.kind for name, array in layer.items()})
    values = inner.scratch(rows) if need.values else None
    whole = head.softmax_rows(head.hidden, 0, rows)
    mass = counted(whole) if head.labels is None else loss._mass_on_device(whole)
    totals = in_chunks(head, loss, mass, gradients, values)
    outcome = call.finished(totals, mass, rows)
    if values is not None:
        outcome.values = door.empty(head.lead, call.storage)
        copied(call, values.reshaped(*head.lead), outcome.values)
    outcome.gradients = gradients.finished()
    return outcome


def in_chunks(
    head: Head, loss: HeadLoss, mass: Mass, gradients: Gradients, values: DeviceArray | None
) -> DeviceArray:
    """Launch all chunks; each one's sum of values."""
    from numbaloss.kernels.cuda.vectors import number, sum_columns

    call, inner, rows, classes, width = head.call, head.inner, head.rows, head.classes, head.width
    outs = {name: gradients.made.get(name) for name in ("input", "linear_weight", "linear_bias")}
    wanted = any(out is not None for out in outs.values())
    apart = wanted and (head.targets is not None or bool(loss.parameters.get("softcap")))
    room = int(loss.parameters["chunk_bytes"]) // (inner.real.itemsize * classes * (2 if apart else 1))
    step = max(1, min(room // TILE * TILE if room > TILE else room, rows))
    logits = inner.scratch(step, classes)
    slopes = inner.scratch(step, classes) if apart else logits
    totals = inner.scratch(max(1, -(-rows // step)))
    sums = {name: held(call, out) for name, out in outs.items() if out is not None and name != "input"}
    for index, first in enumerate(range(0, max(1, rows), step)):
        end = min(first + step, rows)
        count, hidden = end - first, head.chunk(first, end)
        lines, drawn = part(logits, 0, count), part(slopes, 0, count)
        added(call, lines, hidden, count, head.matrix, classes, width, bias=head.bias)
        found = head.softmax_rows(lines, first, end)
        found.mass = mass
        found.gradient = drawn if wanted else None
        found.values = None if values is None else part(values, first, end)
        partials = loss._labelled_on_device(found) if head.targets is None else loss._distributed_on_device(found)
        total = part(totals, index, index + 1)
        call.door.launch(common(number, inner.storage), 1, partials, partials.size, 1.0, None, 0, 0.0, total)
        factor = Factor(drawn, count, classes)
        if "linear_weight" in sums:
            turned, others = factor.transposed(), hidden.transposed()
            added(call, sums["linear_weight"], turned, classes, others, width, count, begun=index > 0)
        if "linear_bias" in sums:
            call.door.launch(
                common(sum_columns, call.storage), call.blocks(classes), count, classes, classes, drawn,
                int(index > 0), sums["linear_bias"],
            )
        if (out := outs["input"]) is not None and count:
            target = part(out.reshaped(rows, width), first, end)
            real = held(call, target)
            added(call, real, factor, count, head.matrix.transposed(), width, classes)
            if real is not target:
                copied(call, real, target)
    for name, total in sums.items():
        out = outs[name]
        if out is not None and total is not out:
            copied(call, total, out)
    return totals


def held(call: Call, out: DeviceArray) -> DeviceArray:
    """Memory in the type of the arithmetic for a gradient: its own, where it is of that type."""
    return out if out.kind == call.real.name else call.scratch(*out.shape)


# ---- arguments


def checked(loss: HeadLoss, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Head:
    call = Call(loss, door, need)
    arrays = {name: call.view(name, given) for name, given in zip(INPUTS, inputs, strict=True) if given is not None}
    for name in arrays:
        if name != "target":
            call.network_output(name, arrays[name])
    hidden, target = arrays["input"], arrays["target"]
    call.storage = hidden.kind
    check_shapes(call, arrays)
    head = Head(call, Call(loss, door, need, call.real.name), arrays, hidden.shape[:-1])
    if loss.weight is not None:
        if loss.weight.size != head.classes:
            raise ValueError(f"{call.name}: weight has {loss.weight.size} entries for {head.classes} classes")
        head.weights = call.constant("weight", loss.weight)
    if is_labels(head, target):
        head.labels = call.labels(target).reshaped(head.rows)
        head.inner.check_labels(head.labels, head.classes)
    else:
        head.targets = head.inner.packed(target).reshaped(head.rows, head.classes)
    weights = call.row_weights(sample_weight, head.lead)
    if weights is not None:
        head.row_weights = head.inner.packed(weights.spread(head.lead)).reshaped(head.rows)
    return head


def check_shapes(call: Call, arrays: dict[str, DeviceArray]) -> None:
    """Raise unless weight and bias are those of a linear layer on the input, computed in the same type."""
    hidden, matrix = arrays["input"], arrays["linear_weight"]
    if hidden.ndim == 0:
        raise ValueError(f"{call.name}: input needs an axis of features, got shape ()")
    if matrix.ndim != 2 or matrix.shape[0] == 0 or matrix.shape[1] != hidden.shape[-1]:
        raise ValueError(
            f"{call.name}: linear_weight must have shape (classes, {hidden.shape[-1]}) for an input of shape "
            f"{hidden.shape}, got shape {matrix.shape}"
        )
    bias = arrays.get("linear_bias")
    if bias is not None and bias.shape != matrix.shape[:1]:
        raise ValueError(
            f"{call.name}: linear_bias must have shape {matrix.shape[:1]} for a linear_weight of shape {matrix.shape}, "
            f"got shape {bias.shape}"
        )
    for name in ("linear_weight", "linear_bias"):
        if name in arrays and STORAGES[arrays[name].kind].real != call.real:
            raise TypeError(
                f"{call.name}: {name} is {arrays[name].kind} but input is {hidden.kind}; they must be computed in the "
                "same type"
            )


def is_labels(head: Head, target: DeviceArray) -> bool:
    """Whether the target is one label for each row; if not, a distribution; ValueError for anything else."""
    name, lead, classes = head.call.name, head.lead, head.classes
    if stand_in(target).dtype.kind in "iu":
        if target.shape != lead:
            raise ValueError(f"{name}: target has shape {target.shape}; the class labels have shape {lead}")
        return True
    if target.shape != (*lead, classes):
        raise ValueError(
            f"{name}: target must be integer class labels of shape {lead} or probabilities of shape "
            f"{(*lead, classes)}, got {described(target)}"
        )
    if head.ignored >= 0:
        raise ValueError(f"{name}: ignore_index has no meaning for probability targets")
    return False
