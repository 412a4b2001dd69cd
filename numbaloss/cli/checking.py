"""``numbaloss check``: the conformance suite on the command line."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape

from numbaloss.cli.console import console, print_json
from numbaloss.cli.errors import users_mistakes
from numbaloss.cli.warming import chosen_names
from numbaloss.testing.suite import check_loss, checks_for, left_out

TESTING = 'pip install "numbaloss[testing]"'
MARKS = {
    "passed": "[good]✓[/]",
    "expected failure": "[good]✓[/]",
    "failed": "[bad]✗[/]",
    "unexpected pass": "[bad]✗[/]",
}


def check_losses(losses: list[str], json: bool) -> bool:
    """Put losses through the suite; whether all passed. Ctrl-C ends it with what there is."""
    names = chosen_names(losses)
    out = None if json else console()
    results: list[Any] = []
    interrupted = False
    try:
        for name in names:
            results += _checked(name, out, in_detail=len(names) == 1)
    except KeyboardInterrupt:
        interrupted = True
    bad = [result for result in results if not result.good]
    if out is None:
        print_json([result.as_dict() for result in results])
    else:
        verdict = f"[good]{len(results)} checks passed[/]"
        if bad:
            verdict = f"[bad]{len(bad)} of {len(results)} checks failed[/]"
        seconds = sum(result.seconds for result in results)
        ended = "; interrupted" if interrupted else ""
        for what, package in left_out().items():
            out.print(f"[warn]![/] not checked: {what} [dim]→ {package} is missing: {escape(TESTING)}[/]")
        out.print(f"{verdict} on {len(names)} {'loss' if len(names) == 1 else 'losses'} in {seconds:.1f} s{ended}")
    return not bad and not interrupted


def _checked(name: str, out: Console | None, in_detail: bool) -> list[Any]:
    """Check one loss: a line for each check, or one for all of them with those that failed."""
    with users_mistakes(ImportError):  # what the checks need may be missing
        total, done = len(checks_for(name)), 0
    if out is None:
        return check_loss(name, callback=lambda result: None)
    with out.status(f"{name}") as status:

        def show(result: Any) -> None:
            nonlocal done
            done += 1
            status.update(f"{name}  [dim]{done} of {total}[/]")
            if in_detail or not result.good:
                told = result.name.removeprefix("check_").replace("_", " ")
                about = told if in_detail else f"{name}: {told}"
                out.print(f"{MARKS[result.status]} {about}  [dim]{result.seconds:.2f} s[/]")
            if not result.good:
                out.print(f"    {escape(result.message)}", soft_wrap=True)

        results = check_loss(name, callback=show)
    if not in_detail and all(result.good for result in results):
        seconds = sum(result.seconds for result in results)
        out.print(f"[good]✓[/] {name}  [dim]{len(results)} checks, {seconds:.1f} s[/]")
    return results
