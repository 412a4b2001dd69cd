"""Losses of cosines to one prototype a class: cross-entropy, the label's cosine made worse by a margin first."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.compile import render
from numbaloss.compile.twins import Kernel, Twins
from numbaloss.definition import split_signature
from numbaloss.loss import Array
from numbaloss.structures.define import define
from numbaloss.structures.derived import of_arguments
from numbaloss.structures.facts import check_facts
from numbaloss.structures.hyperparameters import hyperparameters
from numbaloss.structures.labelled import LabelledLoss, Launch
from numbaloss.structures.layout import Piece
from numbaloss.structures.publish import publish
from numbaloss.structures.softmax import LIMITS

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceArray
    from numbaloss.structures.cuda.rows import Rows as DeviceRows


def cosines(maths: Callable[..., Any] | None = None, *, angle: str | None = None, **facts: Any) -> Any:
    """Make a loss of a function ``(cosine, hyper=default) -> (moved, slope)``.

    `moved` is what takes the place of the label's cosine, and `slope` its derivative by it. The logits are `scale`
    times the cosines; the loss is their cross-entropy. `angle` names a hyper-parameter whose cosine and sine the
    function wants: it is then called as ``(cosine, turned_cosine, turned_sine, hyper=default)``.
    """
    if maths is None:
        return lambda function: cosines(function, angle=angle, **facts)
    own = ("scale", "label_smoothing", "ignore_index")
    check_facts("cosines", maths, facts, returns=("moved", "slope"), inputs=("input", "target"), own=own, alone=True)
    _, hyper = split_signature(maths)
    parameters = facts.pop("limits", {})
    facts.setdefault("weight_doc", "One weight for each class.")
    definition = define(
        maths,
        "cosines",
        inputs=("input", "target"),
        parameters={**hyper, "scale": 64.0, "label_smoothing": 0.0, "ignore_index": -100},
        differentiable=("input",),
        domain="cosine",
        target="class",
        weight="class",
        unit="row",
        max_ndim=2,
        angle=angle,
        hessian=False,
        limits={"scale": "(0, inf)", "label_smoothing": LIMITS["label_smoothing"], **parameters},
        plan=of_arguments(maths, 1, "cosine", result="flat"),
        **facts,
    )
    return publish(definition, CosineLoss)


def negative_log(log_prob: Any, rest: Any) -> Any:
    """Cross-entropy, as a function of the label's log-probability."""
    return -log_prob, -1.0, 0.0


class CosineLoss(LabelledLoss):
    """Cross-entropy of scaled cosines, the label's moved."""

    def _launcher(self, dtype: np.dtype[Any], layout: str) -> Launch:
        from numbaloss.kernels.cpu import cosine_tiles, cosines, softmax_labels, transpose

        few = layout == "few"
        twins, moves = self._shifted(dtype, cosine_tiles.small_cosine_block if few else cosines.cosine_block)
        smoothing, ignored = self.parameters["label_smoothing"], self._ignored
        smoothing, steepness = dtype.type(smoothing) if smoothing else None, dtype.type(self.parameters["scale"])

        def launch(piece: Piece, classes: int, weights: Array | None, scale: Any) -> float:
            assert piece.labels is not None
            if few:
                work, step = transpose.shared_work(piece.labels.size, 4.0 * piece.logits.size), transpose.TASK
            else:
                work, step = piece.logits.size, max(1, softmax_labels.WORK // classes)
            total: float = twins(
                work, step, piece.logits, piece.stride, classes, piece.labels, ignored, weights, piece.row_weights,
                smoothing, steepness, moves, (), scale, piece.values, piece.gradient,
            )
            return total

        return launch

    def _shifted(self, dtype: np.dtype[Any], task: Kernel) -> tuple[Twins, tuple[Any, ...]]:
        """The kernel that has its rows done by `task`, and the numbers the mathematics takes."""
        key = ("cosines", dtype, task)
        if key not in self._kernels:
            from numbaloss.kernels.cpu.cosines import cosine_rows

            shift, numbers = self._shift()
            link = render.link(negative_log, ("log_prob", "rest"), ())
            holes = {"task": task, "shift": shift, "link": link, "narrow": dtype.type}
            twins = Twins(cosine_rows, dtype, self.definition.name, **holes)
            self._kernels[key] = twins, tuple(dtype.type(number) for number in numbers)
        found: tuple[Twins, tuple[Any, ...]] = self._kernels[key]
        return found

    def _shift(self) -> tuple[Kernel, tuple[Any, ...]]:
        """The mathematics as a kernel calls it, and the numbers it takes."""
        facts = self.definition
        sources, numbers = hyperparameters(self)
        if (angle := facts.facts["angle"]) is not None:
            turn = self.parameters[angle]
            numbers = (math.cos(turn), math.sin(turn), *numbers)
            sources = (("param", None), ("param", None), *sources)
        return render.link(facts.maths, ("cosine",), sources), numbers

    def _labelled_on_device(self, rows: DeviceRows) -> DeviceArray:
        from numbaloss.structures.cuda import cosines

        return cosines.labelled(self, rows)
