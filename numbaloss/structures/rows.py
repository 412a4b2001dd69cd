"""Losses over a class axis, ``(C)``, ``(N, C)`` or ``(N, C, d1, ...)``: the arguments every such loss takes."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.arrays.sums import sum_of
from numbaloss.compile import render
from numbaloss.compile.twins import Kernel, Twins
from numbaloss.loss import Array, Loss, Need, Outcome
from numbaloss.structures.hyperparameters import hyperparameters
from numbaloss.structures.layout import Rows, canonical

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceArray, DeviceDoor
    from numbaloss.structures.cuda.call import Mass
    from numbaloss.structures.cuda.rows import Rows as DeviceRows

STRUCTURAL = ("label_smoothing", "z_loss", "softcap", "temperature")  # dealt with by the kernel
FEW = 100  # classes up to which rows are transposed into tiles: what fits the nearest cache, about
NO_LABEL = np.iinfo(np.int64).min  # "ignored" where nothing is


class RowLoss(Loss):
    """A loss over a class axis, with class weights, sample weights and ignored labels."""

    def _checked_weight(self, weight: Any) -> Array | None:
        if weight is None:
            return None
        array = checks.weights(self.definition.name, "weight", weight)
        if array.ndim != 1:
            raise ValueError(f"{self.definition.name}: weight must hold one number a class, got shape {array.shape}")
        kept = array.copy()
        kept.flags.writeable = False
        return kept

    def _class_weights(self, dtype: np.dtype[Any], classes: int) -> Array | None:
        """The class weights as kernels take them."""
        if self.weight is None:
            return None
        self._check_weight_of(classes)
        found: Array | None = self._kernels.get(("weight", dtype))
        if found is None:
            found = checks.kernel_argument(np.ascontiguousarray(self.weight, dtype))
            self._kernels["weight", dtype] = found
        return found

    def _check_weight_of(self, classes: int) -> None:
        """Raise unless there is a class weight for each class."""
        if self.weight is not None and self.weight.size != classes:
            raise ValueError(f"{self.definition.name}: weight has {self.weight.size} entries for {classes} classes")

    def _compute(self, rows: Rows, need: Need, outcome: Outcome) -> None:
        """Launch the kernels for class labels, or for a target of the input's shape."""
        raise NotImplementedError

    def _labelled_on_device(self, rows: DeviceRows) -> DeviceArray:
        """Launch the CUDA kernel for class labels; the sums of its blocks."""
        raise TypeError(f"{self.definition.name} has no kernels for CUDA devices")

    def _distributed_on_device(self, rows: DeviceRows) -> DeviceArray:
        """The same for a target of the input's shape."""
        raise TypeError(f"{self.definition.name} has no kernels for CUDA devices")

    def _mass_on_device(self, rows: DeviceRows) -> Mass:
        """The denominator of the mean, with class labels."""
        from numbaloss.structures.cuda.rows import scanned

        return scanned(rows, self._weights_count)

    @cached_property
    def _weights_count(self) -> bool:
        """Whether the mean divides by the weights of the labels' classes."""
        return bool(self.definition.facts.get("denominator", "weights") == "weights")

    @cached_property
    def _ignored(self) -> int:
        """The label of rows that do not count."""
        return int(self.parameters.get("ignore_index", NO_LABEL))

    @cached_property
    def _left_out(self) -> int | None:
        """The same, or None for a loss all of whose rows count."""
        return self._ignored if "ignore_index" in self.parameters else None

    def _twins(
        self, template: Kernel, dtype: np.dtype[Any], arguments: tuple[str, ...], **holes: Kernel
    ) -> tuple[Twins, tuple[Any, ...]]:
        """A kernel bound to the mathematics, called on `arguments`, and the scalar hyper-parameters it takes.

        `holes` are further open names of the template.
        """
        key = (template, dtype, *holes.values())
        if key not in self._kernels:
            link, scalars = self._link(dtype, arguments)
            twins = Twins(template, dtype, self.definition.name, link=link, narrow=dtype.type, **holes)
            self._kernels[key] = twins, scalars
        found: tuple[Twins, tuple[Any, ...]] = self._kernels[key]
        return found

    def _link(self, dtype: np.dtype[Any], arguments: tuple[str, ...]) -> tuple[Kernel, tuple[Any, ...]]:
        """The mathematics as a kernel calls it, and the scalar hyper-parameters that it takes."""
        sources, numbers = hyperparameters(self, STRUCTURAL)
        return render.link(self.definition.maths, arguments, sources), tuple(dtype.type(number) for number in numbers)

    # ---- arguments

    def _run_on_device(self, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        from numbaloss.structures.cuda import rows

        return rows.run(self, door, inputs, sample_weight, need)

    def _run(self, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        door = self._door(inputs)
        logits, target = (door.view(array) for array in inputs)
        logits = checks.network_output(self.definition.name, self.definition.inputs[0], logits, inputs[0])
        self._check_shape(logits.shape)
        self._check_out(need, logits)
        distribution = self._is_distribution(logits, target)
        rows = self._rows(logits, target, sample_weight, distribution, need.buffers(self.definition.name))
        outcome = Outcome(door, logits.dtype, batch=logits.shape[0] if logits.ndim > 1 else 1)
        if distribution:
            outcome.denominator = counted(rows.input.shape[0] * rows.positions, rows.row_weights)
        else:
            self._check_labels_alone(need)
            outcome.denominator = self._scan(rows)
        self._compute(rows, need, outcome)
        if logits.size == 0:  # nothing was launched
            rows.outputs(need, outcome)
        return outcome

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        name = self.definition.name
        if not shape or shape == (0,) or (len(shape) > 1 and shape[1] == 0):
            raise ValueError(f"{name}: input needs a class axis, got shape {shape}")
        if len(shape) > self.definition.facts.get("max_ndim", len(shape)):
            raise ValueError(f"{name}: input must have shape (C) or (N, C), got shape {shape}")

    def _check_labels_alone(self, need: Need) -> None:
        if "target" in need.wrt:
            raise ValueError(f"{self.definition.name}: class labels have no gradient; wrt must be ('input',)")

    def _is_distribution(self, logits: Array, target: Array) -> bool:
        """Whether `target` holds probabilities; raises where it holds neither those nor labels of the right shape."""
        facts = self.definition
        wanted = logits.shape[:1] * (logits.ndim > 1) + logits.shape[2:]
        if target.dtype.kind in "iu" or (target.size == 0 and target.shape == wanted):
            if target.shape != wanted:
                raise ValueError(
                    f"{facts.name}: target has shape {target.shape}; class labels for an input of shape {logits.shape} "
                    f"have shape {wanted}{self._shape_hint(logits, target, wanted)}"
                )
            return False
        checks.numeric(facts.name, "target", target)
        if facts.target == "class":
            if target.shape == logits.shape != wanted:
                raise ValueError(
                    f"{facts.name}: target must be integer class labels of shape {wanted}, got "
                    f"{checks.describe(target)}{self._shape_hint(logits, target, wanted)}"
                )
            checks.integers(facts.name, "target", target)
        if target.shape != logits.shape:
            cast = "; astype(int) makes whole numbers such labels" if target.shape == wanted else ""
            raise ValueError(
                f"{facts.name}: target must be integer class labels of shape {wanted} or probabilities of the input's "
                f"shape {logits.shape}, got {checks.describe(target)}{cast}"
            )
        if self.parameters.get("ignore_index", -1) >= 0:
            raise ValueError(f"{facts.name}: ignore_index has no meaning for probability targets")
        return True

    def _shape_hint(self, logits: Array, target: Array, wanted: tuple[int, ...]) -> str:
        """What was probably meant by labels of a shape that does not fit."""
        if target.shape == (*wanted, 1) or target.shape == (*wanted[:1], 1, *wanted[1:]):
            return " (drop the axis of length 1)"
        if target.shape == logits.shape and self.definition.target == "class_or_distribution":
            return " (probabilities, one-hot ones too, must be a floating array)"
        if target.shape == logits.shape:
            return " (of one-hot targets take numpy.argmax along axis 1)"
        if target.shape == logits.shape[:-1]:
            return ", as the class axis is the second (numpy.moveaxis(input, -1, 1) makes it so)"
        return ""

    def _rows(
        self, logits: Array, target: Array, sample_weight: Any, distribution: bool, buffers: tuple[Array | None, ...]
    ) -> Rows:
        dtype = checks.computed_dtype(logits.dtype)
        turned = self._has_planes and all(one is None or _turned(one) for one in (logits, *buffers))
        planes = turned or (self._has_planes and logits.ndim > 2 and not self._class_last(logits))
        classes = logits.shape[1] if logits.ndim > 1 else logits.shape[0]
        positions = logits.shape[:1] * (logits.ndim > 1) + logits.shape[2:]
        return Rows(
            canonical(logits, planes, turned),
            planes,
            turned,
            dtype,
            classes,
            logits.shape,
            labels=None if distribution else self._flat_labels(target, classes),
            targets=canonical(target, planes, turned) if distribution else None,
            weights=self._class_weights(dtype, classes),
            row_weights=checks.row_weights(self.definition.name, sample_weight, positions, dtype),
            ignored=self._ignored,
            first=self.definition.inputs[0],
            rereads=distribution or self.definition.structure != "softmax" or bool(self.parameters.get("softcap")),
        )

    @property
    def _has_planes(self) -> bool:
        """Whether there are kernels that read the classes of a row far from each other."""
        facts = self.definition
        return facts.structure != "distributions" and "max_ndim" not in facts.facts

    @staticmethod
    def _class_last(logits: Array) -> bool:
        """Whether the class axis is the contiguous one, as in transposed (N, length, C) arrays."""
        return np.moveaxis(logits, 1, -1).flags.c_contiguous and logits.shape[1] > 1

    def _flat_labels(self, target: Array, classes: int) -> Array:
        labels = checks.integers(self.definition.name, "target", target)
        if labels.dtype == np.uint64:
            if labels.size and int(labels.max()) >= classes:
                self._out_of_range(labels.reshape(-1), classes)
            labels = labels.astype(np.int64)
        if not labels.dtype.isnative:
            labels = labels.astype(labels.dtype.newbyteorder("="))
        return checks.kernel_argument(np.ascontiguousarray(labels)).reshape(-1)

    def _check_out(self, need: Need, logits: Array) -> None:
        if need.out is not None:
            for buffer in need.buffers(self.definition.name):
                checks.output(self.definition.name, buffer, logits.shape, logits.dtype)

    # ---- denominators

    def _scan(self, rows: Rows) -> float:
        """The denominator of the mean; raises ValueError for a label out of range, before anything is computed."""
        assert rows.labels is not None
        weights = rows.weights if self._weights_count else None
        return self._label_mass(rows.labels, rows.dtype, rows.classes, weights, rows.row_weights)

    def _label_mass(
        self, labels: Array, dtype: np.dtype[Any], classes: int, weights: Array | None, row_weights: Array | None
    ) -> float:
        wrong, mass = self._scanner(dtype)(labels.size, labels, classes, self._left_out, weights, row_weights)
        if wrong:
            self._out_of_range(labels, classes)
        return float(mass)

    def _scanner(self, dtype: np.dtype[Any]) -> Twins:
        """The kernel that checks and weighs labels."""
        found: Twins | None = self._kernels.get(("scan", dtype))
        if found is None:
            found = self._kernels["scan", dtype] = Twins(self._label_check(), dtype, "labels")
        return found

    def _label_check(self) -> Kernel:
        """The template of that kernel."""
        from numbaloss.kernels.cpu.labels import scan

        return scan

    def _out_of_range(self, labels: Array, classes: int) -> None:
        ignored = self.parameters.get("ignore_index")
        wrong = (labels < 0) | (labels >= classes)
        if ignored is not None:
            wrong &= labels != ignored
        place = int(np.flatnonzero(wrong)[0])
        also = "" if ignored is None else f" or ignore_index={ignored}"
        raise ValueError(
            f"{self.definition.name}: target[{place}] is {labels[place]}, "
            f"but labels must be in 0 ... {classes - 1}{also} "
            f"({int(wrong.sum())} of {labels.size} are not)"
        )


def counted(rows: int, row_weights: Array | None) -> float:
    """The denominator where all rows count: how many there are, or the sum of their weights."""
    return float(rows) if row_weights is None else sum_of(row_weights)


def _turned(array: Array) -> bool:
    """Whether rows lie in Fortran's order, column after column: the transpose of an array as planes."""
    return array.ndim == 2 and array.flags.f_contiguous and not array.flags.c_contiguous
