"""The value of one pair or triplet of embeddings at fifty digits and more: the distances that structures measure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numbaloss.definition import Definition
from numbaloss.structures.measures import MEASURES
from numbaloss.testing.precise import Number, copied, mp, number

Vector = Sequence[Number]
Told = tuple[Number, ...]  # what a loss is told of a pair: the distance, perhaps the cosine


def _norm(gaps: Vector, p: Any) -> Number:
    if mp.isinf(p):
        return max(abs(gap) for gap in gaps)
    return mp.power(mp.fsum(mp.power(abs(gap), p) if gap != 0 else mp.zero for gap in gaps), 1 / mp.mpf(p))


def _cosine(x: Vector, y: Vector, length: Callable[[Vector], Number]) -> Told:
    cosine = mp.fsum(one * two for one, two in zip(x, y, strict=True)) / (length(x) * length(y))
    return 1 - cosine, cosine


def _square(x: Vector) -> Number:
    return mp.fsum(one * one for one in x)


def measure(facts: Definition, keywords: dict[str, Any]) -> Callable[[Vector, Vector], Told]:
    """The distance a loss is stated in, as a function of two rows; takes what belongs to it out of the keywords."""
    name = keywords.pop("distance_function", facts.facts["measure"])
    p, eps = keywords.pop("p", None), keywords.pop("eps", None)
    if eps is None:
        eps = number(np.float64(facts.facts.get("shift", {}).get(name, MEASURES[name].eps)))
    exponents = {"euclidean": mp.mpf(2), "manhattan": mp.one, "chebyshev": mp.inf}

    def distance(x: Vector, y: Vector) -> Told:
        gaps = [one - two + eps for one, two in zip(x, y, strict=True)]
        if name == "squared_euclidean":
            return (_square(gaps),)
        if name == "cosine":
            return _cosine(x, y, lambda row: max(mp.sqrt(_square(row)), eps))
        if name == "softened_cosine":
            return _cosine(x, y, lambda row: mp.sqrt(_square(row) + eps))
        return (_norm(gaps, exponents[name] if p is None else p),)

    return distance


def pairs(facts: Definition, keywords: dict[str, Any], weights: Any) -> Callable[..., Number]:
    """``f(distance, label)``."""
    maths, distance = copied(facts.maths), measure(facts, keywords)

    def value(x: Vector, y: Vector, *label: Any) -> Number:
        return maths(*distance(x, y), *map(mp.mpf, label), **keywords)[0]

    return value


def triplets(facts: Definition, keywords: dict[str, Any], weights: Any) -> Callable[..., Number]:
    """``f(d(anchor, positive), d(anchor, negative))``, the latter with `swap` the smaller of two."""
    maths, distance, swap = copied(facts.maths), measure(facts, keywords), keywords.pop("swap")

    def value(anchor: Vector, positive: Vector, negative: Vector) -> Number:
        near, far = distance(anchor, positive)[0], distance(anchor, negative)[0]
        if swap:
            far = min(far, distance(positive, negative)[0])
        return maths(near, far, **keywords)[0]

    return value
