"""What the environment says about plugins.

``NUMBALOSS_LOAD_PLUGINS``
    Only these plugins, with commas between; empty for none.
``NUMBALOSS_BLOCK_PLUGINS``
    All but these.
``NUMBALOSS_PLUGIN_DIR``
    Folders of plugin files, separated as in ``PATH``.
``NUMBALOSS_TRACE_PLUGINS=1``
    Says on standard error what is loaded, in which order, how long it takes and where it fails.
``NUMBALOSS_STRICT_PLUGINS=1``
    The first broken plugin raises `PluginError` instead of being left out.

A plugin is named by its package, by its entry point, or by both: ``package:entry_point``. In package names case
does not count, nor whether ``-``, ``_`` or ``.`` stands between words.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

OFF = {"", "0", "false", "no", "off"}


def blocked(distribution: str, name: str) -> str | None:
    """Why this plugin is not to be loaded; None if it is."""
    called = {normal(distribution), normal(name), f"{normal(distribution)}:{normal(name)}"}
    allowed = _names("NUMBALOSS_LOAD_PLUGINS")
    if allowed is not None and not called & allowed:
        return "not named in NUMBALOSS_LOAD_PLUGINS"
    if called & (_names("NUMBALOSS_BLOCK_PLUGINS") or set()):
        return "named in NUMBALOSS_BLOCK_PLUGINS"
    return None


def folders() -> list[Path]:
    """The folders of plugin files that the environment names."""
    texts = os.environ.get("NUMBALOSS_PLUGIN_DIR", "").split(os.pathsep)
    return [Path(text).expanduser() for text in texts if text.strip()]


def strict() -> bool:
    """Whether a broken plugin is an error."""
    return _on("NUMBALOSS_STRICT_PLUGINS")


def trace(message: str) -> None:
    """A line on standard error, where tracing is asked for."""
    if _on("NUMBALOSS_TRACE_PLUGINS"):
        sys.stderr.write(f"numbaloss plugins: {message}\n")


def normal(name: str) -> str:
    """A package name as the packaging standards compare them."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _on(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() not in OFF


def _names(variable: str) -> set[str] | None:
    text = os.environ.get(variable)
    if text is None:
        return None
    return {":".join(normal(part) for part in name.split(":")) for name in text.split(",") if name.strip()}
