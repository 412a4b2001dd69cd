"""Losses that read one entry of each row, that of its class: the rows hold log-probabilities already."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.loss import Array
from numbaloss.structures.define import define
from numbaloss.structures.derived import of_arguments
from numbaloss.structures.facts import STANDARD, check_facts
from numbaloss.structures.labelled import LabelledLoss, Launch
from numbaloss.structures.layout import Piece
from numbaloss.structures.publish import publish

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceArray
    from numbaloss.structures.cuda.rows import Rows as DeviceRows


def picks(maths: Callable[..., Any] | None = None, **facts: Any) -> Any:
    """Make a loss of a function ``(picked) -> (value, slope, curvature)`` of the entry of each row's class.

    `picked` is an entry as it is, usually a log-probability. Facts: `domain` (what entries are), `limits`, `settings`,
    `static`, `convex`, `weight_doc`, `task`, `class_name`, as in `numbaloss.pointwise`.
    """
    if maths is None:
        return lambda function: picks(function, **facts)
    check_facts("picks", maths, facts, returns=STANDARD, inputs=("input", "target"), own=("ignore_index",), alone=True)
    facts.setdefault("weight_doc", "One weight for each class.")
    definition = define(
        maths,
        "pick",
        inputs=("input", "target"),
        differentiable=("input",),
        parameters={"ignore_index": -100},
        target="class",
        weight="class",
        unit="row",
        hessian=False,
        plan=of_arguments(maths, 1, facts.get("domain", "real")),
        **facts,
    )
    return publish(definition, PickLoss)


class PickLoss(LabelledLoss):
    """A loss of one entry of each row."""

    def _launcher(self, dtype: np.dtype[Any], layout: str) -> Launch:
        from numbaloss.kernels.cpu.picks import pick_rows

        twins, params = self._twins(pick_rows, dtype, ("picked",))
        ignored = self._ignored

        def launch(piece: Piece, classes: int, weights: Array | None, scale: Any) -> float:
            assert piece.labels is not None
            work = piece.labels.size if piece.gradient is None else 0.25 * piece.gradient.size  # mostly zeros
            total: float = twins(
                work, piece.logits, piece.stride, piece.positions, classes, piece.labels, ignored, weights,
                piece.row_weights, params, scale, piece.values, piece.gradient,
            )
            return total

        return launch

    def _labelled_on_device(self, rows: DeviceRows) -> DeviceArray:
        from numbaloss.structures.cuda import picks

        return picks.labelled(rows)
