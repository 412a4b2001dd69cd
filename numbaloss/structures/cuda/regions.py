"""Losses over regions on a device: the counterpart of `structures.regions`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from numbaloss.arrays.device import DeviceArray, DeviceDoor
from numbaloss.compile.cuda import render as device_render
from numbaloss.compile.cuda.kernel import THREADS, Kernel
from numbaloss.compile.cuda.memory import accessors
from numbaloss.compile.render import region
from numbaloss.definition import split_signature
from numbaloss.loss import Need
from numbaloss.structures.cuda.call import Call, DeviceOutcome
from numbaloss.structures.cuda.region_images import DeviceImages, images_of
from numbaloss.structures.hyperparameters import hyperparameters
from numbaloss.structures.regions import STRUCTURAL, RegionLoss


def run(loss: RegionLoss, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> DeviceOutcome:
    """Two sweeps over the input, and between them a few numbers."""
    call = Call(loss, door, need)
    images = images_of(call, loss, inputs)
    weights = call.unit_weights(sample_weight, (images.count,), "image")
    middle = Middle(call, images, weights, images.sums(), 1)
    values = middle.values(loss) if need.values else None
    middle.region(loss, 0, values)
    outcome = middle.combined(None, (1.0,), fused=False)
    outcome.values = values
    if need.wrt:
        outcome.gradients = (images.gradient(middle.outside, middle.inside),)
    return outcome


@dataclass
class Middle:
    """What lies between the sweeps: the outcomes of `parts` losses of the same sums, in float64, and their slopes."""

    call: Call
    images: DeviceImages
    weights: DeviceArray | None
    sums: DeviceArray
    parts: int

    def __post_init__(self) -> None:
        images = self.images
        self.outcomes = self.doubles(self.parts, 2)
        self.both = self.doubles(self.parts, images.count, images.classes, 2)
        self.own: dict[int, DeviceArray] = {}  # sum and denominator of each part
        self.outside, self.inside = (self.call.scratch(images.count, images.classes) for _ in range(2))
        self.pulls: DeviceArray | None = None

    def doubles(self, *shape: int) -> DeviceArray:
        """New memory in float64."""
        return self.call.door.empty(shape, "float64")

    def values(self, loss: RegionLoss) -> DeviceArray:
        """Memory for the values of all regions."""
        entries = 1 if "w_type" in loss.parameters else self.images.classes - loss._skipped
        shape = (entries,) if loss.parameters["batch"] else (self.images.count, entries)
        return self.call.door.empty(shape, self.call.storage)

    def region(self, loss: RegionLoss, part: int, values: DeviceArray | None = None) -> None:
        """Launch what one loss makes of the sums."""
        from numbaloss.kernels.cuda import regions_finish

        images, batch, w_type = self.images, loss.parameters["batch"], loss.parameters.get("w_type")
        sources, numbers = hyperparameters(loss, STRUCTURAL)
        link = region(loss.definition.maths, split_signature(loss.definition.maths)[0], sources)
        groups = 1 if batch else images.count
        entries = 1 if w_type else images.classes - loss._skipped
        self.own[part] = self.doubles(2)
        class_weights = None
        if loss.weight is not None:
            class_weights = Call(loss, self.call.door, self.call.need, "float64").constant("weight", loss.weight)
        kernel = self.kernel(
            regions_finish.outcome, (loss.definition.name, sources), link=link,
            bulk=getattr(regions_finish, w_type or "uniform"),
        )
        self.call.door.launch(
            kernel, 1, images.count, images.classes, images.columns, loss._skipped, self.sums, self.weights,
            class_weights, tuple(map(float, numbers)), self.doubles(2, images.count),
            self.doubles(4 * images.classes) if batch else None,
            self.doubles(groups, images.classes) if w_type else None, self.doubles(groups, 4) if w_type else None,
            self.doubles(groups, entries, 3), part, self.both, values, self.own[part], self.outcomes,
        )

    def rows(self, part: int) -> None:
        """Launch the sums of the row loss that rode along."""
        from numbaloss.kernels.cuda.regions_finish import outcome_of_rows

        images = self.images
        self.own[part] = self.doubles(2)
        self.pulls = self.call.scratch(images.count)
        self.call.door.launch(
            self.kernel(outcome_of_rows), 1, images.count, images.classes, images.columns, self.sums, self.weights,
            part, self.own[part], self.outcomes,
        )

    def combined(
        self, maths: Any, params: tuple[float, ...], sources: Any = (), *, fused: bool = True, row: int = -1,
        numbers: DeviceArray | None = None, factors: DeviceArray | None = None,
    ) -> DeviceOutcome:
        """Launch what all parts give together: the outcome, and the slopes for the second sweep."""
        from numbaloss.kernels.cuda.regions_finish import combine

        loss, images, call = self.call.loss, self.images, self.call
        outcome = DeviceOutcome(call.door, call.real, batch=images.count)  # type: ignore[arg-type]
        outcome.sums, outcome.value = self.doubles(2), call.door.empty((), call.storage)
        form = device_render.combined(maths, self.parts, sources)
        kernel = self.kernel(combine, (maths, sources, self.parts, row), combined=form, PARTS=self.parts, ROW=row)
        slopes: tuple[Any, ...] = (None, None, None)
        if call.need.wrt and factors is None:
            slopes = self.outside, self.inside, self.pulls
        zero = loss.on_empty == "zero"
        call.door.launch(
            kernel, 1, images.count, images.classes, self.weights, self.outcomes, self.both, params,
            1 if loss.reduction == "mean" else None, 0.0 if zero else math.nan, call.empty, 1 if fused else None,
            numbers, factors, *slopes, outcome.sums, outcome.value,
        )
        return outcome

    def kernel(self, template: Any, key: Any = (), **holes: Any) -> Kernel:
        """A kernel of one block whose arithmetic is float64, and which stores in the type of the input."""
        call = self.call
        place = (template, call.storage, "middle", key)
        if place not in call.loss._kernels:
            store = accessors(call.storage)["store"]
            call.loss._kernels[place] = Kernel(template, "float64", call.name, THREADS, store=store, **holes)
        found: Kernel = call.loss._kernels[place]
        return found
