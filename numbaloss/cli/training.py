"""``numbaloss demo``: the options as `numbaloss.demo.run` takes them, and mistakes reported in a line."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from numbaloss.cli.console import console, loading_plugins
from numbaloss.cli.errors import UserError, users_mistakes
from numbaloss.plugins.errors import PluginError

INTERRUPTED = 130  # the exit status of a program that Ctrl-C ended


def train_demo(
    loss: str, data: str, epochs: int, batch_size: int, learning_rate: float, hidden: str, seed: int, output: Path
) -> None:
    """Run the demo."""
    sizes = layer_sizes(hidden)
    out = console()
    # For products this small BLAS's threads save little, and on busy cores they wait for each other: 50 times slower.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from numbaloss.demo import run
        from numbaloss.expression import from_expression

        with loading_plugins(), users_mistakes(LookupError, ValueError, TypeError, PluginError):
            criterion = from_expression(loss)
        with users_mistakes(ValueError, TypeError, OSError, ImportError):
            result = run(
                loss, data, epochs, batch_size, learning_rate, sizes, seed, output, out, criterion=criterion
            )
    except KeyboardInterrupt:  # while compiling or reading; training itself handles it
        out.print("\nInterrupted before training began.", style="warn")
        sys.exit(INTERRUPTED)
    if result.interrupted:
        if not result.epochs:
            out.print("Nothing is written: the first epoch had not ended.", style="warn")
        sys.exit(INTERRUPTED)


def layer_sizes(text: str) -> tuple[int, ...]:
    """``"256,128"`` as numbers; empty for no hidden layer."""
    try:
        sizes = tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        sizes = (0,)
    if any(size < 1 for size in sizes):
        raise UserError(f"--hidden takes positive numbers with commas between, such as 256,128; got {text!r}")
    return sizes
