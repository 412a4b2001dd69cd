"""Inputs that fit a loss, made from the facts on it: random ones to run kernels on, and sweeps to plot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from numbaloss.loss import Loss
from numbaloss.testing import inputs

Array = np.ndarray[Any, Any]

# Where a sweep starts and ends by the kind of input, and the targets it is drawn for by the kind of target.
RANGES = {
    "probability": (0.005, 0.995),
    "log_probability": (-5.0, -0.01),
    "positive": (0.02, 4.0),
    "nonnegative": (0.0, 4.0),
}
TARGETS = {
    "sign": (1.0, -1.0),
    "binary": (1.0, 0.0),
    "probability": (1.0, 0.0),
    "positive": (1.0,),
    "nonnegative": (1.0,),
    "count": (2.0,),
    "log_probability": (-0.7,),
}
OTHERS = {"positive": 1.0, "nonnegative": 1.0, "probability": 0.5}  # values of further inputs; 0 for other kinds


@dataclass(frozen=True)
class Sweep:
    """Inputs along one axis: element (or row) i belongs to ``x[i]``."""

    label: str
    x: Array
    inputs: tuple[Array, ...]


def random_inputs(loss: Loss, dtype: Any, elements: int) -> Iterator[tuple[str, tuple[Array, ...]]]:
    """Inputs of at least `elements` elements, one set for each kind of input, which may have kernels of its own."""
    facts = loss.definition
    for kind in inputs.kinds(facts):
        rows = elements // inputs.WIDTH + 1
        yield kind, inputs.draw(facts, kind=kind, rows=rows, dtype=dtype, parameters=loss.parameters)


def sweeps(loss: Loss, points: int) -> tuple[str, list[Sweep]]:
    """What the first input runs over, in words, and a sweep for each target worth seeing."""
    facts = loss.definition
    if "rows" in facts.facts:
        return _embedding_sweeps(loss, points)
    if facts.structure == "sequence":
        return _sequence_sweeps(loss, points)
    if facts.structure == "kernel":
        return _unit_sweeps(loss, points)
    if facts.structure != "pointwise":
        return _row_sweeps(loss, points)
    kinds = {name: inputs.domain_name(facts, name, loss.parameters) for name in facts.inputs}
    first, *others = facts.inputs
    low, high = RANGES.get(kinds[first], (-4.0, 4.0))
    if kinds[first] == "real" and kinds.get("target") == "positive":
        low = 0.0
    x = np.linspace(low, high, points)
    targets: tuple[float, ...] = TARGETS.get(kinds.get("target", "real"), (0.0,))
    if kinds[first] == "log_probability" and kinds.get("target") == "probability":
        targets = (1.0, 0.5)
    found = []
    for target in targets:
        values = {name: target if name == "target" else OTHERS.get(kinds[name], 0.0) for name in others}
        label = ", ".join(f"{name} {value:g}" for name, value in values.items()).replace("-", "−")
        found.append(Sweep(label, x, (x, *(np.full(points, value) for value in values.values()))))
    return first, found


def _unit_sweeps(loss: Loss, points: int) -> tuple[str, list[Sweep]]:
    """One unit, drawn as for the tests: the first number of its first input runs around what it is."""
    facts = loss.definition
    arrays = [np.repeat(array, points, axis=0) for array in inputs.draw(facts, rows=1, parameters=loss.parameters)]
    numbers = arrays[0].reshape(points, -1)  # a view: repeat made the array
    x = numbers[0, 0] + np.linspace(-2.0, 2.0, points)
    numbers[:, 0] = x
    return f"first number of {facts.inputs[0]}", [Sweep("the rest stays", x, tuple(arrays))]


def _sequence_sweeps(loss: Loss, points: int) -> tuple[str, list[Sweep]]:
    """Two time steps, the blank and one label: the label's score in the first step runs."""
    blank = loss.parameters["blank"]
    label = int(blank == 0)
    x = np.linspace(-6.0, 6.0, points)
    scores = np.zeros((2, points, max(blank, label) + 1))
    scores[0, :, label] = x
    if loss.definition.domain == "log_probability":
        scores -= np.log(np.exp(scores).sum(axis=2, keepdims=True))
    counts = {"the label": 1, "no label": 0}
    every = {
        name: (scores, np.full((points, 1), label), np.full(points, 2), np.full(points, count))
        for name, count in counts.items()
    }
    x_name = "the label's score in step 1 of 2"
    return x_name, [Sweep(f"the target is {name}", x, arrays) for name, arrays in every.items()]


def _row_sweeps(loss: Loss, points: int) -> tuple[str, list[Sweep]]:
    """Two classes: the score of class 0 runs, that of class 1 is 0; of log-probabilities both run."""
    facts = loss.definition
    kinds = {name: inputs.domain_name(facts, name, loss.parameters) for name in facts.inputs}
    first, *others = facts.inputs
    if kinds[first] == "log_probability":
        x = np.linspace(-5.0, -0.01, points)
        scores, x_name = np.stack([x, np.log(-np.expm1(x))], axis=1), "log-probability of class 0"
    else:
        end = 1.0 if kinds[first] == "cosine" else 6.0
        x = np.linspace(-end, end, points)
        scores, x_name = np.stack([x, np.zeros(points)], axis=1), "score of class 0 (of class 1: 0)"
    found = []
    for right in (0, 1):
        if facts.structure == "head":  # a layer of one feature, which is the score of class 0
            layer = np.array([[1.0], [0.0]]), np.full(points, right), np.zeros(2)
            found.append(Sweep(f"class {right} is right", x, (scores[:, :1], *layer)))
            continue
        if facts.facts.get("unit") == "image":
            found.append(Sweep(f"class {right} is right", x, _images(scores, right)))
            continue
        arrays = [scores]
        for name in others:
            if kinds[name] in ("class", "class_or_distribution"):
                arrays.append(np.full(points, right))
            elif kinds[name] == "class_list":
                arrays.append(np.tile([right, -1], (points, 1)))
            elif kinds[name] == "real":  # scores, too
                arrays.append(np.tile([2.0, 0.0] if right == 0 else [0.0, 2.0], (points, 1)))
            else:
                arrays.append(np.tile(np.eye(2)[right], (points, 1)))
        told = others[0] if others and kinds[others[0]] == "real" else ""
        label = f"{told} prefers class {right}" if told else f"class {right} is right"
        found.append(Sweep(label, x, tuple(arrays)))
    return "score of class 0 at one of two places" if facts.facts.get("unit") == "image" else x_name, found


def _images(scores: Array, right: int) -> tuple[Array, Array]:
    """Images of two places: the scores run at the first, the other class is at the second, and told rightly."""
    known = np.array([2.0, 0.0] if right == 1 else [0.0, 2.0])
    images = np.stack([scores, np.broadcast_to(known, scores.shape)], axis=2)
    return images, np.tile([right, 1 - right], (len(scores), 1))


def _embedding_sweeps(loss: Loss, points: int) -> tuple[str, list[Sweep]]:
    """Embeddings of two numbers: the first number of the first one runs, the second of all is 1."""
    facts = loss.definition
    first, *others = facts.facts["rows"]
    x = np.linspace(-3.0, 3.0, points)
    places = dict(zip(others, (1.0, -1.0), strict=False))
    vectors = [np.stack([x, np.ones(points)], axis=1)]
    vectors += [np.tile([place, 1.0], (points, 1)) for place in places.values()]
    label = ", ".join(f"{name} ({place:g}, 1)" for name, place in places.items())
    if not facts.facts["per_row"]:
        return f"{first} (x, 1)", [Sweep(label.replace("-", "−"), x, tuple(vectors))]
    name = facts.facts["per_row"][0]
    found = [
        Sweep(f"{label}, {name} {target:g}".replace("-", "−"), x, (*vectors, np.full(points, target)))
        for target in TARGETS[inputs.domain_name(facts, name)]
    ]
    return f"{first} (x, 1)", found
