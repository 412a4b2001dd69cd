"""Losses over a class axis on a device: their arguments, their denominator, and who works on a row."""

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
from numbaloss.structures.cuda.call import Call, DeviceOutcome, Mass
from numbaloss.structures.rows import NO_LABEL, RowLoss

KEPT = 32  # elements of a row in the registers of one thread, whatever else is computed; half as many in float64
MOST = 48  # the same where a kernel computes little besides
WHOLE = 64  # the same where elements need neither a conversion nor a check for the row's ends
FEW = 16  # the same of a warp that has a row; above, a block is faster
BLOCKS = (128, 256, 512)  # threads that may share a row
PART = 16  # elements that are kept at a time of a row that is too long; twice as many where little else is computed
TILED = 32  # classes up to which rows pass through shared memory
SMALL = 128  # threads of a block in which several rows are worked on


@dataclass(frozen=True)
class Plan:
    """Who works on a row, and how: what kernels are compiled for."""

    lanes: int  # threads that share a row
    threads: int  # of a block
    run: int  # classes that a thread takes together
    vectors: int  # runs that it keeps
    again: bool = False  # the row is longer than that, and read again
    shifted: bool = False  # runs are moved to where 16 bytes can be read at once
    width: int = 0  # elements that are read together where whole rows pass through shared memory; 0: they do not

    @property
    def held(self) -> int:
        return self.vectors * self.run

    def holes(self, storage: str) -> dict[str, Any]:
        """The open names of `kernels.cuda.row`."""
        from numbaloss.kernels.cuda import row

        names = {
            "LANES": self.lanes,
            "RUN": self.run,
            "VECTORS": self.vectors,
            "HELD": self.held,
            "AGAIN": self.again,
            "SHIFTED": self.shifted,
        }
        if not self.width:
            own = accessors(storage)
            direct = {"fetch": own["load"], "place": own["store"]}
            return {**names, "take": render.take(self.run), "put": render.put(self.run), **direct}
        tile = self.threads * self.held
        return {
            **names,
            "take": row.take_shared,
            "put": row.put_shared,
            "fetch": row.fetch_shared,
            "place": row.place_shared,
            "take_wide": render.take(self.width),
            "put_wide": render.put(self.width),
            "WIDTH": self.width,
            "TILE": tile + tile // 32,
        }


def plan(storage: str, classes: int, layout: str, tiles: bool, arrays: int = 1, plain: bool = False) -> Plan:
    """The plan for rows of so many classes: in registers if they fit there, by as few threads as can hold them.

    `layout` is "planes" (neighbouring rows lie side by side), "aligned" (every row begins where 16 bytes can be read at
    once), "shifted" (the whole does, its rows lie without a gap between them) or "loose". `tiles` lets short rows pass
    through shared memory. `arrays` is how many of each row are kept; `plain` says that little else takes registers.
    """
    double = 2 if STORAGES[storage].real == np.float64 else 1
    width = STORAGES[storage].width
    kept = KEPT // double // arrays
    part = 2 * PART // double // max(2, arrays)
    alone = kept if plain else kept - kept // 4  # of a thread that has a row
    if layout == "planes" or classes <= min(TILED, alone):
        if classes > alone:
            return Plan(1, SMALL, 1, part // 2, again=True)
        return Plan(1, SMALL, 1, rounded_up(classes), width=width if tiles else 0)
    shifted = layout == "shifted" and classes % width > 0
    run = width if shifted or layout in ("aligned", "shifted") else 1
    if plain and run > 1:
        kept = (WHOLE if storage == "float32" and not shifted else MOST) // double // arrays
    for lanes in (32, *BLOCKS):
        runs = rounded_up(-(-(classes + shifted * (run - 1)) // (lanes * run)))
        if runs * run <= (min(FEW, kept) if lanes == 32 else kept):
            return Plan(lanes, max(lanes, SMALL), run, runs, shifted=shifted)
    return Plan(BLOCKS[-1], BLOCKS[-1], run, max(1, (1 + plain) * part // run), again=True, shifted=shifted)


def rounded_up(count: int) -> int:
    """The numbers of runs that kernels are compiled for, so that there are few of them."""
    return next((size for size in (1, 2, 4, 6, 8, 12, 16, 24, 32) if size >= count), count)


@dataclass
class Rows:
    """The checked arguments of one call, and its outputs, as kernels read and write them."""

    call: Call
    logits: DeviceArray
    shape: tuple[int, ...]  # of the input as given
    classes: int
    rows: int
    stride: int  # from one row to the next, or from one sample's planes to the next
    positions: int | None  # elements of a plane; None for rows that lie one after the other
    labels: DeviceArray | None = None
    targets: DeviceArray | None = None
    weights: DeviceArray | None = None
    row_weights: DeviceArray | None = None
    mass: Mass | None = None
    values: DeviceArray | None = None
    gradient: DeviceArray | None = None
    target_gradient: DeviceArray | None = None
    curvature: DeviceArray | None = None

    @property
    def ignored(self) -> int:
        return int(self.call.loss.parameters.get("ignore_index", NO_LABEL))

    @property
    def spread(self) -> int:
        """How many rows have one weight in common."""
        return 1 if self.row_weights is None else max(1, self.rows // max(1, self.row_weights.size))

    @property
    def outputs(self) -> tuple[DeviceArray, ...]:
        return tuple(one for one in (self.gradient, self.target_gradient, self.curvature) if one is not None)

    def plan(self, tiles: bool = True, arrays: int = 1, plain: bool = False) -> Plan:
        """The plan for this call."""
        width = STORAGES[self.call.storage].width
        read = [one for one in (self.logits, self.targets) if one is not None]
        aligned = all(one.aligned for one in (*read, *self.outputs))
        packed = self.stride == self.classes
        if self.positions is not None:
            layout = "planes"
        elif aligned and packed:
            layout = "shifted"
        else:
            layout = "aligned" if aligned and self.stride % width == 0 and self.classes % width == 0 else "loose"
        return plan(self.call.storage, self.classes, layout, tiles and layout == "shifted", arrays, plain)

    def scaled(self) -> tuple[Any, ...]:
        """The arguments `scale`, `masses`, `parts` and `empty` of a kernel."""
        assert self.mass is not None
        batch = self.shape[0] if len(self.shape) > 1 else 1
        scale, masses = self.call.scale(self.mass, batch)
        return float(scale), masses, self.mass.parts, self.call.empty

    def numbers(self, names: tuple[str, ...]) -> tuple[Any, Any]:
        """The mathematics as a kernel calls it on `names`, and its scalar hyper-parameters."""
        loss: Any = self.call.loss
        link, numbers = loss._link(self.call.real, names)
        return link, tuple(float(number) for number in numbers)


def run(loss: RowLoss, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> DeviceOutcome:
    """Check, find the denominator, launch what the structure launches, and the last sum."""
    call = Call(loss, door, need)
    first, second = loss.definition.inputs
    logits, target = (call.view(name, array) for name, array in zip((first, second), inputs, strict=True))
    call.storage = call.network_output(first, logits).kind
    loss._check_shape(logits.shape)
    distribution = loss._is_distribution(stand_in(logits), stand_in(target))
    rows = arranged(call, logits)
    if loss.weight is not None:
        loss._check_weight_of(rows.classes)
        rows.weights = call.constant("weight", loss.weight)
    lead = logits.shape[:1] * (logits.ndim > 1) + logits.shape[2:]
    rows.row_weights = call.row_weights(sample_weight, lead)
    gradients = call.buffers(dict.fromkeys(need.wrt, logits.shape))
    for name, gradient in zip(need.wrt, gradients, strict=True):
        setattr(rows, "gradient" if name == first else "target_gradient", gradient)
    rows.curvature = door.empty(logits.shape, call.storage) if need.hessian else None
    rows.values = door.empty(lead, call.storage) if need.values else None
    if distribution:
        rows.targets = call.packed(target)
        rows.mass = counted(rows)
        partials = loss._distributed_on_device(rows)
    else:
        loss._check_labels_alone(need)
        rows.labels = call.labels(target)
        if target.shape == lead:
            call.check_labels(rows.labels, rows.classes)
        rows.mass = loss._mass_on_device(rows)
        partials = loss._labelled_on_device(rows)
    outcome = call.finished(partials, rows.mass, logits.shape[0] if logits.ndim > 1 else 1)
    outcome.gradients, outcome.curvature, outcome.values = gradients, rows.curvature, rows.values
    return outcome


def stand_in(array: DeviceArray) -> np.ndarray[Any, Any]:
    """A host array of the same shape and kind of number that holds nothing: for checks that look at no more."""
    dtype = np.dtype(np.float16 if array.kind == "bfloat16" else array.kind)
    return np.broadcast_to(np.empty((), dtype), array.shape)


def arranged(call: Call, logits: DeviceArray) -> Rows:
    """The input as rows or planes; copied if it lies otherwise."""
    shape = logits.shape
    classes = shape[1] if len(shape) > 1 else shape[0]
    positions = math.prod(shape[2:])
    rows = positions * (shape[0] if len(shape) > 1 else 1)
    if len(shape) == 2 and logits.strides[1] == 1 and logits.strides[0] >= 0:
        return Rows(call, logits, shape, classes, rows, logits.strides[0] if rows > 1 else classes, None)
    packed = call.packed(logits)
    if positions == 1:
        return Rows(call, packed, shape, classes, rows, classes, None)
    return Rows(call, packed, shape, classes, rows, classes * positions, positions)


# ---- denominators


def counted(rows: Rows) -> Mass:
    """The number of rows, or the sum of their own weights."""
    from numbaloss.kernels.cuda.labels import weigh_rows

    if rows.row_weights is None:
        return Mass(float(rows.rows))
    call = rows.call
    partials = call.scratch(call.blocks(rows.rows))
    kernel = common(weigh_rows, call.storage)
    call.door.launch(kernel, partials.size, rows.rows, rows.row_weights, rows.spread, partials)
    return Mass(partials=partials)


def scanned(rows: Rows, weighted: bool) -> Mass:
    """The sum of the weights of the rows that are not ignored, their class's among them if `weighted`."""
    from numbaloss.kernels.cuda.labels import scan

    call = rows.call
    partials = call.scratch(call.blocks(rows.rows))
    call.door.launch(
        common(scan, call.storage), partials.size, rows.rows, rows.labels, rows.classes, rows.ignored,
        rows.weights if weighted else None, rows.row_weights, rows.spread, partials,
    )  # fmt: skip
    return Mass(partials=partials)
