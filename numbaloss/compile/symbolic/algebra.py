"""Differentiates the steps of a loss with SymPy.

Every primitive is a function of SymPy's own kind with the derivative that is exact at both ends: that of tanh is
``sech_squared``, not one minus its square. Roots and whole powers are SymPy's, so that they simplify.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy
from sympy.core.parameters import distribute

from numbaloss.compile.symbolic.trace import DerivationError, Node

Expression = Any  # sympy.Expr


class Primitive(sympy.Function):  # type: ignore[misc]
    """A function that stays as it is written; `slopes` gives its derivatives by each argument."""

    slopes: tuple[Callable[..., Expression], ...] = ()

    @classmethod
    def eval(cls, *args: Expression) -> None:
        """Nothing is evaluated: the kernel computes, in the author's precision."""

    def fdiff(self, argindex: int = 1) -> Expression:
        return self.slopes[argindex - 1](*self.args)

    def _eval_derivative(self, s: Expression) -> Expression:
        """The chain rule, but a slope times nothing is nothing, even where the slope is infinite."""
        total = sympy.S.Zero
        for index, arg in enumerate(self.args):
            inner = arg.diff(s)
            if inner != 0:
                total += self.fdiff(index + 1) * inner
        return total


class _Steps(Primitive):
    """Two results of which one is taken: a derivative takes the derivative of that one."""

    def _eval_derivative(self, s: Expression) -> Expression:
        *compared, yes, no = self.args
        return type(self)(*compared, yes.diff(s), no.diff(s))


class choice(_Steps):  # noqa: N801  (named as the text that is printed)
    """``choice(condition, yes, no)``."""

    @classmethod
    def eval(cls, condition: Expression, yes: Expression, no: Expression) -> Expression | None:
        return yes if yes == no else None


class larger(_Steps):  # noqa: N801
    """``larger(a, b, yes, no)``: `yes` where a > b, `no` where not, nan where either is nan."""

    @classmethod
    def eval(cls, a: Expression, b: Expression, yes: Expression, no: Expression) -> Expression | None:
        return yes if yes == no else None


def _function(name: str, *slopes: Callable[..., Expression]) -> type[Primitive]:
    return type(name, (Primitive,), {"slopes": slopes})


sign: Any = _function("sign", lambda x: sympy.S.Zero)
absolute: Any = _function("abs", lambda x: sign(x))
exp: Any = _function("exp", lambda x: exp(x))
decay: Any = _function("decay", lambda x: -sign(x) * decay(x))
expm1: Any = _function("expm1", lambda x: exp(x))
log: Any = _function("log", lambda x: 1 / x)
log1p: Any = _function("log1p", lambda x: 1 / (1 + x))
log1pmx: Any = _function("log1pmx", lambda x: -x / (1 + x))
tanh: Any = _function("tanh", lambda x: sech_squared(x))
log_cosh: Any = _function("log_cosh", lambda x: tanh(x))
sech_squared: Any = _function("sech_squared", lambda x: -2 * tanh(x) * sech_squared(x))
atan: Any = _function("atan", lambda x: 1 / (1 + x**2))
sigmoid: Any = _function("sigmoid", lambda x: sigmoid_slope(x))
sigmoid_slope: Any = _function("sigmoid_slope", lambda x: -tanh(x / 2) * sigmoid_slope(x))
softplus: Any = _function("softplus", lambda x: sigmoid(x))
log_sigmoid: Any = _function("log_sigmoid", lambda x: sigmoid(-x))
xlogy: Any = _function("xlogy", lambda x, y: log(y), lambda x, y: share(x, y))
share: Any = _function("share", lambda x, y: 1 / y, lambda x, y: -share(share(x, y), y))  # x / y, but 0 / 0 is 0
power: Any = _function("power", lambda x, y: y * _power(x, y - 1), lambda x, y: power(x, y) * log(x))
copysign: Any = _function("copysign", lambda x, y: sign(x) * copysign(1, y), lambda x, y: sympy.S.Zero)


def _power(x: Expression, y: Expression) -> Expression:
    return x if y == 1 else sympy.S.One if y == 0 else power(x, y)


def _root(x: Expression) -> Expression:
    return sympy.sqrt(x).replace(sympy.Abs, absolute)


class _Extremum(Primitive):
    """maximum and minimum: the derivative of the one that is taken."""

    def _eval_derivative(self, s: Expression) -> Expression:
        x, y = self.args
        first, second = (x, y) if type(self).__name__ == "maximum" else (y, x)
        return larger(first, second, x.diff(s), y.diff(s))


maximum: Any
minimum: Any
maximum, minimum = (type(name, (_Extremum,), {}) for name in ("maximum", "minimum"))

FUNCTIONS: dict[str, Any] = {
    "abs": absolute, "exp": exp, "decay": decay, "expm1": expm1, "log": log, "log1p": log1p, "log1pmx": log1pmx,
    "sqrt": lambda x: _root(x), "tanh": tanh, "log_cosh": log_cosh,
    "atan": atan, "sigmoid": sigmoid, "softplus": softplus, "log_sigmoid": log_sigmoid, "xlogy": xlogy,
    "copysign": copysign, "maximum": maximum, "minimum": minimum,
}  # fmt: skip


def tidied(expression: Expression) -> Expression:
    """``sign(x)**2`` is 1, ``sign(x) * abs(x)`` is x: so the curvature of a function of the size is right at 0.

    And ``abs(x)**2`` is ``x**2``, which x over it can be divided by.
    """
    expression = expression.replace(
        lambda e: e.is_Pow and isinstance(e.base, sign) and e.exp.is_Integer,
        lambda e: e.base ** (int(e.exp) % 2),
    )
    expression = expression.replace(
        lambda e: e.is_Mul and any(isinstance(factor, sign) for factor in e.args), _unsigned
    )
    return expression.replace(
        lambda e: e.is_Pow and isinstance(e.base, absolute) and e.exp.is_even, lambda e: e.base.args[0] ** e.exp
    )


def _unsigned(product: Expression) -> Expression:
    for factor in product.args:
        size = absolute(*factor.args) if isinstance(factor, sign) else None
        if size is not None and any(other.as_base_exp()[0] == size for other in product.args):
            return product / factor / size * factor.args[0]
    return product


def named(expression: Expression) -> Expression:
    """The same with differences that cancel written as the function that does not: ``exp(x) - 1`` is ``expm1(x)``."""
    return expression.replace(lambda e: e.is_Add and len(e.args) == 2, _named)


def _named(total: Expression) -> Expression:
    number, term = sorted(total.args, key=lambda arg: not arg.is_Rational)
    factor, function = term.as_coeff_Mul()
    if not number.is_Rational:
        return total
    match type(function).__name__, number / factor:
        case "exp", -1:
            return factor * expm1(*function.args)
        case "sigmoid", -1:
            return number * sigmoid(-function.args[0])
        case "sigmoid", ratio if 2 * ratio == -1:
            return -number * tanh(function.args[0] / 2)
    return total


# What moves with the first argument, and at which rate.
RATES: dict[str, Callable[[Expression], Expression]] = {
    "one minus its exponential": lambda log_prob: -exp(log_prob),
    "one minus it": lambda distance: -sympy.S.One,
}


class Algebra:
    """The steps of one loss as SymPy sees them.

    Parameters
    ----------
    signs
        What is known of hyper-parameters and inputs: "positive" or "nonnegative" by name.
    moving
        For an argument that is a function of the first one: which, a key of `RATES`.
    """

    def __init__(self, signs: Mapping[str, str], moving: Mapping[str, str] | None = None) -> None:
        self.signs, self.moving = signs, moving or {}
        self.conditions: dict[Expression, Node] = {}
        self.steps: dict[Node, Expression] = {}

    def symbol(self, name: str) -> Expression:
        """An input or a hyper-parameter, a real number."""
        known = self.signs.get(name)
        return sympy.Symbol(name, real=True, **({known: True} if known else {}))

    def expression(self, step: Any) -> Expression:
        """A step as SymPy's; numbers are exactly the decimals that were written."""
        if not isinstance(step, Node):
            return sympy.Rational(repr(step)) if abs(step) < float("inf") else sympy.Float(step)
        if step not in self.steps:
            with distribute(False):
                self.steps[step] = self._made(step)
        return self.steps[step]

    def _made(self, step: Node) -> Expression:
        if step.condition:
            made = sympy.Symbol(f"condition_{len(self.conditions)}")
            self.conditions[made] = step
            return made
        if step.op in ("input", "parameter"):
            return self.symbol(step.args[0])
        if step.op == "choice":
            return choice(*map(self.expression, step.args))
        args = [self.expression(arg) for arg in step.args]
        match step.op, args:
            case "+", [a, b]:
                return a + b
            case "-", [a, b]:
                return a - b
            case "*", [a, b]:
                return a * b
            case "/", [a, b]:
                return a / b
            case "neg", [a]:
                return -a
            case "power", [a, b]:
                return a**b if b.is_Integer and abs(b) <= 8 else power(a, b)
            case op, _ if op in FUNCTIONS:
                return FUNCTIONS[op](*args)
        raise DerivationError(f"nothing is known of the derivative of {step.op}")

    def slope(self, expression: Expression, name: str) -> Expression:
        """The derivative by the input `name`, where it exists; at a jump or a kink that of a side."""
        with distribute(False):
            found = expression.diff(self.symbol(name))
            for other, rate in self.moving.items():
                found += expression.diff(self.symbol(other)) * RATES[rate](self.symbol(name))
            found = tidied(found)
        if found.has(sympy.Derivative, sympy.nan, sympy.zoo, sympy.Subs):
            raise DerivationError(f"SymPy finds no derivative by {name}")
        return found
