"""Losses of embeddings: rows of two or three arrays, whose distances decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.compile import render
from numbaloss.definition import split_signature
from numbaloss.loss import Array, Loss, Need, Outcome
from numbaloss.structures.define import define
from numbaloss.structures.measures import FAMILY, GIVEN, MEASURES, checked_function, holes
from numbaloss.structures.publish import publish
from numbaloss.structures.sheets import Sheets
from numbaloss.structures.twins import Kernel, Twins

STRUCTURAL = ("p", "eps", "swap", "distance_function")  # hyper-parameters of the measure, not of the mathematics
LIMITS = {"p": "(0, inf]", "eps": "[0, inf)"}


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
    told = GIVEN.tells if callable(measure) else MEASURES[measure].tells
    labels = split_signature(maths)[0][told:]
    return publish(_defined(maths, "pairs", measure, inputs, labels, facts), PairLoss)


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
    return publish(_defined(maths, "triplets", measure, ("anchor", "positive", "negative"), (), facts), TripletLoss)


def _defined(
    maths: Callable[..., Any],
    structure: str,
    measure: str | Callable[..., Any],
    rows: tuple[str, ...],
    labels: tuple[str, ...],
    facts: dict[str, Any],
) -> Any:
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
        hessian=False,
        unit="row",
        limits={**limits, **facts.pop("limits", {})},
        static=("p",) if "p" in parameters else (),
        domains={**dict.fromkeys(rows, "real"), **facts.pop("domains", {})},
        **facts,
    )


class EmbeddingLoss(Loss):
    """What losses of pairs and of triplets share: the arguments, and how they get to the kernel."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._kernels: dict[Any, Any] = {}
        facts = self.definition
        self._distance = self.parameters.get("distance_function", facts.facts["measure"])
        if callable(self._distance):
            checked_function(facts.name, "distance_function", self._distance)
        self._exponent = self.parameters.get("p")
        if self._exponent is not None:
            self._distance = FAMILY.get(self._exponent, "minkowski")
        measure = GIVEN if callable(self._distance) else MEASURES[self._distance]
        own: float = facts.facts.get("shift", {}).get(self._distance, measure.eps)
        self._eps = float(self.parameters.get("eps", own))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kernels": {}}

    def _checked_weight(self, weight: Any) -> Array | None:
        return None

    def _template(self) -> tuple[Kernel, str, FunctionType, tuple[Any, ...]]:
        """The kernel, the open name of the mathematics in it, its meaning, and the scalar hyper-parameters' values."""
        raise NotImplementedError

    def _middle(self, labels: Array | None, weights: Array | None, eps: Any, room: int | None) -> tuple[Any, ...]:
        """The kernel's arguments between the rows and the hyper-parameters."""
        raise NotImplementedError

    def _sources(self) -> tuple[tuple[tuple[str, Any], ...], tuple[Any, ...]]:
        """Where each hyper-parameter of the mathematics comes from, and the values of those that are scalars."""
        facts, sources, scalars = self.definition, [], []
        for name in split_signature(facts.maths)[1]:
            value = self.parameters[name]
            if name in STRUCTURAL:
                sources.append(("constant", None))
            elif name in facts.static or isinstance(value, (bool, str)) or value is None:
                sources.append(("constant", value))
            else:
                sources.append(("param", None))
                scalars.append(value)
        return tuple(sources), tuple(scalars)

    def _kernel(self, dtype: np.dtype[Any]) -> tuple[Twins, tuple[Any, ...]]:
        if dtype not in self._kernels:
            template, name, link, scalars = self._template()
            meaning = {**holes(self._distance, self._exponent, dtype), name: link, "narrow": dtype.type}
            twins = Twins(template, dtype, self.definition.name, **meaning)
            self._kernels[dtype] = twins, tuple(dtype.type(value) for value in scalars)
        found: tuple[Twins, tuple[Any, ...]] = self._kernels[dtype]
        return found

    def _run(self, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        door, facts = self._door(inputs), self.definition
        arrays = [door.view(array) for array in inputs]
        count = len(facts.facts["rows"])
        rows = self._checked_rows(arrays[:count], inputs[:count])
        first = rows[0]
        lead = first.shape[:-1]
        labels = self._checked_label(arrays[count], lead) if len(arrays) > count else None
        dtype = checks.computed_in(first.dtype)
        assert dtype is not None
        weights = self._row_weights(sample_weight, lead, dtype)
        number = float(np.prod(lead, dtype=np.float64))
        outcome = Outcome(door, first.dtype, batch=lead[0] if lead else 1, denominator=number)
        if weights is not None:
            outcome.denominator = float(weights.sum(dtype=np.float64))
        gradients = self._gradients(rows, need)
        outcome.gradients = tuple(array for array in gradients if array is not None)
        if labels is not None:
            overlap = any(np.may_share_memory(labels, array) for array in outcome.gradients)
            labels = np.array(labels, dtype) if overlap else np.ascontiguousarray(labels, dtype)
            labels = checks.kernel_argument(labels).reshape(-1)
        if need.values:
            outcome.values = np.empty(lead, first.dtype)
        self._launch(outcome, Sheets(rows, gradients, dtype), labels, weights, dtype)
        return outcome

    def _launch(
        self, outcome: Outcome, sheets: Sheets, labels: Array | None, weights: Array | None, dtype: np.dtype[Any]
    ) -> None:
        """Run the kernel over all rows, as many at a time as can be laid out at no cost."""
        twins, params = self._kernel(dtype)
        width = sheets.inputs[0].shape[-1]
        scale = dtype.type(self._scale(outcome.denominator, outcome.batch))
        eps, room = dtype.type(self._eps), 0 if callable(self._distance) else None
        values = None if outcome.values is None else outcome.values.reshape(-1)
        for low, high, flat, gradients in sheets.pieces():
            part = values
            if values is not None:
                part = values[low:high] if values.dtype == dtype else np.empty(high - low, dtype)
            own = [None if array is None else array[low:high] for array in (labels, weights)]
            outcome.total += twins(
                8 * flat[0].size, width, *flat, *self._middle(own[0], own[1], eps, room), params, scale, part,
                *gradients,
            )
            if values is not None and part is not None and values.dtype != dtype:
                values[low:high] = part

    # ---- arguments

    def _checked_rows(self, arrays: list[Array], given: tuple[Any, ...]) -> list[Array]:
        facts, names = self.definition, self.definition.facts["rows"]
        checked = [checks.network_output(facts.name, names[0], arrays[0], given[0])]
        shape = checked[0].shape
        if not shape or shape[-1] == 0:
            raise ValueError(f"{facts.name}: {names[0]} needs a last axis that holds an embedding, got shape {shape}")
        for name, array, original in zip(names[1:], arrays[1:], given[1:], strict=True):
            if name in facts.wrt:
                array = checks.network_output(facts.name, name, array, original)
            array = checks.numeric(facts.name, name, array)
            checks.same_shape(facts.name, name, array, names[0], shape)
            checked.append(array)
        return checked

    def _checked_label(self, labels: Array, lead: tuple[int, ...]) -> Array:
        facts = self.definition
        name = facts.facts["per_row"][0]
        checks.numeric(facts.name, name, labels)
        if labels.shape != lead:
            raise ValueError(
                f"{facts.name}: {name} has shape {labels.shape}; wanted one number for each row, {lead}, the shape of "
                f"{facts.inputs[0]} without its last axis"
            )
        return labels

    def _row_weights(self, sample_weight: Any, lead: tuple[int, ...], dtype: np.dtype[Any]) -> Array | None:
        if sample_weight is None:
            return None
        given = checks.numeric(self.definition.name, "sample_weight", np.asarray(sample_weight))
        if given.shape != lead[: given.ndim]:
            raise ValueError(
                f"{self.definition.name}: sample_weight has shape {given.shape}; wanted one weight for each row, "
                f"{lead}, or for each sample, {lead[:1]}"
            )
        spread = np.broadcast_to(given.reshape(given.shape + (1,) * (len(lead) - given.ndim)), lead)
        return checks.kernel_argument(np.ascontiguousarray(spread, dtype)).reshape(-1)

    def _gradients(self, rows: Sequence[Array], need: Need) -> list[Array | None]:
        """For each input the buffer of its gradient, the caller's where given; None where not wanted."""
        facts = self.definition
        given = need.out if isinstance(need.out, (tuple, list)) else (need.out,) * len(need.wrt)
        named = [id(buffer) for buffer in given if buffer is not None]
        if len(given) != len(need.wrt) or len(set(named)) < len(named):
            raise ValueError(f"{facts.name}: out must be one buffer for each of the gradients {need.wrt}")
        found: list[Array | None] = []
        buffers = dict(zip(need.wrt, given, strict=True))
        for name, array in zip(facts.facts["rows"], rows, strict=True):
            kind = array.dtype if checks.computed_in(array.dtype) is not None else rows[0].dtype
            if name not in buffers:
                found.append(None)
            elif buffers[name] is None:
                found.append(np.empty(array.shape, kind))
            else:
                found.append(checks.output(facts.name, buffers[name], array.shape, kind))
        return found


class PairLoss(EmbeddingLoss):
    """A loss of the distance between the rows of two arrays, and perhaps of a label."""

    def _template(self) -> tuple[Kernel, str, FunctionType, tuple[Any, ...]]:
        from numbaloss.kernels.cpu.pairs import pair_rows

        told = GIVEN.tells if callable(self._distance) else MEASURES[self._distance].tells
        sources, scalars = self._sources()
        link = _pair_link(self.definition.maths, told, bool(self.definition.facts["per_row"]), sources)
        return pair_rows, "pair_link", link, scalars

    def _middle(self, labels: Array | None, weights: Array | None, eps: Any, room: int | None) -> tuple[Any, ...]:
        return labels, weights, eps, room


class TripletLoss(EmbeddingLoss):
    """A loss of an anchor's distances to a positive and to a negative."""

    def _template(self) -> tuple[Kernel, str, FunctionType, tuple[Any, ...]]:
        from numbaloss.kernels.cpu.pairs import triplet_rows

        sources, scalars = self._sources()
        return triplet_rows, "triplet_link", render.link(self.definition.maths, ("near", "far"), sources), scalars

    def _middle(self, labels: Array | None, weights: Array | None, eps: Any, room: int | None) -> tuple[Any, ...]:
        return weights, eps, room, 0 if self.parameters.get("swap") else None


@cache
def _pair_link(
    maths: Callable[..., Any], told: int, labelled: bool, sources: tuple[tuple[str, Any], ...]
) -> FunctionType:
    """Calls the mathematics on what was measured, on the row's label if it takes one, and on its hyper-parameters."""
    first = [f"known[{k}]" for k in range(told)] + ["label"] * labelled
    text = f"def pair_link(known, label, params):\n    return loss({render.calls(first, sources)})\n"
    return render.function(text, loss=maths)
