"""Real distributions, made for one test: a module, and the metadata that pip would write for it."""

from __future__ import annotations

import textwrap
from pathlib import Path

GOOD = """
import numbaloss as nl

@nl.pointwise
def {name}(input, target, scale=1.0):
    '''A scaled difference, squared.'''
    error = input - target
    return scale * error * error, 2.0 * scale * error, 2.0 * scale

@nl.hookimpl
def register_losses(register):
    register({name})
"""


class Site:
    """A folder of installed packages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(
        self,
        distribution: str,
        source: str,
        *,
        version: str = "1.0",
        point: str | None = None,
        module: str | None = None,
        entry_points: str | None = None,
    ) -> None:
        """Write a module and the metadata that pip would write for it."""
        module = module or distribution.replace("-", "_")
        point = point or module
        (self.folder / f"{module}.py").write_text(textwrap.dedent(source))
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(entry_points or f"[numbaloss]\n{point} = {module}\n")

    def install_good(self, distribution: str, loss: str, **options: str) -> None:
        """Install a package that registers one loss."""
        self.install(distribution, GOOD.format(name=loss), **options)
