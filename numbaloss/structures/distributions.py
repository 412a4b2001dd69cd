"""Losses between the softmaxes of two arrays of logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.definition import Definition, Interval, split_signature
from numbaloss.loss import Array, Need, Outcome
from numbaloss.structures.define import define
from numbaloss.structures.derived import of_arguments
from numbaloss.structures.facts import check_facts
from numbaloss.structures.layout import Piece, Rows, plain_gradient
from numbaloss.structures.publish import publish
from numbaloss.structures.rows import FEW, RowLoss

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceArray
    from numbaloss.structures.cuda.rows import Rows as DeviceRows

INPUTS = ("student", "teacher")


def distributions(
    maths: Callable[..., Any] | None = None, *, anchored: bool | tuple[str, ...] = False, **facts: Any
) -> Any:
    """Make a loss of a function ``(log_p, log_q, hyper=default) -> (value, (slope_p, slope_q))`` of one class.

    `log_p` and `log_q` are the log-probabilities of the class under the softmaxes of the first and of the second
    input; the row's value is the sum over classes, and the slopes are the derivatives by `log_p` and `log_q`. A
    hyper-parameter called `temperature` divides both logits, and its square multiplies the loss.

    Slopes that do not fade where one class has nearly all of the probability, as those of a distance do not, lose their
    digits there; `anchored` says so, of both inputs or of those it names, and they are then counted from that of the
    likeliest class.

    Other facts: `wrt`, `limits`, `settings`, `static`, `convex`, `task`, `class_name`, as in `numbaloss.pointwise`.
    """
    if maths is None:
        return lambda function: distributions(function, anchored=anchored, **facts)
    anchors = (INPUTS if anchored else ()) if isinstance(anchored, bool) else anchored
    if not set(anchors) <= set(INPUTS):
        raise ValueError(f"distributions: anchored is True, False or some of {INPUTS}, got {anchored!r}")
    check_facts("distributions", maths, facts, returns=("value", ("slope_p", "slope_q")), inputs=INPUTS, alone=True)
    limits = {"temperature": Interval("(0, inf)"), **facts.pop("limits", {})}
    definition = define(
        maths,
        "distributions",
        inputs=INPUTS,
        differentiable=INPUTS,
        parameters=split_signature(maths)[1],
        target="real",
        unit="row",
        hessian=False,
        limits={name: limit for name, limit in limits.items() if name in split_signature(maths)[1]},
        anchored=tuple(anchors),
        plan=of_arguments(maths, 2, "log_probability", result="grouped"),
        **facts,
    )
    return publish(definition, DistributionLoss)


def anchors_of(definition: Definition, need: Need) -> list[int | None]:
    """For each input 0 if the slopes by it are wanted and counted from an anchor; kernels are specialised on None."""
    wanted = set(definition.facts["anchored"]) & set(need.wrt)
    return [0 if name in wanted else None for name in INPUTS]


class DistributionLoss(RowLoss):
    """A loss of two rows of logits."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._quick_when = self.reduction in ("mean", "sum") and self.definition.wrt == self.definition.inputs[:1]

    def _is_distribution(self, logits: Array, target: Array) -> bool:
        name, (first, second) = self.definition.name, self.definition.inputs
        checks.network_output(name, second, target, target)
        checks.same_shape(name, second, target, first, logits.shape)
        return True

    def _launcher(self, dtype: np.dtype[Any], few: bool, need: Need) -> Callable[[Piece, int, Any], float]:
        """What runs the kernel for few or many classes on a piece, given their number and the scale of the gradient."""
        from numbaloss.kernels.cpu import distribution_tiles, distributions, transpose

        task = distribution_tiles.small_pair_block if few else distributions.pair_block
        twins, params = self._twins(distributions.pair_rows, dtype, ("log_p", "log_q"), task=task)
        temperature = dtype.type(self.parameters.get("temperature", 1.0))
        anchors = anchors_of(self.definition, need)

        def launch(piece: Piece, classes: int, scale: Any) -> float:
            size = piece.logits.size
            if few:
                work, step = transpose.shared_work(size // classes, 4.0 * size), transpose.TASK
            else:
                work, step = size, max(1, distributions.WORK // classes)
            total: float = twins(
                work, step, piece.logits, piece.targets, classes, piece.row_weights, temperature, *anchors,
                params, scale, piece.values, piece.gradient, piece.target_gradient,
            )
            return total

        return launch

    def _compute(self, rows: Rows, need: Need, outcome: Outcome) -> None:
        launch = self._launcher(rows.dtype, rows.classes <= FEW, need)
        scale = rows.dtype.type(self._scale(outcome.denominator, outcome.batch))
        for piece in rows.pieces(need, outcome):
            outcome.total += launch(piece, rows.classes, scale)

    def _quick(self, inputs: tuple[Any, ...], out: Any) -> tuple[Any, Any] | None:
        if len(inputs) != 2:
            return None
        first, second = inputs
        gradient = plain_gradient(first, out)
        if gradient is None or type(second) is not np.ndarray or not second.flags.carray:
            return None
        dtype, (rows, classes) = first.dtype, first.shape
        if second.shape != first.shape or second.dtype is not dtype or np.may_share_memory(gradient, second):
            return None
        if (found := self._kernels.get(("quick", dtype))) is None:
            need = Need(total=True, wrt=self.definition.wrt)
            found = self._launcher(dtype, True, need), self._launcher(dtype, False, need)
            self._kernels["quick", dtype] = found
        few, many = found
        launch = few if classes <= FEW else many
        piece = Piece(first.ravel(), classes, 1, False, None, second.ravel(), None, None, gradient.ravel())
        divisor = rows if self.reduction == "mean" else 1.0
        total = launch(piece, classes, dtype.type(1.0 / divisor))
        return checks.number(total / divisor, dtype), gradient

    def _distributed_on_device(self, rows: DeviceRows) -> DeviceArray:
        from numbaloss.structures.cuda import distributions

        return distributions.distributed(rows)
