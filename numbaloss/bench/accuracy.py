"""How far float32 results are from float64 ones on the same inputs, ordinary and extreme.

An error is measured in units of the last place of the result plus the effect of half such a unit of each input: near
a zero of the gradient, where the inputs' own rounding decides all digits, a stable formula still stays within a few.
Losses between two softmaxes are 0 where these agree; there a logit's unit is that of its log-probability, if larger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from numbaloss.bench import data
from numbaloss.bench.cases import by_row
from numbaloss.definition import Definition
from numbaloss.testing import inputs as drawn

Array = np.ndarray[Any, Any]
SCALES = (1e-4, 1e-2, 1.0, 10.0, 40.0)  # of real-valued inputs: from differences that cancel to saturation
HALF = 2.0**-24  # half a unit in the last place of 1
TINY = float(np.finfo(np.float32).tiny)
SHAPES = {"sequence": (12, 20, 6), "head": (40, 6, 12)}  # of structures whose inputs are neither rows nor elements


def errors(facts: Definition) -> tuple[float, float]:
    """Largest error of values and of gradients: units in the last place, or relative ones for losses of rows.

    The reference are the float64 kernels, whose own error is some 2**-29 of what is measured.
    """
    from numbaloss.plugins.registry import get

    if facts.structure == "regions":
        return _errors_of_regions(facts)
    unreduced, summed = get(facts.name, reduction="none"), get(facts.name, reduction="sum")

    def results(arrays: list[Array]) -> list[Array]:
        gradients = summed.value_and_grad(*arrays)[1]
        return [unreduced(*arrays), *(gradients if isinstance(gradients, tuple) else (gradients,))]

    rows = facts.structure != "pointwise"
    worst = [0.0, 0.0]
    for scale in SCALES:
        narrow = [
            array * np.float32(scale) if drawn.domain_name(facts, name) == "real" and array.dtype.kind == "f" else array
            for name, array in zip(facts.inputs, _ordinary(facts, scale), strict=True)
        ]
        wide = [array.astype(np.float64) if array.dtype.kind == "f" else array for array in narrow]
        true = results(wide)
        slack = _effects(facts, narrow, wide, true, results)
        for place, (found, exact, effect) in enumerate(zip(results(narrow), true, slack, strict=True)):
            worst[place > 0] = max(worst[place > 0], _distance(found, exact, effect, rows))
    return worst[0], worst[1]


def _errors_of_regions(facts: Definition) -> tuple[float, float]:
    """Of the sum, relative to it; of the gradient, to its largest entry: an entry is a difference of sums' slopes."""
    from numbaloss.plugins.registry import get

    loss, worst = get(facts.name, reduction="sum"), [0.0, 0.0]
    for scale in SCALES:
        logits, labels = data.inputs(facts, (2, 5, 24, 24), np.float32, salt=f"accuracy {scale}")
        logits = logits * np.float32(scale)
        exact = loss.value_and_grad(logits.astype(np.float64), labels)
        for place, (got, true) in enumerate(zip(loss.value_and_grad(logits, labels), exact, strict=True)):
            error = float(np.max(np.abs(np.asarray(got, np.float64) - true)))
            worst[place] = max(worst[place], error / max(float(np.max(np.abs(true))), TINY))
    return worst[0], worst[1]


def _ordinary(facts: Definition, scale: float) -> list[Array]:
    shape: tuple[int, ...] = (200, 12) if by_row(facts) else (20_000,)
    if facts.structure in SHAPES:
        shape = SHAPES[facts.structure]
    return data.inputs(facts, shape, np.float32, salt=f"accuracy {scale}")


def _effects(
    facts: Definition, narrow: list[Array], wide: list[Array], true: list[Array], results: Callable[..., list[Array]]
) -> list[Array]:
    """For each result, by how much it moves where inputs move by half a float32 unit of their last place."""
    total = [np.zeros(exact.shape) for exact in true]
    for index, name in enumerate(facts.inputs):
        if data.is_labels(facts, name) or drawn.domain(facts, name).labels:
            continue
        half = 0.5 * np.spacing(_size(facts, narrow[index])).astype(np.float64)
        for part in _apart(facts, half):
            ends = []
            for by in (part, -part):
                moved = list(wide)
                moved[index] = wide[index] + by
                ends.append([np.abs(end - exact) for end, exact in zip(results(moved), true, strict=True)])
            for effect, up, down in zip(total, *ends, strict=True):
                effect += np.fmax(np.nan_to_num(up, posinf=0.0), np.nan_to_num(down, posinf=0.0))
    return total


def _size(facts: Definition, array: Array) -> Array:
    """How large an input's numbers are where they are used: logits as logarithms of probabilities, if these are larger.

    Two softmaxes that agree to the last digits of their logarithms differ by what rounding left.
    """
    size = np.abs(array)
    if facts.structure != "distributions":
        return size
    above = array - array.max(axis=1, keepdims=True)
    chances: Array = np.abs(above - np.log(np.exp(above).sum(axis=1, keepdims=True)))
    return np.maximum(size, chances)


def _apart(facts: Definition, half: Array) -> Iterator[Array]:
    """The steps, so that each result depends on one of them at a time: all at once, or class by class."""
    if not by_row(facts) or half.ndim == 0:
        yield half
        return
    if "shared" in facts.facts:  # inputs of different shapes, one column after another
        for column in range(half.shape[-1]):
            step = np.zeros_like(half)
            step[..., column] = half[..., column]
            yield step
        return
    axis = facts.facts.get("batch_axis", 0)
    for place in np.ndindex(half.shape[:axis] + half.shape[axis + 1 :]):
        entries = (*place[:axis], slice(None), *place[axis:])
        step = np.zeros_like(half)
        step[entries] = half[entries]
        yield step


def _distance(found: Array, exact: Array, effect: Array, relative: bool) -> float:
    """The largest error in its unit; the same infinity on both sides, or nan on both, is no error."""
    with np.errstate(over="ignore", invalid="ignore"):
        narrowed = exact.astype(np.float32)
        error = np.abs(found.astype(np.float64) - exact)
        if relative:
            distance = np.maximum(error - TINY, 0.0) / (np.maximum(np.abs(exact), TINY) + effect / HALF)
        else:
            distance = error / (np.spacing(np.abs(narrowed)).astype(np.float64) + effect)
    distance = np.where((found == narrowed) | (np.isnan(found) & np.isnan(narrowed)), 0.0, distance)
    return float("inf") if np.isnan(distance).any() else float(distance.max(initial=0.0))
