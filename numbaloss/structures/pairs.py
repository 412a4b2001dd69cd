"""Losses of embeddings: rows of two or three arrays, whose distances decide."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

from numbaloss.compile import render
from numbaloss.compile.symbolic.plan import Plan
from numbaloss.compile.twins import Kernel
from numbaloss.definition import Definition, split_signature
from numbaloss.loss import Array
from numbaloss.structures.define import define
from numbaloss.structures.derived import of_arguments
from numbaloss.structures.embeddings import STRUCTURAL, EmbeddingLoss
from numbaloss.structures.facts import check_facts
from numbaloss.structures.hyperparameters import hyperparameters
from numbaloss.structures.measures import GIVEN, MEASURES
from numbaloss.structures.publish import publish

LIMITS = {"p": "(0, inf]", "eps": "[0, inf)"}
TRIPLET = ("anchor", "positive", "negative")


def pairs(
    maths: Callable[..., Any] | None = None,
    *,
    measure: str | Callable[..., Any] = "euclidean",
    inputs: tuple[str, str] = ("input1", "input2"),
    **facts: Any,
) -> Any:
    """Make a loss of a function ``(distance, hyper=default) -> (value, slope)`` of the distance between two rows.

    `measure` is the distance: "euclidean", "squared_euclidean", "manhattan", "chebyshev", "cosine" (one minus the
    cosine, with each length at least `eps`), "softened_cosine" (`eps` added to each squared length), or a plain
    function ``(x, y, by_x, by_y) -> distance`` of two vectors that writes its gradient to `by_x` and `by_y`. With a
    cosine the function is called on ``(distance, cosine, ...)``: the distance has all its digits where the cosine is
    near 1. A further argument without a default is a label for each row. `slope` is the derivative by the distance. A
    hyper-parameter `eps` or `p` (the exponent of the distance) is dealt with here, and so is the second sweep over the
    rows that writes the gradients.
    """
    if maths is None:
        return lambda function: pairs(function, measure=measure, inputs=inputs, **facts)
    check_facts("pairs", maths, facts, returns=("value", "slope"), inputs=inputs, alone=True)
    told = GIVEN.tells if callable(measure) else MEASURES[measure].tells
    labels = split_signature(maths)[0][told:]
    about = ("nonnegative", "cosine") if told == 2 else ("nonnegative",)
    moving = "one minus it" if told == 2 else ""
    plan = of_arguments(maths, 1, *about, facts.get("target", "real"), result="flat", moving=moving)
    return publish(_defined(maths, "pairs", measure, inputs, labels, plan, facts), PairLoss)


def triplets(
    maths: Callable[..., Any] | None = None, *, measure: str | Callable[..., Any] = "euclidean", **facts: Any
) -> Any:
    """Make a loss of a function ``(positive, negative, hyper=default) -> (value, slope_positive, slope_negative)``.

    `positive` and `negative` are the distances of an anchor's row to those of the other two arrays, measured as under
    `pairs`. Hyper-parameters called `p`, `eps`, `swap` (the negative's distance is the smaller of those to anchor and
    positive) and `distance_function` (which measure) are dealt with here.
    """
    if maths is None:
        return lambda function: triplets(function, measure=measure, **facts)
    returns = ("value", "slope_positive", "slope_negative")
    check_facts("triplets", maths, facts, returns=returns, inputs=TRIPLET, alone=True)
    facts.setdefault("target", "none")
    plan = of_arguments(maths, 2, "nonnegative", result="flat")
    return publish(_defined(maths, "triplets", measure, TRIPLET, (), plan, facts), TripletLoss)


def _defined(
    maths: Callable[..., Any],
    structure: str,
    measure: str | Callable[..., Any],
    rows: tuple[str, ...],
    labels: tuple[str, ...],
    plan: Plan,
    facts: dict[str, Any],
) -> Definition:
    parameters = split_signature(maths)[1]
    limits = {name: LIMITS[name] for name in parameters if name in LIMITS}
    return define(
        maths,
        structure,
        inputs=(*rows, *labels),
        differentiable=rows,
        wrt=facts.pop("wrt", rows),
        rows=rows,
        per_row=labels,
        measure=measure,
        plan=plan,
        hessian=False,
        unit="row",
        limits={**limits, **facts.pop("limits", {})},
        static=("p",) if "p" in parameters else (),
        domains={**dict.fromkeys(rows, "real"), **facts.pop("domains", {})},
        **facts,
    )


class PairLoss(EmbeddingLoss):
    """A loss of the distance between the rows of two arrays, and perhaps of a label."""

    def _template(self) -> tuple[Kernel, str, FunctionType, tuple[Any, ...]]:
        from numbaloss.kernels.cpu.pairs import pair_rows

        return pair_rows, "pair_link", *self._link()

    def _template_on_device(self) -> tuple[Kernel, dict[str, Any], tuple[Any, ...]]:
        from numbaloss.kernels.cuda.pairs import pair_rows

        link, scalars = self._link()
        return pair_rows, {"pair_link": link}, scalars

    def _link(self) -> tuple[FunctionType, tuple[Any, ...]]:
        """The mathematics as kernels call it, and the scalar hyper-parameters' values."""
        told = GIVEN.tells if callable(self._distance) else MEASURES[self._distance].tells
        sources, scalars = hyperparameters(self, STRUCTURAL)
        return _pair_link(self.definition.maths, told, bool(self.definition.facts["per_row"]), sources), scalars

    def _middle(self, labels: Array | None, weights: Array | None, eps: Any) -> tuple[Any, ...]:
        return labels, weights, eps, self._room


class TripletLoss(EmbeddingLoss):
    """A loss of an anchor's distances to a positive and to a negative."""

    def _template(self) -> tuple[Kernel, str, FunctionType, tuple[Any, ...]]:
        from numbaloss.kernels.cpu.pairs import triplet_rows

        return triplet_rows, "triplet_link", *self._link()

    def _template_on_device(self) -> tuple[Kernel, dict[str, Any], tuple[Any, ...]]:
        from numbaloss.kernels.cuda.pairs import triplet_rows

        link, scalars = self._link()
        return triplet_rows, {"triplet_link": link, "SWAP": bool(self.parameters["swap"])}, scalars

    def _link(self) -> tuple[FunctionType, tuple[Any, ...]]:
        sources, scalars = hyperparameters(self, STRUCTURAL)
        return render.link(self.definition.maths, ("near", "far"), sources), scalars

    def _middle(self, labels: Array | None, weights: Array | None, eps: Any) -> tuple[Any, ...]:
        return weights, eps, self._room, 0 if self.parameters["swap"] else None


@cache
def _pair_link(
    maths: Callable[..., Any], told: int, labelled: bool, sources: tuple[tuple[str, Any], ...]
) -> FunctionType:
    """Calls the mathematics on what was measured, on the row's label if it takes one, and on its hyper-parameters."""
    first = [f"known[{k}]" for k in range(told)] + ["label"] * labelled
    text = f"def pair_link(known, label, params):\n    return loss({render.calls(first, sources)})\n"
    return render.function(text, loss=maths)
