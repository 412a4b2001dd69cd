"""Every barrier is needed: with any one of them taken out of a kernel, the simulator finds a wrong result."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import pytest

import numbaloss.kernels.cuda as kernels
from numbaloss.arrays.simulated import simulating
from numbaloss.compile.cuda.kernel import common
from numbaloss.compile.cuda.simulator import ORDERS, SimulationError
from numbaloss.plugins.registry import function
from numbaloss.testing import inputs as drawn
from numbaloss.testing.basics import differentiable, made
from numbaloss.testing.checks_device import host, on_device

# One loss at least for each kernel with a barrier.
EXAMPLES = ("mse_loss",)


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(kernels.__path__):
        yield import_module(f"{kernels.__name__}.{found.name}")


def is_barrier(node: ast.AST) -> bool:
    called = node.value.func if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr in ("syncthreads", "syncwarp")


def barriers() -> list[tuple[str, str, int]]:
    """Module, function and number of every barrier."""
    found = []
    for module in modules():
        for name, value in vars(module).items():
            if isinstance(value, FunctionType) and value.__module__ == module.__name__:
                count = sum(is_barrier(node) for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(value)))))
                found += [(module.__name__, name, number) for number in range(count)]
    return found


class Without(ast.NodeTransformer):
    """Takes out one barrier."""

    def __init__(self, number: int) -> None:
        self.left = number

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if is_barrier(node):
            self.left -= 1
            if self.left == -1:
                return ast.copy_location(ast.Pass(), node)
        return node


def mutated(module: ModuleType, name: str, number: int) -> FunctionType:
    tree = Without(number).visit(ast.parse(textwrap.dedent(inspect.getsource(getattr(module, name)))))
    space = dict(vars(module))
    exec(compile(ast.fix_missing_locations(tree), f"<{name} without barrier {number}>", "exec"), space)
    return space[name]


def results(name: str, order: str) -> list[Any]:
    """Value and gradients of one loss, for each kind of its input."""
    loss = function(name)
    found = []
    for kind in drawn.kinds(loss.definition):
        arrays = drawn.draw(loss.definition, rows=7, dtype=np.float32, salt="barriers", kind=kind)
        wrt = differentiable(loss.definition, arrays)
        with simulating(order):
            value, slopes = made(loss).value_and_grad(*map(on_device, arrays), wrt=wrt)
        found += [host(value), *map(host, slopes if isinstance(slopes, tuple) else (slopes,))]
    return found


@pytest.fixture(scope="module")
def right() -> dict[str, list[Any]]:
    return {name: results(name, "ascending") for name in EXAMPLES}


@pytest.mark.parametrize(("module", "name", "number"), barriers())
def test_without_this_barrier_a_result_is_wrong(
    module: str, name: str, number: int, right: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = mutated(import_module(module), name, number)
    for user in modules():
        if getattr(user, name, None) is getattr(import_module(module), name):
            monkeypatch.setattr(user, name, changed)
    common.cache_clear()
    try:
        assert any(wrong(loss, order, right[loss]) for loss in EXAMPLES for order in ORDERS)
    finally:
        common.cache_clear()


def wrong(loss: str, order: str, right: list[Any]) -> bool:
    try:
        return any(not np.array_equal(one, two) for one, two in zip(results(loss, order), right, strict=True))
    except SimulationError:
        return True
