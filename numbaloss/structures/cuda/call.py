"""One call of a loss on a device: its arrays, its buffers, and the launches all structures share."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from numbaloss.arrays.device import FLOATING, DeviceArray, DeviceDoor
from numbaloss.arrays.labels import checking_labels
from numbaloss.compile.cuda import render
from numbaloss.compile.cuda.kernel import THREADS, Kernel, common, grid
from numbaloss.compile.cuda.memory import STORAGES, accessors
from numbaloss.loss import Loss, Need, Outcome


@dataclass
class DeviceOutcome(Outcome):
    """What a structure computed on a device; nothing of it has been waited for."""

    sums: Any = None  # DeviceArray of two numbers: the sum and its denominator
    value: Any = None  # DeviceArray of one: the reduced value

    def summed(self) -> tuple[float, float]:
        total, denominator = self.door.download(self.sums)  # type: ignore[attr-defined]
        return float(total), float(denominator)

    def reduced(self, loss: Loss) -> Any:
        return self.door.result(self.value)


@dataclass
class Mass:
    """What the mean divides by: a number known on the host, or sums that lie on the device."""

    known: float = 0.0
    partials: DeviceArray | None = None

    @property
    def parts(self) -> int:
        return 0 if self.partials is None else self.partials.size


@dataclass
class Call:
    """The checked arguments of one call, and helpers to launch with."""

    loss: Loss
    door: DeviceDoor
    need: Need
    storage: str = ""

    @property
    def name(self) -> str:
        return self.loss.definition.name

    @property
    def real(self) -> Any:
        """The type of the arithmetic, as a NumPy type."""
        return STORAGES[self.storage].real

    # ---- arguments

    def view(self, name: str, array: Any) -> DeviceArray:
        try:
            return self.door.view(array)
        except TypeError as error:
            raise TypeError(f"{self.name}: {name}: {error}") from None

    def network_output(self, name: str, array: DeviceArray) -> DeviceArray:
        """An array that must be floating."""
        if array.kind not in FLOATING:
            wanted = ", ".join(FLOATING)
            raise TypeError(f"{self.name}: {name} must be a floating array ({wanted}), got {described(array)}")
        return array

    def packed(self, array: DeviceArray, kind: str = "") -> DeviceArray:
        """The array itself where kernels can read it, else a copy in the type of the call (or `kind`), in C order."""
        kind = kind or self.storage
        if array.kind == kind and array.contiguous:
            return array
        made = self.door.empty(array.shape, kind)
        if array.size:
            copied(self, array, made)
        return made

    def labels(self, array: DeviceArray, kind: str = "") -> DeviceArray:
        """Class labels in C order: of any integer type, or copied into `kind`."""
        if not array.size:
            return replace(array, kind="int64")
        if array.kind == "bool" or array.kind in FLOATING:
            raise TypeError(f"{self.name}: target must be an integer array, got {described(array)}")
        kind = kind or array.kind
        if array.contiguous and array.kind == kind:
            return array
        made = self.door.empty(array.shape, kind)
        copied(self, array, made)
        return made

    def unit_weights(self, sample_weight: Any, shape: tuple[int, ...], unit: str) -> DeviceArray | None:
        """A weight for each `unit` in the type of the arithmetic; None for ones."""
        if sample_weight is None:
            return None
        given = self.view("sample_weight", sample_weight)
        if given.shape != shape:
            raise ValueError(
                f"{self.name}: sample_weight has shape {given.shape}; wanted one weight for each {unit}, {shape}"
            )
        return self.packed(given, self.real.name)

    def row_weights(self, sample_weight: Any, lead: tuple[int, ...], unit: str = "row") -> DeviceArray | None:
        """The same, given for each `unit` or for each sample of `lead`'s first axes, whose other axes then are 1."""
        if sample_weight is None:
            return None
        given = self.view("sample_weight", sample_weight)
        if given.shape != lead[: given.ndim]:
            raise ValueError(
                f"{self.name}: sample_weight has shape {given.shape}; wanted one weight for each {unit}, {lead}, or "
                f"for each sample, {lead[:1]}"
            )
        return self.packed(given, self.real.name).lengthened(len(lead))

    def constant(self, name: str, values: Any) -> DeviceArray:
        """A host array that belongs to the loss (class weights, say) in the type of the arithmetic, uploaded once."""
        place = ("constant", name, self.real, self.door.place())
        if place not in self.loss._kernels:
            self.loss._kernels[place] = self.door.upload(np.ascontiguousarray(values, self.real))
        found: DeviceArray = self.loss._kernels[place]
        return found

    # ---- outputs

    def buffers(
        self, shapes: dict[str, tuple[int, ...]], kinds: dict[str, str] | None = None
    ) -> tuple[DeviceArray, ...]:
        """Memory for each wanted gradient, of the shape of its input: the caller's, where he gives some.

        It is in the type of the call unless `kinds` names another.
        """
        found = []
        for name, buffer in zip(self.need.wrt, self.need.buffers(self.name), strict=True):
            kind = (kinds or {}).get(name, self.storage)
            if buffer is None:
                found.append(self.door.empty(shapes[name], kind))
                continue
            out = self.view("out", buffer)
            if out.shape != shapes[name] or out.kind != kind or not out.contiguous:
                raise ValueError(
                    f"{self.name}: out must be contiguous, have dtype {kind} and shape {shapes[name]}, "
                    f"got {described(out)}"
                )
            found.append(out)
        return tuple(found)

    def scratch(self, *shape: int) -> DeviceArray:
        """New memory in the type of the arithmetic."""
        return self.door.empty(shape, self.real.name)

    def check_labels(self, labels: DeviceArray, classes: int, name: str = "target") -> None:
        """Wait, and raise for labels out of range, where the user asked for that by `numbaloss.check_labels`."""
        if not checking_labels():
            return
        ignored = self.loss.parameters.get("ignore_index")
        from numbaloss.kernels.cuda.labels import count_wrong

        wrong = self.scratch(self.blocks(labels.size))
        nothing = np.iinfo(np.int64).min if ignored is None else ignored
        self.door.launch(
            common(count_wrong, self.storage), wrong.size, labels.size, labels, classes, nothing, wrong
        )
        if count := int(self.door.download(wrong).sum()):
            also = "" if ignored is None else f" or ignore_index={ignored}"
            raise ValueError(
                f"{self.name}: labels in {name} must be in 0 ... {classes - 1}{also} ({count} of {labels.size} are not)"
            )

    # ---- launches

    def kernel(self, template: Any, key: Any = (), threads: int = THREADS, **holes: Any) -> Kernel:
        """A template bound for this loss and storage type; made once. `key` tells one set of `holes` from another."""
        place = (template, self.storage, threads, key)
        if place not in self.loss._kernels:
            self.loss._kernels[place] = Kernel(template, self.storage, self.name, threads, **holes)
        found: Kernel = self.loss._kernels[place]
        return found

    def blocks(self, items: int, threads: int = THREADS) -> int:
        """The size of a grid with a thread for each item, up to the most that a grid has."""
        return grid(items, threads)

    def scale(self, mass: Mass, batch: int) -> tuple[float, DeviceArray | None]:
        """What slopes are multiplied by, and the sums they are divided by, if that is done on the device."""
        if self.loss.reduction == "mean" and mass.partials is not None:
            return 1.0, mass.partials
        return self.loss._scale(mass.known, batch), None

    @property
    def empty(self) -> float:
        """The factor of slopes where the mean has nothing to divide by."""
        return 0.0 if self.loss.on_empty == "zero" else math.inf

    def finished(self, partials: DeviceArray, mass: Mass, batch: int, share: float = 1.0) -> DeviceOutcome:
        """The sum of the blocks' sums, and what the reduction makes of it."""
        from numbaloss.kernels.cuda.finish import finish

        outcome = DeviceOutcome(self.door, self.real, batch=batch)  # type: ignore[arg-type]
        outcome.sums = self.scratch(2)
        outcome.value = self.door.empty((), self.storage)
        mean_of_nothing = None
        divisor, masses = mass.known, mass.partials
        if self.loss.reduction != "sum":
            mean_of_nothing = 0.0 if self.loss.on_empty == "zero" else math.nan
        if self.loss.reduction == "batchmean":
            divisor, masses = float(batch), None
        self.door.launch(
            common(finish, self.storage), 1, partials, partials.size, masses, mass.parts, float(divisor), float(share),
            mean_of_nothing, outcome.sums, outcome.value,
        )
        return outcome


def copied(call: Call, source: DeviceArray, target: DeviceArray) -> None:
    """Launch a copy of an array into another type or layout; into one of whole numbers only of such."""
    from numbaloss.kernels.cuda.copy import copy, copy_whole

    if target.kind in STORAGES:
        fetch = accessors(source.kind)["load"] if source.kind in STORAGES else render.item
        kernel = common(copy, target.kind, fetch=fetch)
    else:
        kernel = common(copy_whole, "float32")
    upright, origin = source.upright()
    extents, strides = source.shape or (1,), source.strides or (1,)
    call.door.launch(kernel, call.blocks(source.size), source.size, upright, origin, extents, strides, target)


def described(array: DeviceArray) -> str:
    return f"dtype {array.kind} and shape {array.shape}"
