"""Primitives as LLVM instructions right where they are called: Numba takes a hundred times as long for a function.

The twins in `primitives_cpu` are straight formulas: assignments, arithmetic, comparisons, choices, calls of each other
and of the intrinsics in `bits`. Their source is read and each operation becomes one instruction. Where a function has
something else in it (``x ** y``), or no source is there, Numba compiles it as ever.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types as numba_types
from numba.extending import intrinsic

FLAGS = ("contract", "nsz")
OPERATIONS = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
KINDS = {np.float32: (numba_types.float32, ir.FloatType()), np.float64: (numba_types.float64, ir.DoubleType())}


def inlined(function: Any) -> Any:
    """The intrinsic that stands for `function`, or None if it has more in it than is understood here."""
    scalar = function.__globals__.get("real")
    if scalar not in KINDS or not understood(function):
        return None
    kind: Any = KINDS[scalar][0]

    def resolve(typing_context: Any, *arguments: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return Emission(context, builder).called(function, values)

        return (kind(*arguments), codegen) if all(isinstance(each, numba_types.Float) for each in arguments) else None

    names = ", ".join(function.__code__.co_varnames[: function.__code__.co_argcount])
    scope: dict[str, Any] = {"resolve": resolve}
    exec(f"def definition(typing_context, {names}):\n    return resolve(typing_context, {names})\n", scope)
    definition = scope["definition"]
    definition.__name__ = definition.__qualname__ = function.__name__
    return intrinsic(definition)


@cache
def tree(function: types.FunctionType) -> ast.FunctionDef:
    """The syntax of a function."""
    found = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(found, ast.FunctionDef)
    return found


@cache
def understood(function: types.FunctionType) -> bool:
    """Whether a function and all it calls consist of what `Emission` emits."""
    try:
        body = tree(function).body
    except (OSError, SyntaxError):
        return False
    return all(simple(node, function.__globals__) for statement in body for node in ast.walk(statement))


def simple(node: ast.AST, scope: dict[str, Any]) -> bool:
    if isinstance(node, ast.Call):
        callee = scope.get(node.func.id, abs) if isinstance(node.func, ast.Name) else None
        known = callee is abs or callee in KINDS or hasattr(callee, "_defn")
        return not node.keywords and (known or (isinstance(callee, types.FunctionType) and understood(callee)))
    if isinstance(node, ast.BinOp):
        return type(node.op) in OPERATIONS
    if isinstance(node, ast.Compare):
        return len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub)
    if isinstance(node, ast.Assign):
        return len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)  # the docstring
    leaves = (ast.Return, ast.IfExp, ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.unaryop, ast.cmpop)
    return isinstance(node, leaves)


class Emission:
    """Emits the instructions of functions that are `understood`."""

    def __init__(self, context: Any, builder: Any) -> None:
        self.context, self.builder = context, builder

    def called(self, function: types.FunctionType, values: Any) -> Any:
        """The value of a call."""
        scope = function.__globals__
        parameters = function.__code__.co_varnames[: function.__code__.co_argcount]
        names = {name: self.cast(value, scope["real"]) for name, value in zip(parameters, values, strict=True)}
        for statement in tree(function).body:
            if isinstance(statement, ast.Assign):
                (target,) = statement.targets
                assert isinstance(target, ast.Name)
                names[target.id] = self.value(statement.value, names, scope)
            elif isinstance(statement, ast.Return):
                return self.value(statement.value, names, scope)
        raise AssertionError(f"{function.__name__} returns nothing")

    def cast(self, value: Any, scalar: Any) -> Any:
        _, kind = KINDS[scalar]
        if value.type == kind:
            return value
        return (self.builder.fpext if kind == ir.DoubleType() else self.builder.fptrunc)(value, kind)

    def value(self, node: Any, names: dict[str, Any], scope: dict[str, Any]) -> Any:
        """The value of an expression."""

        def of(each: Any) -> Any:
            return self.value(each, names, scope)

        builder = self.builder
        if isinstance(node, ast.Name) and node.id in names:
            return names[node.id]
        if isinstance(node, (ast.Name, ast.Constant)):
            number = node.value if isinstance(node, ast.Constant) else scope[node.id]
            return KINDS[scope["real"]][1](float(scope["real"](number)))
        if isinstance(node, ast.BinOp):
            return getattr(builder, OPERATIONS[type(node.op)])(of(node.left), of(node.right), flags=FLAGS)
        if isinstance(node, ast.UnaryOp):
            return builder.fneg(of(node.operand), flags=FLAGS)
        if isinstance(node, ast.Compare):
            sign = COMPARISONS[type(node.ops[0])]
            compare = builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered
            return compare(sign, of(node.left), of(node.comparators[0]), flags=FLAGS)
        if isinstance(node, ast.IfExp):
            return builder.select(of(node.test), of(node.body), of(node.orelse), flags=FLAGS)
        return self.call(scope.get(node.func.id, abs), [of(each) for each in node.args])

    def call(self, callee: Any, values: list[Any]) -> Any:
        if callee in KINDS:
            return self.cast(values[0], callee)
        if isinstance(callee, types.FunctionType):
            return self.called(callee, values)
        if callee is abs:
            kind = values[0].type
            fabs = self.builder.module.declare_intrinsic("llvm.fabs", [kind], ir.FunctionType(kind, [kind]))
            return self.builder.call(fabs, values)
        wanted = [next(known for known, kind in KINDS.values() if kind == value.type) for value in values]
        signature, codegen = callee._defn(None, *wanted)
        return codegen(self.context, self.builder, signature, values)
