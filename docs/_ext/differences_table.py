"""The table of deliberate differences, from differences.toml, which the parity suites read as well."""

from __future__ import annotations

import tomllib
from typing import Any

from generated_files import write
from sphinx.application import Sphinx

FIELDS = {"key", "loss", "other", "theirs", "ours", "reason"}


def entry(found: dict[str, Any]) -> str:
    losses = ", ".join(f"`{name}`" if "_" in name else name for name in found["loss"])
    return (
        f"### {found['key'].replace('-', ' ').capitalize()}\n\n"
        f"Concerns {losses}.\n\n"
        f"{found['other']}\n: {escaped(found['theirs'])}\n\n"
        f"numbaloss\n: {escaped(found['ours'])}\n\n"
        f"Why\n: {escaped(found['reason'])}\n"
    )


def escaped(text: str) -> str:
    """Plain text as Markdown."""
    for sign in "\\`*_[]<>$":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def generate(app: Sphinx) -> None:
    table = tomllib.loads((app.srcdir / "differences.toml").read_text(encoding="utf-8"))["difference"]
    for found in table:
        if set(found) != FIELDS:
            raise ValueError(f"differences.toml: {found.get('key')!r} should have the fields {sorted(FIELDS)}")
    others = dict.fromkeys(found["other"] for found in table)
    text = "\n".join(
        line for other in others for line in (f"## {other}\n", *(entry(one) for one in table if one["other"] == other))
    )
    write(app.srcdir, {"fragments/differences.md": text}, "fragments/differences.md")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", generate)
    return {"version": "1", "parallel_read_safe": True}
