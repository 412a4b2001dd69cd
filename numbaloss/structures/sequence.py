"""Losses of a labelling that is shorter than its sequence: the sum over all alignments of the two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.arrays.casts import laid_out, put
from numbaloss.compile import render
from numbaloss.compile.twins import Twins
from numbaloss.definition import split_signature
from numbaloss.loss import Array, Loss, Need, Outcome
from numbaloss.structures.alignment import Targets
from numbaloss.structures.define import define
from numbaloss.structures.derived import of_log_prob
from numbaloss.structures.facts import STANDARD, check_facts
from numbaloss.structures.hyperparameters import hyperparameters
from numbaloss.structures.overlap import entangled
from numbaloss.structures.publish import publish

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceDoor

STAGED = 1 << 20  # elements staged at a time, if that is more than two sequences
STATE_WORK = 40  # work on one label in one time step, in additions
CLASS_WORK = 8


def sequences(maths: Callable[..., Any] | None = None, *, logits: bool = False, **facts: Any) -> Any:
    """Make a loss of a function ``(log_prob, rest, hyper=default) -> (value, slope, curvature)``.

    `log_prob` is the log-probability of the target, summed over all its alignments to the input, and `rest` one minus
    its probability; slope and curvature are the derivatives by `log_prob` (`rest` moves with it), as for a softmax
    loss. `logits` says that the input holds logits, of which the log-softmax is then taken on the fly.
    """
    if maths is None:
        return lambda function: sequences(function, logits=logits, **facts)
    own = ("blank", "zero_infinity", "gradient_by")
    check_facts("sequences", maths, facts, returns=STANDARD, own=own, alone=True)
    first = "logits" if logits else "log_probs"
    hyper = split_signature(maths)[1]
    projected: dict[str, Any] = {} if logits else {"gradient_by": "logits"}
    definition = define(
        maths,
        "sequence",
        inputs=(first, "targets", "input_lengths", "target_lengths"),
        differentiable=(first,),
        parameters={"blank": 0, **hyper, "zero_infinity": False, **projected},
        domain="real" if logits else "log_probability",
        target="sequence",
        domains={"input_lengths": "length", "target_lengths": "length"},
        hessian=False,
        unit="sequence",
        batch_axis=1,
        row_divisor="target_lengths",
        settings={"blank": [1]},
        derivative={} if logits else {"gradient_by": "log_probs"},
        limits={**({} if logits else {"gradient_by": ("logits", "log_probs")}), **facts.pop("limits", {})},
        plan=of_log_prob(maths),
        **facts,
    )
    return publish(definition, SequenceLoss)


@dataclass
class Piece:
    """What one kernel launch reads and writes."""

    input: Array  # (T, n, C), readable where it lies
    first: int  # the sequences' numbers
    last: int
    gradient: Array | None


class SequenceLoss(Loss):
    """A loss of the log-probability of a labelling."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._fused = self.definition.inputs[0] == "logits"

    def _checked_weight(self, weight: Any) -> None:
        return None

    def _twins(self, dtype: np.dtype[Any]) -> tuple[Twins, tuple[Any, ...]]:
        """The kernel bound to the mathematics, and the scalar hyper-parameters it takes."""
        if dtype not in self._kernels:
            from numbaloss.kernels.cpu.sequence import sequences

            facts = self.definition
            sources, numbers = hyperparameters(self)
            link = render.link(facts.maths, ("log_prob", "rest"), sources)
            twins = Twins(sequences, dtype, facts.name, link=link, narrow=dtype.type)
            self._kernels[dtype] = twins, tuple(dtype.type(number) for number in numbers)
        found: tuple[Twins, tuple[Any, ...]] = self._kernels[dtype]
        return found

    def _run(self, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        facts = self.definition
        name, first = facts.name, facts.inputs[0]
        door = self._door(inputs)
        given, *labels = (door.view(array) for array in inputs)
        given = checks.network_output(name, first, given, inputs[0])
        if given.ndim not in (2, 3) or given.shape[-1] == 0:
            raise ValueError(f"{name}: {first} must have shape (T, N, C) or (T, C), got shape {given.shape}")
        dtype = checks.computed_dtype(given.dtype)
        array = given if given.ndim == 3 else given[:, None, :]
        targets = Targets.checked(facts, array.shape, given.ndim == 3, labels, self.parameters["blank"])
        weights = self._weights(sample_weight, array.shape[1], given.ndim == 3)
        gradient, out = self._gradient(need, given)
        outcome = Outcome(door, given.dtype, batch=array.shape[1], denominator=float(weights.sum()))
        shares = weights / np.maximum(targets.counts, 1) if self.reduction == "mean" else weights
        values = np.empty(array.shape[1], dtype)
        scale = self._scale(outcome.denominator, outcome.batch)
        for piece in self._pieces(array, dtype, gradient):
            outcome.total += self._launch(piece, dtype, targets, shares, scale, values)
        if gradient is not None:
            if out is not None and not np.may_share_memory(out, gradient):
                out[...] = gradient.reshape(given.shape)
            outcome.gradients = (gradient.reshape(given.shape) if out is None else out,)
        if need.values:
            outcome.values = values.astype(given.dtype, copy=False).reshape(given.shape[1:-1])
        return outcome

    def _run_on_device(self, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        from numbaloss.structures.cuda import sequence

        return sequence.run(self, door, inputs, sample_weight, need)

    def _launch(
        self, piece: Piece, dtype: np.dtype[Any], targets: Targets, shares: Array, scale: float, values: Array
    ) -> float:
        steps, count, classes = piece.input.shape
        low, high = piece.first, piece.last
        counts = targets.counts[low:high]
        work = steps * (CLASS_WORK * classes * count + STATE_WORK * int(counts.sum()))
        projected = self._fused or self.parameters["gradient_by"] == "logits"
        gradient = piece.gradient
        twins, params = self._twins(dtype)
        total: float = twins(
            work, *_flat(piece.input), classes, steps, targets.labels, targets.starts[low : high + 1],
            targets.lengths[low:high], self.parameters["blank"], 1 if self._fused else None, projected,
            self.parameters["zero_infinity"], shares[low:high], params, scale,
            values[low:high], *((None, 0, 0) if gradient is None else _flat(gradient)),
        )
        return total

    # ---- arguments

    def _weights(self, sample_weight: Any, count: int, batched: bool) -> Array:
        """One float64 weight for each sequence."""
        shape = (count,) if batched else ()
        return checks.unit_weights(self.definition.name, sample_weight, shape, "sequence").reshape(count)

    def _gradient(self, need: Need, given: Array) -> tuple[Array | None, Array | None]:
        """Where to write the gradient, as (T, N, C), and the caller's buffer, if there is one."""
        if not need.wrt:
            return None, None
        out = need.out[0] if isinstance(need.out, (tuple, list)) and len(need.out) == 1 else need.out
        shape = given.shape if given.ndim == 3 else (given.shape[0], 1, given.shape[1])
        if out is None:
            return np.empty(shape, given.dtype), None
        checks.output(self.definition.name, out, given.shape, given.dtype)
        if entangled(out, given):  # would overwrite what is still to be read
            return np.empty(shape, given.dtype), out
        return (out if given.ndim == 3 else out[:, None, :]), out

    def _pieces(self, array: Array, dtype: np.dtype[Any], gradient: Array | None) -> Iterator[Piece]:
        """The launches; what kernels cannot read or write where it lies is copied, a few sequences at a time."""
        steps, count, classes = array.shape
        if count == 0:
            return
        reads = _direct(array, dtype)
        writes = gradient is None or _direct(gradient, dtype)
        span = count if reads and writes else max(2, STAGED // max(1, steps * classes))
        for low in range(0, count, span):
            high = min(low + span, count)
            read = array[:, low:high]
            read = read if reads else laid_out(read, dtype)
            target = None if gradient is None else gradient[:, low:high]
            written = target if writes or target is None else np.empty(target.shape, dtype)
            yield Piece(read, low, high, written)
            if target is not None and written is not None and not writes:
                put(written, target)


def _direct(array: Array, dtype: np.dtype[Any]) -> bool:
    """Whether kernels can reach the numbers where they lie: rows of classes, at any distances."""
    if array.dtype != dtype or not array.dtype.isnative or not array.flags.aligned:
        return False
    rows = all(step >= 0 and step % array.itemsize == 0 for step in array.strides[:2])
    return rows and (array.strides[2] == array.itemsize or array.shape[2] == 1)


def _flat(array: Array) -> tuple[Array, int, int]:
    """The memory as one vector, and how far apart in it time steps and sequences are."""
    steps, count, classes = array.shape
    time_step, batch_step = (stride // array.itemsize for stride in array.strides[:2])
    if array.flags.c_contiguous:
        flat = array.reshape(-1)
    else:
        length = 0 if array.size == 0 else (steps - 1) * time_step + (count - 1) * batch_step + classes
        flat = np.lib.stride_tricks.as_strided(array, (length,), (array.itemsize,))
    return checks.kernel_argument(flat), time_step, batch_step
