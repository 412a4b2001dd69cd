"""A folder of installed packages on ``sys.path``, and a loader that has loaded nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_site import Site

from numbaloss.plugins.loader import PluginLoader
from numbaloss.plugins.registry import builtins


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A folder of installed packages, the first on ``sys.path``; nothing of the environment's settings."""
    for name in ("LOAD_PLUGINS", "BLOCK_PLUGINS", "PLUGIN_DIR", "TRACE_PLUGINS", "STRICT_PLUGINS"):
        monkeypatch.delenv(f"NUMBALOSS_{name}", raising=False)
    folder = tmp_path / "site"
    folder.mkdir()
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(folder))
    yield Site(folder)
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")) or name.startswith("numbaloss_local"):
            del sys.modules[name]


@pytest.fixture
def loader() -> PluginLoader:
    """A loader that has loaded nothing."""
    return PluginLoader(builtins)
