"""Loads plugins one by one: each fills a table of its own, which is taken over only if all of it is right.

pluggy's own loading stops at the first plugin that fails, lets ``sys.exit()`` in one end the program, keeps half of
what a failing hook registered, and skips the second of two entry points of one name without a word. Here whatever goes
wrong in a plugin concerns that plugin alone.
"""

from __future__ import annotations

import keyword
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pluggy

from numbaloss.definition import Definition
from numbaloss.plugins import discovery, hookspecs, policy
from numbaloss.plugins.discovery import Candidate
from numbaloss.plugins.errors import PluginError, PluginWarning

LossFunction = Callable[..., Any]
HOOK = hookspecs.register_losses.__name__


@dataclass(frozen=True)
class PluginInfo:
    """A plugin and what became of it.

    `distribution` is the package that states it, or the path of a plugin file; `reason` says why it is blocked or
    broken, `traceback` where it failed.
    """

    name: str
    distribution: str
    version: str
    status: Literal["active", "blocked", "broken"]
    reason: str = ""
    losses: tuple[str, ...] = ()
    traceback: str = field(default="", repr=False)

    @property
    def key(self) -> str:
        """Package and name: what tells it from all others."""
        return f"{self.distribution}:{self.name}"


class PluginLoader:
    """The plugins of this process and the losses they brought.

    Parameters
    ----------
    builtins
        Gives the built-in losses, whose names no plugin may take.
    """

    def __init__(self, builtins: Callable[[], Mapping[str, LossFunction]]) -> None:
        self.losses: dict[str, LossFunction] = {}
        self.origins: dict[str, str] = {}  # loss -> "package version"
        self.plugins: list[PluginInfo] = []
        self._builtins = builtins
        self._lock = threading.RLock()
        self._busy = False
        self._complete = False

    def load(self) -> tuple[PluginInfo, ...]:
        """Load the installed plugins and those of the environment's folders, once; give all plugins known."""
        if not self._complete:
            with self._lock:
                self._load()
        return tuple(self.plugins)

    def _load(self) -> None:
        if self._complete or self._busy:  # another thread was faster; or a plugin asks for a loss while it is loaded
            return
        self._take(self._found())
        self._complete = True

    def load_folder(self, folder: Path) -> tuple[PluginInfo, ...]:
        """Load the plugin files of a folder; give what became of them."""
        with self._lock:
            candidates = discovery.in_folder(folder.resolve())
            self._take(candidates)
        keys = {candidate.key for candidate in candidates}
        return tuple(plugin for plugin in self.plugins if plugin.key in keys)

    def _found(self) -> list[Candidate]:
        found = discovery.installed()
        for folder in policy.folders():
            try:
                found += discovery.in_folder(folder.resolve())
            except OSError as error:
                found.append(_unusable(folder, error))
        return found

    def _take(self, candidates: Iterable[Candidate]) -> None:
        """Load what is not loaded yet; warn of each broken one when all are done."""
        known, broken = {plugin.key for plugin in self.plugins}, []
        self._busy = True
        try:
            for candidate in candidates:
                if candidate.key not in known:
                    plugin = self._loaded(candidate)
                    self.plugins.append(plugin)
                    broken += [plugin] * (plugin.status == "broken")
        finally:
            self._busy = False
        for plugin in broken:
            message = f"the plugin {plugin.name!r} of {plugin.distribution} {plugin.version}".rstrip()
            warnings.warn(f"{message} is left out: {plugin.reason}", PluginWarning, stacklevel=5)

    def _loaded(self, candidate: Candidate) -> PluginInfo:
        """Load one plugin, or say why not."""
        facts = (candidate.name, candidate.distribution, candidate.version)
        why = policy.blocked(candidate.distribution, candidate.name)
        if why:
            policy.trace(f"{candidate.key} blocked: {why}")
            return PluginInfo(*facts, "blocked", why)
        started = time.perf_counter()
        try:
            staged = self._staged(candidate)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit is not an Exception, nor is much that test tools raise
            policy.trace(f"{candidate.key} broken:\n{traceback.format_exc()}")
            if policy.strict():
                raise PluginError(f"the plugin {candidate.name!r} of {candidate.source}: {_short(error)}") from error
            return PluginInfo(*facts, "broken", _short(error), traceback=traceback.format_exc())
        self.losses.update(staged)
        self.origins.update(dict.fromkeys(staged, candidate.source))
        took = 1e3 * (time.perf_counter() - started)
        policy.trace(f"{candidate.key} active after {took:.1f} ms: {', '.join(staged) or 'no losses'}")
        return PluginInfo(*facts, "active", losses=tuple(staged))

    def _staged(self, candidate: Candidate) -> dict[str, LossFunction]:
        """The losses of one plugin; raises whatever it raises, and PluginError where it breaks a rule."""
        plugin = candidate.load()
        _check_api(plugin)
        manager = pluggy.PluginManager(hookspecs.PROJECT)  # its own: nothing of a broken plugin stays behind
        manager.add_hookspecs(hookspecs)
        manager.register(plugin, name=candidate.key)
        _check_hooks(manager, plugin)
        stage = Stage(candidate.source, {**dict.fromkeys(self._builtins(), ""), **self.origins}, self._functions())
        getattr(manager.hook, HOOK)(register=stage.register)
        stage.open = False
        return dict(sorted(stage.losses.items()))

    def _functions(self) -> dict[str, LossFunction]:
        return {**self._builtins(), **self.losses}


class Stage:
    """What one plugin registers, checked against all names that are taken."""

    def __init__(self, source: str, origins: Mapping[str, str], functions: Mapping[str, LossFunction]) -> None:
        self.losses: dict[str, LossFunction] = {}
        self.open = True
        self._source = source
        self._owners: dict[str, tuple[str, str]] = {}  # each spelling of a name -> (the name, whose it is)
        for name, owner in origins.items():
            self._own(name, functions[name], owner)

    def register(self, loss: LossFunction) -> LossFunction:
        """Add one loss function; returns it. Raises PluginError for anything else and for a name that is taken."""
        if not self.open:
            raise PluginError(f"{self._source} registers a loss after its hook has returned")
        if not isinstance(getattr(loss, "definition", None), Definition) or not hasattr(loss, "Loss"):
            raise PluginError(
                f"register takes a loss function that a decorator of numbaloss made, got {_described(loss)}"
            )
        name = loss.__name__
        if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
            raise PluginError(f"{name!r} is not a name for a loss")
        for spelling in _spellings(name, loss):
            if spelling in self._owners:
                raise PluginError(self._taken(name, *self._owners[spelling]))
        self._own(name, loss, self._source)
        self.losses[name] = loss
        return loss

    def _own(self, name: str, loss: LossFunction, owner: str) -> None:
        for spelling in _spellings(name, loss):
            self._owners[spelling] = (name, owner)

    def _taken(self, name: str, other: str, owner: str) -> str:
        alike = "" if other == name else f" (as {other!r})"
        if not owner:
            return f"the loss {name!r} of {self._source} has the name of a built-in loss{alike}; those are reserved"
        if owner == self._source:
            return f"{self._source} registers the loss {name!r} twice{alike}"
        return f"the loss {name!r} of {self._source} is already registered by {owner}{alike}"


def _spellings(name: str, loss: LossFunction) -> tuple[str, str]:
    """What the loss answers to: the end ``_loss`` may be left out, and the class's name will do."""
    return name.removesuffix("_loss"), loss.Loss.__name__  # type: ignore[attr-defined]


def _check_api(plugin: Any) -> None:
    wanted = getattr(plugin, "requires_api", hookspecs.API_VERSION)
    versions = (wanted,) if isinstance(wanted, int) else wanted
    if not isinstance(versions, (tuple, list, set, frozenset)) or not all(isinstance(one, int) for one in versions):
        raise PluginError(f"requires_api must be an integer or several, got {wanted!r}")
    if hookspecs.API_VERSION not in versions:
        raise PluginError(
            f"it needs version {' or '.join(map(str, sorted(versions)))} of the plugin API; "
            f"this numbaloss has version {hookspecs.API_VERSION}"
        )


def _check_hooks(manager: pluggy.PluginManager, plugin: Any) -> None:
    """Refuse what pluggy lets pass: unknown hooks, no hook at all, a hook that cannot take `register`."""
    callers = manager.get_hookcallers(plugin) or []
    unknown = [caller.name for caller in callers if not caller.has_spec()]
    if unknown:
        raise PluginError(f"numbaloss has no hook called {', '.join(map(repr, unknown))}; its hook is {HOOK}")
    if not callers:
        if callable(getattr(plugin, HOOK, None)):
            raise PluginError(f"its {HOOK} is not marked with @numbaloss.hookimpl")
        raise PluginError(f"{_described(plugin)} has no {HOOK} marked with @numbaloss.hookimpl")
    for implementation in getattr(manager.hook, HOOK).get_hookimpls():
        if "register" not in implementation.argnames:
            raise PluginError(f"its {HOOK} must take the argument register; it takes {list(implementation.argnames)}")


def _unusable(folder: Path, error: OSError) -> Candidate:
    def load() -> Any:
        raise PluginError(f"NUMBALOSS_PLUGIN_DIR: the folder {folder} cannot be read ({error.strerror})")

    return Candidate(folder.name, str(folder), "", load)


def _short(error: BaseException) -> str:
    """The error in one line."""
    text = " ".join(str(error).split())
    if isinstance(error, PluginError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _described(thing: Any) -> str:
    name = getattr(thing, "__name__", None)
    return f"the {type(thing).__name__} {name!r}" if name else f"a {type(thing).__name__}"
