"""Hyper-parameters, weights and shapes of any loss, drawn from the facts on it."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from numbaloss.definition import Definition, Interval
from numbaloss.testing import inputs as drawn
from numbaloss.testing import parameters as chosen

# How long an axis may be, by its name in `inputs.axes`; classes on both sides of where kernels change.
LENGTHS: dict[str, st.SearchStrategy[int]] = {
    "elements": st.integers(0, 7),
    "rows": st.integers(1, 9),
    "classes": st.integers(2, 20),
    "wide": st.sampled_from([17, 40, 100, 101, 131, 300]),
    "positions": st.integers(1, 5),
    "width": st.integers(1, 9) | st.sampled_from([31, 64, 200]),
    "steps": st.integers(1, 12),
    "symbols": st.integers(2, 12),
}
CLASS_WEIGHTS = (0.25, 0.5, 1.0, 2.0, 3.0)


@st.composite
def shapes(draw: Any, facts: Definition, kind: str) -> tuple[int, ...] | None:
    """A shape of the first input; None where a structure does not say what its axes are."""
    names = drawn.axes(facts, kind)
    shape: list[int] = []
    for name in names:
        length = LENGTHS[name.removesuffix("...")]
        shape += draw(st.lists(length, max_size=3 - len(names) // 2)) if name.endswith("...") else [draw(length)]
    return tuple(shape) if names else None


@st.composite
def settings_of(draw: Any, facts: Definition, kind: str) -> dict[str, Any]:
    """Hyper-parameters within their limits; half of the time the defaults."""
    if draw(st.booleans()):
        return {}
    found: dict[str, Any] = {}
    for name, default in facts.parameters.items():
        limit = facts.limits.get(name)
        fixed = [default, *chosen.others(facts, name)]
        shares = kind.startswith("distribution") or (kind == "masks" and "parts" in facts.facts)
        if name == "ignore_index" and not shares:  # which has no meaning for probabilities of classes
            fixed = [default, -1, 0, 1]
        fixed_only = name in facts.static or name in facts.facts.get("settings", {})
        if not (fixed_only or isinstance(default, (bool, int, str))) and (
            isinstance(limit, Interval) or isinstance(default, float)
        ):
            found[name] = draw(st.sampled_from(fixed) | numbers_in(limit))
        else:
            found[name] = draw(st.sampled_from(fixed))
    return {name: value for name, value in found.items() if value is not None or None in _words(facts, name)}


def _words(facts: Definition, name: str) -> tuple[Any, ...]:
    limit = facts.limits.get(name)
    return limit if isinstance(limit, tuple) else ()


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
    size = shape[-1] if len(shape) > 1 else 1  # rows of a vector, which come again, have no own
    return {
        name: draw(st.lists(numbers_in(facts.limits.get(name)), min_size=size, max_size=size))
        for name in facts.arrays
        if draw(st.booleans())
    }


@st.composite
def weights_of(draw: Any, facts: Definition, arrays: tuple[Any, ...], setting: dict[str, Any]) -> dict[str, Any]:
    """The loss's own weight, where it takes one: a number for each class, or for each entry of the last axis."""
    if facts.weight is None or draw(st.booleans()):
        return {}
    if facts.weight in ("class", "region"):
        classes = drawn.classes_of(facts, arrays) if arrays[0].ndim > 1 else len(arrays[0])
        left_out = not setting.get("include_background", True) and "parts" not in facts.facts
        size = classes - int(left_out)
    elif arrays[0].ndim and arrays[0].shape[-1]:
        size = arrays[0].shape[-1] if arrays[0].ndim > 1 else 1  # as in `vectors`
    else:
        return {}
    return {"weight": draw(st.lists(st.sampled_from(CLASS_WEIGHTS), min_size=size, max_size=size))}


@st.composite
def sample_weights(draw: Any, count: int | None) -> Any:
    """One weight for each row, zeros among them; a number where there is no axis of rows."""
    size = 1 if count is None else count
    found = np.array(draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 7.0]), min_size=size, max_size=size)))
    return found[0] if count is None else found
