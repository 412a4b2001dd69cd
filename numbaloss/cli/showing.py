"""``numbaloss show``: one loss explained."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from numbaloss.cli import facts as described
from numbaloss.cli.console import console, loading_plugins
from numbaloss.cli.docstrings import print_docstring
from numbaloss.cli.errors import UserError, users_mistakes
from numbaloss.definition import Definition
from numbaloss.loss import Loss
from numbaloss.plugins import registry
from numbaloss.plugins.errors import PluginError
from numbaloss.structures.publish import documentation


def parsed(text: str) -> Loss:
    """The loss a user named, with the hyper-parameters in parentheses; `UserError` where there is none."""
    from numbaloss.expression import from_expression
    from numbaloss.mix import Mix

    with loading_plugins(), users_mistakes(LookupError, ValueError, TypeError, PluginError):
        loss = from_expression(text)
    if isinstance(loss, Mix):
        raise UserError(f"{text} is a mix of several losses; name one")
    return loss


def show_loss(text: str, source: bool, plot: Path | None, plain: bool) -> None:
    """Print what there is to know of a loss."""
    loss = parsed(text)
    out = console()
    facts = loss.definition
    out.rule(f"[name]{facts.name}[/]  [dim]{facts.class_name}[/]", align="left")
    out.print()
    print_docstring(out, documentation(facts), without=() if not source else ("Examples",))
    _print_facts(out, loss)
    if plot is not None:
        from numbaloss.cli.plotting import plot_to_file

        with users_mistakes(ImportError, OSError, ValueError):
            written = plot_to_file(plot, loss)
        out.print(f"\nPlot written to {escape(str(written))}", soft_wrap=True)
    elif not plain and not source:
        from numbaloss.cli.plotting import plot_in_terminal

        out.print()
        plot_in_terminal(out, loss)
    if source:
        from numbaloss.cli.source import print_source

        out.print()
        print_source(out, loss)


def _print_facts(out: Console, loss: Loss) -> None:
    facts = loss.definition
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row("task", facts.task)
    table.add_row("inputs", ", ".join(f"[name]{name}[/]" for name in facts.inputs))
    table.add_row("input is", described.words(facts.domain))
    table.add_row("target is", described.words(facts.target))
    gradients = ", ".join(f"[name]{name}[/]" for name in facts.differentiable)
    default = "" if facts.wrt == facts.differentiable else f"  [dim](by default {', '.join(facts.wrt)})[/]"
    table.add_row("gradients by", gradients + default)
    table.add_row("Hessian", "diagonal, by grad_and_hess" if facts.hessian else "none")
    table.add_row("convex", "in the prediction" if facts.convex else "no, or not known")
    table.add_row("reductions", ", ".join(facts.reductions))
    if facts.weight is not None:
        each = "class" if facts.weight in ("class", "region") else "element"
        table.add_row("weight", f"one for each {each}")
    for index, (name, value) in enumerate(loss.parameters.items()):
        table.add_row("hyper-parameters" if index == 0 else "", _parameter(facts, name, value))
    table.add_row("from", escape(registry.origin(facts.name)))
    out.print("[bold]Facts[/]")
    out.print(Padding(table, (0, 0, 0, 2)))


def _parameter(facts: Definition, name: str, value: object) -> str:
    limit, default = described.limits(facts, name), facts.parameters[name]
    words = [f"one of {', '.join(map(repr, limit))}" if isinstance(limit, list) else f"in {limit}"] if limit else []
    if repr(value) != repr(default):
        words.append(f"default {default!r}")
    return f"[name]{name}[/] = {escape(repr(value))}  [dim]{escape('; '.join(words))}[/]"
