"""Checks of compiled values, gradients and Hessians against the same mathematics at fifty digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from numbaloss.definition import Definition
from numbaloss.testing import inputs as drawn
from numbaloss.testing import parameters as chosen
from numbaloss.testing import precise, precise_rows, units
from numbaloss.testing.basics import Array, LossFunction, differentiable, made, only_if, shown, unreduced
from numbaloss.testing.exact import effect, excess
from numbaloss.testing.precise import Number

TYPES = (np.float32, np.float64)
ULP = 4.0  # elementwise values and slopes, beyond the effect of an ulp of each input; a loss's fact `ulp` overrides it
ULP_CURVATURE = 16.0  # second derivatives: more steps, and no optimiser needs their last digits
RELATIVE = {np.float32: 1e-6, np.float64: 2e-15}  # rows, beyond the same effect


@only_if(lambda facts: facts.structure == "pointwise")
def check_exact_elements(loss: LossFunction) -> None:
    """Values and slopes are within 4 ulp of the exact ones (mixed stability), curvatures within 16."""
    facts = loss.definition
    for dtype in TYPES:
        for setting in chosen.two_sets(facts):
            arrays = drawn.draw(facts, rows=4, dtype=dtype, parameters=setting, salt="accuracy")
            arrays = tuple(array.reshape(-1, 1) for array in arrays)  # one class a row, for losses with a mean of them
            values, gradients = unreduced(loss, arrays, **setting)
            bends = made(loss, reduction="sum", **setting).grad_and_hess(*arrays)[1] if facts.hessian else None
            elements = Elements(facts, setting, dtype)
            for k, point in enumerate(zip(*(array.reshape(-1) for array in arrays), strict=True)):
                where = f"{np.dtype(dtype).name}, {shown(setting)}, {[float(x) for x in point]}"
                elements.hold(values.reshape(-1)[k], point, None, f"value at {where}")
                for name, gradient in zip(facts.differentiable, gradients, strict=True):
                    elements.hold(gradient[k, 0], point, name, f"slope by {name} at {where}")
                if bends is not None:
                    elements.hold_curvature(bends[k, 0], point, f"curvature at {where}")


class Elements:
    """The mathematics of an elementwise loss at one setting and precision, and how well numbers agree with it."""

    def __init__(self, facts: Definition, setting: dict[str, Any], dtype: Any) -> None:
        self.facts, self.dtype, self.count = facts, dtype, len(facts.inputs)
        self.bar = float(facts.facts.get("ulp", ULP))
        maths, keywords = precise.copied(facts.maths), precise.settings(facts, setting, dtype)
        self.free = [name for name, value in keywords.items() if isinstance(value, precise.mp.mpf)]
        self.parameters = [keywords[name] for name in self.free]
        labels = [drawn.domain(facts, name, setting).labels for name in facts.inputs]
        # what is rounded to the precision: quantities among the inputs, and the hyper-parameters
        self.movable = [k for k in range(self.count + len(self.free)) if k >= self.count or not labels[k]]

        def value(*point: Number) -> Number:
            moved = dict(zip(self.free, point[self.count :], strict=True))
            return maths(*point[: self.count], **{**keywords, **moved})[0]

        self.value = value

    def hold(self, got: Any, point: Sequence[Any], by: str | None, what: str) -> None:
        """Assert that `got` is the value at `point`, or the slope by the input `by`."""
        function = self.value
        if by is not None:
            function = derivative(precise.slope, self.value, self.facts.inputs.index(by))
        self._hold(got, function, point, self.bar, what)

    def hold_curvature(self, got: Any, point: Sequence[Any], what: str) -> None:
        """Assert that `got` is the second derivative at `point`."""
        index = self.facts.inputs.index(self.facts.differentiable[0])
        self._hold(got, derivative(precise.curvature, self.value, index), point, ULP_CURVATURE, what)

    def _hold(self, got: Any, function: Callable[..., Number], point: Sequence[Any], bar: float, what: str) -> None:
        inputs = [*map(precise.number, point), *self.parameters]
        exact = function(*inputs)
        error = excess(got, exact, precise.mp.zero, self.dtype)
        if error > bar:  # most results need no slack, which is slow to compute
            error = excess(got, exact, effect(function, inputs, self.dtype, self.movable), self.dtype)
        assert error <= bar, f"{what} is {float(got)!r}, wanted {float(exact)!r}: {error:.3g} ulp too far"


def derivative(kind: Callable[..., Number], function: Callable[..., Number], index: int) -> Callable[..., Number]:
    """The slope or curvature by one argument, as a function."""
    return lambda *point: kind(function, point, index)


@only_if(lambda facts: facts.structure in precise_rows.ROWS and facts.facts.get("exact", True))
def check_exact_rows(loss: LossFunction) -> None:
    """Rows are right to 1e-6 (float32) and 2e-15 (float64), beyond the effect of an ulp of each input.

    Values relative to themselves, slopes relative to the largest of their row.
    """
    facts = loss.definition
    for dtype in TYPES:
        for kind in drawn.kinds(facts):
            for setting in chosen.two_sets(facts, kind):
                setting |= facts.facts.get("derivative", {})
                rows = {"wide": 2, "planes": 2}.get(kind, 4)
                arrays = drawn.draw(
                    facts, kind=kind, rows=rows, dtype=dtype, parameters=setting, edges=True, salt="rows"
                )
                values, gradients = unreduced(loss, arrays, **setting)
                formula = precise_rows.row(facts, setting, dtype)
                of_slopes = precise_rows.row_of_slopes(facts, setting, dtype)
                lines = {"sequence": by_sequences, "kernel": units.lines}.get(facts.structure, by_rows)
                slopes = {
                    name: lines(gradient)
                    for name, gradient in zip(differentiable(facts, arrays), gradients, strict=True)
                    if name not in drawn.shared(facts)
                }
                for number, parts in enumerate(row_parts(facts, arrays)):
                    where = f"{np.dtype(dtype).name}, {kind}, {shown(setting)}, row {number}"
                    hold_row(values.reshape(-1)[number], formula, parts, None, dtype, f"value, {where}")
                    for name, every in slopes.items():
                        largest = scale_of(facts, every[number], values.reshape(-1)[number])
                        for k, got in enumerate(every[number][:8]):
                            by = facts.inputs.index(name), k
                            hold_row(got, of_slopes(parts), parts, by, dtype, f"slope {k} by {name}, {where}", largest)


def scale_of(facts: Definition, slopes: Array, value: Any) -> float:
    """What the slopes of a row are precise to: the largest of them.

    Between two distributions they are differences from the row's value, times probabilities, and precise to those.
    """
    largest = float(np.max(np.abs(slopes)))
    return max(largest, 1.0, abs(float(value))) if facts.structure == "distributions" else largest


def hold_row(
    got: Any,
    formula: precise_rows.Row,
    parts: list[Any],
    by: tuple[int, int] | None,
    dtype: Any,
    what: str,
    scale: float = 0.0,
) -> None:
    """Assert one value of a row, or its slope by entry `by` (argument, class), to the precision of `scale` at least."""
    lengths = [len(part) if isinstance(part, list) else 0 for part in parts]
    starts = [sum(lengths[:k]) for k in range(len(parts))]
    flat = [x for part, length in zip(parts, lengths, strict=True) if length for x in part]

    def value(*point: Number) -> Number:
        given = [
            list(point[start : start + length]) if length else part
            for part, start, length in zip(parts, starts, lengths, strict=True)
        ]
        return formula(*given)

    function = value if by is None else derivative(precise.slope, value, starts[by[0]] + by[1])
    exact = function(*flat)
    if by is not None and precise.mp.isnan(exact):
        return  # an infinite entry has no slope to compare with
    if np.isinf(got) or precise.mp.isinf(exact):
        assert exact == float(got), f"{what} is {float(got)!r}, wanted {float(exact)!r}"
        return
    bar = RELATIVE[dtype] * max(abs(float(exact)), scale) + float(np.finfo(dtype).tiny)
    error = abs(float(precise.number(got) - exact))
    if error > bar:
        error -= float(effect(function, flat, dtype))
    assert error <= bar, f"{what} is {float(got)!r}, wanted {float(exact)!r}: {error:.3g} too far, {bar:.3g} allowed"


def by_rows(array: Array) -> Array:
    """An array of (N, C) or (N, C, d1, ...) as rows."""
    return np.moveaxis(array, 1, -1).reshape(-1, array.shape[1])


def by_sequences(array: Array) -> Array:
    """An array of (T, N, C) as one line for each sequence, time step after time step."""
    return np.moveaxis(array, 1, 0).reshape(array.shape[1], -1)


def sequence_parts(arrays: tuple[Array, ...]) -> Iterator[list[Any]]:
    """For each sequence its line of numbers, its labels, both lengths, and the number of symbols."""
    scores, labels, steps, counts = arrays
    for line, target, length, count in zip(by_sequences(scores), labels, steps, counts, strict=True):
        numbers = [precise.number(x) for x in line]
        yield [numbers, tuple(int(label) for label in target), int(length), int(count), scores.shape[2]]


def row_parts(facts: Definition, arrays: tuple[Array, ...]) -> Iterator[list[Any]]:
    """For each row, its part of each input: a list of numbers, a tuple of labels, or a label; all of what is shared."""
    if facts.structure == "sequence":
        return sequence_parts(arrays)
    if facts.structure == "kernel":
        return units.parts(facts, arrays, precise.number)
    split: list[list[Any]] = []
    rows = len(by_rows(arrays[0]))
    for name, array in zip(facts.inputs, arrays, strict=True):
        if name in drawn.shared(facts):
            split.append([[precise.number(x) for x in array.reshape(-1)]] * rows)
        elif array.ndim < arrays[0].ndim:
            split.append([int(label) for label in array.reshape(-1)])
        elif array.dtype.kind in "iu":
            split.append([tuple(int(label) for label in line) for line in by_rows(array)])
        else:
            split.append([[precise.number(x) for x in line] for line in by_rows(array)])
    return map(list, zip(*split, strict=True))
