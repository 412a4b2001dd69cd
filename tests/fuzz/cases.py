"""Calls of any loss, drawn from the facts on it: shapes, types, hyper-parameters; ordinary and extreme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from numbaloss.definition import Definition, Interval
from numbaloss.testing import inputs as drawn
from numbaloss.testing import parameters as chosen
from numbaloss.testing.basics import shown
from numbaloss.testing.checks_extremes import extremes

Array = np.ndarray[Any, Any]
CLASS_AXIS = ("softmax", "pick", "margins", "distributions")  # losses over a class axis, row by row
MOODS = ("ordinary", "scaled", "edges", "extreme", "nonfinite")


@dataclass(frozen=True)
class Case:
    """One call: a loss, its hyper-parameters, its inputs, and how they were drawn."""

    loss: Any
    setting: Mapping[str, Any]
    arrays: tuple[Array, ...]
    kind: str
    mood: str

    @property
    def facts(self) -> Definition:
        found: Definition = self.loss.definition
        return found

    @property
    def finite(self) -> bool:
        return all(np.isfinite(array).all() for array in self.arrays)

    def floating(self) -> list[int]:
        """The numbers of the inputs that are quantities, not names of cases or classes."""
        return [
            index
            for index, (name, array) in enumerate(zip(self.facts.inputs, self.arrays, strict=True))
            if array.dtype.kind not in "iu" and not self._labels(name)
        ]

    def _labels(self, name: str) -> bool:
        known = drawn.domain_name(self.facts, name, self.setting)
        return known in drawn.DOMAINS and drawn.DOMAINS[known].labels

    def with_arrays(self, arrays: tuple[Array, ...]) -> Case:
        return replace(self, arrays=tuple(np.asarray(array) for array in arrays))

    def __repr__(self) -> str:
        arrays = "\n".join(
            f"  {name} = np.array({array.tolist()!r}, np.{array.dtype}).reshape({array.shape})"
            for name, array in zip(self.facts.inputs, self.arrays, strict=True)
        )
        return f"{self.facts.name}({shown(self.setting)}), {self.kind}, {self.mood}:\n{arrays}"


@dataclass(frozen=True)
class Shaped(drawn.Request):
    """A request for classes of a shape of its own."""

    shape: tuple[int, ...] = ()

    def class_shape(self) -> tuple[int, ...]:
        return self.shape


@st.composite
def cases(draw: Any, loss: Any, dtypes: tuple[str, ...] = ("float32", "float64"), moods: Any = MOODS) -> Case:
    """A call that is right: nothing in it should raise."""
    facts: Definition = loss.definition
    mood = draw(st.sampled_from(moods))
    setting = draw(settings_of(facts))
    kind = draw(st.sampled_from(drawn.kinds(facts)))
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    edges = mood == "edges"
    if facts.structure == "pointwise":
        least = 1 if facts.facts.get("class_mean") else 0
        shape = tuple(draw(st.lists(st.integers(0, 7), min_size=least, max_size=3)))
        size = int(np.prod(shape))
        request = drawn.Request(facts, rng, kind, size // drawn.WIDTH + 1, dtype, setting, edges)
        arrays = tuple(array.reshape(-1)[:size].reshape(shape) for array in _drawn(request))
        setting = {**setting, **draw(vectors(facts, shape))}
    elif facts.structure in CLASS_AXIS:
        shape = draw(class_shapes(kind))
        request = Shaped(facts, rng, kind, shape[0], dtype, setting, edges and len(shape) > 1, shape)
        arrays = _drawn(request)
        if len(shape) == 2 and shape[0] == 1 and draw(st.booleans()):
            arrays = tuple(array[0] if array.ndim > 1 else array.reshape(()) for array in arrays)
    else:
        arrays = _drawn(drawn.Request(facts, rng, kind, draw(st.integers(1, 9)), dtype, setting, edges))
    case = Case(loss, setting, arrays, kind, mood)
    if mood == "scaled":
        return case.with_arrays(_scaled(case, draw(st.sampled_from([1e-20, 1e-4, 30.0, 1e4]))))
    return draw(spoilt(case)) if mood in ("extreme", "nonfinite") else case


def _drawn(request: drawn.Request) -> tuple[Array, ...]:
    return drawn.STRUCTURES[request.facts.structure].draw(request)


def _scaled(case: Case, factor: float) -> tuple[Array, ...]:
    """Real inputs times a factor."""
    return tuple(
        array * array.dtype.type(factor)
        if index in case.floating() and drawn.domain_name(case.facts, name, case.setting) == "real"
        else array
        for index, (name, array) in enumerate(zip(case.facts.inputs, case.arrays, strict=True))
    )


@st.composite
def spoilt(draw: Any, case: Case) -> Case:
    """Some entries become the ends of their domain; in a "nonfinite" mood also nan and infinities."""
    arrays = tuple(array.copy() for array in case.arrays)
    for index in case.floating():
        array = arrays[index]
        if array.size == 0 or _adds_up(case, index):
            continue
        values = extremes(case.facts, case.facts.inputs[index], array.dtype.type, case.setting)
        values = [value for value in values if np.isfinite(value)] if case.mood == "extreme" else [*values, np.nan]
        places = draw(st.lists(st.integers(0, array.size - 1), max_size=4))
        for place in places:
            array.reshape(-1)[place] = draw(st.sampled_from(values))
    return case.with_arrays(arrays)


def _adds_up(case: Case, index: int) -> bool:
    """Whether the entries are probabilities of one distribution, which a single one cannot leave."""
    return index == 1 and case.kind.startswith("distribution")


@st.composite
def settings_of(draw: Any, facts: Definition) -> dict[str, Any]:
    """Hyper-parameters within their limits; half of the time the defaults."""
    if draw(st.booleans()):
        return {}
    found: dict[str, Any] = {}
    for name, default in facts.parameters.items():
        limit = facts.limits.get(name)
        fixed = [default, *chosen.others(facts, name)]
        fixed_only = name in facts.static or name in facts.facts.get("settings", {})
        if not (fixed_only or isinstance(default, (bool, int, str))) and (
            isinstance(limit, Interval) or isinstance(default, float)
        ):
            found[name] = draw(st.sampled_from(fixed) | numbers_in(limit))
        else:
            found[name] = draw(st.sampled_from(fixed))
    return {name: value for name, value in found.items() if value is not None}


def numbers_in(limit: Any) -> st.SearchStrategy[float]:
    """Numbers of an interval that are exact in float32, ordinary in size: at most 4 where there is no limit."""
    low, high = limit.bounds if isinstance(limit, Interval) else (-np.inf, np.inf)
    low, high = max(low, -4.0), min(high, max(low, 0.0) + 4.0)
    return (
        st.integers(0, 4096)
        .map(lambda k: float(np.float32(low + (high - low) * k / 4096)))
        .filter(lambda x: (not isinstance(limit, Interval) or x in limit) and (x == 0.0 or abs(x) >= 1e-3))
    )


@st.composite
def vectors(draw: Any, facts: Definition, shape: tuple[int, ...]) -> dict[str, Any]:
    """An array for a hyper-parameter that may be one, of the length of the last axis."""
    if not shape or not shape[-1]:
        return {}
    return {
        name: draw(st.lists(numbers_in(facts.limits.get(name)), min_size=shape[-1], max_size=shape[-1]))
        for name in facts.arrays
        if draw(st.booleans())
    }


@st.composite
def class_shapes(draw: Any, kind: str) -> tuple[int, ...]:
    """(N, C) or (N, C, d1, ...), with classes on both sides of where kernels change."""
    rows = draw(st.integers(1, 9))
    if kind == "wide":
        return rows, draw(st.sampled_from([17, 40, 96, 97, 131, 300]))
    classes = draw(st.integers(2, 20))
    if not kind.endswith("planes"):
        return rows, classes
    return rows, classes, *draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
