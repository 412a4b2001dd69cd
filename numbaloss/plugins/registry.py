"""Losses by name: built-ins first, then what plugins brought.

Plugins are loaded when a name is not a built-in's, when all losses are asked for, or by `load_plugins`; never by
``import numbaloss``, and never to find a built-in.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pluggy

from numbaloss import losses
from numbaloss.definition import Definition
from numbaloss.loss import Loss
from numbaloss.plugins import hookspecs
from numbaloss.plugins.errors import UnknownLossError
from numbaloss.plugins.loader import PluginInfo, PluginLoader

LossFunction = Callable[..., Any]
# What losses are called elsewhere, to be told what they are called here.
KNOWN_AS = {
    "bce": "binary_cross_entropy",
    "bce_with_logits": "binary_cross_entropy_with_logits",
    "ce": "cross_entropy",
    "gce": "generalized_cross_entropy",
    "infonce": "clip_loss",
    "info_nce": "clip_loss",
    "iou": "jaccard_loss",
    "kld": "kl_div",
    "l2": "mse_loss",
    "logistic": "soft_margin_loss",
    "logcosh": "log_cosh_loss",
    "mae": "l1_loss",
    "ntxent": "nt_xent_loss",
    "pinball": "quantile_loss",
    "supcon": "sup_con_loss",
    "triplet": "triplet_margin_loss",
}


@cache
def builtins() -> dict[str, LossFunction]:
    """The built-in losses by name, registered through the same hook as any plugin's."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(losses)
    found: dict[str, LossFunction] = {}
    manager.hook.register_losses(register=lambda loss: found.setdefault(loss.__name__, loss))
    return dict(sorted(found.items()))


_plugins = PluginLoader(builtins)


def load_plugins() -> tuple[PluginInfo, ...]:
    """Load all plugins, once, and give what became of each: those of installed packages, then plugin files.

    A plugin that cannot be loaded is left out with one `PluginWarning`. What the environment can say about plugins is
    in `numbaloss.plugins.policy`.
    """
    return _plugins.load()


def load_plugin_dir(path: str | os.PathLike[str]) -> tuple[PluginInfo, ...]:
    """Load every ``NAME.py`` (and every package) in a folder as a plugin, and give what became of each.

    They appear as modules ``numbaloss_local.NAME``. Raises FileNotFoundError or NotADirectoryError where there is no
    such folder; a file that fails is left out with a `PluginWarning`.
    """
    return _plugins.load_folder(Path(path).expanduser())


def functions() -> dict[str, LossFunction]:
    """All losses by name; loads the plugins."""
    load_plugins()
    return dict(sorted({**builtins(), **_plugins.losses}.items()))


def origin(name: str) -> str:
    """Which package, in which version, a loss comes from: ``"numbaloss"`` for a built-in."""
    return _plugins.origins.get(name, hookspecs.PROJECT)


def function(name: str) -> LossFunction:
    """The loss function called `name`; the end ``_loss`` may be left out, and the class's name will do.

    Raises `UnknownLossError` with the nearest names.
    """
    if not isinstance(name, str):
        raise TypeError(f"a loss is named by a text such as 'huber_loss', got {name!r}")
    found = _called(name, builtins()) or _called(name, _plugins.losses)
    if found is None:
        known = functions()
        found = _called(name, known)
    if found is None:
        raise UnknownLossError(_unknown(name, known))
    return found


def _called(name: str, known: dict[str, LossFunction]) -> LossFunction | None:
    for candidate in (name, f"{name}_loss"):
        if candidate in known:
            return known[candidate]
    return next((loss for loss in known.values() if name == loss.Loss.__name__), None)  # type: ignore[attr-defined]


def _unknown(name: str, known: dict[str, LossFunction]) -> str:
    near = _near(name.lower().replace("-", "_").replace(" ", "_"), known)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    idle = sum(plugin.status != "active" for plugin in _plugins.plugins)
    left_out = f"; {idle} of {len(_plugins.plugins)} plugins not loaded, see `numbaloss plugins`" if idle else ""
    return f"no loss is called {name!r}{hint} (`numbaloss list` shows them all{left_out})"


def _near(name: str, known: dict[str, LossFunction]) -> list[str]:
    """The losses that may be meant."""
    plain = KNOWN_AS.get(name.removesuffix("_loss"), name)
    exact = [candidate for candidate in (plain, f"{plain}_loss") if candidate in known]
    return exact or difflib.get_close_matches(plain, known, n=3, cutoff=0.4)


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

    ValueError for a task or a kind of target that no loss has.
    """
    found: list[Definition] = [loss.definition for loss in functions().values()]  # type: ignore[attr-defined]
    for what, wanted, known in (
        ("task", task, {facts.task for facts in found}),
        ("target", target, {facts.target for facts in found}),
    ):
        if wanted is not None and wanted not in known:
            raise ValueError(f"no loss has the {what} {wanted!r}; there are {', '.join(sorted(known))}")
    return [
        facts
        for facts in found
        if task in (None, facts.task) and target in (None, facts.target) and hessian in (None, facts.hessian)
    ]
