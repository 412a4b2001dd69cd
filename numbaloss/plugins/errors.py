"""What can go wrong with names and plugins."""

from __future__ import annotations


class UnknownLossError(LookupError):
    """No loss has this name; the message names the nearest ones."""


class PluginError(RuntimeError):
    """A plugin breaks a rule; the message says which one and names the package."""


class PluginWarning(UserWarning):
    """A plugin was left out; the rest works."""
