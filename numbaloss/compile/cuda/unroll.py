"""Loops over a constant number of elements, written out: their local arrays then are registers.

LLVM writes out what is short. A long body (an exponential in float64 has some forty operations) stays a loop, whose
arrays must have addresses: they lie in slow memory then.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from copy import deepcopy
from types import FunctionType
from typing import Any, TypeVar

Function = TypeVar("Function")


def unrolled(function: Function) -> Function:
    """Mark a template whose loops over ``range(NAME)``, of a constant or an open name, are to be written out."""
    function.unrolled = True
    return function


def written_out(function: FunctionType, holes: Mapping[str, Any]) -> FunctionType:
    """The same function with those loops written out; `holes` give open names their meaning."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list = []
    ast.increment_lineno(tree, function.__code__.co_firstlineno - 1)
    changed = ast.fix_missing_locations(Loops({**function.__globals__, **holes}).visit(tree))
    scope: dict[str, Any] = {}
    exec(compile(changed, function.__code__.co_filename, "exec"), function.__globals__, scope)
    found: FunctionType = scope[function.__name__]
    return found


class Loops(ast.NodeTransformer):
    """Writes loops out, from the innermost."""

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self.scope = scope

    def visit_For(self, node: ast.For) -> Any:
        self.generic_visit(node)
        match node:
            case ast.For(
                target=ast.Name(variable), iter=ast.Call(func=ast.Name("range"), args=[ast.Name(name)])
            ) if type(count := self.scope.get(name)) is int:
                bodies = [Constant(variable, value).visit(deepcopy(node)).body for value in range(count)]
                return [statement for body in bodies for statement in body]
        return node


class Constant(ast.NodeTransformer):
    """Puts a number in the place of a variable."""

    def __init__(self, name: str, value: int) -> None:
        self.name, self.value = name, value

    def visit_Name(self, node: ast.Name) -> Any:
        if node.id == self.name and isinstance(node.ctx, ast.Load):
            return ast.copy_location(ast.Constant(self.value), node)
        return node
