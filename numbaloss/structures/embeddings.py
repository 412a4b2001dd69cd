"""What losses of pairs and of triplets of embeddings share: their arguments, and how these get to a kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.arrays.casts import put
from numbaloss.arrays.sums import sum_of
from numbaloss.compile.twins import Kernel, Twins
from numbaloss.loss import Array, Loss, Need, Outcome
from numbaloss.structures.measures import FAMILY, GIVEN, MEASURES, STRIP, checked_function, holes
from numbaloss.structures.sheets import Sheets, gradient_buffers

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceDoor

STRUCTURAL = ("p", "eps", "swap", "distance_function")  # hyper-parameters of the measure, not of the mathematics


class EmbeddingLoss(Loss):
    """A loss of the distances between rows of several arrays of one shape (..., D)."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        facts = self.definition
        self._distance = self.parameters.get("distance_function", facts.facts["measure"])
        if callable(self._distance):
            checked_function(facts.name, "distance_function", self._distance)
        self._exponent = self.parameters.get("p")
        if self._exponent is not None:
            self._distance = FAMILY.get(self._exponent, "minkowski")
        measure = GIVEN if callable(self._distance) else MEASURES[self._distance]
        own: float = facts.facts.get("shift", {}).get(self._distance, measure.eps)
        self._eps = float(self.parameters.get("eps", own))
        # also where slopes may be infinite though the distance is not: of a user's, and of powers below 1
        self._room = 0 if callable(self._distance) or (self._exponent or 1.0) < 1.0 else None
        self._quick_when = self.reduction in ("mean", "sum")

    def _checked_weight(self, weight: Any) -> Array | None:
        return None

    def _template(self) -> tuple[Kernel, str, FunctionType, tuple[Any, ...]]:
        """The kernel, the open name of the mathematics in it, its meaning, and the scalar hyper-parameters' values."""
        raise NotImplementedError

    def _template_on_device(self) -> tuple[Kernel, dict[str, Any], tuple[Any, ...]]:
        """The same for a device: the template, the meaning of its open names but those of the measure, the values."""
        raise NotImplementedError

    def _middle(self, labels: Array | None, weights: Array | None, eps: Any) -> tuple[Any, ...]:
        """The kernel's arguments between the rows and the hyper-parameters."""
        raise NotImplementedError

    def _kernel(self, dtype: np.dtype[Any], width: int) -> tuple[Twins, tuple[Any, ...]]:
        key = dtype, width <= STRIP
        if key not in self._kernels:
            template, name, link, scalars = self._template()
            meaning = {**holes(self._distance, self._exponent, dtype), name: link, "narrow": dtype.type}
            meaning |= {"SHORT": width <= STRIP, "STRIP": STRIP}
            twins = Twins(template, dtype, self.definition.name, **meaning)
            self._kernels[key] = twins, tuple(dtype.type(value) for value in scalars)
        found: tuple[Twins, tuple[Any, ...]] = self._kernels[key]
        return found

    def _quick(self, inputs: tuple[Any, ...], out: Any) -> tuple[Any, Any] | None:
        facts = self.definition
        first = inputs[0] if len(inputs) == len(facts.inputs) else None
        if type(first) is not np.ndarray:
            return None
        dtype, shape, count = first.dtype, first.shape, len(facts.facts["rows"])
        rows = inputs[:count]
        written = tuple([np.empty(shape, dtype) for _ in facts.wrt]) if out is None else out
        if type(written) is np.ndarray:
            written = (written,)
        for array in (*rows, *written):
            if type(array) is not np.ndarray or array.dtype is not dtype or array.shape != shape:
                return None
            if not array.flags.carray:
                return None
        if dtype not in (checks.FLOAT32, checks.FLOAT64) or len(written) != len(facts.wrt) or first.size == 0:
            return None
        labels = None
        if len(inputs) > count:
            labels = inputs[count]
            if type(labels) is not np.ndarray or labels.shape != shape[:-1] or labels.dtype.kind not in "fiub":
                return None
            labels = flat_labels(labels, dtype, written)
        if out is not None:
            for k, buffer in enumerate(written):
                if any(np.may_share_memory(buffer, array) for array in (*rows, *written[:k])):
                    return None
        width, number = shape[-1], dtype.type
        twins, params = self._kernel(dtype, width)
        divisor = first.size // width if self.reduction == "mean" else 1
        slots = iter(written)
        total = twins(
            first.size, width, *[array.ravel() for array in rows],
            *self._middle(labels, None, number(self._eps)), params, number(1.0 / divisor), None,
            *[next(slots).ravel() if name in facts.wrt else None for name in facts.facts["rows"]],
        )
        return checks.number(total / divisor, dtype), written[0] if len(written) == 1 else tuple(written)

    def _run(self, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        door, facts = self._door(inputs), self.definition
        arrays = [door.view(array) for array in inputs]
        count = len(facts.facts["rows"])
        rows = self._checked_rows(arrays[:count], inputs[:count])
        first = rows[0]
        lead = first.shape[:-1]
        labels = self._checked_label(arrays[count], lead) if len(arrays) > count else None
        dtype = checks.computed_dtype(first.dtype)
        weights = checks.row_weights(facts.name, sample_weight, lead, dtype)
        number = float(math.prod(lead))
        outcome = Outcome(door, first.dtype, batch=lead[0] if lead else 1, denominator=number)
        if weights is not None:
            outcome.denominator = sum_of(weights)
        gradients = gradient_buffers(facts.name, facts.facts["rows"], rows, first.dtype, need)
        outcome.gradients = tuple(array for array in gradients if array is not None)
        if labels is not None:
            labels = flat_labels(labels, dtype, outcome.gradients)
        if need.values:
            outcome.values = np.empty(lead, first.dtype)
        self._launch(outcome, Sheets(rows, gradients, dtype), labels, weights, dtype)
        return outcome

    def _launch(
        self, outcome: Outcome, sheets: Sheets, labels: Array | None, weights: Array | None, dtype: np.dtype[Any]
    ) -> None:
        """Run the kernel over all rows, as many at a time as can be laid out at no cost."""
        width = sheets.inputs[0].shape[-1]
        twins, params = self._kernel(dtype, width)
        scale = dtype.type(self._scale(outcome.denominator, outcome.batch))
        eps = dtype.type(self._eps)
        values = None if outcome.values is None else outcome.values.reshape(-1)
        for low, high, flat, gradients in sheets.pieces():
            part = values
            if values is not None:
                part = values[low:high] if values.dtype == dtype else np.empty(high - low, dtype)
            own = [None if array is None else array[low:high] for array in (labels, weights)]
            outcome.total += twins(
                flat[0].size, width, *flat, *self._middle(own[0], own[1], eps), params, scale, part,
                *gradients,
            )
            if values is not None and part is not None and values.dtype != dtype:
                put(part, values[low:high])

    def _run_on_device(self, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        from numbaloss.structures.cuda import embeddings

        return embeddings.run(self, door, inputs, sample_weight, need)

    # ---- arguments

    def _checked_rows(self, arrays: list[Array], given: tuple[Any, ...]) -> list[Array]:
        facts, names = self.definition, self.definition.facts["rows"]
        checked = [checks.network_output(facts.name, names[0], arrays[0], given[0])]
        shape = checked[0].shape
        if not shape or shape[-1] == 0:
            raise ValueError(f"{facts.name}: {names[0]} needs a last axis that holds an embedding, got shape {shape}")
        for name, array, original in zip(names[1:], arrays[1:], given[1:], strict=True):
            if name in facts.wrt:
                array = checks.network_output(facts.name, name, array, original)
            array = checks.numeric(facts.name, name, array)
            checks.same_shape(facts.name, name, array, names[0], shape)
            checked.append(array)
        return checked

    def _checked_label(self, labels: Array, lead: tuple[int, ...]) -> Array:
        facts = self.definition
        name = facts.facts["per_row"][0]
        checks.numeric(facts.name, name, labels)
        if labels.shape != lead:
            raise ValueError(
                f"{facts.name}: {name} has shape {labels.shape}; wanted one number for each row, {lead}, the shape of "
                f"{facts.inputs[0]} without its last axis"
            )
        return labels


def flat_labels(labels: Array, dtype: np.dtype[Any], written: Sequence[Array]) -> Array:
    """One label a row as kernels read them: as they are where that can be, else in the type of the arithmetic."""
    if labels.dtype not in (dtype, np.int64, np.int32) or any(np.may_share_memory(labels, one) for one in written):
        labels = labels.astype(dtype)
    return checks.kernel_argument(np.require(labels, requirements=("C", "A"))).reshape(-1)
