"""Inputs for a loss, made from the facts on it."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbaloss.definition import Definition
from numbaloss.testing import inputs as drawn

Array = np.ndarray[Any, Any]
LABELS = ("class", "class_or_distribution", "class_list")  # targets that are not of the input's size, or not real


def is_labels(facts: Definition, name: str) -> bool:
    """Whether the input `name` holds class labels."""
    return name != facts.inputs[0] and drawn.domain_name(facts, name) in LABELS


def known(facts: Definition) -> bool:
    """Whether inputs can be made for this loss."""
    return all(is_labels(facts, name) or drawn.domain_name(facts, name) in drawn.DOMAINS for name in facts.inputs)


def inputs(
    facts: Definition, shape: tuple[int, ...], dtype: Any = np.float32, soft: bool = False, salt: str = "bench"
) -> list[Array]:
    """Random inputs in the order the loss takes them, always the same; `soft` gives probability targets."""
    random = drawn.generator(facts, salt)
    request = drawn.Request(facts, random, "labels", shape[0], np.dtype(dtype), None, False)
    if facts.structure == "head":
        return list(drawn.layer(request, *shape))
    return [_one(request, name, shape, soft) for name in facts.inputs]


def _one(request: drawn.Request, name: str, shape: tuple[int, ...], soft: bool) -> Array:
    facts = request.facts
    if not is_labels(facts, name):
        return request.numbers(name, shape)
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
