"""The one hook of numbaloss.

A plugin is a module (or any object) with this hook, named by an entry point in the group ``numbaloss``::

    # pyproject.toml                              # my_losses.py
    [project.entry-points.numbaloss]              import numbaloss as nl
    my_losses = "my_losses"
                                                  @nl.pointwise
                                                  def cubic_loss(input, target): ...

                                                  @nl.hookimpl
                                                  def register_losses(register):
                                                      register(cubic_loss)

It may state ``requires_api = 1`` (or several versions, ``(1, 2)``): with another `API_VERSION` it is not loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pluggy

PROJECT = "numbaloss"  # also the entry-point group
API_VERSION = 1  # of what plugins may rely on: the hook, the decorators, the primitives

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_losses(register: Callable[..., Any]) -> None:
    """Call ``register(loss)`` once for each loss function that a decorator of numbaloss made."""
