"""Softmax losses: each row of logits gives one value, as a function of the log-probability of its class."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.compile import render
from numbaloss.definition import Interval, split_signature
from numbaloss.loss import Array, Need, Outcome
from numbaloss.structures.pointwise import define
from numbaloss.structures.publish import publish
from numbaloss.structures.rows import RowLoss, Rows
from numbaloss.structures.twins import Twins

EXTRAS = ("label_smoothing", "z_loss", "softcap")
LIMITS = {
    "label_smoothing": Interval("[0, 1]"),
    "z_loss": Interval("[0, inf)"),
    "softcap": Interval("(0, inf)"),
}
FEW = 32  # classes up to which rows are transposed into tiles


def softmax(maths: Callable[..., Any] | None = None, *, probabilities: bool = False, **facts: Any) -> Any:
    """Make a loss of a function ``(log_prob, rest, hyper=default) -> (value, slope, curvature)``.

    `log_prob` is the log-probability of the row's class and `rest` one minus its probability, kept exact where it is
    tiny; slope and curvature are the derivatives by `log_prob` (`rest` moves with it). `probabilities` says that
    targets may be distributions: the loss is then the expectation over them. A hyper-parameter called
    `label_smoothing`, `z_loss` or `softcap` is what `cross_entropy` documents, and is dealt with here.
    """
    if maths is None:
        return lambda function: softmax(function, probabilities=probabilities, **facts)
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
        **facts,
    )
    return publish(definition, SoftmaxLoss)


class SoftmaxLoss(RowLoss):
    """A loss of the softmax of each row, for class labels or (where its definition says so) probabilities."""

    def _links(self, dtype: np.dtype[Any]) -> tuple[tuple[tuple[str, Any], ...], tuple[Any, ...]]:
        """How the mathematics gets its hyper-parameters, and the scalars among them."""
        sources: list[tuple[str, Any]] = []
        scalars = []
        for name, value in self.parameters.items():
            if name == "ignore_index":
                continue
            if name in EXTRAS or name in self.definition.static or isinstance(value, bool) or value is None:
                sources.append(("constant", None if name in EXTRAS else value))
            else:
                sources.append(("param", None))
                scalars.append(dtype.type(value))
        return tuple(sources), tuple(scalars)

    def _extras(self, dtype: np.dtype[Any]) -> tuple[Any, ...]:
        """Smoothing, z-loss and soft cap in the kernel's type; None where there is nothing to do."""
        given = [self.parameters.get(name) for name in EXTRAS]
        return tuple(None if not value else dtype.type(value) for value in given)

    def _twins(self, template: str, module: ModuleType, dtype: np.dtype[Any]) -> tuple[Twins, tuple[Any, ...]]:
        key = (template, dtype)
        if key not in self._kernels:
            sources, scalars = self._links(dtype)
            link = render.link(self.definition.maths, sources)
            twins = Twins(
                getattr(module, template), dtype, f"{self.definition.name}", link=link, narrow=dtype.type
            )
            self._kernels[key] = twins, scalars
        return self._kernels[key]

    # ---- class labels -------------------------------------------------------------------------------------------------

    def _labelled(self, rows: Rows, need: Need, outcome: Outcome) -> None:
        from numbaloss.kernels.cpu import softmax_labels, softmax_tiles

        dtype, classes = rows.dtype, rows.classes
        scale = dtype.type(self._scale(outcome.denominator, outcome.batch))
        extras = self._extras(dtype)
        for piece in rows.pieces(need, outcome):
            if piece.planes:
                template, module, step = "label_planes", softmax_tiles, piece.positions
            elif classes <= FEW:
                template, module, step = "label_small", softmax_tiles, piece.stride
            else:
                template, module, step = "label_rows", softmax_labels, piece.stride
            twins, params = self._twins(template, module, dtype)
            outcome.total += twins(
                8 * piece.logits.size, piece.logits, step, classes, piece.labels, rows.ignored, rows.weights,
                piece.row_weights, *extras, params, scale, piece.values, piece.gradient, piece.curvature,
            )

    # ---- probabilities --------------------------------------------------------------------------------------------------

    def _distributed(self, rows: Rows, need: Need, outcome: Outcome) -> None:
        from numbaloss.kernels.cpu import softmax_probabilities as loops

        dtype = rows.dtype
        scale = dtype.type(self._scale(outcome.denominator, outcome.batch))
        extras = self._extras(dtype)
        twins, params = self._twins("probability_rows", loops, dtype)
        for piece in rows.pieces(need, outcome):
            outcome.total += twins(
                16 * piece.logits.size, piece.logits, piece.targets, rows.classes, rows.weights, piece.row_weights,
                *extras, params, scale, piece.values, piece.gradient, piece.curvature, piece.target_gradient,
            )
