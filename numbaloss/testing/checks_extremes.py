"""Checks of numbers at the ends: nan, infinities, the largest and the smallest; an answer, never an exception."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np

from numbaloss.definition import Definition
from numbaloss.testing import inputs as drawn
from numbaloss.testing.basics import Array, LossFunction, differentiable, made, only_if, separable, unreduced

TYPES = (np.float32, np.float64)


def check_nan_is_passed_on(loss: LossFunction) -> None:
    """nan in any floating input makes the value there nan, and the mean; other values stay as they were."""
    facts = loss.definition
    elementwise = facts.structure == "pointwise"
    for kind in drawn.kinds(facts):
        # an edge of an elementwise loss is a target of 0, say; an edge of a row is an ignored one, which may hold nan
        arrays = drawn.draw(facts, kind=kind, rows=8, edges=elementwise, salt="extremes")
        clean, _ = unreduced(loss, arrays)
        for index, name in enumerate(facts.inputs):
            if arrays[index].dtype.kind != "f" or arrays[index].ndim == 0 or name in drawn.shared(facts):
                continue
            for row in range(2):
                for column in range(3 if elementwise else 1):
                    place = _place(facts, arrays, row, column)
                    spoilt = tuple(array.copy() for array in arrays)
                    spoilt[index][place] = np.nan
                    values, _ = unreduced(loss, spoilt)
                    there = np.zeros(values.shape, bool)
                    whole_image = facts.facts.get("unit") == "image"  # its sums run over all of it
                    there[row if whole_image else _value_at(facts, arrays, values, place)] = True
                    what = f"{kind}: nan in {name} at {place}"
                    if elementwise:
                        what += f" beside {[float(array[place]) for array in arrays]}"
                    spread = np.isnan(values[there])
                    found = spread.any() if whole_image else spread.all()
                    assert found, f"{what}: the value there is {values[there]}"
                    same = np.array_equal(values[~there], clean[~there], equal_nan=True)
                    assert same or not separable(facts), f"{what}: other values changed"
                    if kind == drawn.kinds(facts)[0]:
                        assert np.isnan(made(loss)(*spoilt)), f"{what}: the mean is {made(loss)(*spoilt)}"


def _value_at(facts: Definition, arrays: tuple[Array, ...], values: Array, place: tuple[int, ...]) -> tuple[int, ...]:
    """Where the value lies that an entry of the first input belongs to."""
    if facts.facts.get("batch_axis", 0) == 1:
        return place[1:2]
    if facts.structure == "kernel":
        return place
    return place if values.ndim == arrays[0].ndim else (place[0], *place[2:])


def _place(facts: Definition, arrays: tuple[Array, ...], row: int, column: int) -> tuple[int, ...]:
    """Where nan is put: in an entry that is read."""
    if facts.structure == "sequence":
        return 0, row, column
    if facts.structure == "kernel":  # a unit whole: which entries are read is its author's to decide
        return (row,)
    first = (row,) if arrays[0].ndim == 2 else (row, 0)
    if facts.structure == "pick":  # of each row, only the label's entry is read
        column = int(arrays[1][first])
    return row, column, *first[1:]


@only_if(lambda facts: facts.structure == "pointwise")
def check_extremes_of_elements(loss: LossFunction) -> None:
    """Huge, tiny and infinite inputs give an answer without a warning; finite ones never nan, beside a nan always."""
    facts = loss.definition
    for dtype in TYPES:
        points = [extremes(facts, name, dtype) for name in facts.inputs]
        columns = tuple(np.array(column, dtype).reshape(-1, 1) for column in zip(*product(*points), strict=True))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            values, gradients = unreduced(loss, columns)
            bends = made(loss, reduction="sum").grad_and_hess(*columns)[1] if facts.hessian else np.zeros(1)
            spoilt = [
                unreduced(loss, (*columns[:k], np.full_like(column, np.nan), *columns[k + 1 :]))
                for k, column in enumerate(columns)
            ]
        finite = np.all([np.isfinite(column[:, 0]) for column in columns], axis=0)
        for what, array in (("value", values), *zip(facts.differentiable, gradients, strict=True)):
            _nowhere(np.isnan(array.reshape(-1)) & finite, columns, f"{np.dtype(dtype)}: {what} is nan")
        for name, (values, _) in zip(facts.inputs, spoilt, strict=True):
            told = f"{np.dtype(dtype)}: value is a number with nan for {name}"
            _nowhere(~np.isnan(values.reshape(-1)) & finite, columns, told)
        if np.any(bends > 0.0):  # the slope depends on the input, so it is not known either
            slopes, told = spoilt[0][1][0], f"{np.dtype(dtype)}: slope is a number with nan for {facts.inputs[0]}"
            _nowhere(~np.isnan(slopes.reshape(-1)) & finite, columns, told)


def _nowhere(bad: Array, columns: tuple[Array, ...], what: str) -> None:
    """Assert that no point is bad; else say what is wrong, and at the first of them."""
    places = np.flatnonzero(bad)
    at = [float(column[places[0], 0]) for column in columns] if places.size else []
    assert not places.size, f"{what} at {at} ({places.size} such points)"


def extremes(
    facts: Definition, name: str, dtype: Any, parameters: Mapping[str, Any] | None = None
) -> list[float]:
    """The ends of an input's domain, and what lies near."""
    limits = np.finfo(dtype)
    large, small = float(limits.max), float(limits.tiny)
    inside = list(drawn.domain(facts, name, parameters).edges)
    special = {
        "real": [large, -large, 1e30, -1e30, 1e4, -1e4, small, -small, 1e-30, np.inf, -np.inf],
        "positive": [large, small, 1e30, np.inf],
        "nonnegative": [large, small, 1e30, np.inf],
        "count": [1e6, 1e30],
        "probability": [small, 1e-30, 1.0 - float(limits.epsneg)],
        "log_probability": [-small, -1e4, -large, -np.inf],
    }
    return inside + special.get(drawn.domain_name(facts, name, parameters), [])


@only_if(lambda facts: facts.structure != "pointwise")
def check_extreme_rows(loss: LossFunction) -> None:
    """Huge, tiny and infinite entries of rows give numbers without an exception or a warning; large ones never nan."""
    facts = loss.definition
    for dtype in TYPES:
        large = float(np.finfo(dtype).max)
        for kind in drawn.kinds(facts):
            arrays = list(drawn.draw(facts, kind=kind, rows=8, dtype=dtype, salt="extremes"))
            scores: Array = arrays[0]
            for factor in (1e3, 1e4, 1e-30, 0.0):
                _without_nan(
                    loss, (scores * dtype(factor), *arrays[1:]), f"{np.dtype(dtype)}, {kind}, times {factor:g}"
                )
            if facts.domain != "log_probability":
                _without_nan(loss, (scores + dtype(1e4), *arrays[1:]), f"{np.dtype(dtype)}, {kind}, plus 1e4")
            for end in (large, -large, np.inf, -np.inf):
                spoilt = scores.copy()
                spoilt[(slice(None, None, 2), 0)[: spoilt.ndim]] = end
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    unreduced(loss, (spoilt, *arrays[1:]))


def _without_nan(loss: LossFunction, arrays: tuple[Array, ...], what: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values, gradients = unreduced(loss, arrays)
    assert not np.isnan(values).any(), f"{what}: a value is nan"
    for name, gradient in zip(differentiable(loss.definition, arrays), gradients, strict=True):
        assert not np.isnan(gradient).any(), f"{what}: a gradient by {name} is nan"


@only_if(lambda facts: facts.structure == "softmax")
def check_masked_classes(loss: LossFunction) -> None:
    """A logit of minus infinity takes its class out: value and gradient are those without it."""
    facts = loss.definition
    for kind in ("labels", "wide", "planes"):
        logits, labels = drawn.draw(facts, kind=kind, rows=6, salt="extremes")
        labels[labels == 2] = 0
        masked = logits.copy()
        masked[:, 2] = -np.inf
        fewer = np.delete(logits, 2, axis=1)
        values, gradient = made(loss, reduction="none").value_and_grad(masked, labels)
        wanted, slopes = made(loss, reduction="none").value_and_grad(fewer, np.where(labels > 2, labels - 1, labels))
        np.testing.assert_allclose(values, wanted, rtol=1e-14, err_msg=f"{kind}: values")
        assert not np.any(gradient[:, 2]), f"{kind}: the class that is out has a gradient"
        np.testing.assert_allclose(np.delete(gradient, 2, axis=1), slopes, rtol=1e-12, atol=1e-15, err_msg=kind)
