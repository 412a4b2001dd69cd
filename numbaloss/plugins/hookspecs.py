"""The one hook of numbaloss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pluggy

PROJECT = "numbaloss"  # also the entry-point group

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_losses(register: Callable[..., Any]) -> None:
    """Call ``register(loss)`` once for each loss function that a decorator of numbaloss made."""
