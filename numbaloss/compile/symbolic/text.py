"""Writes derived mathematics as a plain Python function: the author's steps as stated, then the derivatives."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import sympy
from sympy.core.parameters import distribute

from numbaloss.compile.primitives import PRIMITIVES
from numbaloss.compile.symbolic.algebra import Algebra, Expression, choice
from numbaloss.compile.symbolic.trace import Node

# Binding strength: what is weaker than its place asks for gets parentheses.
CHOICE, OR, AND, NOT, COMPARED, SUM, PRODUCT, SIGN, POWER, ATOM = range(10)
STRENGTH = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "and": AND, "or": OR, "not": NOT, "neg": SIGN}
STRENGTH |= dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), COMPARED)
Piece = tuple[str, int]  # text, and how strongly it binds


class Writer:
    """The lines of one function."""

    def __init__(self, algebra: Algebra, taken: Sequence[str]) -> None:
        self.algebra = algebra
        self.lines: list[str] = []
        self._arguments = set(taken)
        self._taken = set(taken) | set(PRIMITIVES)
        self._written: dict[Node, Piece] = {}
        self._known: dict[Expression, Expression] = {}  # what SymPy wrote anew -> the author's own step
        self._uses: Counter[Node] = Counter()

    def name(self, stem: str = "v") -> str:
        """A name that nothing has."""
        number = next(k for k in range(10**6) if f"{stem}{k}" not in self._taken)
        self._taken.add(f"{stem}{number}")
        return f"{stem}{number}"

    def function(self, name: str) -> str:
        """What a primitive is called: a hyper-parameter may have its name."""
        return f"{name}_" if name in self._arguments else name

    def assign(self, text: str, stem: str = "v") -> Piece:
        name = self.name(stem)
        self.lines.append(f"{name} = {text}")
        return name, ATOM

    # ---- the author's steps

    def value(self, root: Any) -> str:
        """The stated value, in the author's order; steps used twice and all functions get lines of their own."""
        conditions = list(self.algebra.conditions.values())
        for step in _all([root, *conditions]):
            self._uses.update([arg for arg in step.args if isinstance(arg, Node)])
        self._uses.update(conditions)
        for condition in conditions:
            self.step(condition)
        return self.step(root)[0]

    def step(self, step: Any) -> Piece:
        if not isinstance(step, Node):
            return _number(step)
        if step not in self._written:
            text, strength = self._step(step)
            own_line = self._uses[step] > 1 or step.op in PRIMITIVES
            if own_line and step.op not in ("input", "parameter", "flag", "text"):
                piece = self.assign(text, "c" if step.condition else "v")
                if step in self.algebra.steps and not step.condition:
                    self._known[self.algebra.steps[step]] = sympy.Symbol(piece[0])
            else:
                piece = (text, strength)
            self._written[step] = piece
        return self._written[step]

    def _step(self, step: Node) -> Piece:
        op, args = step.op, step.args
        if op in ("input", "parameter", "flag", "text"):
            return str(args[0]), ATOM
        if op == "choice":
            condition, yes, no = map(self.step, args)
            return f"{_at(yes, OR)} if {_at(condition, OR)} else {_at(no, CHOICE)}", CHOICE
        if op in ("neg", "not"):
            sign = "-" if op == "neg" else "not "
            return f"{sign}{_at(self.step(args[0]), STRENGTH[op])}", STRENGTH[op]
        if op in STRENGTH:
            strength = STRENGTH[op]
            left, right = (_word(arg) if isinstance(arg, str) else self.step(arg) for arg in args)
            # the author's order: a * (b / c) is not a * b / c to the last digit
            return f"{_at(left, strength + (strength == COMPARED))} {op} {_at(right, strength + 1)}", strength
        return f"{self.function(op)}({', '.join(self.step(arg)[0] for arg in args)})", ATOM

    # ---- what SymPy made of them

    def derivatives(self, expressions: Sequence[Expression]) -> list[str]:
        """The text of each expression, after lines for what they share."""
        with distribute(False):  # 2 * (x - t) is not 2 * x - 2 * t to the last digit
            known = [expression.xreplace(self._known) for expression in expressions]
            shared, rest = sympy.cse(known, symbols=_Names(self), order="canonical", list=True)
            for symbol, expression in shared:
                self.lines.append(f"{symbol} = {self.piece(expression)[0]}")
            return [self.piece(expression)[0] for expression in rest]

    def piece(self, expression: Expression) -> Piece:
        """The text of a SymPy expression."""
        if expression in self.algebra.conditions:
            return self.step(self.algebra.conditions[expression])
        if expression.is_Symbol:
            return str(expression.name), ATOM
        if expression.is_Number:
            return _number(float(expression))
        if expression.is_Add:
            return self._sum(expression)
        if expression.is_Mul:
            return self._product(expression)
        if expression.is_Pow:
            return self._power(*expression.args)
        if isinstance(expression, choice):
            condition, yes, no = map(self.piece, expression.args)
            return f"{_at(yes, OR)} if {_at(condition, OR)} else {_at(no, CHOICE)}", CHOICE
        arguments = ", ".join(self.piece(arg)[0] for arg in expression.args)
        return f"{self.function(type(expression).__name__)}({arguments})", ATOM

    def _sum(self, expression: Expression) -> Piece:
        text = ""
        terms = expression.as_ordered_terms()
        for term in sorted(terms, key=lambda term: bool(term.could_extract_minus_sign())):
            negative = term.could_extract_minus_sign()
            piece = _at(self.piece(-term if negative else term), SUM + negative)
            text = f"{text} {'-' if negative else '+'} {piece}" if text else ("-" if negative else "") + piece
        return text, SUM

    def _product(self, expression: Expression) -> Piece:
        if expression.could_extract_minus_sign():
            return f"-{_at(self.piece(-expression), PRODUCT)}", PRODUCT
        above, below = expression.as_numer_denom() if expression.is_Rational else _split(expression)
        top = " * ".join(_at(self.piece(factor), PRODUCT) for factor in above) or "1.0"
        if not below:
            return top, PRODUCT
        bottom = " * ".join(_at(self.piece(factor), PRODUCT + (len(below) == 1)) for factor in below)
        return f"{top} / {f'({bottom})' if len(below) > 1 else bottom}", PRODUCT

    def _power(self, base: Expression, exponent: Expression) -> Piece:
        if exponent == sympy.Rational(1, 2):
            return f"{self.function('sqrt')}({self.piece(base)[0]})", ATOM
        if exponent.is_Rational and exponent < 0:
            return f"1.0 / {_at(self.piece(base ** -exponent), POWER)}", PRODUCT
        if exponent.is_Integer and 2 <= exponent <= 4:
            factor = self.piece(base)
            if factor[1] != ATOM or "(" in factor[0]:
                factor = self.assign(factor[0])
            return " * ".join([factor[0]] * int(exponent)), PRODUCT
        if exponent.is_Rational and exponent.q == 2:
            whole = base ** (exponent - sympy.Rational(1, 2))
            return f"{_at(self.piece(whole), PRODUCT)} * {self.function('sqrt')}({self.piece(base)[0]})", PRODUCT
        return f"{self.function('power')}({self.piece(base)[0]}, {self.piece(exponent)[0]})", ATOM


class _Names:
    """Names for what `sympy.cse` shares, one after the other."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def __iter__(self) -> _Names:
        return self

    def __next__(self) -> Expression:
        return sympy.Symbol(self._writer.name("d"))


def _split(product: Expression) -> tuple[list[Expression], list[Expression]]:
    """The factors above and below the line."""
    above, below = [], []
    for factor in product.as_ordered_factors():
        base, exponent = factor.as_base_exp()
        if factor.is_Rational and factor.q != 1:
            above += [sympy.Integer(factor.p)] * (factor.p != 1)
            below.append(sympy.Integer(factor.q))
        elif exponent.is_Rational and exponent < 0:
            below.append(base**-exponent)
        elif factor != 1:
            above.append(factor)
    return above, below


def _all(roots: Sequence[Any]) -> Iterator[Node]:
    """Every step that these stand on, each once."""
    seen: set[int] = set()
    waiting = [root for root in roots if isinstance(root, Node)]
    while waiting:
        step = waiting.pop()
        if id(step) not in seen:
            seen.add(id(step))
            yield step
            waiting += [arg for arg in step.args if isinstance(arg, Node)]


def _at(piece: Piece, strength: int) -> str:
    return piece[0] if piece[1] >= strength else f"({piece[0]})"


def _word(text: str) -> Piece:
    return repr(text), ATOM


def _number(value: Any) -> Piece:
    if isinstance(value, bool):
        return repr(value), ATOM
    number = float(value)
    if not math.isfinite(number):
        return ("nan" if math.isnan(number) else "inf" if number > 0.0 else "-inf"), SIGN
    return repr(number), ATOM if math.copysign(1.0, number) > 0.0 else SIGN
