"""``numbaloss list`` and ``numbaloss plugins``."""

from __future__ import annotations

from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from numbaloss.cli import facts as described
from numbaloss.cli.console import console, loading_plugins, print_json
from numbaloss.cli.errors import UserError, users_mistakes
from numbaloss.definition import Definition
from numbaloss.plugins import registry
from numbaloss.plugins.errors import PluginError

STATUS = {"active": "good", "blocked": "warn", "broken": "bad"}
# Columns of the terminal from which the gradients, and the hyper-parameters, are in the table.
MIDDLE, WIDE = 104, 136


def list_losses(task: str | None, target: str | None, hessian: bool | None, json: bool) -> None:
    """Print the losses these options choose."""
    with loading_plugins(), users_mistakes(PluginError):
        everything = registry.list_losses()
    for option, wanted, known in (
        ("--task", task, {facts.task for facts in everything}),
        ("--target", target, {facts.target for facts in everything}),
    ):
        if wanted is not None and wanted not in known:
            raise UserError(f"{option} {wanted}: no loss has it; known are {', '.join(sorted(known))}")
    chosen = registry.list_losses(task, target=target, hessian=hessian)
    chosen.sort(key=lambda facts: (facts.task, facts.name))
    if json:
        print_json([{**described.as_data(facts), "from": registry.origin(facts.name)} for facts in chosen])
        return
    _print_table(chosen)


def _print_table(chosen: list[Definition]) -> None:
    out = console()
    foreign = any(registry.origin(facts.name) != "numbaloss" for facts in chosen)
    middle, wide = out.width >= MIDDLE, out.width >= WIDE
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 2 if middle else 1, 0, 0), header_style="bold")
    table.add_column("loss", style="name", no_wrap=True)
    table.add_column("targets", no_wrap=True)
    if middle:
        table.add_column("gradients by", overflow="fold")
    table.add_column("Hessian", justify="center")
    table.add_column("convex", justify="center")
    if wide:
        table.add_column("hyper-parameters", style="dim", overflow="fold")
    if foreign:
        table.add_column("from", style="dim")
    for task, group in groupby(chosen, key=lambda facts: facts.task):
        table.add_section()
        table.add_row(f"[bold default]{task}[/]")
        for facts in group:
            cells = [
                f"  {facts.name}",
                described.briefly(facts.target),
                *([", ".join(facts.differentiable)] if middle else []),
                "[good]✓[/]" if facts.hessian else "[dim]–[/]",
                "[good]✓[/]" if facts.convex else "[dim]–[/]",
            ]
            if wide:
                cells.append(", ".join(facts.parameters))
            if foreign:
                cells.append(escape(registry.origin(facts.name)))
            table.add_row(*cells)
    out.print(table)
    count = f"{len(chosen)} loss{'' if len(chosen) == 1 else 'es'}"
    out.print(f"[dim]{count}.  numbaloss show NAME explains one.[/]")


def list_plugins(json: bool, traceback: bool) -> None:
    """Print what is known of every plugin found."""
    from dataclasses import asdict

    with loading_plugins(tell=False), users_mistakes(PluginError):
        found = registry.load_plugins()
    if json:
        print_json([asdict(plugin) for plugin in found])
        return
    out = console()
    if not found:
        out.print("No plugins are installed.")
        out.print(
            '[dim]A plugin is a package with an entry point in the group "numbaloss", or a Python file in a folder\n'
            "that the environment variable NUMBALOSS_PLUGIN_DIR names.[/]"
        )
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in ("package", "plugin", "version", "status", "losses, or the reason"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("version", "status"))
    for plugin in found:
        style = STATUS[plugin.status]
        table.add_row(
            f"[name]{escape(plugin.distribution)}[/]",
            escape(plugin.name),
            escape(plugin.version),
            f"[{style}]{plugin.status}[/]",
            escape(", ".join(plugin.losses) if plugin.status == "active" else plugin.reason),
        )
    out.print(table)
    broken = [plugin for plugin in found if plugin.status == "broken"]
    if broken and not traceback:
        out.print("[dim]--traceback shows where a broken plugin failed.[/]")
    for plugin in broken if traceback else ():
        out.print(f"\n[bad]{escape(plugin.key)}[/]\n{escape(plugin.traceback)}", soft_wrap=True)
