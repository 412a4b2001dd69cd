"""The guide to choosing, from the decision table that ``numbaloss choose`` reads as well."""

from __future__ import annotations

from typing import Any

from generated_files import write
from sphinx.application import Sphinx


def anchor(name: str) -> str:
    return f"pitfall-{name}"


def generate(app: Sphinx) -> None:
    from numbaloss.guide import table
    from numbaloss.plugins.registry import builtins

    guide, known = table(), builtins()
    names = {id(pitfall): name for name, pitfall in guide.pitfalls.items()}

    def linked(loss: str) -> str:
        return f"{{func}}`~numbaloss.{loss}`" if loss in known else f"`{loss}`"

    def options(row: Any) -> str:
        return " ".join(f"--{name} {accepted[0]}" for name, accepted in row.when.items())

    def section(row: Any) -> str:
        task = guide.questions[0].name
        wanted = [
            f"{guide.question(name).ask} *{' or '.join(guide.question(name).answers[one] for one in accepted)}*"
            for name, accepted in row.when.items()
            if name != task
        ]
        mind = "; ".join(f"[{pitfall.title}](#{anchor(names[id(pitfall)])})" for pitfall in row.pitfalls)
        instead = "\n".join(f"- {linked(loss)}: {when}." for loss, when in row.instead)
        return "\n\n".join(
            [
                f"### `{row.call}`",
                "<br>".join(wanted) if wanted else "",
                f"{linked(row.loss)}. {row.why}",
                f"Mind: {mind}.",
                f"Instead:\n\n{instead}",
                f"```python\n{row.snippet}```",
                f"```console\n$ numbaloss choose {options(row)}\n```",
            ]
        )

    parts = []
    for task, means in guide.questions[0].answers.items():
        rows = guide.left({"task": task})
        parts += [f"## {task.replace('-', ' ').capitalize()}", f"{means[0].upper()}{means[1:]}.", *map(section, rows)]
    parts.append("## Pitfalls")
    for name, pitfall in guide.pitfalls.items():
        parts += [f"({anchor(name)})=\n### {pitfall.title}", pitfall.text]
        if pitfall.example:
            parts.append(f"```{{doctest}}\n{pitfall.example}\n```")
    write(app.srcdir, {"fragments/choosing.md": "\n\n".join(parts) + "\n"}, "fragments/choosing.md")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", generate)
    return {"version": "1", "parallel_read_safe": True}
