"""Inputs for a loss, made from the facts on it."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbaloss.definition import Definition
from numbaloss.testing import inputs as drawn

Array = np.ndarray[Any, Any]
# Targets that are not of the input's size, or not real.
LABELS = ("class", "class_or_distribution", "class_or_mask", "class_list", "sequence", "length", "group")


def is_labels(facts: Definition, name: str) -> bool:
    """Whether the input `name` holds labels, of classes or of rows."""
    return name in facts.facts.get("per_row", ()) or (
        name != facts.inputs[0] and drawn.domain_name(facts, name) in LABELS
    )


def known(facts: Definition) -> bool:
    """Whether inputs can be made for this loss."""
    return all(is_labels(facts, name) or drawn.domain_name(facts, name) in drawn.DOMAINS for name in facts.inputs)


def inputs(
    facts: Definition, shape: tuple[int, ...], dtype: Any = np.float32, soft: bool = False, salt: str = "bench"
) -> list[Array]:
    """Random inputs in the order the loss takes them, always the same; `soft` gives probability targets."""
    random = drawn.generator(facts, salt)
    if facts.structure == "sequence":
        return _sequences(random, shape, dtype, facts.domain == "log_probability")
    request = drawn.Request(facts, random, "labels", shape[0], np.dtype(dtype), None, False)
    if facts.structure == "kernel":
        return list(drawn.draw(facts, rows=shape[0], dtype=dtype, salt=salt))
    if facts.structure == "tiles":
        return _batch(request, shape)
    if facts.structure == "head":
        return list(drawn.layer(request, *shape))
    return [_one(request, name, shape, soft) for name in facts.inputs]


def _sequences(random: np.random.Generator, shape: tuple[int, ...], dtype: Any, normalised: bool) -> list[Array]:
    """Batches of full length, with one label for every six time steps."""
    steps, count, classes = shape
    scores = random.standard_normal(shape)
    if normalised:
        scores -= np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    labels = random.integers(1, classes, (count, steps // 6))
    return [scores.astype(dtype), labels, np.full(count, steps), np.full(count, steps // 6)]


def _batch(request: drawn.Request, shape: tuple[int, ...]) -> list[Array]:
    """Vectors of which two have each label, or two arrays of them with the scale and bias that training begins with."""
    rows, numbers = shape[0], request.facts.facts["numbers"]
    start = dict(zip(numbers, (10.0, -10.0), strict=False))
    return [
        np.tile(np.arange((rows + 1) // 2), 2)[:rows]
        if drawn.domain_name(request.facts, name) == "group"
        else np.array(start[name], request.dtype)
        if name in numbers
        else request.numbers(name, shape)
        for name in request.facts.inputs
    ]


def _one(request: drawn.Request, name: str, shape: tuple[int, ...], soft: bool) -> Array:
    facts = request.facts
    if not is_labels(facts, name):
        return request.numbers(name, shape)
    if name in facts.facts.get("per_row", ()):
        return request.numbers(name, shape[:-1])
    if facts.target == "class_list":
        return _few_labels(request.rng, shape)
    return request.distributions(shape) if soft else request.labels(shape[:1] + shape[2:], shape[1])


def _few_labels(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Up to three different classes for each row, then -1."""
    rows, classes = shape
    lists = np.full(shape, -1, np.int64)
    first, step = random.integers(0, classes, rows), max(1, classes // 3)
    for place in range(min(3, classes)):
        lists[:, place] = (first + place * step) % classes
    return lists
