"""Inputs and exact values for losses of a kernel of their author's: any shapes, drawn from the facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.definition import Definition

if TYPE_CHECKING:
    from numbaloss.testing.inputs import Request

Array = np.ndarray[Any, Any]
LENGTHS = (5, 3, 4, 2)  # of the named axes, in the order in which they occur
WIDE = 100  # of the first of them, under the kind "wide"
ANY_LABEL = 3  # labels of no axis are below


def kinds(facts: Definition) -> tuple[str, ...]:
    """The kinds of input: "wide" where the length of an axis is free."""
    return ("units", "wide") if _names(facts) else ("units",)


def lengths(facts: Definition, kind: str) -> dict[str, int]:
    """The lengths of the named axes in the inputs of one kind."""
    found = {name: LENGTHS[k % len(LENGTHS)] for k, name in enumerate(_names(facts))}
    return {**found, _names(facts)[0]: WIDE} if kind == "wide" else found


def _names(facts: Definition) -> list[str]:
    every = chain.from_iterable(facts.facts["shapes"].values())
    return list(dict.fromkeys(length for length in every if isinstance(length, str)))


def shapes(facts: Definition, kind: str) -> dict[str, tuple[int, ...]]:
    """The shape of one unit of each input."""
    sizes = lengths(facts, kind)
    return {
        name: tuple(sizes[length] if isinstance(length, str) else length for length in shape)
        for name, shape in facts.facts["shapes"].items()
    }


def draw(request: Request) -> tuple[Array, ...]:
    """The inputs: labels, what the fact `draws` makes, or members of the input's domain."""
    facts = request.facts
    labels, draws = facts.facts["labels"], facts.facts.get("draws", {})
    sizes, drawn = lengths(facts, request.kind), []
    for name, shape in shapes(facts, request.kind).items():
        whole = (request.rows, *shape)
        if name in labels:
            count = ANY_LABEL if labels[name] is None else sizes[labels[name]]
            drawn.append(request.rng.integers(0, count, whole, dtype=np.int64))
        elif name in draws:
            drawn.append(np.asarray(draws[name](request.rng, whole), np.float64).astype(request.dtype))
        else:
            drawn.append(request.numbers(name, whole))
    return tuple(drawn)


def lines(array: Array) -> Array:
    """One line of numbers for each unit."""
    return array.reshape(len(array), -1)


def parts(facts: Definition, arrays: Sequence[Array], number: Callable[[Any], Any]) -> Iterator[list[Any]]:
    """For each unit its part of each input: a list of exact numbers, or a tuple of labels."""
    for row in range(len(arrays[0])):
        yield [
            tuple(int(label) for label in array[row].reshape(-1))
            if name in facts.facts["labels"]
            else [number(x) for x in array[row].reshape(-1)]
            for name, array in zip(facts.inputs, arrays, strict=True)
        ]


def value_of(facts: Definition, maths: Callable[..., Any], keywords: dict[str, Any]) -> Callable[..., Any]:
    """The value of a unit, as a function of its part of each input; no gradient is asked for."""
    slots = [None] * len(facts.differentiable)
    return lambda *flat: maths(*_shaped(facts, flat), *slots, **keywords)


def held_at(
    facts: Definition, gradient_of: Callable[..., Any], keywords: dict[str, Any], unit: Sequence[Any]
) -> Callable[..., Any]:
    """What the gradient at `unit` is the derivative of, where the loss has the fact `gradient_of`."""
    return lambda *flat: gradient_of(*_shaped(facts, flat), *_shaped(facts, unit), **keywords)


def _shaped(facts: Definition, flat: Sequence[Any]) -> list[Any]:
    """Numbers where a unit is one number, else arrays of the shapes of that kind of input which they fit."""
    for kind in kinds(facts):
        wanted = list(shapes(facts, kind).values())
        if [prod(shape) for shape in wanted] == [len(part) for part in flat]:
            break
    found = []
    for part, shape in zip(flat, wanted, strict=True):
        array = np.empty(len(part), np.int64 if isinstance(part, tuple) else object)
        array[:] = part
        found.append(array.reshape(shape) if shape else array[0])
    return found
