"""Losses of sorted errors on a device: the counterpart of `structures.lovasz`.

Sorting takes 16 bytes an entry in float32 and 16 bits, 24 in float64: two keys, two places.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from numbaloss.arrays.device import DeviceArray, DeviceDoor
from numbaloss.compile.cuda import render
from numbaloss.compile.cuda.kernel import MOST_BLOCKS, Kernel, common
from numbaloss.compile.cuda.memory import accessors
from numbaloss.definition import split_signature
from numbaloss.loss import Need
from numbaloss.structures.cuda.call import Call, DeviceOutcome
from numbaloss.structures.cuda.region_images import HELD, SUMS, THREADS, DeviceImages, images_of
from numbaloss.structures.lovasz import SortedLoss

FEW = 1024  # entries of a region up to which a warp is enough to sort them


def run(loss: SortedLoss, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> DeviceOutcome:
    """Errors, their order, the shares of each region's loss, and the gradient."""
    call = Call(loss, door, need)
    images = images_of(call, loss, inputs)
    weights = call.unit_weights(sample_weight, (images.count,), "image")
    batch = bool(loss.parameters["batch"])
    regions = Sorted(call, loss, images, weights, batch)
    sums = regions.sums()
    groups = min(1, images.count) if batch else images.count
    values = door.empty(() if batch and groups else (groups,), call.storage) if need.values else None
    factors = call.scratch(images.count, images.classes) if need.wrt else None
    outcome = regions.outcome(groups, sums, factors, values)
    outcome.values = values
    if factors is not None:
        outcome.gradients = (regions.gradient(factors),)
    return outcome


@dataclass
class Sorted:
    """The regions of a call: each class of each image, or with `batch` each class."""

    call: Call
    loss: SortedLoss
    images: DeviceImages
    weights: DeviceArray | None
    batch: bool

    def __post_init__(self) -> None:
        images = self.images
        together = images.count if self.batch else 1
        self.room = together * images.positions
        self.number = images.count // max(1, together) * images.classes
        self.by_image = images.positions * (1 if self.batch else images.classes)
        self.by_class = images.positions * together
        self.hinge = 1 if images.activation == "hinge" else None
        self.threads = 32 if self.room <= FEW else THREADS
        tile = self.threads * 16
        tiles = -(-self.room // tile)
        self.tasks = max(1, min(MOST_BLOCKS // max(1, self.number), tiles))
        self.span = -(-tiles // self.tasks) * tile
        self.holes = {"TILE": tile, "PITCH": self.threads + 1}
        self.flag = 1 if self.batch else None

    @cached_property
    def _memory(self) -> tuple[DeviceArray, ...]:
        """Room for two keys and two places of each entry."""
        size = self.images.input.size
        bits = f"int{8 * self.call.real.itemsize}"
        place = "int32" if self.room < 1 << 31 else "int64"
        return tuple(self.call.door.empty((size,), kind) for kind in (bits, bits, place, place))

    # ---- launches

    def _launch(
        self, template: Any, blocks: int, *arguments: Any, key: Any = (), threads: int = 0, **holes: Any
    ) -> None:
        kernel = self.call.kernel(template, key, threads or self.threads, **self.holes, **holes)
        self.call.door.launch(kernel, blocks, *arguments)

    def _double(self, template: Any, threads: int, **holes: Any) -> Kernel:
        """A kernel whose arithmetic is float64, and which reads and stores in the type of the input."""
        call = self.call
        place = (template, call.storage, threads, "float64")
        if place not in call.loss._kernels:
            access = {name: accessors(call.storage)[name] for name in ("load", "store")}
            call.loss._kernels[place] = Kernel(template, "float64", call.name, threads, **access, **self.holes, **holes)
        found: Kernel = call.loss._kernels[place]
        return found

    def sums(self) -> DeviceArray:
        """Of each region: size, weight of the rest, positions that count, value; in float64."""
        from numbaloss.kernels.cuda.regions_finish import gather

        call, images = self.call, self.images
        columns, tasks = self.number * SUMS, self.tasks if images.input.size else 0
        partials = call.door.empty((columns * tasks,), "float64")
        if tasks:
            self._errors()
            self._shares(partials)
        sums = call.door.empty((columns,), "float64")
        kernel = common(gather, "float64", LANES=1 if tasks <= 8 else 32)
        call.door.launch(kernel, call.blocks(columns * (1 if tasks <= 8 else 32)), columns, tasks, partials, sums)
        return sums

    def _errors(self) -> None:
        """Errors of all entries, into the first map; then its bits become keys, which are sorted."""
        from numbaloss.kernels.cuda import lovasz

        images, call = self.images, self.call
        keys = self._memory[0]
        arrays = (images.input, images.labels, images.targets, images.left_out, self.by_image, self.by_class)
        errors = replace(keys, kind=call.real.name)
        if images.activation == "softmax":
            tasks = max(1, min(MOST_BLOCKS // images.count, -(-images.positions // THREADS)))
            self._launch(
                lovasz.errors_softmax, images.count * tasks, images.positions, images.classes, tasks, *arrays, errors,
                **self._softmax(),
            )
        else:
            size = images.input.size
            self._launch(
                lovasz.errors_elements, call.blocks(size, THREADS), size, images.positions, images.classes,
                images.shift, self.hinge, *arrays, errors, **self._elements(),
            )

    def _softmax(self) -> dict[str, Any]:
        kept = self.images.classes if self.images.classes <= HELD else 0
        return {
            "key": kept, "threads": THREADS, "CLASSES": kept, "KEPT": max(1, kept), "WIDTH": 1, **render.access(1)
        }

    def _elements(self) -> dict[str, Any]:
        from numbaloss.kernels.cuda.regions_elements import given, logistic

        activation = self.images.activation
        activate = logistic if activation == "sigmoid" else given
        return {"key": activation, "threads": THREADS, "activate": activate}

    def _sorted(self) -> tuple[DeviceArray, DeviceArray, DeviceArray]:
        """The sorted keys, the places they come from, and room for another map."""
        from numbaloss.kernels.cuda import sort

        call, size = self.call, self.images.input.size
        keys, other_keys, order, other_order = self._memory
        bits, parts = 8 * keys.item_size, self.number * self.tasks
        most = (1 << (bits - 1)) - 1
        counts = call.door.empty((parts * sort.BUCKETS,), "int64") if self.tasks > 1 else None
        layout = (self.room, self.tasks, self.span)
        self._launch(sort.turn, call.blocks(size, self.threads), size, most, keys)
        given: DeviceArray | None = None
        for shift in range(0, bits, sort.DIGIT):
            if counts is not None:
                self._launch(sort.count_digits, parts, *layout, shift, keys, counts)
                self._launch(sort.scan_counts, self.number, sort.BUCKETS * self.tasks, counts)
            self._launch(sort.scatter, parts, *layout, shift, keys, given, counts, other_keys, other_order)
            keys, other_keys = other_keys, keys
            order, other_order = other_order, order
            given = order
        self._launch(sort.turn, call.blocks(size, self.threads), size, most, keys)
        return keys, order, other_keys

    def _shares(self, partials: DeviceArray) -> None:
        """What each entry of the sorted regions adds; the map of shares takes the place of that of errors."""
        from numbaloss.kernels.cuda import lovasz_shares

        images, call, loss = self.images, self.call, self.loss
        keys, order, spare = self._sorted()
        self._map = replace(spare, kind=call.real.name)
        errors = replace(keys, kind=call.real.name)
        link, params = loss._link(call.real, split_signature(loss.definition.maths)[0])
        numbers = tuple(map(float, params))
        layout = (self.room, self.tasks, self.span, images.positions, images.classes, images.shift, self.flag)
        target = (images.labels, images.targets, images.left_out, self.weights)
        blocks = self.number * self.tasks
        call.door.launch(self._double(lovasz_shares.tally, self.threads), blocks, *layout, order, *target, partials)
        kernel = self._double(lovasz_shares.walk, self.threads, link=link)
        call.door.launch(kernel, blocks, *layout, self.hinge, order, errors, *target, numbers, partials, self._map)

    def outcome(
        self, groups: int, sums: DeviceArray, factors: DeviceArray | None, values: DeviceArray | None
    ) -> DeviceOutcome:
        """Launch the means over classes; what the reduction makes of them, and the factors of the shares."""
        from numbaloss.kernels.cuda import lovasz_shares

        call, images, loss = self.call, self.images, self.loss
        outcome = DeviceOutcome(call.door, call.real, batch=images.count)  # type: ignore[arg-type]
        outcome.sums, outcome.value = call.door.empty((2,), "float64"), call.door.empty((), call.storage)
        present = 1 if loss.parameters["classes"] == "present" and images.classes > 1 else None
        call.door.launch(
            self._double(lovasz_shares.outcome, THREADS), 1, groups, images.count, images.classes, loss._skipped,
            present, self.flag, self.weights, sums, 1 if loss.reduction == "mean" else None,
            0.0 if loss.on_empty == "zero" else math.nan, call.empty, call.door.empty((groups, 2), "float64"), factors,
            values, outcome.sums, outcome.value,
        )
        return outcome

    # ---- second sweep

    def gradient(self, factors: DeviceArray) -> DeviceArray:
        """The gradient, in the caller's buffer or new memory."""
        from numbaloss.kernels.cuda import lovasz

        images, call = self.images, self.call
        gradient = images.buffers[0]
        size = images.input.size
        if not size:
            return gradient
        arrays = (images.input, images.labels, images.targets, images.left_out, self.by_image, self.by_class)
        rest = (*arrays, self._map, factors, gradient)
        if images.activation == "softmax":
            tasks = max(1, min(MOST_BLOCKS // images.count, -(-images.positions // THREADS)))
            layout = (images.positions, images.classes, tasks)
            self._launch(lovasz.pull_softmax, images.count * tasks, *layout, *rest, **self._softmax())
        else:
            layout = (size, images.positions, images.classes)
            blocks = call.blocks(size, THREADS)
            self._launch(
                lovasz.pull_elements, blocks, *layout, images.shift, self.hinge, *rest, **self._elements()
            )
        return gradient
