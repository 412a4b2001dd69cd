"""The form in which derivatives are written: of several that are equal in theory, the one that keeps most digits.

`1/v - r**2/v**3` and `1/v**3` are the same for v**2 = 1 + r**2, but far from 0 the first loses all its digits. Which
form is good is measured: each is evaluated in float64 at points near and far, and compared with 60 digits.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import mpmath
import numpy as np
import sympy
from sympy.core.parameters import distribute

from numbaloss.compile import render
from numbaloss.compile.symbolic.algebra import Algebra, Expression, choice, named, tidied
from numbaloss.compile.symbolic.helpers import SCOPE
from numbaloss.compile.symbolic.plan import Plan
from numbaloss.compile.symbolic.text import Writer
from numbaloss.compile.symbolic.trace import Node

POSITIVE = ("positive", "nonnegative", "probability", "count", "binary")
POINTS: dict[str, tuple[float, ...]] = {
    "real": (0.3, -1.7, 4.1, -23.0, 1e4, -3e8, 1e-9, 1e160, -1.7e308),
    "positive": (0.7, 3.2, 1e-6, 5e5, 1e-30, 41.0),
    "probability": (0.3, 0.97, 1e-7, 1.0 - 2.0**-30),
    "sign": (1.0, -1.0),
    "binary": (0.0, 1.0),
    "count": (0.0, 3.0, 400.0),
    "log_probability": (-0.2, -3.7, -1e-8, -80.0),
    "cosine": (0.3, -0.8, 1.0 - 2.0**-30),
}
CONTINUOUS = {"real", "positive", "nonnegative", "probability"}
MOST_POINTS = 60
NEARLY = 1.0 - 2.0**-20
TOO_LONG = 50  # operations above which SymPy's slower rewritings are not tried
DIGITS = 400  # for terms that cancel


def best(
    name: str,
    value: Any,
    inputs: tuple[str, ...],
    parameters: Mapping[str, Any],
    plan: Plan,
    simplest: bool = False,
) -> str:
    """The text of the function ``name(inputs, parameters) -> (value, slopes, curvature)``, or as the plan says."""
    algebra = Algebra({name: _assumption(domain) for name, domain in plan.domains.items()}, plan.moving)
    stated = algebra.expression(value)
    derivatives = [algebra.slope(stated, one) for one in plan.by]
    if plan.result == "curved":
        derivatives.append(algebra.slope(derivatives[0], plan.by[0]))
    contest = Contest(value, algebra, inputs, parameters, plan)
    if simplest:
        return contest.written(name, derivatives)
    return contest.written(name, [contest.winner(derivative) for derivative in derivatives])


def _assumption(domain: str) -> str:
    return "positive" if domain == "positive" else "nonnegative" if domain in POSITIVE else ""


class Contest:
    """The points at which forms of one loss's derivatives are compared."""

    def __init__(
        self, value: Any, algebra: Algebra, inputs: tuple[str, ...], parameters: Mapping[str, Any], plan: Plan
    ) -> None:
        self.value, self.algebra, self.inputs, self.parameters, self.plan = value, algebra, inputs, parameters, plan
        columns = [POINTS.get(plan.domains.get(name, "real"), POINTS["positive"]) for name in inputs]
        points = list(itertools.product(*columns))
        self.points = points[:: max(1, len(points) // MOST_POINTS)]
        alike = {plan.domains.get(name, "real") for name in inputs}
        if len(columns) > 1 and len(alike) == 1 and alike <= CONTINUOUS:  # differences may be small
            self.points += [(x, *[other * x] * (len(columns) - 1)) for other in (1.0, NEARLY) for x in columns[0]]

    def winner(self, expression: Expression) -> Expression:
        """The form of `expression` that loses fewest digits; of equals, the shortest."""
        forms = list(dict.fromkeys(_forms(expression)))
        if len(forms) == 1:
            return forms[0]
        exact = self.exact(expression)
        return min(forms, key=lambda form: (round(2.0 * self.lost(form, exact)), form.count_ops()))

    def lost(self, form: Expression, exact: list[Any]) -> float:
        """How many bits of the exact results this form loses, on average over the points."""
        function = render.function(self.written("form", [form, sympy.S.Zero], "curved"), **SCOPE)
        bits = 0.0
        for point, wanted in zip(self.points, exact, strict=True):
            if wanted is None:
                continue
            with np.errstate(all="ignore"):
                got = float(function(*map(np.float64, point))[1])
            bits += _bits(got, wanted)
        return bits / len(self.points)

    def exact(self, expression: Expression) -> list[Any]:
        """The numbers an expression stands for, to some sixty digits; None where there is none."""
        names = [*self.inputs, *self.parameters]
        symbols = [self.algebra.symbol(name) for name in names] + list(self.algebra.conditions)

        @cache
        def made(truth: tuple[bool, ...]) -> Any:  # without what is not taken: it may have no value there
            taken = _chosen(expression, dict(zip(self.algebra.conditions, truth, strict=True)))
            return sympy.lambdify(symbols, taken, modules=[EXACT, "mpmath"], cse=True)

        found = []
        for point in self.points:
            settings = [mpmath.mpf(x) if type(x) in (float, int) else x for x in self.parameters.values()]
            known = dict(zip(names, [*map(mpmath.mpf, point), *settings], strict=True))
            with mpmath.workdps(DIGITS):
                try:
                    truth = [_evaluated(node, known) for node in self.algebra.conditions.values()]
                    number = made(tuple(map(bool, truth)))(*known.values(), *truth)
                except (ArithmeticError, ValueError, TypeError):
                    number = mpmath.nan
            found.append(number if mpmath.isfinite(number) else None)
        return found

    def written(self, name: str, derivatives: list[Expression], result: str = "") -> str:
        """The function's text, these derivatives (slopes, and perhaps the curvature) as they stand."""
        writer = Writer(self.algebra, [name, *self.inputs, *self.parameters, "value"])
        writer.lines.append(f"value = {writer.value(self.value)}")
        slopes = writer.derivatives(derivatives)
        match result or self.plan.result:
            case "curved":
                *slopes, curvature = slopes
                results = f"{_tuple(slopes)}, {curvature}"
            case "grouped":
                results = _tuple(slopes)
            case _:
                results = ", ".join(slopes)
        defaults = [f"{parameter}={default!r}" for parameter, default in self.parameters.items()]
        body = "".join(f"    {line}\n" for line in [*writer.lines, f"return value, {results}"])
        return f"def {name}({', '.join([*self.inputs, *defaults])}):\n{body}"


def _tuple(slopes: list[str]) -> str:
    return f"({', '.join(slopes)})" if len(slopes) > 1 else slopes[0]


def _chosen(expression: Expression, truth: Mapping[Expression, bool]) -> Expression:
    """The expression with its choices made."""
    return expression.replace(
        lambda e: isinstance(e, choice) and e.args[0] in truth, lambda e: e.args[1 if truth[e.args[0]] else 2]
    )


def _forms(expression: Expression) -> Iterator[Expression]:
    """The expression and others that are equal to it."""
    yield expression
    yield named(expression)
    length = expression.count_ops()
    for rewritten in (sympy.factor_terms, sympy.together, sympy.factor, sympy.simplify):
        if length > TOO_LONG and rewritten is not sympy.factor_terms:
            return
        with distribute(False):
            try:
                yield named(tidied(rewritten(expression)))
            except Exception:  # a rewriting that fails is one form less
                continue


def _bits(got: float, exact: Any) -> float:
    """Bits lost of 53; all of them for a nan or a wrong infinity."""
    if not math.isfinite(got):
        return 0.0 if abs(exact) > 1e308 else 53.0
    error = abs(mpmath.mpf(got) - exact)
    if error <= 1e-300:
        return 0.0
    return min(53.0, max(0.0, float(mpmath.log(error / abs(exact), 2)) + 53.0)) if exact != 0 else 53.0


def _evaluated(step: Any, known: Mapping[str, Any]) -> Any:
    """A step of the author's, as an exact number or a truth."""
    if not isinstance(step, Node):
        return step if isinstance(step, (str, bool)) else mpmath.mpf(repr(float(step)))
    if step.op in ("input", "parameter", "flag", "text"):
        return known[step.args[0]]
    args = [_evaluated(arg, known) for arg in step.args]
    if step.op in _ARITHMETIC:
        return _ARITHMETIC[step.op](*args)
    return EXACT[step.op](*args) if step.op in EXACT else getattr(mpmath, step.op)(*args)


_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "and": lambda a, b: a and b, "or": lambda a, b: a or b,
    "not": lambda a: not a, "neg": lambda a: -a,
}  # fmt: skip

# What mpmath does not have under the same name. Its numbers do not overflow, so the plain formulas do.
EXACT: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "decay": lambda x: mpmath.exp(-abs(x)),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "log_sigmoid": lambda x: -mpmath.log1p(mpmath.exp(-x)),
    "log1pmx": lambda x: mpmath.log1p(x) - x,
    "log_cosh": lambda x: mpmath.log1p(2 * mpmath.sinh(x / 2) ** 2),
    "sech_squared": lambda x: mpmath.sech(x) ** 2,
    "sigmoid_slope": lambda x: mpmath.exp(x) / (1 + mpmath.exp(x)) ** 2,
    "xlogy": lambda x, y: x * mpmath.log(y) if x else mpmath.mpf(0),
    "share": lambda x, y: x / y if x else mpmath.mpf(0),
    "copysign": lambda x, y: -abs(x) if y < 0 else abs(x),
    "maximum": max,
    "minimum": min,
    "larger": lambda a, b, yes, no: yes if a > b else no,
    "choice": lambda condition, yes, no: yes if condition else no,
}
