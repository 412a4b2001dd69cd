"""The arguments of a loss over regions on a device, and its two sweeps over them: as in `structures.region_images`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from numbaloss.arrays.device import DeviceArray
from numbaloss.compile.cuda import render
from numbaloss.compile.cuda.kernel import Kernel
from numbaloss.compile.cuda.memory import STORAGES
from numbaloss.structures.cuda.call import MOST_BLOCKS, Call, common, described
from numbaloss.structures.regions import RegionLoss

SUMS = 4  # numbers a class: true positives, false positives, false negatives, positions that count
EXTRA = 2  # numbers an image besides, under a softmax: the row loss' value, the weight of its rows
THREADS = 128
TURNS = 2  # times a thread goes on, at least, where there is so much: a block's sums are then few beside what it read
ADDED = 16  # classes up to which a thread keeps the sums of all
HELD = 64  # exponentials a thread keeps, at most
CACHED = 32 << 20  # bytes that second and third readings may rely on
LEAST_BLOCKS = 256
SHARED = 48 << 10  # bytes of shared memory a block may have


@dataclass(frozen=True)
class Rider:
    """A row loss of the same labels that shares the sweeps: its mathematics, hyper-parameters and class weights."""

    link: Any
    params: tuple[float, ...]
    weights: DeviceArray | None


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

        width, tasks = self._width(), 0
        if self.input.size:
            tasks = self._tasks(width)
        partials = self.call.scratch(self.count * self.columns * tasks)
        if self.input.size:
            self._launch("statistics", width, tasks, rider, partials)
        sums = self.call.door.empty((self.count, self.columns), "float64")
        number = self.count * self.columns
        lanes = 32 if tasks > 8 else 1
        self.call.door.launch(
            common(gather, "float64", LANES=lanes), self.call.blocks(number * lanes), number, tasks, partials, sums
        )
        return sums

    # ---- second sweep

    def gradient(
        self, slopes: DeviceArray, jumps: DeviceArray, rider: Rider | None = None, pulls: DeviceArray | None = None
    ) -> DeviceArray:
        """The gradient, in the caller's buffer or new memory.

        `slopes` and `jumps` (N, C) hold what each class's chance is worth where its target is 0, and how much more
        where it is 1; `pulls` (N,) what an image's rows are worth.
        """
        gradient = self.call.buffers({"input": self.shape})[0]
        if self.input.size:
            width = self._width(gradient)
            outputs = (slopes, jumps) if self.activation != "softmax" else (slopes, jumps, pulls)
            self._launch("gradients", width, self._tasks(width), rider, *outputs, gradient)
        return gradient

    # ---- launches

    def _width(self, *outputs: DeviceArray) -> int:
        """How many positions are read at once: all planes begin where 16 bytes can be, or it is one."""
        full = STORAGES[self.call.storage].width
        if self.activation == "softmax" and full * self.classes > HELD >= self.classes:
            return 1  # so that a thread can keep all classes
        arrays = (self.input, *outputs, *(() if self.targets is None else (self.targets,)))
        return full if self.positions % full == 0 and all(one.aligned for one in arrays) else 1

    def _tasks(self, width: int) -> int:
        """Blocks of one image, or for independent classes of one plane."""
        units, most = self.count * self.classes, MOST_BLOCKS
        if self.activation == "softmax":
            units = self.count
            if self.classes > HELD:  # read again soon: what all blocks are at should fit into a cache
                tile = THREADS * width * self.classes * self.input.item_size
                most = max(LEAST_BLOCKS, min(most, CACHED // tile))
        return max(1, min(most // units, -(-self.positions // (THREADS * width * TURNS))))

    def _launch(self, name: str, width: int, tasks: int, rider: Rider | None, *rest: Any) -> None:
        layout: tuple[Any, ...] = (self.positions, self.classes, tasks)
        arrays = (self.input, self.labels, self.targets, self.left_out, self.flag)
        ridden: tuple[Any, ...] = ()
        blocks = self.count * tasks
        if self.activation == "softmax":
            kernel = self._softmax(name, width, rider)
            ridden = (None, None) if rider is None else (rider.weights, rider.params)
        else:
            kernel, layout, blocks = self._elements(name, width), (*layout, self.shift), blocks * self.classes
        self.call.door.launch(kernel, blocks, *layout, *arrays, *ridden, *rest)

    def _softmax(self, name: str, width: int, rider: Rider | None) -> Kernel:
        from numbaloss.kernels.cuda import regions_softmax, regions_sums

        kept = self.classes if self.classes * width <= HELD else 0
        template: Any = regions_softmax.gradients
        if name == "statistics":
            if kept and self.classes <= ADDED:
                template = regions_sums.statistics_few
            elif kept and (kept + 6) * THREADS * width * self.call.real.itemsize <= SHARED:
                template = regions_sums.statistics_some
            else:
                template, kept = regions_sums.statistics_many, 0
        holes: dict[str, Any] = {} if rider is None else {"link": rider.link}
        return self.call.kernel(
            template, (width, kept, holes.get("link")), THREADS, CLASSES=kept, KEPT=max(1, kept), WIDTH=width,
            COLUMNS=SUMS * kept + EXTRA, OWNED=-(-kept * 32 // THREADS), TILE=THREADS * width, **render.access(width),
            **holes,
        )

    def _elements(self, name: str, width: int) -> Kernel:
        from numbaloss.kernels.cuda import regions_elements

        activate = regions_elements.given if self.activation is None else regions_elements.logistic
        return self.call.kernel(
            getattr(regions_elements, name), (width, self.activation), THREADS, WIDTH=width, activate=activate,
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
    elif target.shape == logits.shape:
        targets = call.packed(target).reshaped(*planes)
    else:
        raise ValueError(loss._no_target(wanted, logits.shape, described(target)))
    return DeviceImages(
        call, call.packed(logits).reshaped(*planes), logits.shape, labels, targets,
        int(loss.parameters["ignore_index"]), loss.parameters["activation"],
        bool(loss.parameters.get("squared_pred")),
    )


def image_weights(call: Call, sample_weight: Any, count: int) -> DeviceArray | None:
    """A weight for each image, in the type of the arithmetic; None for ones."""
    if sample_weight is None:
        return None
    given = call.view("sample_weight", sample_weight)
    if given.shape != (count,):
        raise ValueError(
            f"{call.name}: sample_weight has shape {given.shape}; wanted one weight for each image, {(count,)}"
        )
    return call.packed(given, call.real.name)
