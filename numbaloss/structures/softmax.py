"""Softmax losses: each row of logits gives one value, as a function of the log-probability of its class."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.compile.twins import Kernel
from numbaloss.definition import Interval, split_signature
from numbaloss.loss import Array, Loss, same
from numbaloss.structures.define import define
from numbaloss.structures.derived import of_log_prob
from numbaloss.structures.facts import STANDARD, check_facts
from numbaloss.structures.join import Terms, joined
from numbaloss.structures.labelled import LabelledLoss, Launch
from numbaloss.structures.layout import Piece
from numbaloss.structures.overlap import written_apart
from numbaloss.structures.publish import publish

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceArray
    from numbaloss.structures.cuda.rows import Rows as DeviceRows

EXTRAS = ("label_smoothing", "z_loss", "softcap")
LIMITS = {
    "label_smoothing": Interval("[0, 1]"),
    "z_loss": Interval("[0, inf)"),
    "softcap": Interval("(0, inf)"),
}
ARGUMENTS = ("log_prob", "rest")  # what the mathematics is called on, before its hyper-parameters


def softmax(maths: Callable[..., Any] | None = None, *, probabilities: bool = False, **facts: Any) -> Any:
    """Make a loss of a function ``(log_prob, rest, hyper=default) -> (value, slope, curvature)``.

    `log_prob` is the log-probability of the row's class and `rest` one minus its probability, kept exact where it is
    tiny; slope and curvature are the derivatives by `log_prob` (`rest` moves with it). `probabilities` says that
    targets may be distributions: the loss is then the expectation over them. A hyper-parameter called
    `label_smoothing`, `z_loss` or `softcap` is what `cross_entropy` documents, and is dealt with here.

    Other facts are those of `pointwise` that make sense for rows: `limits`, `settings`, `static`, `convex`, `hessian`,
    `weight_doc`, `task`, `class_name`.
    """
    if maths is None:
        return lambda function: softmax(function, probabilities=probabilities, **facts)
    own = ("ignore_index",)
    check_facts("softmax", maths, facts, returns=STANDARD, inputs=("input", "target"), own=own, alone=True)
    parameters = facts.pop("limits", {})
    facts.setdefault("weight_doc", "One weight for each class.")
    _, hyper = split_signature(maths)
    definition = define(
        maths,
        "softmax",
        parameters={"ignore_index": -100, **hyper},
        inputs=("input", "target"),
        differentiable=("input", "target") if probabilities else ("input",),
        wrt=("input",),
        target="class_or_distribution" if probabilities else "class",
        weight="class",
        unit="row",
        limits={**LIMITS, **parameters},
        plan=of_log_prob(maths),
        **facts,
    )
    return publish(definition, SoftmaxLoss)


class SoftmaxLoss(LabelledLoss):
    """A loss of the softmax of each row, for class labels or (where its definition says so) probabilities."""

    def _extras(self, dtype: np.dtype[Any]) -> tuple[Any, ...]:
        """Smoothing, z-loss and soft cap in the kernel's type; None where there is nothing to do."""
        given = [self.parameters.get(name) for name in EXTRAS]
        return tuple(None if not value else dtype.type(value) for value in given)

    def _joins(self, other: Loss) -> bool:
        one, two = self.parameters.get("ignore_index"), other.parameters.get("ignore_index")
        return (
            isinstance(other, SoftmaxLoss)
            and not any(loss.parameters.get(name) for loss in (self, other) for name in EXTRAS)
            and one == two
            and same(self.weight, other.weight)
            and (self.reduction, self.on_empty) == (other.reduction, other.on_empty)
        )

    def _joined(self, terms: Terms) -> Loss:
        return joined(terms, ARGUMENTS, SoftmaxLoss, {"ignore_index": self.parameters["ignore_index"]})

    # ---- class labels

    def _launcher(self, dtype: np.dtype[Any], layout: str) -> Launch:
        from numbaloss.kernels.cpu import softmax_labels, softmax_tiles, transpose

        templates = {
            "few": softmax_tiles.label_small, "many": softmax_labels.label_rows, "planes": softmax_tiles.label_planes
        }
        twins, params = self._twins(templates[layout], dtype, ARGUMENTS)
        extras, ignored = self._extras(dtype), self._ignored
        capped = extras[-1] is not None

        def launch(piece: Piece, classes: int, weights: Array | None, scale: Any) -> float:
            assert piece.labels is not None
            work: float = piece.logits.size
            if layout == "few":  # over a tile, if nothing of it is needed for longer
                apart = True if capped or piece.curvature is not None else None
                work = transpose.shared_work(piece.labels.size, work)
            else:
                apart = written_apart(piece.gradient, piece.logits)
            step = piece.positions if layout == "planes" else piece.stride
            total: float = twins(
                work, piece.logits, step, classes, piece.labels, ignored, weights, piece.row_weights, *extras, apart,
                params, scale, piece.values, piece.gradient, piece.curvature,
            )
            return total

        return launch

    def _labelled_on_device(self, rows: DeviceRows) -> DeviceArray:
        from numbaloss.structures.cuda import softmax

        return softmax.labelled(self, rows)

    def _distributed_on_device(self, rows: DeviceRows) -> DeviceArray:
        from numbaloss.structures.cuda import softmax

        return softmax.distributed(self, rows)

    # ---- probabilities

    def _distribution_launcher(self, dtype: np.dtype[Any], layout: str) -> Launch:
        from numbaloss.kernels.cpu import softmax_probabilities, softmax_probability_tiles, transpose

        templates: dict[str, Kernel] = {
            "few": softmax_probability_tiles.probability_small,
            "many": softmax_probabilities.probability_rows,
            "planes": softmax_probability_tiles.probability_planes,
        }
        twins, params = self._twins(templates[layout], dtype, ARGUMENTS)
        extras = self._extras(dtype)

        def launch(piece: Piece, classes: int, weights: Array | None, scale: Any) -> float:
            work: float = piece.logits.size
            if layout == "few":
                work = transpose.shared_work(piece.logits.size // classes, work)
            steps = (piece.positions, classes) if layout == "planes" else (classes,)
            total: float = twins(
                work, piece.logits, piece.targets, *steps, weights, piece.row_weights, *extras, params, scale,
                piece.values, piece.gradient, piece.curvature, piece.target_gradient,
            )
            return total

        return launch
