"""The table of deliberate differences, from differences.toml, which the parity suites read as well."""

from __future__ import annotations

import tomllib
from typing import Any

from generated_files import write
from sphinx.application import Sphinx

FIELDS = {"key", "loss", "other", "theirs", "ours", "reason"}


def entry(found: dict[str, Any]) -> str:
    return (
        f"### {titled(found['key'])}\n\n"
        f"{concerned(found['loss'])}\n\n"
        f"{found['other']}\n: {escaped(found['theirs'])}\n\n"
        f"numbaloss\n: {escaped(found['ours'])}\n\n"
        f"Why\n: {escaped(found['reason'])}\n"
    )


def titled(key: str) -> str:
    """``keyword-hyper-parameters`` as a title."""
    return key.replace("-", " ").replace("hyper ", "hyper-").capitalize()


def concerned(losses: list[str]) -> str:
    if losses == ["all"]:
        return "All losses."
    names = ", ".join(f"`{name}`" if "_" in name else name for name in losses)
    return f"{names[0].upper()}{names[1:]}." if names[0].isalpha() else f"{names}."


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
