"""What ``--help`` says of every command, as text for the page on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generated_files import write
from sphinx.application import Sphinx


def plain(text: str | None) -> str:
    """Help text without rich's markup, lines joined."""
    from rich.text import Text

    return " ".join(Text.from_markup(text or "").plain.split())


def spelt(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{(parameter.metavar or parameter.name).upper()}`"
    names = [*parameter.opts, *parameter.secondary_opts]
    return ", ".join(f"`{name}`" for name in names)


def described(parameter: Any) -> str:
    default = parameter.default
    shown = default not in (None, "", (), [], False) and not callable(default) and not parameter.required
    return plain(parameter.help) + (f" Default: `{default}`." if shown and default is not True else "")


def section(name: str, command: Any, level: int) -> Iterator[str]:
    yield f"{'#' * level} {name}\n"
    paragraphs = (command.help or "").split("\n\n")
    yield "\n\n".join(plain(paragraph) for paragraph in paragraphs) + "\n"
    rows = [
        f"| {spelt(parameter).replace('|', chr(92) + '|')} | {described(parameter).replace('|', chr(92) + '|')} |"
        for parameter in command.params
        if not getattr(parameter, "hidden", False) and "completion" not in (parameter.name or "")
    ]
    if rows:
        yield "\n".join(["| argument or option | meaning |", "| --- | --- |", *rows]) + "\n"


def commands(prefix: str, group: Any) -> Iterator[tuple[str, Any]]:
    """Every command with its full name; groups give their own commands."""
    for name, command in group.commands.items():
        full = f"{prefix} {name}"
        if hasattr(command, "commands"):
            yield from commands(full, command)
        else:
            yield full, command


def generate(app: Sphinx) -> None:
    import typer

    from numbaloss.bench.command import bench
    from numbaloss.cli import app as cli

    benchmark = typer.Typer(add_completion=False)
    benchmark.command()(bench)
    parts: list[str] = []
    for name, command in commands("numbaloss", typer.main.get_command(cli)):
        # `bench` hands its arguments on to a command of its own, loaded when it is called
        found = typer.main.get_command(benchmark) if name == "numbaloss bench" else command
        parts += section(name, found, 3)
    write(app.srcdir, {"fragments/command-line.md": "\n".join(parts)}, "fragments/command-line.md")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", generate)
    return {"version": "1", "parallel_read_safe": True}
