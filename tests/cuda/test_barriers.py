"""Every barrier is needed: with any one of them taken out of a kernel, the simulator finds a wrong result."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import pytest

import numbaloss as nl
import numbaloss.kernels.cuda as kernels
from numbaloss.arrays.simulated import simulating
from numbaloss.compile.cuda import kernel
from numbaloss.compile.cuda.simulator import ORDERS, SimulationError
from numbaloss.structures.cuda import lovasz, region_images
from numbaloss.testing.checks_device import host, on_device

Case = tuple[str, dict[str, Any], tuple[np.ndarray[Any, Any], ...], bool]


def numbers(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32)


def labels(classes: int, *shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, classes, shape)


def batch(name: str, rows: int = 70) -> Case:
    return name, {}, (numbers(rows, 20), labels(9, rows)), False


def rows(name: str, count: int, classes: int, in_place: bool = False, **arguments: Any) -> Case:
    return name, arguments, (np.tanh(numbers(count, classes)), labels(classes, count)), in_place


def images(name: str, classes: int, positions: int, **arguments: Any) -> Case:
    return name, arguments, (numbers(2, classes, positions), labels(classes, 2, positions)), False


def sequences(steps: int, classes: int) -> Case:
    targets, lengths = 1 + labels(classes - 1, 3, 4), (np.full(3, steps), np.array([4, 3, 2]))
    return "ctc_loss_with_logits", {}, (numbers(steps, 3, classes), targets, *lengths), False


def lists(count: int, classes: int) -> Case:
    chosen = np.full((count, classes), -1)
    chosen[:, :3] = np.arange(count)[:, None] + [0, 7, 9]
    return "multilabel_margin_loss", {}, (numbers(count, classes), chosen), True


# Barriers that no case here needs: what would show them is not known, and they are kept for safety.
UNSEEN = {
    ("device", "block_rank", 1), ("regions_finish", "outcome", 0), ("regions_finish", "outcome", 1),
    ("regions_sums", "statistics_many", 1), ("row", "send", 1), ("sequence", "alignments", 0),
    ("sequence", "alignments", 1), ("sequence", "slopes", 0), ("sort", "scan_counts", 0), ("sort", "scan_counts", 1),
    ("sort", "scatter", 1), ("sort", "scatter", 4), ("margins", "set_row", 0),
}  # fmt: skip


# Losses and inputs that run the barriers of a module, the likeliest first.
CASES: dict[str, list[Case]] = {
    "device": [
        rows("cross_entropy", 5, 700), rows("cross_entropy", 300, 10), batch("batch_hard_triplet_loss"),
        batch("batch_all_triplet_loss"), images("dice_loss", 30, 200), batch("nt_xent_loss"),
    ],
    "group": [
        rows("multi_margin_loss", 5, 700, True), rows("categorical_hinge_loss", 5, 700, True), sequences(12, 5),
        rows("cross_entropy", 5, 700, True), rows("arcface_loss", 5, 700, True),
        rows("multi_margin_loss", 5, 60, True),
    ],
    "margins": [
        rows("multi_margin_loss", 5, 700, True), rows("categorical_hinge_loss", 5, 700, True), lists(5, 700),
        lists(5, 60),
    ],
    "picks": [rows("nll_loss", 300, 10, True), rows("nll_loss", 5, 700, True), rows("nll_loss", 300, 10)],
    "product": [batch("nt_xent_loss"), batch("batch_hard_triplet_loss")],
    "row": [rows("cross_entropy", 300, 10), rows("nll_loss", 300, 10), rows("arcface_loss", 300, 10)],
    "sort": [images("lovasz_loss", 3, 900), images("lovasz_loss", 3, 90)],
    "regions_sums": [
        images("dice_ce_loss", 3, 700), images("dice_ce_loss", 20, 300), images("dice_loss", 20, 300),
        images("dice_ce_loss", 30, 300), images("dice_loss", 30, 300),
    ],
    "regions_finish": [images("dice_ce_loss", 3, 700), images("dice_loss", 3, 700)],
    "lovasz_shares": [images("lovasz_loss", 3, 900)],
    "lattice": [sequences(12, 5), sequences(40, 5)],
    "sequence": [sequences(12, 5), sequences(40, 5)],
    "tile_triplets": [
        batch("batch_all_triplet_loss"), batch("batch_hard_triplet_loss"), batch("batch_all_triplet_loss", 140),
    ],
}  # fmt: skip


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(kernels.__path__):
        yield import_module(f"{kernels.__name__}.{found.name}")


def is_barrier(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return False
    called = node.value.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in ("syncthreads", "syncwarp", "barrier", "group_wait")


def barriers() -> list[tuple[str, str, int]]:
    """Module, function and number of every barrier; `barrier` and `group_wait` count where they are called."""
    found = []
    for module in modules():
        for name, value in vars(module).items():
            own = isinstance(value, FunctionType) and value.__module__ == module.__name__
            if own and name not in ("barrier", "group_wait"):
                count = sum(is_barrier(node) for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(value)))))
                found += [(module.__name__.rpartition(".")[2], name, number) for number in range(count)]
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


def results(case: Case, order: str) -> list[Any]:
    """Value and gradient, which may overwrite the input."""
    name, arguments, arrays, in_place = case
    given = [on_device(array) for array in arrays]
    with simulating(order):
        value, slope = nl.get(name, **arguments).value_and_grad(*given, out=given[0] if in_place else None)
    return [host(value), host(slope)]


@pytest.fixture(autouse=True)
def one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grid of one block goes on to a second tile of rows, where another block would have taken it."""
    for module in (kernel, region_images, lovasz):
        if hasattr(module, "MOST_BLOCKS"):
            monkeypatch.setattr(module, "MOST_BLOCKS", 1)


@cache
def right(module: str, number: int) -> list[Any]:
    return results(CASES[module][number], "ascending")


def test_every_module_with_barriers_has_cases() -> None:
    assert {module for module, _, _ in barriers()} <= set(CASES)


def params() -> list[Any]:
    slow = pytest.mark.slow
    unseen = pytest.mark.xfail(strict=True, reason="no case is known that needs it")
    quick = ("group", "margins", "picks", "row", "sequence")  # the others are slow
    return [
        pytest.param(*one, marks=[unseen, slow] if one in UNSEEN else [] if one[0] in quick else [slow])
        for one in barriers()
    ]


@pytest.mark.parametrize(("module", "name", "number"), params())
def test_without_this_barrier_a_result_is_wrong(
    module: str, name: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = getattr(import_module(f"{kernels.__name__}.{module}"), name)
    changed = mutated(import_module(f"{kernels.__name__}.{module}"), name, number)
    expectations = [right(module, case) for case in range(len(CASES[module]))]
    kernel.common.cache_clear()
    for user in modules():
        for place, value in list(vars(user).items()):
            if value is original:
                monkeypatch.setattr(user, place, changed)
    try:
        assert any(
            wrong(case, order, expected)
            for case, expected in zip(CASES[module], expectations, strict=True)
            for order in reversed(ORDERS)
        )
    finally:
        kernel.common.cache_clear()


def wrong(case: Case, order: str, expected: list[Any]) -> bool:
    try:
        return any(not np.array_equal(one, two) for one, two in zip(results(case, order), expected, strict=True))
    except SimulationError:
        return True
