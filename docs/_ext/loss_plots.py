"""Value and slope of every loss, drawn for its section: one SVG file each.

A process of its own computes them in plain Python: that takes two seconds, compiling all kernels a minute.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from generated_files import FOLDER
from sphinx.application import Sphinx

PLOTS = "plots"


def generate(app: Sphinx) -> None:
    """Draw all; for builders that show none only if they are not there, as pages name them."""
    folder = Path(app.srcdir) / FOLDER / PLOTS
    if app.builder.format != "html" and folder.exists():
        return
    paths = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": paths}
    subprocess.run([sys.executable, __file__, str(folder)], env=environment, check=True)


def draw(folder: Path) -> None:
    """What that process does."""
    import matplotlib

    from numbaloss.cli.plotting import figure
    from numbaloss.plugins.registry import builtins

    matplotlib.rcParams["svg.hashsalt"] = "numbaloss"  # the same bytes every time
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.svg"):
        path.unlink()
    for name, function in builtins().items():
        figure(function.Loss(), side_by_side=True).savefig(folder / f"{name}.svg", metadata={"Date": None})


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", generate)
    return {"version": "1", "parallel_read_safe": True}


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
