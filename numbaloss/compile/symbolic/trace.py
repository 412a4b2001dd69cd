"""Reads a loss's mathematics by running it on symbols: what comes out is every step, in the author's order.

A comparison between symbols is true in one run and false in another; the function is run once for each way through
it, and the results are joined by the conditions that tell them apart. So `x if c else y`, `if`, `max`, `and`, and
helper functions are all read alike, and no source text is needed: a function typed into a session will do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

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
            "call those of numbaloss.primitives"
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


NAMES = {"input", "parameter", "flag", "text"}
CONDITIONS = {"flag", "<", "<=", ">", ">=", "==", "!=", "and", "or", "not"}
OPERATORS = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "and": "and", "or": "or",
    "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=",
}  # fmt: skip


def _operator(op: str, turned: bool) -> Callable[[Node, Any], Node]:
    if turned:
        return lambda self, other: self.tape.node(op, other, self)
    return lambda self, other: self.tape.node(op, self, other)


def raised(base: Any, exponent: Any) -> Any:
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
            return 1.0 / raised(base, -exponent)
    tape = (base if isinstance(base, Node) else exponent).tape
    return tape.node("power", base, exponent)


for _name, _op in OPERATORS.items():
    setattr(Node, f"__{_name}__", _operator(_op, turned=False))
    if _op in "+-*/":
        setattr(Node, f"__r{_name}__", _operator(_op, turned=True))
setattr(Node, "__pow__", raised)  # noqa: B010  (a type checker would take the plain assignment for an error)
setattr(Node, "__rpow__", lambda self, other: raised(other, self))  # noqa: B010


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
            joined = self.choice(condition, stated_value(yes), stated_value(no))
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


def stated_value(result: Any) -> Any:
    return result.value if isinstance(result, Stated) else result
