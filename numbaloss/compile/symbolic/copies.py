"""Runs the author's function on symbols: a copy in which primitives, `math`, NumPy and other losses stand for steps."""

from __future__ import annotations

import builtins
import math
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from numbaloss.compile.digest import names_read
from numbaloss.compile.primitives import PRIMITIVES
from numbaloss.compile.symbolic.trace import DerivationError, Node, Stated, Tape, raised, stated_value


def traced(maths: Callable[..., Any], inputs: tuple[str, ...], parameters: Mapping[str, Any]) -> tuple[Any, bool]:
    """The value of a loss as steps, and whether its author states the derivatives too.

    Raises DerivationError where the function does what cannot be read.
    """
    tape, name = Tape(), maths.__name__
    arguments = [tape.node("input", one) for one in inputs]
    arguments += [_parameter(tape, one, default, name) for one, default in parameters.items()]
    copy = Copier(tape).copy(maths)
    try:
        result = tape.every_way(lambda: copy(*arguments), name)
    except DerivationError as error:
        raise DerivationError(f"{name}: {error}") from None
    except Exception as error:
        raise DerivationError(f"{name} cannot be read: {type(error).__name__}: {error}") from error
    return stated_value(result), isinstance(result, Stated)


def _parameter(tape: Tape, name: str, default: Any, loss: str) -> Node:
    if default is None:
        raise DerivationError(f"{loss}: the hyper-parameter {name} has no number for its default")
    kind = {bool: "flag", str: "text"}.get(type(default), "parameter")
    return tape.node(kind, name)


class Copier:
    """Copies functions so that they run on symbols: primitives, `math` and NumPy stand for steps."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.done: dict[Any, Any] = {}

    def copy(self, function: Any) -> types.FunctionType:
        if not isinstance(function, types.FunctionType):
            raise DerivationError(f"{function!r} is no plain Python function")
        if function not in self.done:
            names = names_read(function.__code__)
            scope = {name: self.rebound(value) for name, value in function.__globals__.items() if name in names}
            scope["__builtins__"] = builtins
            cells = tuple(types.CellType(self.rebound(cell.cell_contents)) for cell in function.__closure__ or ())
            made = types.FunctionType(
                function.__code__, scope, function.__name__, function.__defaults__, cells or None
            )
            made.__kwdefaults__ = function.__kwdefaults__
            self.done[function] = made
        return self.done[function]  # type: ignore[no-any-return]

    def rebound(self, value: Any) -> Any:
        """What a name means in the copy."""
        if isinstance(value, types.ModuleType):
            return Module(self, value) if value in (math, np) or value.__name__ == "numbaloss" else value
        if hasattr(value, "definition"):
            return self.loss(value)
        known = _primitive(value)
        if known is not None:
            return self.step(known)
        return self.copy(value) if isinstance(value, types.FunctionType) else value

    def loss(self, loss: Any) -> Callable[..., Any]:
        """Another elementwise loss, a function or an object, that takes symbols: its value."""
        facts = loss.definition
        settings = {**facts.parameters, **getattr(loss, "parameters", {})}

        def call(*arrays: Any, **given: Any) -> Any:
            if facts.structure != "pointwise":
                raise DerivationError(f"{facts.name} is not elementwise, so that no element of a loss can call it")
            unknown = set(given) - set(settings)
            if unknown:
                raise DerivationError(f"{facts.name} is called with {min(unknown)}, which is no hyper-parameter of it")
            result = self.copy(facts.stated)(*arrays, **{**settings, **given})
            return result[0] if isinstance(result, tuple) else result

        return call

    def step(self, name: str) -> Callable[..., Any]:
        """A primitive that takes symbols."""
        plain, tape = PRIMITIVES.get(name), self.tape

        def call(*args: Any) -> Any:
            if name == "choice":
                return tape.choice(*args)
            if not any(isinstance(arg, Node) for arg in args):
                return abs(*args) if plain is None else plain(*map(float, args))
            if name in ("maximum", "minimum") and not isinstance(args[0], Node):
                args = args[::-1]  # at a tie, the slope is that of the number, which is 0
            return raised(*args) if name == "power" else tape.node(name, *args)

        return call


# Functions of Python's and NumPy's that mean a primitive.
OTHER_NAMES = {"fabs": "abs", "absolute": "abs", "pow": "power", "arctan": "atan", "where": "choice"}


def _spellings() -> Iterator[tuple[Any, str]]:
    for name, function in PRIMITIVES.items():
        yield function, name
    for module in (math, np):
        for name in (*PRIMITIVES, *OTHER_NAMES, "abs"):
            if hasattr(module, name):
                yield getattr(module, name), OTHER_NAMES.get(name, name)


_PRIMITIVE_OF = dict(_spellings())


def _primitive(value: Any) -> str | None:
    try:
        return _PRIMITIVE_OF.get(value)
    except TypeError:  # not hashable, so no function
        return None


class Module:
    """`math` or NumPy, whose functions take symbols."""

    def __init__(self, copier: Copier, module: types.ModuleType) -> None:
        self._copier, self._module = copier, module

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        known = _primitive(value)
        if known is None:
            return self._copier.loss(value) if hasattr(value, "definition") else value
        return self._copier.step(known)
