"""Calls with one thing wrong: a shape, a type, a value, an argument."""

from __future__ import annotations

from typing import Any

import numpy as np
from cases import Case, cases
from hypothesis import strategies as st

from numbaloss.testing.basics import made

RAGGED = [[1.0, 2.0], [3.0]]
MISTAKES: dict[str, Any] = {
    "a row less": lambda array: np.atleast_1d(array)[:-1],
    "an axis more": lambda array: array[..., None],
    "an axis more in front": lambda array: array[None],
    "no axes": lambda array: array.reshape(-1)[0] if array.size else array,
    "flat": lambda array: array.reshape(-1),
    "turned": lambda array: array.T,
    "nothing": lambda array: np.atleast_1d(array)[:0],
    "None": lambda array: None,
    "a text": lambda array: "text",
    "ragged lists": lambda array: RAGGED,
    "objects": lambda array: array.astype(object),
    "texts": lambda array: array.astype(str),
    "complex numbers": lambda array: array.astype(complex),
    "booleans": lambda array: array.astype(bool),
    "whole numbers": lambda array: np.nan_to_num(array.astype(np.float64)).clip(-99, 99).astype(np.int64),
    "floats": lambda array: array.astype(np.float64),
    "a masked array": lambda array: np.ma.masked_array(array, np.zeros(array.shape, bool)),
    "a dictionary": lambda array: {"input": array},
    "large numbers": lambda array: np.full_like(array, 120),
    "a number of Python": lambda array: 1.5,
}
ARGUMENTS: tuple[dict[str, Any], ...] = (
    {},
    {"sample_weight": np.ones(77)},
    {"sample_weight": "text"},
    {"sample_weight": np.array([[1j]])},
    {"out": np.zeros(3)},
    {"out": "text"},
    {"out": ()},
    {"wrt": "nothing"},
    {"wrt": ()},
    {"unknown": 1},
)


@st.composite
def wrong_calls(draw: Any, loss: Any) -> tuple[Case, list[Any], dict[str, Any]]:
    """A case, and arguments of which at most a few are wrong."""
    case = draw(cases(loss, moods=("ordinary",)))
    inputs: list[Any] = list(case.arrays)
    if case.arrays[0].ndim and case.arrays[0].size:
        for index in draw(st.lists(st.integers(0, len(inputs) - 1), max_size=2, unique=True)):
            inputs[index] = MISTAKES[draw(st.sampled_from(sorted(MISTAKES)))](inputs[index])
    return case, inputs, draw(st.sampled_from(ARGUMENTS))


def refused_by_name(drawn: tuple[Case, list[Any], dict[str, Any]]) -> None:
    """Either it is a call after all, or a TypeError or ValueError that names the loss or the argument.

    Inputs stay as they are, and what was refused has written nothing to `out`.
    """
    case, inputs, more = drawn
    criterion = made(case.loss, **case.setting)
    kept = [array.tobytes() for array in inputs if isinstance(array, np.ndarray) and array.dtype != object]
    buffers = tuple(np.full_like(case.arrays[case.facts.inputs.index(name)], 7.0) for name in case.facts.wrt)
    for way in (criterion.value_and_grad, criterion.total):
        arguments = {k: v for k, v in more.items() if k not in ("out", "wrt") or way == criterion.value_and_grad}
        if not more and way == criterion.value_and_grad:
            arguments = {"out": buffers if len(buffers) > 1 else buffers[0]}
        try:
            way(*inputs, **arguments)
        except (TypeError, ValueError) as error:
            message = str(error)
        else:
            continue
        assert case.facts.name in message, message
        if not more:
            assert all((buffer == 7.0).all() for buffer in buffers), f"written to out before: {message}"
            buffers = ()
    now = [array.tobytes() for array in inputs if isinstance(array, np.ndarray) and array.dtype != object]
    assert kept == now, "an input was changed"
