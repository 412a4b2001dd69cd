"""The arguments of a loss over regions on a device, and its two sweeps over them: as in `structures.region_images`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from numbaloss.arrays.device import DeviceArray
from numbaloss.compile.cuda import render
from numbaloss.compile.cuda.kernel import MOST_BLOCKS, Kernel, common
from numbaloss.compile.cuda.memory import STORAGES
from numbaloss.structures.cuda.call import Call, described
from numbaloss.structures.regions import RegionLoss

SUMS = 4  # numbers a class: true positives, false positives, false negatives, true negatives
EXTRA = 2  # numbers an image besides, under a softmax: the row loss' value, the weight of its rows
THREADS = 128
SPAN = 8  # positions a thread takes on at least, and two turns: a block's sums are then few beside what it reads
ADDED = 16  # classes up to which a thread keeps the sums of all; in float64 half as many, as of the next two
SHARED = 24  # classes up to which a block shares the exponentials of its positions
HELD = 64  # exponentials a thread keeps, at most
KNOWN = 6  # other numbers it keeps of a position; in float64, with longer arithmetic, four times as many words
WIDE = 80  # numbers it keeps of several positions, at most: with more, registers spill
CACHED = 32 << 20  # bytes that second and third readings may rely on
LEAST_BLOCKS = 256


@dataclass(frozen=True)
class Rider:
    """A row loss of the same labels that shares the sweeps: its mathematics, hyper-parameters and class weights."""

    link: Any
    params: tuple[float, ...]
    weights: DeviceArray | None


@dataclass(frozen=True)
class Plan:
    """How a sweep goes: positions a thread takes at once, classes it keeps of them (or 0), blocks an image or plane."""

    width: int
    kept: int
    tasks: int


@dataclass
class DeviceImages:
    """Checked arguments in the layout (N, C, positions)."""

    call: Call
    input: DeviceArray
    shape: tuple[int, ...]
    labels: DeviceArray | None  # (N, positions)
    targets: DeviceArray | None  # (N, C, positions)
    ignored: int
    activation: str | None
    squared: bool

    def __post_init__(self) -> None:
        self.count, self.classes, self.positions = self.input.shape
        self.shift = 1 if self.classes == 1 else 0  # label 1 means the only class there is
        self.flag = 1 if self.squared else None
        # the caller's or new; checked before anything is launched
        self.buffers = self.call.buffers({"input": self.shape})
        # what a target's entry must be to be left out
        self.left_out = self.ignored if self.targets is None else float(self.ignored)

    @property
    def columns(self) -> int:
        """How many sums an image has."""
        return SUMS * self.classes + (EXTRA if self.activation == "softmax" else 0)

    # ---- first sweep

    def sums(self, rider: Rider | None = None) -> DeviceArray:
        """Sums of each class of each image, and of the row loss: (N, columns), in float64."""
        from numbaloss.kernels.cuda.regions_finish import gather

        plan, tasks = None, 0
        if self.input.size:
            plan = self._plan("statistics")
            tasks = plan.tasks
        partials = self.call.scratch(self.count * self.columns * tasks)
        if plan is not None:
            self._launch("statistics", plan, rider, partials)
        sums = self.call.door.empty((self.count, self.columns), "float64")
        number = self.count * self.columns
        lanes = 32 if tasks > 8 else 1
        self.call.door.launch(
            common(gather, "float64", LANES=lanes), self.call.blocks(number * lanes), number, tasks, partials, sums
        )
        return sums

    # ---- second sweep

    def gradient(
        self, outside: DeviceArray, inside: DeviceArray, rider: Rider | None = None, pulls: DeviceArray | None = None
    ) -> DeviceArray:
        """The gradient, in the caller's buffer or new memory.

        `outside` and `inside` (N, C) hold what each class's chance is worth where its target is 0, and where it
        is 1; `pulls` (N,) what an image's rows are worth.
        """
        gradient = self.buffers[0]
        if self.input.size:
            outputs = (outside, inside) if self.activation != "softmax" else (outside, inside, pulls)
            self._launch("gradients", self._plan("gradients", gradient), rider, *outputs, gradient)
        return gradient

    # ---- launches

    def _plan(self, sweep: str, *outputs: DeviceArray) -> Plan:
        """16 bytes at once where all planes allow it, but for classes that a thread can keep only one by one."""
        full = STORAGES[self.call.storage].width
        arrays = (self.input, *outputs, *(() if self.targets is None else (self.targets,)))
        width = full if self.positions % full == 0 and all(one.aligned for one in arrays) else 1
        units, kept, most = self.count * self.classes, 0, MOST_BLOCKS
        if self.activation == "softmax":
            single = self.call.real.itemsize // 4
            units, words = self.count, self.classes * single
            if words <= (SHARED if sweep == "statistics" else HELD):
                width, kept = width if width * (words + KNOWN * single * single) <= WIDE else 1, self.classes
            else:  # read again soon: what all blocks are at should fit into a cache
                tile = THREADS * width * self.classes * self.input.item_size
                most = max(LEAST_BLOCKS, min(most, CACHED // tile))
        span = THREADS * max(SPAN, 2 * width)
        return Plan(width, kept, max(1, min(most // units, -(-self.positions // span))))

    def _launch(self, sweep: str, plan: Plan, rider: Rider | None, *rest: Any) -> None:
        layout: tuple[Any, ...] = (self.positions, self.classes, plan.tasks)
        arrays = (self.input, self.labels, self.targets, self.left_out, self.flag)
        ridden: tuple[Any, ...] = ()
        blocks = self.count * plan.tasks
        if self.activation == "softmax":
            kernel = self._softmax(sweep, plan, rider)
            ridden = (None, None) if rider is None else (rider.weights, rider.params)
        else:
            kernel, layout, blocks = self._elements(sweep, plan.width), (*layout, self.shift), blocks * self.classes
        self.call.door.launch(kernel, blocks, *layout, *arrays, *ridden, *rest)

    def _softmax(self, sweep: str, plan: Plan, rider: Rider | None) -> Kernel:
        from numbaloss.kernels.cuda import regions_softmax, regions_sums

        template: Any = regions_softmax.gradients
        width, kept = plan.width, plan.kept
        if sweep == "statistics":
            template = regions_sums.statistics_some if kept else regions_sums.statistics_many
            if kept and kept * self.call.real.itemsize <= 4 * ADDED:
                template = regions_sums.statistics_few
        holes: dict[str, Any] = {} if rider is None else {"link": rider.link}
        return self.call.kernel(
            template, (width, kept, holes.get("link")), THREADS, CLASSES=kept, KEPT=max(1, kept), WIDTH=width,
            COLUMNS=SUMS * kept + EXTRA, OWNED=-(-kept * 32 // THREADS), TILE=THREADS * width, **render.access(width),
            **holes,
        )

    def _elements(self, sweep: str, width: int) -> Kernel:
        from numbaloss.kernels.cuda import regions_elements

        activate = regions_elements.given if self.activation is None else regions_elements.logistic
        return self.call.kernel(
            getattr(regions_elements, sweep), (width, self.activation), THREADS, WIDTH=width, activate=activate,
            **render.access(width),
        )


def images_of(call: Call, loss: RegionLoss, inputs: tuple[Any, ...]) -> DeviceImages:
    """The checked arguments; raises before anything is launched."""
    logits = call.network_output("input", call.view("input", inputs[0]))
    target = call.view("target", inputs[1])
    call.storage = logits.kind
    loss._check_classes(logits.shape)
    positions = math.prod(logits.shape[2:])
    planes = (*logits.shape[:2], positions)
    wanted = (logits.shape[0], *logits.shape[2:])
    labels = targets = None
    if target.shape == wanted and target.ndim < logits.ndim:
        labels = call.labels(target).reshaped(wanted[0], positions)
        call.check_labels(labels, 2 if planes[1] == 1 else planes[1])
    elif target.shape == logits.shape:
        targets = call.packed(target).reshaped(*planes)
    else:
        raise ValueError(loss._no_target(wanted, logits.shape, described(target)))
    return DeviceImages(
        call, call.packed(logits).reshaped(*planes), logits.shape, labels, targets,
        int(loss.parameters["ignore_index"]), loss.parameters["activation"],
        bool(loss.parameters.get("squared_pred")),
    )
