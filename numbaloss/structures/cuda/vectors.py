"""Arrays of vectors on a device: as factors of products, and their gradients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from numbaloss.arrays.device import DeviceArray
from numbaloss.compile.cuda.kernel import WARP, common
from numbaloss.structures.cuda.call import Call, Mass, copied, described
from numbaloss.structures.cuda.product import Factor


@dataclass
class Vectors:
    """The rows of a matrix, and what makes them unit vectors."""

    array: DeviceArray  # as kernels read it
    rates: DeviceArray | None

    @property
    def count(self) -> int:
        return self.array.shape[0]

    @property
    def width(self) -> int:
        return self.array.shape[1]

    @property
    def factor(self) -> Factor:
        return Factor(self.array, self.count, self.width, rates=self.rates)


def matrix(call: Call, name: str, given: Any) -> DeviceArray:
    """A checked argument: a vector in each row."""
    array = call.network_output(name, call.view(name, given))
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(f"{call.name}: {name} must be a matrix with a vector in each row, got shape {array.shape}")
    return array


def unit_vectors(call: Call, array: DeviceArray) -> Vectors:
    """Launch the measuring of the lengths."""
    from numbaloss.kernels.cuda.vectors import measure

    found = Vectors(call.packed(array), call.scratch(array.shape[0]))
    kernel = common(measure, call.storage, LANES=WARP, LEAST=float(np.finfo(call.real).tiny))
    blocks = call.blocks(found.count * WARP)
    call.door.launch(kernel, blocks, found.count, found.width, found.array, found.rates)
    return found


def labels_of(call: Call, given: Any, count: int) -> tuple[DeviceArray, int, int]:
    """Checked labels, one integer for each vector: where they lie, the first one's place, and the step to the next."""
    labels = call.view("labels", given)
    if np.dtype(labels.bits).kind not in "iu" or labels.kind == "bool":
        raise TypeError(f"{call.name}: labels must hold integer class labels, got {described(labels)}")
    if labels.shape != (count,):
        raise ValueError(
            f"{call.name}: labels has shape {labels.shape}; wanted one integer for each of the {count} embeddings"
        )
    upright, origin = labels.upright()
    return upright, origin, labels.strides[0]


@dataclass
class Gradients:
    """Memory for each gradient wanted: the caller's, or where an input lies in that, some to copy from in the end."""

    call: Call
    inputs: dict[str, DeviceArray]
    kinds: dict[str, str] = field(default_factory=dict)  # of the gradients that are not in the type of the call

    def __post_init__(self) -> None:
        call, shapes = self.call, {name: array.shape for name, array in self.inputs.items()}
        kinds = {name: self.kinds.get(name, call.storage) for name in self.inputs}
        self.shown = dict(zip(call.need.wrt, call.buffers(shapes, kinds), strict=True))
        self.made = {
            name: call.door.empty(out.shape, out.kind) if any(overlap(out, a) for a in self.inputs.values()) else out
            for name, out in self.shown.items()
        }

    def finished(self) -> tuple[DeviceArray, ...]:
        """The gradients as the caller gets them."""
        for name, out in self.shown.items():
            if self.made[name] is not out:
                copied(self.call, self.made[name], out)
        return tuple(self.shown.values())


def overlap(one: DeviceArray, two: DeviceArray) -> bool:
    """Whether two arrays may share memory."""
    (low, high), (start, end) = extent(one), extent(two)
    return low < end and start < high


def extent(array: DeviceArray) -> tuple[int, int]:
    """The addresses between which an array lies."""
    upright, _ = array.upright()
    if not array.size:
        return upright.pointer, upright.pointer
    reach = 1 + sum((n - 1) * step for n, step in zip(upright.shape, upright.strides, strict=True))
    return upright.pointer, upright.pointer + reach * array.item_size


def summed(call: Call, partials: DeviceArray, share: float = 1.0, mass: Mass | None = None) -> DeviceArray:
    """Launch the sum of some numbers times `share`, divided by the mass if that lies on the device."""
    from numbaloss.kernels.cuda.vectors import number

    found, mass = call.scratch(1), mass or Mass()
    call.door.launch(
        common(number, call.storage), 1, partials, partials.size, share, mass.partials, mass.parts, 0.0, found
    )
    return found
