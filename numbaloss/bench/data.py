"""Inputs for a loss, made from the facts on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numbaloss.definition import Definition

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]
Draw = Callable[[np.random.Generator, Shape], Array]

REAL: dict[str, Draw] = {
    "real": lambda random, shape: 2 * random.standard_normal(shape, np.float32),
    "probability": lambda random, shape: 0.01 + 0.98 * random.random(shape, np.float32),
    "log_probability": lambda random, shape: np.log(0.01 + 0.98 * random.random(shape, np.float32)),
    "positive": lambda random, shape: 0.1 + 3 * random.random(shape, np.float32),
    "nonnegative": lambda random, shape: 3 * random.random(shape, np.float32),
    "binary": lambda random, shape: random.integers(0, 2, shape, np.int8),
    "sign": lambda random, shape: 2 * random.integers(0, 2, shape, np.int8) - 1,
    "count": lambda random, shape: random.poisson(3.0, shape),
}


def domain(facts: Definition, name: str) -> str:
    """What the values of the input `name` are."""
    if name == facts.inputs[0]:
        return facts.domain
    if name in facts.facts.get("domains", {}):
        return str(facts.facts["domains"][name])
    return facts.target if name == "target" or len(facts.inputs) == 2 else "real"


def known(facts: Definition) -> bool:
    """Whether inputs can be made for this loss."""
    return all(domain(facts, name) in (*REAL, *ROWS) for name in facts.inputs)


def inputs(facts: Definition, shape: Shape, dtype: Any = np.float32, soft: bool = False, seed: int = 0) -> list[Array]:
    """Random inputs in the order the loss takes them, always the same; `soft` gives probability targets.

    KeyError for a kind of target that is not known here.
    """
    random = np.random.default_rng(seed)
    arrays = []
    for name in facts.inputs:
        kind = domain(facts, name)
        if kind in ROWS:
            array = ROWS[kind](random, shape)
            arrays.append(_distribution(random, shape).astype(dtype) if soft else array)
        else:
            arrays.append(np.ascontiguousarray(REAL[kind](random, shape), dtype))
    return arrays


def _labels(random: np.random.Generator, shape: Shape) -> Array:
    return random.integers(0, shape[1], shape[:1] + shape[2:])


def _label_sets(random: np.random.Generator, shape: Shape) -> Array:
    """For each row up to three different classes, then -1."""
    rows, classes = shape
    labels = np.full(shape, -1, np.int64)
    count = min(3, classes)
    first = random.integers(0, classes, rows)
    for place in range(count):
        labels[:, place] = (first + place * (classes // count)) % classes
    return labels


def _distribution(random: np.random.Generator, shape: Shape) -> Array:
    mass = 0.05 + random.random(shape, np.float32)
    return mass / mass.sum(axis=-1 if len(shape) == 1 else 1, keepdims=True)


# Kinds of target over a class axis.
ROWS: dict[str, Draw] = {
    "class": _labels,
    "class_or_distribution": _labels,
    "classes": _label_sets,
    "class_set": _label_sets,
    "distribution": _distribution,
}
