"""Runs commands in this process, and Python code in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner, Result

from numbaloss.cli import app

ROOT = Path(__file__).parents[2]


def run(*arguments: str, width: int = 100) -> Result:
    """What a command prints, and its exit status."""
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": str(width)})


def python(code: str, **environment: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
