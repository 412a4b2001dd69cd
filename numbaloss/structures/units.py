"""What a loss of an author's own kernel does around it: arguments, layouts, launches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import prod
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.arrays.casts import put
from numbaloss.arrays.sums import sum_of
from numbaloss.compile import render
from numbaloss.compile.twins import Twins
from numbaloss.loss import Array, Loss, Need, Outcome
from numbaloss.structures.hyperparameters import hyperparameters
from numbaloss.structures.sheets import Sheets, gradient_buffers

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceDoor

INT64 = np.dtype(np.int64)
TASK = 16384  # numbers of the inputs that one parallel task takes on
COST = 8  # work on each number of the inputs, in additions


class KernelLoss(Loss):
    """A loss whose value for one unit is computed by its author's own kernel."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        facts = self.definition.facts
        self._shapes: dict[str, tuple[int | str, ...]] = facts["shapes"]
        fixed = all(isinstance(length, int) for shape in self._shapes.values() for length in shape)
        self._quick_when = fixed and not facts["labels"] and self.reduction in ("mean", "sum")

    def _checked_weight(self, weight: Any) -> None:
        return None

    def _kernel(self, dtype: np.dtype[Any], wrt: tuple[str, ...]) -> tuple[Twins, tuple[Any, ...]]:
        """The kernel that writes these gradients, and the scalar hyper-parameters."""
        if (dtype, wrt) not in self._kernels:
            from numbaloss.kernels.cpu.units import units

            facts = self.definition
            sources, numbers = hyperparameters(self)
            axes = tuple(len(shape) for shape in self._shapes.values())
            places = tuple(facts.inputs.index(name) for name in facts.differentiable)
            wanted = tuple(name in wrt for name in facts.differentiable)
            unit = _unit(facts.maths, axes, places, wanted, sources)
            role = "_".join(("by", *wrt)) if wrt else "value"
            twins = Twins(units, dtype, f"{facts.name}.{role}", unit=unit)
            self._kernels[dtype, wrt] = twins, tuple(
                value if isinstance(value, int) else dtype.type(value) for value in numbers
            )
        found: tuple[Twins, tuple[Any, ...]] = self._kernels[dtype, wrt]
        return found

    def _quick(self, inputs: tuple[Any, ...], out: Any) -> tuple[Any, Any] | None:
        facts = self.definition
        first = inputs[0] if len(inputs) == len(facts.inputs) else None
        if type(first) is not np.ndarray or first.dtype not in (checks.FLOAT32, checks.FLOAT64):
            return None
        dtype, rank = first.dtype, len(self._shapes[facts.inputs[0]])
        lead = first.shape[: first.ndim - rank]
        count, given = prod(lead), dict(zip(facts.inputs, inputs, strict=True))
        written = tuple([np.empty_like(given[name]) for name in facts.wrt]) if out is None else out
        written = (written,) if type(written) is np.ndarray else tuple(written)
        if count == 0 or len(written) != len(facts.wrt):
            return None
        wanted = [*self._shapes.values(), *(self._shapes[name] for name in facts.wrt)]
        for array, shape in zip((*inputs, *written), wanted, strict=True):
            if type(array) is not np.ndarray or array.dtype is not dtype or array.shape != lead + shape:
                return None
            if not array.flags.carray:
                return None
        if out is not None:
            for k, buffer in enumerate(written):
                if any(np.may_share_memory(buffer, array) for array in (*inputs, *written[:k])):
                    return None
        twins, params = self._kernel(dtype, facts.wrt)
        flat = [array.reshape(count, *shape) for array, shape in zip((*inputs, *written), wanted, strict=True)]
        divisor, size = count if self.reduction == "mean" else 1, sum(array.size for array in inputs)
        total = twins(
            COST * size, count, max(1, TASK * count // size), tuple(flat[: len(inputs)]), tuple(flat[len(inputs) :]),
            params, None, dtype.type(1.0 / divisor), None,
        )
        return checks.number(total / divisor, dtype), written[0] if len(written) == 1 else written

    def _run(self, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        door, facts = self._door(inputs), self.definition
        arrays, lead = self._checked([door.view(array) for array in inputs], inputs)
        kept = arrays[facts.inputs.index(facts.differentiable[0])]
        dtype = checks.computed_dtype(kept.dtype)
        weights = checks.row_weights(facts.name, sample_weight, lead, dtype)
        outcome = Outcome(door, kept.dtype, batch=lead[0] if lead else 1, denominator=float(prod(lead)))
        if weights is not None:
            outcome.denominator = sum_of(weights)
        gradients = gradient_buffers(facts.name, facts.inputs, arrays, kept.dtype, need)
        outcome.gradients = tuple(array for array in gradients if array is not None)
        if need.values:
            outcome.values = np.empty(lead, kept.dtype)
        if prod(lead):
            self._launch(outcome, arrays, gradients, weights, dtype, need.wrt)
        return outcome

    def _run_on_device(self, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        from numbaloss.structures.cuda import units

        return units.run(self, door, inputs, sample_weight, need)

    def _launch(
        self,
        outcome: Outcome,
        arrays: Sequence[Array],
        gradients: Sequence[Array | None],
        weights: Array | None,
        dtype: np.dtype[Any],
        wrt: tuple[str, ...],
    ) -> None:
        """Run the kernel over all units, as many at a time as can be laid out at no cost."""
        twins, params = self._kernel(dtype, wrt)
        axes = [len(shape) for shape in self._shapes.values()]
        ends = [array.shape[array.ndim - last :] for array, last in zip(arrays, axes, strict=True)]
        size = sum(prod(end) for end in ends)
        labels = self.definition.facts["labels"]
        types = [INT64 if name in labels else dtype for name in self.definition.inputs]
        factor = dtype.type(self._scale(outcome.denominator, outcome.batch))
        values = None if outcome.values is None else outcome.values.reshape(-1)
        for low, high, flat, slots in Sheets(arrays, gradients, dtype, axes, types).pieces():
            part = values
            if values is not None:
                part = values[low:high] if values.dtype == dtype else np.empty(high - low, dtype)
            units = tuple(array.reshape(high - low, *end) for array, end in zip(flat, ends, strict=True))
            written = tuple(
                slot.reshape(high - low, *end) for slot, end in zip(slots, ends, strict=True) if slot is not None
            )
            outcome.total += twins(
                COST * size * (high - low), high - low, max(1, TASK // size), units, written, params,
                None if weights is None else weights[low:high], factor, part,
            )
            if values is not None and part is not None and values.dtype != dtype:
                put(part, values[low:high])

    # ---- arguments

    def _checked(self, arrays: list[Array], given: tuple[Any, ...]) -> tuple[list[Array], tuple[int, ...]]:
        """The inputs as kernels may have them, and their common leading axes; or an error that names the wrong one."""
        facts, labels = self.definition, self.definition.facts["labels"]
        checked: list[Array] = []
        for name, array, original in zip(facts.inputs, arrays, given, strict=True):
            if name in labels:
                array = checks.integers(facts.name, name, array)
            elif name in facts.wrt or name == facts.differentiable[0]:
                array = checks.network_output(facts.name, name, array, original)
            checked.append(checks.numeric(facts.name, name, array))
        lead, sizes = self._fitted([array.shape for array in checked])
        for name, axis in labels.items():
            self._check_labels(name, checked[facts.inputs.index(name)], None if axis is None else sizes[axis])
        return checked, lead

    def _fitted(self, given: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], dict[str, int]]:
        """The leading axes of inputs of these shapes, and the lengths of the named axes; or an error."""
        sizes: dict[str, int] = {}
        lead: tuple[int, ...] = ()
        for k, (name, whole) in enumerate(zip(self.definition.inputs, given, strict=True)):
            shape = self._shapes[name]
            leading = len(whole) - len(shape)
            if not k and leading >= 0:
                lead = whole[:leading]
            end = whole[max(leading, 0) :]
            for axis, length in zip(shape, end, strict=False):
                if isinstance(axis, str) and length > 0:
                    sizes.setdefault(axis, length)
            wanted = tuple(sizes.get(axis, 0) if isinstance(axis, str) else axis for axis in shape)
            if whole != (*lead, *wanted) or 0 in wanted:
                raise ValueError(self._misfit(name, whole, lead if k else None, sizes if k else {}))
        return lead, sizes

    def _misfit(
        self, name: str, shape: tuple[int, ...], lead: tuple[int, ...] | None, sizes: Mapping[str, int]
    ) -> str:
        facts = self.definition
        ends = [sizes.get(axis, axis) if isinstance(axis, str) else axis for axis in self._shapes[name]]
        wanted = ", ".join(map(str, (*(("...",) if lead is None else lead), *ends)))
        to = "" if lead is None else f" to go with {facts.inputs[0]} (nothing is broadcast)"
        return f"{facts.name}: {name} has shape {shape}; wanted ({wanted}){to}"

    def _check_labels(self, name: str, array: Array, count: int | None) -> None:
        if count is None or array.size == 0:
            return
        low, high = int(array.min()), int(array.max())
        if low < 0 or high >= count:
            raise ValueError(
                f"{self.definition.name}: {name} must hold whole numbers from 0 to {count - 1}, got "
                f"{low if low < 0 else high}"
            )


@cache
def _unit(
    maths: Callable[..., Any],
    axes: tuple[int, ...],
    places: tuple[int, ...],
    wanted: tuple[bool, ...],
    sources: tuple[tuple[str, Any], ...],
) -> FunctionType:
    """Calls the author's function on unit `i` of each input; input number `places[k]` has the k-th gradient."""
    from numbaloss.kernels.cpu import units

    arguments = [f"unit_of(inputs[{k}], i)" if axis else f"inputs[{k}][i]" for k, axis in enumerate(axes)]
    before, after, slot = [], [], 0
    for place, asked in zip(places, wanted, strict=True):
        if not asked:
            arguments.append("None")
            continue
        view = "unit_of" if axes[place] else "numbers_of"
        before += [f"    numbers{slot} = numbers_of(gradients[{slot}], i)", f"    clear(numbers{slot})"]
        after.append(f"    scale(numbers{slot}, factor)")
        arguments.append(f"{view}(gradients[{slot}], i)")
        slot += 1
    lines = [
        "def unit(inputs, gradients, params, factor, i):", *before,
        f"    value = loss({render.calls(arguments, sources)})", *after, "    return value",
    ]
    scope = {name: getattr(units, name) for name in ("unit_of", "numbers_of", "clear", "scale")}
    return render.function("\n".join(lines) + "\n", loss=maths, **scope)
