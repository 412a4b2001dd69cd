"""Where plugins come from: entry points of installed packages, and folders of Python files."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numbaloss.plugins.errors import PluginError
from numbaloss.plugins.hookspecs import PROJECT
from numbaloss.plugins.policy import normal

LOCAL = "numbaloss_local"  # the package that plugin files appear in, so that they cannot hide other modules


@dataclass(frozen=True)
class Candidate:
    """A plugin found but not loaded: who states it, and how to get it."""

    name: str
    distribution: str
    version: str
    load: Callable[[], Any]

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.distribution}:{self.name}"

    @property
    def source(self) -> str:
        """Package and version, as messages name them."""
        return f"{self.distribution} {self.version}".strip()


def installed() -> list[Candidate]:
    """The plugins of installed packages, sorted by package and name."""
    found: dict[tuple[str, str], list[Candidate]] = {}
    versions: dict[str, int] = {}
    for order, distribution in enumerate(importlib.metadata.distributions()):
        for candidate in _entry_points(distribution):
            package = normal(candidate.distribution)
            if versions.setdefault(package, order) == order:  # a package further down the path is hidden by the first
                found.setdefault((package, candidate.name), []).append(candidate)
    return [_one_of(found[key]) for key in sorted(found)]


def _entry_points(distribution: importlib.metadata.Distribution) -> Iterator[Candidate]:
    """The plugins of one package; one that fails when loaded, if its list of entry points cannot be read."""
    try:
        text = distribution.read_text("entry_points.txt")
        if not text or PROJECT not in text:
            return
        package, version = str(distribution.metadata["Name"]), str(distribution.version)
    except Exception:  # metadata of some package is damaged: no plugin can be told from it
        return
    try:
        points = [point for point in distribution.entry_points if point.group == PROJECT]
    except Exception as error:
        if f"[{PROJECT}]" in text:
            yield Candidate("?", package, version, _failing(f"its entry_points.txt cannot be read ({error})"))
        return
    for point in points:
        yield Candidate(point.name, package, version, point.load)


def _one_of(candidates: list[Candidate]) -> Candidate:
    """The candidate itself; one that fails, where a package uses a name twice."""
    first, *others = candidates
    if not others:
        return first
    reason = f"{first.source} states {len(candidates)} entry points called {first.name!r}"
    return Candidate(first.name, first.distribution, first.version, _failing(reason))


def in_folder(folder: Path) -> list[Candidate]:
    """A plugin for each ``NAME.py`` and each package ``NAME`` in a folder, sorted; a name with _ in front is left out.

    Raises NotADirectoryError or FileNotFoundError where there is no such folder.
    """
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "_")):
            continue
        if path.suffix == ".py" and path.is_file():
            found.append(_file(path.stem, path))
        elif (path / "__init__.py").is_file():
            found.append(_file(path.name, path / "__init__.py"))
    return found


def _file(name: str, path: Path) -> Candidate:
    where = path.parent if path.name == "__init__.py" else path
    return Candidate(name, str(where), "", lambda: _imported(name, path))


def _imported(name: str, path: Path) -> types.ModuleType:
    """The module of a plugin file, as ``numbaloss_local.NAME``."""
    parent = sys.modules.setdefault(LOCAL, _local())
    full_name = f"{LOCAL}.{name}"
    other = sys.modules.get(full_name)
    if other is not None:
        raise PluginError(f"a plugin file called {name!r} is already loaded, from {other.__file__}")
    package = [str(path.parent)] if path.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(full_name, path, submodule_search_locations=package)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[full_name] = module  # before it runs: relative imports and pickling look it up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        for loaded in [known for known in sys.modules if known == full_name or known.startswith(f"{full_name}.")]:
            del sys.modules[loaded]
        raise
    setattr(parent, name, module)
    return module


def _local() -> types.ModuleType:
    package = types.ModuleType(LOCAL, "Plugins from folders of Python files.")
    package.__path__ = []
    return package


def _failing(reason: str) -> Callable[[], Any]:
    def load() -> Any:
        raise PluginError(reason)

    return load
