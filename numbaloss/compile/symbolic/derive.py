"""From the value alone to value, slopes and curvature."""

from __future__ import annotations

import hashlib
import opcode
import types
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from numbaloss.compile import kernel_files, render
from numbaloss.compile.symbolic.copies import traced
from numbaloss.compile.symbolic.helpers import SCOPE
from numbaloss.compile.symbolic.plan import Plan
from numbaloss.compile.symbolic.trace import DerivationError, listing

_TUPLE = bytes([opcode.opmap["BUILD_TUPLE"]])
_RETURN = bytes([opcode.opmap["RETURN_VALUE"]])


def may_state_value_alone(maths: Callable[..., Any]) -> bool:
    """Whether a loss's author may return the value and nothing else: its byte code does not end by making a tuple."""
    code = maths.__code__.co_code if isinstance(maths, types.FunctionType) else b""
    return bool(code) and not (code[-4:-3] == _TUPLE and code[-2:-1] == _RETURN)


def states_value_alone(maths: Callable[..., Any], arguments: int) -> bool:
    """Whether a function gives one number when it is tried on plain ones; a function that cannot take them does not."""
    try:
        return not isinstance(maths(*(0.5,) * arguments), tuple)
    except Exception:  # tried once more where it matters
        return False


def derived(
    maths: types.FunctionType,
    inputs: tuple[str, ...],
    parameters: Mapping[str, Any],
    plan: Plan,
) -> types.FunctionType:
    """`maths` with its slopes and its curvature as planned; itself if it has them.

    A text derived before, by any process, is taken from the disk. Raises ImportError where SymPy is needed and
    missing, DerivationError where there is nothing to derive.
    """
    value, complete = traced(maths, inputs, parameters)
    if complete:
        return maths
    facts = (maths.__name__, inputs, dict(parameters), str(plan))
    key = f"derived by {_recipe()}: {facts}\n{listing(value)}"
    name = f"derived-{hashlib.sha256(key.encode()).hexdigest()[:40]}{kernel_files.SUFFIX}"
    stored = kernel_files.find(name, key) if kernel_files.switched_on() else None
    if stored is not None:
        return compiled(stored.decode(), maths)
    text = source(maths, value, inputs, parameters, plan)
    if kernel_files.switched_on():
        kernel_files.put(name, key, text.encode())
    return compiled(text, maths)


@cache
def _recipe() -> str:
    """What derivations depend on besides the loss: the text of this package."""
    parts = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()


def source(
    maths: types.FunctionType,
    value: Any,
    inputs: tuple[str, ...],
    parameters: Mapping[str, Any],
    plan: Plan,
    simplest: bool = False,
) -> str:
    """The text of the derived function; `value` holds the steps of the stated one.

    `simplest` leaves the derivatives as they come, which is quick; else of several forms the most exact is taken.
    """
    try:
        from numbaloss.compile.symbolic import forms
    except ImportError as error:
        raise ImportError(
            f"{maths.__name__} states its value alone, and SymPy, which derives the rest, is not installed: "
            "pip install 'numbaloss[sympy]', or return (value, slope, curvature)"
        ) from error
    name = maths.__name__ if maths.__name__.isidentifier() else "loss"  # a lambda has none
    try:
        return forms.best(name, value, inputs, parameters, plan, simplest)
    except DerivationError as error:
        raise DerivationError(f"{maths.__name__}: {error}; return (value, slope, curvature)") from None


def compiled(text: str, maths: types.FunctionType) -> types.FunctionType:
    """The function of a derived text; it passes for the author's."""
    made = render.function(text, **SCOPE)
    made.__defaults__, made.__doc__ = maths.__defaults__, maths.__doc__
    made.__module__, made.__qualname__ = maths.__module__, maths.__qualname__
    return made
