"""Inputs that fit a loss, made from the facts on it: random ones to run kernels on, and sweeps to plot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from numbaloss.definition import Definition

Array = np.ndarray[Any, Any]

FEW, MANY = 10, 64  # numbers of classes that different row kernels serve
# Where a sweep starts and ends, and the targets it is drawn for, by kind of input and of target.
RANGES = {"real": (-4.0, 4.0), "probability": (0.005, 0.995), "log_probability": (-5.0, 0.0), "positive": (0.02, 4.0)}
TARGETS = {
    "real": (0.0,),
    "sign": (1.0, -1.0),
    "binary": (1.0, 0.0),
    "probability": (1.0, 0.0),
    "positive": (1.0,),
    "nonnegative": (1.0,),
    "count": (2.0,),
}


@dataclass(frozen=True)
class Sweep:
    """Inputs along one axis: element (or row) i belongs to ``x[i]``."""

    label: str
    x: Array
    inputs: tuple[Array, ...]


def by_rows(facts: Definition) -> bool:
    """Whether a row of the input, rather than an element, gives one value."""
    return facts.structure != "pointwise" or bool(facts.facts.get("class_mean"))


def random_inputs(facts: Definition, dtype: Any, elements: int) -> Iterator[tuple[str, tuple[Array, ...]]]:
    """Inputs of about `elements` elements: one set for each layout that has kernels of its own, with its name."""
    rng = np.random.default_rng(0)
    if not by_rows(facts):
        yield "", tuple(_random(_kind(facts, name), (elements,), dtype, rng) for name in facts.inputs)
        return
    pixels = 16
    shapes = [("few classes", (elements // FEW + 1, FEW)), ("many classes", (elements // MANY + 1, MANY))]
    if facts.structure == "softmax":
        shapes.append(("images", (elements // (FEW * pixels) + 1, FEW, pixels)))
    for title, shape in shapes:
        yield title, tuple(_random_rows(facts, name, shape, dtype, rng) for name in facts.inputs)


def _random_rows(facts: Definition, name: str, shape: tuple[int, ...], dtype: Any, rng: np.random.Generator) -> Array:
    kind = _kind(facts, name)
    if kind.startswith("class"):
        return rng.integers(0, shape[1], shape[:1] + shape[2:])
    if kind == "labels":  # the classes of a row, then -1
        return np.where(np.arange(shape[1]) < 2, np.arange(shape[1]), -1) + np.zeros((shape[0], 1), np.int64)
    return _random(kind, shape, dtype, rng)


def _random(kind: str, shape: tuple[int, ...], dtype: Any, rng: np.random.Generator) -> Array:
    if kind in ("sign", "binary"):
        drawn = rng.integers(0, 2, shape) * (2 if kind == "sign" else 1) - (kind == "sign")
    elif kind == "count":
        drawn = rng.poisson(2.0, shape)
    elif kind in ("probability", "distribution"):
        drawn = rng.uniform(0.05, 0.95, shape)
    elif kind == "log_probability":
        drawn = np.log(rng.uniform(0.05, 0.95, shape))
    elif kind in ("positive", "nonnegative"):
        drawn = rng.uniform(0.1, 3.0, shape)
    else:
        drawn = rng.normal(size=shape)
    return np.asarray(drawn).astype(dtype)


def _kind(facts: Definition, name: str) -> str:
    """What an input holds: the facts' word for it."""
    domains = facts.facts.get("domains", {})
    if name in domains:
        return str(domains[name])
    return facts.target if name == "target" else facts.domain


# ---- sweeps


def sweeps(facts: Definition, points: int) -> tuple[str, list[Sweep]]:
    """What the first input runs over, in words, and a sweep for each interesting target."""
    if by_rows(facts):
        return _row_sweeps(facts, points)
    low, high = RANGES.get(facts.domain, RANGES["real"])
    if facts.domain == "nonnegative" or (facts.domain == "real" and facts.target == "positive"):
        low, high = (0.0, 4.0)
    x = np.linspace(low, high, points)
    found = []
    targets = TARGETS.get(facts.target, (0.0,))
    if facts.domain == "log_probability":
        targets = (0.5,)
    for target in targets:
        others = {"target": target, "var": 1.0, **_fixed(facts)}
        inputs = (x, *(np.full(points, others.get(name, 0.0)) for name in facts.inputs[1:]))
        words = [f"{name} {others.get(name, 0.0):g}".replace("-", "−") for name in facts.inputs[1:]]
        found.append(Sweep(", ".join(words), x, inputs))
    return facts.inputs[0], found


def _fixed(facts: Definition) -> dict[str, float]:
    """Values of the further inputs: 1 where they must be positive, else 0."""
    domains = facts.facts.get("domains", {})
    return {name: 1.0 if kind in ("positive", "probability") else 0.0 for name, kind in domains.items()}


def _row_sweeps(facts: Definition, points: int) -> tuple[str, list[Sweep]]:
    """Two classes: the logit of the first runs, that of the second is 0."""
    x = np.linspace(*(RANGES.get(facts.domain, (-6.0, 6.0)) if facts.domain != "real" else (-6.0, 6.0)), points)
    other = np.log1p(-np.exp(np.minimum(x, -1e-9))) if facts.domain == "log_probability" else np.zeros(points)
    logits = np.stack([x, other], axis=1)
    found = []
    for position, label in ((0, "class 0 is right"), (1, "class 1 is right")):
        inputs = [logits]
        for name in facts.inputs[1:]:
            kind = _kind(facts, name)
            if kind.startswith("class"):
                inputs.append(np.full(points, position))
            elif kind == "labels":
                inputs.append(np.tile([position, -1], (points, 1)))
            elif kind == "real":  # logits as well
                inputs.append(np.tile([2.0, -2.0] if position == 0 else [-2.0, 2.0], (points, 1)))
            else:
                inputs.append(np.tile(np.eye(2)[position], (points, 1)))
        found.append(Sweep(label, x, tuple(inputs)))
    return "logit of class 0, that of class 1 being 0", found
