"""Reads a loss's mathematics by running it on symbols: what comes out is every step, in the author's order.

A comparison between symbols is true in one run and false in another; the function is run once for each way through
it, and the results are joined by the conditions that tell them apart. So `x if c else y`, `if`, `max`, `and`, and
helper functions are all read alike, and no source text is needed: a function typed into a session will do.
"""

from __future__ import annotations

import builtins
import math
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from numbaloss.compile.digest import names_read
from numbaloss.compile.primitives import PRIMITIVES

MOST_WAYS = 256  # through one function: eight independent conditions


class DerivationError(TypeError):
    """The mathematics cannot be read or differentiated; the message says which step and what to do."""


class _Undecided(BaseException):
    """A condition that this run has no answer to. No `except Exception` of the author's may catch it."""

    def __init__(self, condition: Node) -> None:
        self.condition = condition


class Node:
    """One step: an operation on earlier steps and on numbers. Equal steps are one object."""

    __slots__ = ("args", "op", "tape")
    __array_ufunc__ = None  # NumPy's numbers leave arithmetic with a step to the step
    __hash__ = object.__hash__

    def __init__(self, tape: Tape, op: str, args: tuple[Any, ...]) -> None:
        self.tape, self.op, self.args = tape, op, args

    @property
    def condition(self) -> bool:
        """Whether it is true or false, not a number."""
        return self.op in CONDITIONS

    def __bool__(self) -> bool:
        if self.op == "text":
            raise DerivationError(f"{self.args[0]} is a word; compare it with ==")
        return self.tape.decided(self if self.condition else self.tape.node("!=", self, 0.0))

    def __repr__(self) -> str:
        return f"{self.op}({', '.join(map(repr, self.args))})"

    def __float__(self) -> float:
        raise DerivationError(
            "a function of Python's or NumPy's was called that numbaloss does not know; "
            "call those of numbaloss.compile.primitives"
        )

    __int__ = __index__ = __float__

    def __array__(self, *_: Any, **__: Any) -> Any:
        self.__float__()

    def __neg__(self) -> Node:
        return self.tape.node("neg", self)

    def __pos__(self) -> Node:
        return self

    def __abs__(self) -> Node:
        return self.tape.node("abs", self)

    def __invert__(self) -> Node:
        return self.tape.node("not", self)


CONDITIONS = {"flag", "<", "<=", ">", ">=", "==", "!=", "and", "or", "not"}
OPERATORS = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "and": "and", "or": "or",
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=",
}  # fmt: skip


def _operator(op: str, turned: bool) -> Callable[[Node, Any], Node]:
    if turned:
        return lambda self, other: self.tape.node(op, other, self)
    return lambda self, other: self.tape.node(op, self, other)


def _raised(base: Any, exponent: Any) -> Any:
    """``base ** exponent``; small whole powers and the root are written out, as a loss would."""
    exponent = float(exponent) if isinstance(exponent, (int, np.number)) else exponent
    match None if isinstance(exponent, Node) else exponent:
        case 1.0:
            return base
        case 2.0:
            return base * base
        case 3.0:
            return base * base * base
        case 4.0:
            return (base * base) * (base * base)
        case 0.5:
            return base.tape.node("sqrt", base)
        case -1.0 | -2.0 | -0.5:
            return 1.0 / _raised(base, -exponent)
    tape = (base if isinstance(base, Node) else exponent).tape
    return tape.node("power", base, exponent)


for _name, _op in OPERATORS.items():
    setattr(Node, f"__{_name}__", _operator(_op, turned=False))
    if _op in "+-*/":
        setattr(Node, f"__r{_name}__", _operator(_op, turned=True))
setattr(Node, "__pow__", _raised)  # noqa: B010  (a type checker would take the plain assignment for an error)
setattr(Node, "__rpow__", lambda self, other: _raised(other, self))  # noqa: B010


class Tape:
    """The steps of one function, and what is decided in the present run."""

    def __init__(self) -> None:
        self._known: dict[Any, Node] = {}
        self._decided: dict[int, bool] = {}
        self._ways = 0

    def node(self, op: str, *args: Any) -> Node:
        """The step `op` on these arguments."""
        for arg in args:
            if not isinstance(arg, (Node, bool, int, float, str, np.floating, np.integer)):
                raise DerivationError(f"the loss computes with {arg!r}, which is no number")
        plain = tuple(float(arg) if isinstance(arg, (int, np.number)) and op not in NAMES else arg for arg in args)
        key = (op, *((id(arg),) if isinstance(arg, Node) else (type(arg), repr(arg)) for arg in plain))
        if key not in self._known:
            self._known[key] = Node(self, op, plain)
        return self._known[key]

    def choice(self, condition: Any, yes: Any, no: Any) -> Any:
        """`yes` where the condition holds, else `no`."""
        if not isinstance(condition, Node):
            return yes if condition else no
        same = yes is no or (not isinstance(yes, Node) and not isinstance(no, Node) and repr(yes) == repr(no))
        return yes if same else self.node("choice", condition, yes, no)

    def decided(self, condition: Node) -> bool:
        """What the present run holds of a condition."""
        if id(condition) not in self._decided:
            raise _Undecided(condition)
        return self._decided[id(condition)]

    def every_way(self, run: Callable[[], Any], name: str, decided: dict[int, bool] | None = None) -> Any:
        """The value of `run` on every way through it, joined by the conditions; a tuple keeps its first alone."""
        self._decided = decided or {}
        self._ways += 1
        if self._ways > 2 * MOST_WAYS:
            raise DerivationError(f"there are more than {MOST_WAYS} ways through {name}; give its derivatives by hand")
        kept = self._decided
        try:
            result = run()
        except _Undecided as fork:
            condition = fork.condition
            yes = self.every_way(run, name, {**kept, id(condition): True})
            no = self.every_way(run, name, {**kept, id(condition): False})
            if isinstance(yes, Stated) != isinstance(no, Stated):
                raise DerivationError(f"{name} returns derivatives on one way and the value alone on another") from None
            joined = self.choice(condition, _value(yes), _value(no))
            return Stated(joined) if isinstance(yes, Stated) else joined
        return Stated(result[0]) if isinstance(result, tuple) else result


def listing(root: Any) -> str:
    """Every step below this one in a fixed order: equal texts, equal functions."""
    numbers: dict[int, int] = {}
    lines: list[str] = []

    def visit(step: Any) -> str:
        if not isinstance(step, Node):
            return repr(step)
        if id(step) not in numbers:
            line = f"{step.op} {' '.join(map(visit, step.args))}"
            numbers[id(step)] = len(lines)
            lines.append(line)
        return f"#{numbers[id(step)]}"

    last = visit(root)
    return "\n".join([*lines, last])


class Stated:
    """The value of mathematics that states its derivatives too."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _value(result: Any) -> Any:
    return result.value if isinstance(result, Stated) else result


NAMES = {"input", "parameter", "flag", "text"}


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
    return _value(result), isinstance(result, Stated)


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
            return _raised(*args) if name == "power" else tape.node(name, *args)

        return call


# Functions of Python's and NumPy's that mean a primitive.
OTHER_NAMES = {"fabs": "abs", "absolute": "abs", "pow": "power", "where": "choice"}


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
