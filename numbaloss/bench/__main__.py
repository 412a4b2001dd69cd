"""``python -m numbaloss.bench``: the same as ``numbaloss bench``."""

import typer

from numbaloss.bench.command import bench

typer.run(bench)
