"""``numbaloss choose``: from a few answers to a loss."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.prompt import Prompt
from rich.syntax import Syntax
from rich.table import Table as Grid
from rich.text import Text

from numbaloss.cli.console import console, print_json
from numbaloss.cli.docstrings import inline
from numbaloss.cli.errors import UserError
from numbaloss.guide import Question, Row, Table, table


def choose_loss(given: Mapping[str, str | None], json: bool) -> None:
    """Ask what `given` does not say, and print where it leads."""
    guide = table()
    wanted = {name: answer for name, answer in given.items() if answer is not None}
    for name, answer in wanted.items():
        _check(guide.question(name), answer)
    row, answers = decide(guide, wanted, ask=_interactive())
    idle = [name for name in wanted if name not in answers]
    if json:
        print_json(as_data(row, answers, idle))
    else:
        print_row(console(), row, answers, idle)


def decide(guide: Table, wanted: Mapping[str, str], ask: bool) -> tuple[Row, dict[str, str]]:
    """The row that the answers lead to, and those that mattered; asks for what is missing or says what it is."""
    answers: dict[str, str] = {}
    while (question := guide.next_question(answers)) is not None:
        answer = wanted.get(question.name)
        if answer is None and len(question.answers) == 1:
            answer = next(iter(question.answers))
        elif answer is None:
            answer = _asked(question) if ask else _missing(question, answers)
        elif answer not in question.answers:
            so_far = ", ".join(f"--{name} {given}" for name, given in answers.items())
            raise UserError(
                f"--{question.name} {answer} leads nowhere after {so_far}; there it is {_choices(question)}"
            )
        answers[question.name] = answer
    (row,) = guide.left(answers)
    return row, answers


def as_data(row: Row, answers: Mapping[str, str], idle: list[str]) -> dict[str, object]:
    """The recommendation as plain data."""
    return {
        "answers": dict(answers),
        "not_needed": idle,
        "loss": row.loss,
        "arguments": row.arguments,
        "why": row.why,
        "pitfalls": [{"title": pitfall.title, "text": " ".join(pitfall.text.split())} for pitfall in row.pitfalls],
        "instead": [{"loss": loss, "when": when} for loss, when in row.instead],
        "snippet": row.snippet,
    }


def print_row(out: Console, row: Row, answers: Mapping[str, str], idle: list[str]) -> None:
    """The recommendation for people."""
    out.rule(f"[name]{escape(row.call)}[/]", align="left")
    out.print()
    out.print(Text.from_markup(inline(row.why)))
    out.print("\n[bold]Mind[/]")
    for pitfall in row.pitfalls:
        out.print(Padding(Text.from_markup(f"[warn]{inline(pitfall.title)}[/]"), (0, 0, 0, 2)))
        out.print(Padding(Text.from_markup(inline(pitfall.text)), (0, 0, 0, 4)))
    out.print("\n[bold]Instead[/]")
    others = Grid.grid(padding=(0, 3, 0, 0))
    others.add_column(style="name", no_wrap=True)
    others.add_column()
    for loss, when in row.instead:
        others.add_row(loss, inline(when))
    out.print(Padding(others, (0, 0, 0, 2)))
    out.print("\n[bold]Try[/]")
    out.print(Padding(Syntax(row.snippet.rstrip(), "python", background_color="default", word_wrap=True), (0, 0, 0, 2)))
    out.print()
    for name in idle:
        out.print(f"[warn]--{name} decides nothing here.[/]")
    options = " ".join(f"--{name} {answer}" for name, answer in answers.items())
    out.print(f"[dim]numbaloss choose {options}\nnumbaloss show {row.loss} explains the loss.[/]", soft_wrap=True)


def _interactive() -> bool:
    return sys.stdin.isatty()


def _asked(question: Question) -> str:
    """Asks on standard error, so that what is printed is the answer only."""
    out = console(stderr=True)
    out.print(f"\n[bold]{question.ask}[/]  [dim]--{question.name}[/]")
    listed = Grid.grid(padding=(0, 2, 0, 0))
    listed.add_column(justify="right", style="number")
    listed.add_column(style="name", no_wrap=True)
    listed.add_column()
    for number, (answer, means) in enumerate(question.answers.items(), 1):
        listed.add_row(str(number), answer, means)
    out.print(Padding(listed, (0, 0, 0, 1)))
    by_number = {str(number): answer for number, answer in enumerate(question.answers, 1)}
    choices = [*by_number, *question.answers]
    try:
        chosen = Prompt.ask("Number or word", console=out, choices=choices, show_choices=False, default="1")
    except EOFError:
        raise UserError(f"no answer; --{question.name} would give it") from None
    return by_number.get(chosen, chosen)


def _missing(question: Question, answers: Mapping[str, str]) -> str:
    so_far = "".join(f" --{name} {answer}" for name, answer in answers.items())
    raise UserError(f"choose{so_far} needs --{question.name}: {question.ask} {_choices(question)}")


def _choices(question: Question) -> str:
    return "one of\n" + "\n".join(f"  {answer:<18} {means}" for answer, means in question.answers.items())


def _check(question: Question, answer: str) -> None:
    if answer in question.answers:
        return
    near = difflib.get_close_matches(answer, question.answers, n=1)
    hint = f"did you mean {near[0]}? It is " if near else ""
    raise UserError(f"--{question.name} {answer} is not known; {hint}{_choices(question)}")
