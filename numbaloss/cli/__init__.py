"""The command line: ``numbaloss list``, ``show``, ``check``, ``warmup``, ``doctor``, ``demo`` and more."""

from numbaloss.cli.commands import app

__all__ = ["app"]
