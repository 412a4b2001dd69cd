"""Losses of how far the other classes' scores come up to those of the right ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.loss import Array
from numbaloss.structures.define import define
from numbaloss.structures.derived import of_arguments
from numbaloss.structures.facts import STANDARD, check_facts
from numbaloss.structures.labelled import LabelledLoss, Launch
from numbaloss.structures.layout import Piece
from numbaloss.structures.publish import publish
from numbaloss.structures.rows import FEW, counted
from numbaloss.structures.twins import Twins

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

    def _launcher(self, dtype: np.dtype[Any], layout: str) -> Launch:
        from numbaloss.kernels.cpu import margin_tiles, margins, transpose

        few = layout == "few"
        if self._hardest:
            task = margin_tiles.small_hardest_block if few else margins.hardest_block
        else:
            task = margin_tiles.small_margin_block if few else margins.margin_block
        twins, params = self._twins(margins.margin_rows, dtype, ("gap",), task=task)

        def launch(piece: Piece, classes: int, weights: Array | None, scale: Any) -> float:
            assert piece.labels is not None
            if few:
                work, step = transpose.shared_work(piece.labels.size, piece.logits.size), transpose.TASK
            else:
                work, step = piece.logits.size, max(1, margins.WORK // classes)
            total: float = twins(
                work, step, piece.logits, piece.stride, classes, piece.labels, weights, piece.row_weights,
                params, scale, piece.values, piece.gradient, piece.curvature,
            )
            return total

        return launch

    def _labelled_on_device(self, rows: DeviceRows) -> DeviceArray:
        from numbaloss.structures.cuda import margins

        return margins.labelled(rows)


class SetMarginLoss(LabelledLoss):
    """A list of right classes for each row, ended by its first negative entry."""

    _several = True

    def _is_distribution(self, logits: Array, target: Array) -> bool:
        checks.integers(self.definition.name, "target", target)
        checks.same_shape(self.definition.name, "target", target, "input", logits.shape)
        return False

    def _label_mass(
        self, labels: Array, dtype: np.dtype[Any], classes: int, weights: Array | None, row_weights: Array | None
    ) -> float:
        key = ("scan", dtype)
        if key not in self._kernels:
            from numbaloss.kernels.cpu.margins import check_sets

            self._kernels[key] = Twins(check_sets, dtype, "labels")
        if self._kernels[key](0, labels, classes):
            raise ValueError(
                f"{self.definition.name}: target lists a class of {classes} or more; classes are in "
                f"0 ... {classes - 1}, and a negative number ends the list"
            )
        return counted(labels.size // classes, row_weights)

    def _launcher(self, dtype: np.dtype[Any], layout: str) -> Launch:
        from numbaloss.kernels.cpu.margins import set_rows

        twins, params = self._twins(set_rows, dtype, ("gap",))

        def launch(piece: Piece, classes: int, weights: Array | None, scale: Any) -> float:
            total: float = twins(
                16 * piece.logits.size, piece.logits, piece.stride, classes, piece.labels, piece.row_weights, params,
                scale, piece.values, piece.gradient, piece.curvature,
            )
            return total

        return launch

    def _mass_on_device(self, rows: DeviceRows) -> Mass:
        from numbaloss.structures.cuda.rows import counted

        return counted(rows)

    def _labelled_on_device(self, rows: DeviceRows) -> DeviceArray:
        from numbaloss.structures.cuda import margins

        return margins.listed(rows)
