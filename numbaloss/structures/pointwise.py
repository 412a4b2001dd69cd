"""Elementwise losses: every element of the inputs gives one value, its slopes and its curvature."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.arrays.casts import laid_out, put
from numbaloss.arrays.sums import sum_of
from numbaloss.compile import render
from numbaloss.compile.twins import Kernel, Twins
from numbaloss.loss import Array, Loss, Need, Outcome
from numbaloss.structures.broadcast import spread_sum, summed_to
from numbaloss.structures.chunks import chunks
from numbaloss.structures.define import define
from numbaloss.structures.facts import check_facts
from numbaloss.structures.hyperparameters import hyperparameters
from numbaloss.structures.join import Terms, joined
from numbaloss.structures.overlap import overlaps
from numbaloss.structures.publish import publish

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceDoor


def pointwise(maths: Callable[..., Any] | None = None, **facts: Any) -> Any:
    """Make a loss of a function ``(input, target, ..., hyper=default) -> (value, slopes, curvature)`` of one element.

    Arguments without a default are arrays; those with one are hyper-parameters. `slopes` is the derivative by the
    first argument, or a tuple with one derivative for each name in `differentiable`; `curvature` is the second
    derivative by the first argument. Write float literals (``2.0``, not ``2``) and call the functions of
    `numbaloss.primitives`.

    Facts, all optional. Of the numbers: `target` (what targets are: "real", "sign", "binary", "probability",
    "log_probability", "positive", "nonnegative", "count"), `domain` (what the first input is), `domains` (what other
    inputs are, by name), `domains_when` (``{(hyper, value): {name: domain}}``), `limits` (intervals of the
    hyper-parameters), `settings` (values of hyper-parameters to test), `ulp` (the accuracy to test, 4 by default),
    `convex`, `hessian`. Of the arguments: `differentiable`, `wrt` (the default gradients), `static` (hyper-parameters
    compiled into the kernel), `arrays` (hyper-parameters that may be arrays), `vector` (the one of them that adds a
    last axis), `broadcast` (inputs that may be broadcast to the first), `class_mean` (values are means over the last
    axis), `reductions`, `weight` (torch's elementwise weight: "sum" or "count" says what the mean divides by),
    `weight_doc` and `unit` (words for the documentation), `task`, `class_name`.
    """
    if maths is None:
        return lambda function: pointwise(function, **facts)
    slopes = tuple(f"slope by {name}" for name in facts.get("differentiable", ()))
    returns = ("value", slopes if len(slopes) > 1 else "slope", "curvature")
    check_facts("pointwise", maths, facts, returns=returns, alone=True)
    return publish(define(maths, "pointwise", **facts), PointwiseLoss)


class PointwiseLoss(Loss):
    """A loss whose value at one element depends on that element of its inputs alone."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._class_mean = bool(self.definition.facts.get("class_mean"))
        self._vectors = tuple(name for name, value in self.parameters.items() if isinstance(value, np.ndarray))
        self._special = self._class_mean or self.weight is not None or bool(self._vectors)
        self._quick_when = not self._special and self.reduction in ("mean", "sum")

    def _checked_weight(self, weight: Any) -> Array | None:
        return None if weight is None else checks.weights(self.definition.name, "weight", weight)

    @property
    def plain(self) -> bool:
        """Whether the inputs are all there is to each element, and an element all there is to its value."""
        known = self.definition.facts
        return self.weight is None and not any(known.get(name) for name in ("class_mean", "broadcast", "vector"))

    def _joins(self, other: Loss) -> bool:
        return (
            isinstance(other, PointwiseLoss)
            and self.plain
            and other.plain
            and self.definition.inputs == other.definition.inputs
            and (self.reduction, self.on_empty) == (other.reduction, other.on_empty)
        )

    def _joined(self, terms: Terms) -> Loss:
        return joined(terms, self.definition.inputs, PointwiseLoss, {})

    def _quick(self, inputs: tuple[Any, ...], out: Any) -> tuple[Any, Any] | None:
        facts = self.definition
        first = inputs[0] if len(inputs) == len(facts.inputs) else None
        several = len(facts.wrt) > 1
        if type(first) is not np.ndarray or (several and out is not None):
            return None
        dtype, shape, size = first.dtype, first.shape, first.size
        for array in inputs if out is None else (*inputs, out):
            if type(array) is not np.ndarray or array.dtype is not dtype or array.shape != shape:
                return None
            if not array.flags.carray:
                return None
        if size == 0 or (out is not None and overlaps(inputs, (out,))):
            return None
        found = self._kernels.get(dtype)
        if found is None:
            if dtype is not checks.FLOAT32 and dtype is not checks.FLOAT64:
                return None
            found = self._kernels[dtype] = self._kernel(dtype, Need(total=True, wrt=facts.wrt), weighted=False)
        twins, params = found
        gradients = tuple([np.empty(shape, dtype) for _ in facts.wrt]) if out is None else (out,)
        flat = gradients
        if first.ndim != 1:
            inputs = tuple([array.ravel() for array in inputs])
            flat = tuple([gradient.ravel() for gradient in gradients])
        divisor = size if self.reduction == "mean" else 1.0
        total = twins(size, size, inputs, params, None, dtype.type(1.0 / divisor), None, flat, None, 0)
        return checks.number(total / divisor, dtype), gradients if several else gradients[0]

    def _run_on_device(self, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        from numbaloss.structures.cuda import pointwise

        return pointwise.run(self, door, inputs, sample_weight, need)

    # ---- arguments -> flat vectors -> kernel

    def _run(self, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        door = self._door(inputs)
        arrays = [door.view(array) for array in inputs]
        first = arrays[0]
        if sample_weight is not None or self._special or not self._alike(arrays, need.out):
            return self._run_any(door, inputs, arrays, sample_weight, need)
        outcome = Outcome(door, first.dtype, denominator=float(first.size), batch=len(first) if first.ndim else 1)
        outputs = self._outputs(outcome, arrays, need)
        self._launch(outcome, [array.reshape(-1) for array in arrays], None, outputs, need)
        return outcome

    def _alike(self, arrays: list[Array], out: Any) -> bool:
        """Whether the kernel can read the arrays as they lie: one shape, one computed type, C order, writable."""
        first = arrays[0]
        dtype, shape = first.dtype, first.shape
        if (dtype is not checks.FLOAT32 and dtype is not checks.FLOAT64) or out is not None:
            return False
        return all(array.shape == shape and array.dtype is dtype and array.flags.carray for array in arrays)

    def _run_any(
        self, door: Any, given: tuple[Any, ...], arrays: list[Array], sample_weight: Any, need: Need
    ) -> Outcome:
        """The general way: checks with messages, broadcasting of weights, staging of what kernels cannot read."""
        owned = dict(zip(self.definition.inputs, [array.shape for array in arrays], strict=True))
        shapes = [owned[name] for name in need.wrt]
        try:
            arrays = self._checked(arrays, given)
        except (TypeError, ValueError):
            _ = self.definition.maths  # if it cannot be derived, that is the mistake
            raise
        first = arrays[0]
        if self._class_mean and not first.ndim:
            raise ValueError(f"{self.definition.name}: {self.definition.inputs[0]} needs a class axis, got shape ()")
        outcome = Outcome(door, first.dtype, batch=len(first) if first.ndim else 1)
        weights, outcome.denominator = self._weights(sample_weight, first.shape)
        classes = float(first.shape[-1]) if self._class_mean else 1.0
        outcome.denominator /= classes or 1.0
        outcome.share = 1.0 / (classes or 1.0)
        arrays += [self._fitted(name, self.parameters[name], first.shape) for name in self._vectors]
        outputs = self._outputs(outcome, arrays, need)
        dtype = checks.computed_in(first.dtype)
        operands = [*arrays, *([] if weights is None else [weights])]
        writable = [array for array in outputs if array is not None]
        lies_well = all(array.dtype == dtype and checks.lies_plainly(array) for array in operands + writable)
        if lies_well and not overlaps(operands, writable):
            flat = [checks.kernel_argument(array).reshape(-1) for array in operands]
            self._launch(outcome, flat[: len(arrays)], flat[-1] if weights is not None else None, outputs, need)
        else:
            self._stage(outcome, operands, len(arrays), outputs, need, dtype)
        outcome.total *= outcome.share
        if self._class_mean and outcome.values is not None:
            count = (dtype or checks.FLOAT32).type(classes or np.nan)  # no classes: the mean of nothing
            with np.errstate(over="ignore"):
                outcome.values = (outcome.values.sum(axis=-1, dtype=dtype) / count).astype(first.dtype)
        outcome.gradients = tuple(
            summed_to(shape, gradient) for shape, gradient in zip(shapes, outcome.gradients, strict=True)
        )
        return outcome

    def _checked(self, arrays: list[Array], given: tuple[Any, ...]) -> list[Array]:
        """The inputs, of one shape and of types the kernel can take; or an error that names the wrong one."""
        facts = self.definition
        checked = [checks.network_output(facts.name, facts.inputs[0], arrays[0], given[0])]
        shape = arrays[0].shape
        for name, array, original in zip(facts.inputs[1:], arrays[1:], given[1:], strict=True):
            if name in facts.wrt:
                array = checks.network_output(facts.name, name, array, original)
            array = checks.numeric(facts.name, name, array)
            if name in facts.facts.get("broadcast", ()):
                lacks_axis = bool(shape) and array.shape == shape[:-1]
                array = self._fitted(name, array[..., None] if lacks_axis else array, shape)
            array = self._lifted(name, array, shape)
            checks.same_shape(facts.name, name, array, facts.inputs[0], shape)
            checked.append(array)
        return checked

    def _lifted(self, name: str, array: Array, shape: tuple[int, ...]) -> Array:
        """An input that lacks the last axis of an array hyper-parameter (several quantiles) is repeated along it."""
        vector = self.definition.facts.get("vector")
        if vector and shape and np.ndim(self.parameters[vector]) and array.shape == shape[:-1]:
            return np.broadcast_to(array[..., None], shape)
        return array

    def _fitted(self, name: str, array: Array, shape: tuple[int, ...]) -> Array:
        """A documented broadcast: of an array hyper-parameter or weight, from the right, as NumPy and torch do."""
        try:
            return np.broadcast_to(array, shape)
        except ValueError:
            raise ValueError(
                f"{self.definition.name}: {name} of shape {np.shape(array)} does not broadcast to the "
                f"{self.definition.inputs[0]}'s shape {shape}"
            ) from None

    def _weights(self, sample_weight: Any, shape: tuple[int, ...]) -> tuple[Array | None, float]:
        """The weight of each element, or None, and the denominator of the mean."""
        size = float(math.prod(shape))
        weights, denominator = None, size
        if self.weight is not None:
            weights = self._fitted("weight", self.weight, shape)
            if self.definition.weight == "sum":
                denominator = spread_sum(self.weight, shape)
        if sample_weight is None:
            return weights, denominator
        given = checks.weights(self.definition.name, "sample_weight", sample_weight)
        most = len(shape) - self._class_mean
        if given.shape != shape[:most][: given.ndim]:
            raise ValueError(
                f"{self.definition.name}: sample_weight has shape {given.shape}; wanted the shape {shape[:most]}, "
                f"or one weight for each row {shape[:1]}"
            )
        spread = np.broadcast_to(given.reshape(given.shape + (1,) * (len(shape) - given.ndim)), shape)
        both = spread if weights is None else spread * weights
        counted = both if self.definition.weight == "sum" and weights is not None else spread
        return both, spread_sum(given, shape) if counted is spread else sum_of(both)

    def _outputs(self, outcome: Outcome, arrays: list[Array], need: Need) -> list[Array | None]:
        """Buffers for values, curvature and the wanted gradients, in the input's type; `out` where given."""
        first, facts = arrays[0], self.definition
        if need.values:
            # what is averaged later is rounded only then
            kind = checks.computed_in(first.dtype) if self._class_mean else first.dtype
            outcome.values = np.empty(first.shape, kind)
        if need.hessian:
            outcome.curvature = np.empty(first.shape, first.dtype)
        outcome.gradients = tuple(
            np.empty(first.shape, first.dtype)
            if buffer is None
            else checks.output(facts.name, buffer, first.shape, first.dtype)
            for buffer in need.buffers(facts.name)
        )
        return [outcome.values, outcome.curvature, *outcome.gradients]

    # ---- kernels

    def _kernel(self, dtype: np.dtype[Any], need: Need, weighted: bool) -> tuple[Twins, tuple[Any, ...]]:
        """The kernel for this call, and the scalar hyper-parameters in its type."""
        key = (dtype, need.wrt, need.values, need.total, need.hessian, weighted)
        found = self._kernels.get(key)
        if found is None:
            found = self._kernels[key] = self._make_kernel(dtype, need, weighted)
        return found

    def _make_kernel(self, dtype: np.dtype[Any], need: Need, weighted: bool) -> tuple[Twins, tuple[Any, ...]]:
        from numbaloss.kernels.cpu import pointwise as loops

        facts = self.definition
        hyper, numbers = hyperparameters(self)
        sources = (("input", None),) * len(facts.inputs) + hyper
        many = len(facts.differentiable) > 1
        wanted = tuple(facts.differentiable.index(name) for name in need.wrt)
        role = "_".join(
            ["values"] * need.values + ["total"] * need.total + ["grad"] * bool(need.wrt) + ["hess"] * need.hessian
        )
        twins = Twins(
            loops.sweep,
            dtype,
            f"{facts.name}.{role}{'.weighted' if weighted else ''}",
            element=render.element(facts.maths, sources),
            store=render.store(wanted, many),
            window=render.window(sum(kind == "input" for kind, _ in sources)),
            window_out=render.window(len(wanted)),
        )
        return twins, tuple(dtype.type(number) for number in numbers)

    def _link(self, dtype: np.dtype[Any]) -> tuple[Kernel, tuple[Any, ...]]:
        """The mathematics as a kernel of another structure calls it, and the scalar hyper-parameters that it takes."""
        facts = self.definition
        sources, numbers = hyperparameters(self)
        place = facts.differentiable.index(facts.inputs[0]) if len(facts.differentiable) > 1 else None
        return render.slope_by(facts.maths, facts.inputs, sources, place), tuple(dtype.type(each) for each in numbers)

    def _launch(
        self, outcome: Outcome, inputs: list[Array], weights: Array | None, outputs: list[Array | None], need: Need
    ) -> None:
        """Run the kernel once over whole arrays."""
        dtype = inputs[0].dtype
        twins, params = self._kernel(dtype, need, weights is not None)
        values, curvature, *gradients = [None if array is None else array.reshape(-1) for array in outputs]
        n = inputs[0].size
        scale = dtype.type(self._scale(outcome.denominator, outcome.batch) * outcome.share)
        sums = 0 if need.total else None
        outcome.total = twins(
            n, n, tuple(inputs), params, weights, scale, values, tuple(gradients), curvature, sums
        )

    def _stage(
        self,
        outcome: Outcome,
        operands: list[Array],
        inputs: int,
        outputs: list[Array | None],
        need: Need,
        dtype: np.dtype[Any] | None,
    ) -> None:
        """Run the kernel chunk by chunk over what is laid out for it."""
        assert dtype is not None
        weighted = len(operands) > inputs
        twins, params = self._kernel(dtype, need, weighted)
        scale = dtype.type(self._scale(outcome.denominator, outcome.batch) * outcome.share)
        sums = 0 if need.total else None
        writable = [array for array in outputs if array is not None]
        if operands[0].size == 0:
            return
        count = len(operands)
        for given in chunks([*operands, *writable], count, dtype):
            read = [laid_out(array, dtype) for array in given[:count]]
            written = [array if array.dtype == dtype else np.empty(array.shape, dtype) for array in given[count:]]
            vectors = [checks.kernel_argument(array) for array in (*read, *written)]
            n = vectors[0].size
            weights = vectors[inputs] if weighted else None
            rest = vectors[count:]
            values = rest.pop(0) if need.values else None
            curvature = rest.pop(0) if need.hessian else None
            outcome.total += twins(
                n, n, tuple(vectors[:inputs]), params, weights, scale, values, tuple(rest), curvature, sums
            )
            for made, buffer in zip(written, given[count:], strict=True):
                if made is not buffer:
                    put(made, buffer)
