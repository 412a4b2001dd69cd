"""Losses by name: built-ins first, then what plugins brought."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import cache
from typing import Any

import pluggy

from numbaloss import losses
from numbaloss.definition import Definition
from numbaloss.loss import Loss
from numbaloss.plugins import hookspecs

LossFunction = Callable[..., Any]


@cache
def builtins() -> dict[str, LossFunction]:
    """The built-in losses by name, registered through the same hook as any plugin's."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(losses)
    found: dict[str, LossFunction] = {}
    manager.hook.register_losses(register=lambda loss: found.setdefault(loss.__name__, loss))
    return dict(sorted(found.items()))


def functions() -> dict[str, LossFunction]:
    """All losses by name."""
    return builtins()


def function(name: str) -> LossFunction:
    """The loss function called `name` (``_loss`` at its end may be left out); KeyError with the nearest names."""
    known = functions()
    for candidate in (name, f"{name}_loss"):
        if candidate in known:
            return known[candidate]
    for loss in known.values():
        if name == loss.Loss.__name__:  # type: ignore[attr-defined]
            return loss
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise KeyError(f"no loss is called {name!r}{hint} (numbaloss.list_losses() names them all)")


def get(name: str, **parameters: Any) -> Loss:
    """The loss object called `name`, with these hyper-parameters: ``get("huber_loss", delta=2.0)``."""
    made: Loss = function(name).Loss(**parameters)  # type: ignore[attr-defined]
    return made


def list_losses(
    task: str | None = None, *, target: str | None = None, hessian: bool | None = None
) -> list[Definition]:
    """The facts on every loss, or on those of one task, one kind of target, or with (without) a Hessian.

    >>> [facts.name for facts in list_losses(task="ranking")]
    ['margin_ranking_loss']
    """
    found: list[Definition] = [loss.definition for loss in functions().values()]  # type: ignore[attr-defined]
    return [
        facts
        for facts in found
        if task in (None, facts.task) and target in (None, facts.target) and hessian in (None, facts.hessian)
    ]
