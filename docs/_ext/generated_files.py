"""Writes generated pages, leaving those alone that have not changed, so that only changed ones are read again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FOLDER = Path("api") / "generated"


def write(source: Path, pages: Mapping[str, str], pattern: str) -> None:
    """Write `pages` (file name to text) under the generated folder; remove others that match `pattern`."""
    folder = source / FOLDER
    for path in folder.glob(pattern):
        if str(path.relative_to(folder)) not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def rst_table(header: tuple[str, ...], rows: list[tuple[str, ...]], widths: str = "auto") -> str:
    """A reStructuredText list table."""
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in (header, *rows):
        for column, cell in enumerate(row):
            lines.append(f"   {'* -' if column == 0 else '  -'} {' '.join(cell.split())}")
    return "\n".join(lines) + "\n"
