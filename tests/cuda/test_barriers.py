"""Every barrier is needed: with any one of them taken out of a kernel, the simulator finds a race."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import pytest

import numbaloss as nl
import numbaloss.kernels.cuda as kernels
from numbaloss.arrays.simulated import simulating
from numbaloss.compile.cuda import kernel
from numbaloss.compile.cuda.simulator import Pointer, SimulationError, launch
from numbaloss.kernels.cuda import tile_triplets
from numbaloss.structures.cuda import lovasz, region_images
from numbaloss.testing.checks_device import on_device


@dataclass(frozen=True)
class Case:
    """A call whose gradient may overwrite the input, in at most `blocks` blocks: one then has several tiles."""

    loss: str
    arrays: tuple[np.ndarray[Any, Any], ...] = field(repr=False)
    arguments: dict[str, Any] = field(default_factory=dict)
    in_place: bool = False
    blocks: int = 1

    def run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (kernel, region_images, lovasz):
            if hasattr(module, "MOST_BLOCKS"):
                monkeypatch.setattr(module, "MOST_BLOCKS", self.blocks)
        given = [on_device(array) for array in self.arrays]
        with simulating():
            nl.get(self.loss, **self.arguments).value_and_grad(*given, out=given[0] if self.in_place else None)

    def __str__(self) -> str:
        return f"{self.loss}{self.arrays[0].shape}{self.arguments or ''}{' in place' * self.in_place}"


@dataclass(frozen=True)
class Launch:
    """A launch of a kernel in blocks of 64 threads: fewer anchors than a real one has threads are enough then."""

    template: str
    arguments: tuple[Any, ...] = field(repr=False)

    def run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bound = kernel.Kernel(getattr(tile_triplets, self.template), "float32", "test", threads=64, link=hinge)
        given = [Pointer(one) if isinstance(one, np.ndarray) else one for one in self.arguments]
        launch(bound.plain, 4, 64, given)

    def __str__(self) -> str:
        return self.template


def hinge(gap: Any, params: Any) -> Any:
    return max(gap, 0.0), 1.0


def anchors(count: int = 70) -> Launch:
    """Every triplet of the first four vectors, which are like the last four."""
    labels = (Pointer(np.arange(count) % (count - 4)), 0, 1)
    room = [np.zeros(size, np.float32) for size in (3 * count, 4 * count)]
    members = np.zeros(4 * count, np.int32)
    return Launch("everyone", (0, 4, count, labels, numbers(4 * count), count, None, (), members, *room))


def chosen(count: int = 70) -> Launch:
    """The gradient of triplets that all have two vectors in common."""
    triplets, pulls = np.repeat([5, 6], count), np.ones(2 * count, np.float32)
    gradient = np.zeros(3 * count, np.float32)
    return Launch("draw", (count, 3, numbers(3 * count), triplets, pulls, 1.0, None, 0, 0.0, gradient))


def numbers(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32)


def labels(classes: int, *shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, classes, shape)


def batch(name: str, rows: int = 70, groups: int = 9) -> Case:
    return Case(name, (numbers(rows, 4), labels(groups, rows)))


def rows(name: str, count: int, classes: int, **options: Any) -> Case:
    return Case(name, (np.tanh(numbers(count, classes)), labels(classes, count)), **options)


def images(name: str, classes: int, positions: int, blocks: int = 1, **arguments: Any) -> Case:
    return Case(name, (numbers(2, classes, positions), labels(classes, 2, positions)), arguments, blocks=blocks)


def sequences(steps: int, classes: int, count: int = 3) -> Case:
    targets, lengths = 1 + labels(classes - 1, count, 4), (np.full(count, steps), np.resize([4, 3, 2], count))
    return Case("ctc_loss_with_logits", (numbers(steps, count, classes), targets, *lengths), in_place=True)


def lists(count: int, classes: int) -> Case:
    chosen = np.full((count, classes), -1)
    chosen[:, :3] = np.arange(count)[:, None] + [0, 7, 9]
    return Case("multilabel_margin_loss", (numbers(count, classes), chosen), in_place=True)


# Calls that run the barriers of a module, the likeliest first.
CASES: dict[str, list[Case | Launch]] = {
    "device": [
        rows("cross_entropy", 3, 700), rows("cross_entropy", 300, 10), anchors(), images("dice_loss", 3, 100),
    ],
    "group": [
        rows("multi_margin_loss", 2, 60, in_place=True), rows("multi_margin_loss", 2, 700, in_place=True),
        rows("cross_entropy", 2, 60, in_place=True),
    ],
    "softmax_labels": [rows("cross_entropy", 2, 60, in_place=True)],
    "margins": [
        rows("multi_margin_loss", 2, 60, in_place=True), rows("categorical_hinge_loss", 2, 60, in_place=True),
        lists(2, 60),
    ],
    "picks": [
        rows("nll_loss", 2, 60, in_place=True), rows("nll_loss", 300, 10, in_place=True), rows("nll_loss", 300, 10),
    ],
    "product": [batch("nt_xent_loss")],
    "row": [rows("cross_entropy", 300, 10)],
    "sort": [images("lovasz_loss", 2, 600), images("lovasz_loss", 2, 2100, blocks=1000)],
    "regions_sums": [
        images("dice_loss", 3, 100), images("dice_loss", 20, 600), images("dice_loss", 30, 600),
    ],
    "regions_finish": [images("dice_loss", 3, 100, batch=True), images("generalized_dice_loss", 3, 100)],
    "lovasz_shares": [images("lovasz_loss", 2, 600)],
    "lattice": [sequences(13, 5)],
    "sequence": [sequences(13, 5), sequences(13, 60)],
    "tile_triplets": [anchors(), chosen()],
}  # fmt: skip


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(kernels.__path__):
        yield import_module(f"{kernels.__name__}.{found.name}")


BARRIERS = ("syncthreads", "syncwarp", "barrier", "group_wait", "group_order")


def is_barrier(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return False
    called = node.value.func
    return (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) in BARRIERS


def barriers() -> list[tuple[str, str, int]]:
    """Module, function and number of every barrier."""
    found = []
    for module in modules():
        for name, value in vars(module).items():
            own = isinstance(value, FunctionType) and value.__module__ == module.__name__
            if own:
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


def test_every_module_with_barriers_has_cases() -> None:
    assert {module for module, _, _ in barriers()} == set(CASES)


@pytest.mark.parametrize("case", [case for module in CASES.values() for case in module], ids=str)
def test_with_all_barriers_nothing_races(case: Case | Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    case.run(monkeypatch)


@pytest.mark.parametrize(("module", "name", "number"), barriers())
def test_without_this_barrier_threads_race(
    module: str, name: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = getattr(import_module(f"{kernels.__name__}.{module}"), name)
    changed = mutated(import_module(f"{kernels.__name__}.{module}"), name, number)
    kernel.common.cache_clear()
    for user in modules():
        for place, value in list(vars(user).items()):
            if value is original:
                monkeypatch.setattr(user, place, changed)
    try:
        assert any(races(case, monkeypatch) for case in CASES[module])
    finally:
        kernel.common.cache_clear()


def races(case: Case | Launch, monkeypatch: pytest.MonkeyPatch) -> bool:
    try:
        case.run(monkeypatch)
    except SimulationError:  # mostly a race; also an index that nobody has written yet
        return True
    return False
