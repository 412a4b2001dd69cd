"""The built-in losses: their mathematics as plain Python, one file per task.

This package is a plugin like any other: it registers what its modules define.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from numbaloss.plugins.hookspecs import hookimpl


@hookimpl
def register_losses(register: Callable[..., Any]) -> None:
    """Register every loss that a module of this package defines."""
    for info in iter_modules(__path__):
        module = import_module(f"{__name__}.{info.name}")
        for value in vars(module).values():
            if hasattr(value, "definition") and value.__module__ == module.__name__:
                register(value)
