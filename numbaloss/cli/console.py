"""Where commands print, and small pieces they share."""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.theme import Theme

THEME = Theme({"name": "bold cyan", "number": "magenta", "good": "green", "bad": "bold red", "warn": "yellow"})


def console(stderr: bool = False) -> Console:
    """A console on standard output, or error; without a terminal it is 120 columns wide and has no colours."""
    made = Console(theme=THEME, highlight=False, stderr=stderr)
    if not made.is_terminal and "COLUMNS" not in made._environ:
        made.width = 120
    return made


def print_json(value: Any) -> None:
    """`value` as indented JSON on standard output; what JSON does not know becomes text."""
    sys.stdout.write(json.dumps(value, indent=2, default=str, ensure_ascii=False) + "\n")


@contextlib.contextmanager
def loading_plugins(tell: bool = True) -> Iterator[None]:
    """For blocks that may load plugins: what these print goes to standard error, so that output stays fit for programs.

    Plugins left out are a line each on standard error; with ``tell=False``, where the command reports them, none.
    """
    from numbaloss.plugins.errors import PluginWarning

    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        shown = warnings.showwarning

        def show(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
            if not issubclass(category, PluginWarning):
                shown(message, category, *where, **more)
            elif tell:
                sys.stderr.write(f"numbaloss: {message} (see `numbaloss plugins`)\n")

        warnings.showwarning = show
        warnings.simplefilter("always", PluginWarning)
        yield


def size(count: float) -> str:
    """A number of bytes: ``3.4 MiB``."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024.0:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024.0
    return f"{count:.1f} GiB"
