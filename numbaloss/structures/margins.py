"""Losses of how far the other classes' scores come up to those of the right ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.compile.twins import Kernel
from numbaloss.loss import Array
from numbaloss.structures.define import define
from numbaloss.structures.derived import of_arguments
from numbaloss.structures.facts import STANDARD, check_facts
from numbaloss.structures.labelled import LabelledLoss, Launch
from numbaloss.structures.layout import Piece
from numbaloss.structures.publish import publish
from numbaloss.structures.rows import FEW, counted

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceArray
    from numbaloss.structures.cuda.call import Mass
    from numbaloss.structures.cuda.rows import Rows as DeviceRows


def margins(
    maths: Callable[..., Any] | None = None, *, sets: bool = False, hardest: bool = False, **facts: Any
) -> Any:
    """Make a loss of a function ``(gap, hyper=default) -> (value, slope, curvature)``.

    `gap` is the score of a wrong class minus that of a right one; the row's value is the sum over all such pairs,
    divided by the number of classes. `sets` says that a row may have several right classes: its target lists them,
    up to the first negative entry. `hardest` says that only the wrong class of the highest score counts (of several the
    first), whose gap then is the row's, divided by nothing.

    Other facts: `limits`, `settings`, `static`, `convex`, `hessian`, `weight_doc`, `task`, `class_name`, as in
    `numbaloss.pointwise`.
    """
    if maths is None:
        return lambda function: margins(function, sets=sets, hardest=hardest, **facts)
    check_facts("margins", maths, facts, returns=STANDARD, inputs=("input", "target"), alone=True)
    if sets and hardest:
        raise ValueError(f"{maths.__name__}: nl.margins takes sets or hardest, not both")
    facts.setdefault("weight_doc", "One weight for each class; does not enter the denominator.")
    definition = define(
        maths,
        "margins",
        inputs=("input", "target"),
        differentiable=("input",),
        target="class_list" if sets else "class",
        weight=None if sets else "class",
        unit="row",
        denominator="count",
        max_ndim=2,
        hardest=hardest,
        plan=of_arguments(maths, 1, "real"),
        **facts,
    )
    return publish(definition, SetMarginLoss if sets else MarginLoss)


class MarginLoss(LabelledLoss):
    """One right class a row."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._hardest = self.definition.facts["hardest"]
        self._few = FEW if self._hardest else FEW // 2  # along a row of more, sums are as fast

    def _task(self, few: bool) -> tuple[Kernel, float]:
        """What does the rows of a parallel task, and what an element costs it, in operations."""
        from numbaloss.kernels.cpu import margin_tiles, margins

        if self._hardest:
            return margin_tiles.small_hardest_block if few else margins.hardest_block, 1.0
        return margin_tiles.small_margin_block if few else margins.margin_block, 1.0

    def _launcher(self, dtype: np.dtype[Any], layout: str) -> Launch:
        from numbaloss.kernels.cpu import margins, transpose

        few = layout == "few"
        several, (task, cost) = self._several, self._task(few)
        twins, params = self._twins(margins.margin_rows, dtype, ("gap",), task=task)

        def launch(piece: Piece, classes: int, weights: Array | None, scale: Any) -> float:
            assert piece.labels is not None
            rows = piece.labels.size // classes if several else piece.labels.size
            if few:
                work, step = transpose.shared_work(rows, cost * rows * classes), transpose.TASK
            else:
                work, step = cost * rows * classes, max(1, margins.WORK // int(cost * classes))
            total: float = twins(
                work, rows, step, piece.logits, piece.stride, classes, piece.labels, weights, piece.row_weights,
                params, scale, piece.values, piece.gradient, piece.curvature,
            )
            return total

        return launch

    def _labelled_on_device(self, rows: DeviceRows) -> DeviceArray:
        from numbaloss.structures.cuda import margins

        return margins.labelled(rows)


class SetMarginLoss(MarginLoss):
    """A list of right classes for each row, ended by its first negative entry."""

    _several = True

    def _task(self, few: bool) -> tuple[Kernel, float]:
        from numbaloss.kernels.cpu import margin_tiles, margins

        return margin_tiles.small_set_block if few else margins.set_block, 4.0

    def _is_distribution(self, logits: Array, target: Array) -> bool:
        checks.integers(self.definition.name, "target", target)
        checks.same_shape(self.definition.name, "target", target, "input", logits.shape)
        return False

    def _label_mass(
        self, labels: Array, dtype: np.dtype[Any], classes: int, weights: Array | None, row_weights: Array | None
    ) -> float:
        if self._scanner(dtype)(0, labels, classes):
            raise ValueError(
                f"{self.definition.name}: target lists a class of {classes} or more; classes are in "
                f"0 ... {classes - 1}, and a negative number ends the list"
            )
        return counted(labels.size // classes, row_weights)

    def _label_check(self) -> Kernel:
        from numbaloss.kernels.cpu.margins import check_sets

        return check_sets

    def _mass_on_device(self, rows: DeviceRows) -> Mass:
        from numbaloss.structures.cuda.rows import counted

        return counted(rows)

    def _labelled_on_device(self, rows: DeviceRows) -> DeviceArray:
        from numbaloss.structures.cuda import margins

        return margins.listed(rows)
