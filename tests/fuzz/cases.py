"""Calls of any loss, drawn from the facts on it: shapes, types, layouts; ordinary and extreme numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from settings_drawn import settings_of, shapes, vectors, weights_of

from numbaloss.definition import Definition
from numbaloss.testing import inputs as drawn
from numbaloss.testing.basics import separable, shown
from numbaloss.testing.checks_extremes import extremes

Array = np.ndarray[Any, Any]
BEYOND = ("extreme", "nonfinite")  # moods with the largest and the smallest numbers there are
CLASS_AXIS = ("softmax", "pick", "margins", "distributions", "cosines")  # losses over a class axis, row by row
MOODS = ("ordinary", "scaled", "edges", "ties", "extreme", "nonfinite")
LABEL_TYPES = ("int64", "int8", "uint8", "int32", "uint64", ">i8")


@dataclass(frozen=True)
class Case:
    """One call: a loss, its hyper-parameters, its inputs, and how they were drawn."""

    loss: Any
    setting: Mapping[str, Any]
    arrays: tuple[Array, ...]
    kind: str
    mood: str
    single: bool = False  # whether the axis of rows was left out

    @property
    def facts(self) -> Definition:
        found: Definition = self.loss.definition
        return found

    @property
    def finite(self) -> bool:
        return all(np.isfinite(array).all() for array in self.arrays)

    @property
    def row_by_row(self) -> bool:
        """Whether every row has a value, which no other row touches."""
        return separable(self.facts) and "none" in self.facts.reductions and not self.setting.get("batch")

    @property
    def batch(self) -> int | None:
        """The number of rows, or whatever takes one sample weight; None where there is no axis of them."""
        first = self.arrays[0]
        vector = first.ndim == 0 if self.facts.structure == "pointwise" else self.single
        if vector or (self.facts.facts.get("class_mean") and first.ndim < 2):
            return None
        return int(first.shape[drawn.batch_axis(self.facts, first)])

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

    def domain(self, index: int) -> str:
        """The domain of an input; a target that may be of several kinds has numbers from 0 to 1."""
        known = drawn.domain_name(self.facts, self.facts.inputs[index], self.setting)
        return known if known in drawn.DOMAINS else "probability"

    def rows(self, which: Any) -> Case:
        """Some of the rows."""
        return self.with_arrays(drawn.rows_of(self.facts, self.arrays, which))

    def with_arrays(self, arrays: tuple[Array, ...]) -> Case:
        return replace(self, arrays=tuple(np.asarray(array) for array in arrays))

    def __repr__(self) -> str:
        arrays = "\n".join(
            f"  {name} = np.array({array.tolist()!r}, np.{array.dtype}).reshape({array.shape})"
            for name, array in zip(self.facts.inputs, self.arrays, strict=True)
        )
        return f"{self.facts.name}({shown(self.setting)}), {self.kind}, {self.mood}:\n{arrays}"


@st.composite
def cases(draw: Any, loss: Any, dtypes: tuple[str, ...] = ("float32", "float64"), moods: Any = MOODS) -> Case:
    """A call that is right: nothing in it should raise."""
    facts: Definition = loss.definition
    mood, kind = draw(st.sampled_from(moods)), draw(st.sampled_from(drawn.kinds(facts)))
    setting = draw(settings_of(facts, kind))
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(shapes(facts, kind))
    rows = draw(st.integers(1, 9)) if shape is None else 0
    request = drawn.Request(facts, rng, kind, rows, dtype, setting, mood == "edges", shape)
    arrays = drawn.STRUCTURES[facts.structure].draw(request)
    if shape is not None and facts.structure == "pointwise":
        setting = {**setting, **draw(vectors(facts, shape))}
    setting = {**setting, **draw(weights_of(facts, arrays, setting))}
    case = Case(loss, setting, tuple(draw(_typed(array)) for array in arrays), kind, mood)
    case = draw(_reshaped(case))
    if mood == "scaled":
        return case.with_arrays(_scaled(case, draw(st.sampled_from([1e-20, 1e-4, 30.0, 1e4]))))
    if mood == "ties":
        return _tied(case, rng)
    return draw(_spoilt(case)) if mood in BEYOND else case


@st.composite
def _typed(draw: Any, array: Array) -> Array:
    """Labels of any type that holds them, mostly the usual one."""
    if array.dtype.kind not in "iu" or draw(st.integers(0, 3)):
        return array
    kept = [kind for kind in LABEL_TYPES if np.array_equal(array.astype(kind), array)]
    return array.astype(draw(st.sampled_from(kept)))


@st.composite
def _reshaped(draw: Any, case: Case) -> Case:
    """Now and then no rows, or a row without the axis of rows."""
    if case.facts.structure == "pointwise":  # has both already
        return case
    change = draw(st.sampled_from(["", "", "", "", "", "", "none", "single"]))
    if change == "none":
        return case.rows(slice(0))
    if change == "single" and separable(case.facts) and case.facts.facts.get("min_ndim", 1) < 2:
        one = case.rows(0)
        if one.arrays[0].ndim == case.facts.facts.get("batch_axis", 0) + 1:
            return replace(one, single=True)
    return case


def _scaled(case: Case, factor: float) -> tuple[Array, ...]:
    """Real inputs times a factor."""
    return tuple(
        array * array.dtype.type(factor) if index in case.floating() and case.domain(index) == "real" else array
        for index, array in enumerate(case.arrays)
    )


def _tied(case: Case, rng: np.random.Generator) -> Case:
    """Whole numbers, many of them equal, for real inputs; rows of zeros, equal rows, and rows that are the others'."""
    arrays = [array.copy() for array in case.arrays]
    real = [index for index in case.floating() if case.domain(index) == "real" and arrays[index].ndim]
    for index in real:
        array = arrays[index]
        array[...] = np.round(array)
        if len(array) > 1 and case.facts.structure != "pointwise":
            array[rng.integers(len(array))] = 0.0
            array[rng.integers(len(array))] = array[rng.integers(len(array))]
        other = arrays[real[0]]
        if other.shape == array.shape and array.size:
            array[rng.random(len(array)) < 0.3] = other[0]
    return case.with_arrays(tuple(arrays))


@st.composite
def _spoilt(draw: Any, case: Case) -> Case:
    """Some entries become the ends of their domain; in a "nonfinite" mood also nan and infinities."""
    arrays = tuple(array.copy() for array in case.arrays)
    for index in case.floating():
        array = arrays[index]
        if array.size == 0 or _adds_up(case, index):
            continue
        if case.domain(index) == drawn.domain_name(case.facts, case.facts.inputs[index], case.setting):
            values = extremes(case.facts, case.facts.inputs[index], array.dtype.type, case.setting)
        else:
            values = list(drawn.DOMAINS[case.domain(index)].edges)
        values = [value for value in values if np.isfinite(value)] if case.mood == "extreme" else [*values, np.nan]
        places = draw(st.lists(st.integers(0, array.size - 1), max_size=4))
        for place in places:
            array.reshape(-1)[place] = draw(st.sampled_from(values))
    return case.with_arrays(arrays)


def _adds_up(case: Case, index: int) -> bool:
    """Whether the entries are probabilities of one distribution, which a single one cannot leave."""
    return case.facts.inputs[index] == "target" and case.kind.startswith("distribution")
