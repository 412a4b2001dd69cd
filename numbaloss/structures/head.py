"""Softmax losses of a linear layer's output, without that output: its rows are made, used and forgotten in chunks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.arrays import door
from numbaloss.arrays import numpy as checks
from numbaloss.arrays.casts import laid_out
from numbaloss.compile.threads import between_products
from numbaloss.definition import split_signature
from numbaloss.loss import Array, Loss, Need, Outcome
from numbaloss.structures.define import define
from numbaloss.structures.derived import of_log_prob
from numbaloss.structures.facts import STANDARD, check_facts
from numbaloss.structures.layout import Piece
from numbaloss.structures.products import BiasGradient, InputGradient, WeightGradient, operand
from numbaloss.structures.publish import publish
from numbaloss.structures.rows import counted
from numbaloss.structures.softmax import LIMITS, SoftmaxLoss

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceDoor

INPUTS = ("input", "linear_weight", "target", "linear_bias")
CHUNK = 64 << 20  # bytes of logits at a time
ROWS, LEAST = 512, 4 << 20  # rows from which products are at full speed; bytes below which a chunk is not worth a call


def linear_softmax(maths: Callable[..., Any] | None = None, **facts: Any) -> Any:
    """Make a loss of hidden states and a linear layer's weight, from a function as `softmax` takes it.

    The logits ``input @ linear_weight.T + linear_bias`` are never held as a whole: `chunk_bytes` bounds how many
    bytes of them there are at a time.
    """
    if maths is None:
        return lambda function: linear_softmax(function, **facts)
    own = ("ignore_index", "chunk_bytes")
    check_facts("linear_softmax", maths, facts, returns=STANDARD, inputs=INPUTS, own=own, alone=True)
    _, hyper = split_signature(maths)
    parameters = facts.pop("limits", {})
    facts.setdefault("weight_doc", "One weight for each class.")
    definition = define(
        maths,
        "head",
        inputs=INPUTS,
        parameters={"ignore_index": -100, **hyper, "chunk_bytes": CHUNK},
        differentiable=("input", "linear_weight", "linear_bias"),
        wrt=("input", "linear_weight", "linear_bias"),
        target="class_or_distribution",
        domains={"linear_weight": "real", "linear_bias": "real"},
        optional=("linear_bias",),
        shared=("linear_weight", "linear_bias"),
        weight="class",
        unit="row",
        hessian=False,
        limits={**LIMITS, "chunk_bytes": "[1, inf)", **parameters},
        settings={"chunk_bytes": [1, 1000]},
        plan=of_log_prob(maths),
        **facts,
    )
    return publish(definition, HeadLoss)


@dataclass
class Call:
    """The checked arguments of one call."""

    hidden: Array  # (rows, D)
    matrix: Array  # (C, D), as BLAS reads it
    bias: Array | None
    lead: tuple[int, ...]  # the input's shape without its last axis
    dtype: np.dtype[Any]
    labels: Array | None
    targets: Array | None
    weights: Array | None
    row_weights: Array | None
    kept: Array | None  # numbers of the rows that are not ignored, where some are

    @property
    def rows(self) -> int:
        """How many rows have a loss."""
        return len(self.hidden) if self.kept is None else len(self.kept)

    def chunk(self, low: int, high: int) -> Any:
        """An index of the rows numbered so among those that have a loss."""
        return slice(low, high) if self.kept is None else self.kept[low:high]

    def piece(self, logits: Array, rows: Any) -> Piece:
        """What a kernel reads of a chunk."""
        labels, targets, row_weights = (
            None if array is None else array[rows] for array in (self.labels, self.targets, self.row_weights)
        )
        if targets is not None:
            targets = checks.kernel_argument(laid_out(targets, self.dtype)).reshape(-1)
        return Piece(logits.reshape(-1), logits.shape[1], 1, False, labels, targets, row_weights)


class HeadLoss(SoftmaxLoss):
    """A loss of the softmax of each row of ``input @ linear_weight.T + linear_bias``."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._quick_when = False

    def _joins(self, other: Loss) -> bool:
        return False

    def _bound(self, inputs: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        if len(inputs) == len(INPUTS) - 1 and not named:
            return *inputs, None
        if len(inputs) < len(INPUTS):
            named = {"linear_bias": None, **named}
        return super()._bound(inputs, named)

    def value_and_grad(
        self, *inputs: Any, sample_weight: Any = None, out: Any = None, wrt: Sequence[str] | None = None, **named: Any
    ) -> tuple[Any, Any]:
        """As of any loss; without a bias, its gradient is left out."""
        bound = self._bound(inputs, named)
        if bound[-1] is None:
            if wrt is None:
                wrt = INPUTS[:2]
            elif "linear_bias" in self._wanted(wrt):
                raise ValueError(f"{self.definition.name}: wrt names linear_bias, but none was given")
        return super().value_and_grad(*bound, sample_weight=sample_weight, out=out, wrt=wrt)

    def _run_on_device(self, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        from numbaloss.structures.cuda import head

        return head.run(self, door, inputs, sample_weight, need)

    def _run(self, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        given = tuple(array for array in inputs if array is not None)
        chosen = door(given, INPUTS[: len(given)], self.definition.name)
        views = [chosen.view(array) for array in given]
        arrays = {
            name: checks.network_output(self.definition.name, name, view, array) if name != "target" else view
            for name, view, array in zip(INPUTS, views, given, strict=False)
        }
        call = self._checked(arrays, sample_weight)
        self._check_outs(need, arrays)
        outcome = Outcome(chosen, arrays["input"].dtype, batch=len(call.hidden))
        outcome.denominator = self._mass(call)
        unweighted = call.weights is None and call.row_weights is None
        if call.labels is not None and not (unweighted and outcome.denominator == len(call.labels)):
            counts = call.labels != self.parameters["ignore_index"]
            call.kept = None if counts.all() else np.flatnonzero(counts)
        # nan and infinity come through the products as through the kernels
        with between_products(), np.errstate(all="ignore"):
            self._in_chunks(call, arrays, need, outcome)
        return outcome

    # ---- the computation

    def _in_chunks(self, call: Call, arrays: dict[str, Array], need: Need, outcome: Outcome) -> None:
        classes = len(call.matrix)
        apart = bool(need.wrt) and self._rereads(call)
        width = call.dtype.itemsize * classes * (2 if apart else 1)
        room = min(int(self.parameters["chunk_bytes"]) // width, max(ROWS, LEAST // width))
        step = max(1, min(room, call.rows))
        logits = np.empty((step, classes), call.dtype)
        # the kernels write the gradient over the logits, unless they read these again afterwards
        slopes = np.empty_like(logits) if apart else logits
        values = np.zeros(len(call.hidden), outcome.dtype) if need.values else None
        makers = self._gradients(call, arrays, need)
        launch = self._launch(call.dtype, classes, distributed=call.targets is not None)
        scale = call.dtype.type(self._scale(outcome.denominator, outcome.batch))
        for low in range(0, call.rows, step):
            rows = call.chunk(low, min(low + step, call.rows))
            hidden = operand(call.hidden[rows], call.dtype)
            count = len(hidden)
            np.matmul(hidden, call.matrix.T, out=logits[:count])
            if call.bias is not None:
                logits[:count] += call.bias
            piece = call.piece(logits[:count], rows)
            piece.values = None if values is None else np.empty(count, call.dtype)
            piece.gradient = slopes[:count].reshape(-1) if need.wrt else None
            outcome.total += launch(piece, classes, call.weights, scale)
            if values is not None:
                values[rows] = piece.values
            for maker in reversed(makers):  # the input's gradient, which may overwrite these rows, comes last
                maker.add(slopes[:count], hidden, rows)
        outcome.gradients = tuple(maker.finished() for maker in makers)
        outcome.values = None if values is None else values.reshape(call.lead)

    def _rereads(self, call: Call) -> bool:
        """Whether the kernel reads logits again after it wrote their gradient."""
        return call.targets is not None or bool(self.parameters.get("softcap"))

    def _gradients(
        self, call: Call, arrays: dict[str, Array], need: Need
    ) -> list[InputGradient | WeightGradient | BiasGradient]:
        """What collects each wanted gradient, in the order of the arguments."""
        outs = need.out if isinstance(need.out, (tuple, list)) else (need.out,) * len(need.wrt)
        makers: list[InputGradient | WeightGradient | BiasGradient] = []
        for name, out in zip(need.wrt, outs, strict=True):
            shown = np.empty(arrays[name].shape, arrays[name].dtype) if out is None else out
            others = () if out is None else tuple(arrays.values())
            if name == "input":
                makers.append(InputGradient(shown, call.hidden, call.matrix, call.kept, others))
            elif name == "linear_weight":
                makers.append(WeightGradient(shown, call.dtype, others))
            else:
                makers.append(BiasGradient(shown, call.dtype))
        return makers

    # ---- arguments

    def _checked(self, arrays: dict[str, Array], sample_weight: Any) -> Call:
        name, (hidden, matrix, target) = self.definition.name, (arrays[one] for one in INPUTS[:3])
        dtype = checks.computed_dtype(hidden.dtype)
        if hidden.ndim == 0:
            raise ValueError(f"{name}: input needs an axis of features, got shape ()")
        if matrix.ndim != 2 or len(matrix) == 0 or matrix.shape[1] != hidden.shape[-1]:
            raise ValueError(
                f"{name}: linear_weight must have shape (classes, {hidden.shape[-1]}) for an input of shape "
                f"{hidden.shape}, got shape {matrix.shape}"
            )
        classes, bias = len(matrix), arrays.get("linear_bias")
        if bias is not None and bias.shape != (classes,):
            raise ValueError(
                f"{name}: linear_bias must have shape ({classes},) for a linear_weight of shape {matrix.shape}, "
                f"got shape {bias.shape}"
            )
        for one in ("linear_weight", "linear_bias"):
            if one in arrays and checks.computed_in(arrays[one].dtype) != dtype:
                raise TypeError(
                    f"{name}: {one} is {arrays[one].dtype} but input is {hidden.dtype}; they must be computed in the "
                    "same type"
                )
        lead = hidden.shape[:-1]
        labels, targets = self._labels_or_targets(target, lead, classes)
        return Call(
            hidden.reshape(math.prod(lead), hidden.shape[-1]),
            operand(matrix, dtype),
            None if bias is None else np.ascontiguousarray(bias, dtype),
            lead,
            dtype,
            labels,
            targets,
            self._class_weights(dtype, classes),
            checks.row_weights(name, sample_weight, lead, dtype),
            None,
        )

    def _labels_or_targets(
        self, target: Array, lead: tuple[int, ...], classes: int
    ) -> tuple[Array | None, Array | None]:
        """One label for each row, or one distribution; ValueError or TypeError for anything else."""
        name = self.definition.name
        if target.dtype.kind in "iu" or (target.size == 0 and target.shape == lead):
            if target.shape != lead:
                raise ValueError(f"{name}: target has shape {target.shape}; the class labels have shape {lead}")
            return self._flat_labels(target, classes), None
        checks.numeric(name, "target", target)
        if target.shape != (*lead, classes):
            raise ValueError(
                f"{name}: target must be integer class labels of shape {lead} or probabilities of shape "
                f"{(*lead, classes)}, got {checks.describe(target)}"
            )
        if self.parameters["ignore_index"] >= 0:
            raise ValueError(f"{name}: ignore_index has no meaning for probability targets")
        return None, target.reshape(-1, classes)

    def _check_outs(self, need: Need, arrays: dict[str, Array]) -> None:
        if need.out is not None:
            name = self.definition.name
            for one, buffer in zip(need.wrt, need.buffers(name), strict=True):
                checks.output(name, buffer, arrays[one].shape, arrays[one].dtype)

    def _mass(self, call: Call) -> float:
        """The denominator of the mean; raises ValueError for a label out of range, before anything is computed."""
        if call.labels is None:
            return counted(len(call.hidden), call.row_weights)
        return self._label_mass(call.labels, call.dtype, len(call.matrix), call.weights, call.row_weights)
