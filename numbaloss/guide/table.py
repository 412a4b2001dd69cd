"""Reads the decision table, and walks down it answer by answer."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

PREAMBLE = "import numpy as np\nimport numbaloss as nl\n\n"


@dataclass(frozen=True)
class Question:
    """Something asked: its name, which is the option's too, its words, and what each answer means."""

    name: str
    ask: str
    answers: Mapping[str, str]


@dataclass(frozen=True)
class Pitfall:
    """A mistake that goes with a loss: a title, what happens and what to do, and perhaps lines that show it."""

    title: str
    text: str
    example: str = ""


@dataclass(frozen=True)
class Row:
    """Where the answers lead: a loss, why, what to mind, what to take instead, and lines that run."""

    when: Mapping[str, tuple[str, ...]]
    loss: str
    arguments: str
    why: str
    pitfalls: tuple[Pitfall, ...]
    instead: tuple[tuple[str, str], ...]
    code: str

    @property
    def call(self) -> str:
        """The loss with its arguments: ``huber_loss(delta=1.0)``."""
        return f"{self.loss}({self.arguments})" if self.arguments else self.loss

    @property
    def snippet(self) -> str:
        """A program that runs as it is."""
        return PREAMBLE + self.code


@dataclass(frozen=True)
class Table:
    """All questions in the order they are asked, all rows, and all pitfalls by name."""

    questions: tuple[Question, ...]
    rows: tuple[Row, ...]
    pitfalls: Mapping[str, Pitfall]

    def question(self, name: str) -> Question:
        """The question called `name`."""
        return next(question for question in self.questions if question.name == name)

    def left(self, answers: Mapping[str, str]) -> list[Row]:
        """The rows that the answers so far allow."""
        return [
            row
            for row in self.rows
            if all(name not in answers or answers[name] in accepted for name, accepted in row.when.items())
        ]

    def next_question(self, answers: Mapping[str, str]) -> Question | None:
        """What must still be known, with the answers that lead somewhere; None where one row is left."""
        left = self.left(answers)
        for question in self.questions:
            wanted = {answer for row in left for answer in row.when.get(question.name, ())}
            if question.name not in answers and wanted:
                possible = {answer: means for answer, means in question.answers.items() if answer in wanted}
                return Question(question.name, question.ask, possible)
        return None


@cache
def table() -> Table:
    """The decision table of this version."""
    folder = files("numbaloss.guide")
    questions = tuple(
        Question(name, entry["ask"], entry["answers"]) for name, entry in _read(folder / "questions.toml").items()
    )
    pitfalls = {
        name: Pitfall(entry["title"], entry["text"].strip(), entry.get("example", "").strip())
        for name, entry in _read(folder / "pitfalls.toml").items()
    }
    rows = [
        _row(entry, task, questions, pitfalls)
        for task in questions[0].answers
        for entry in _read(folder / "tasks" / f"{task.replace('-', '_')}.toml")["row"]
    ]
    return Table(questions, tuple(rows), pitfalls)


def _read(path: Any) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _row(entry: dict[str, Any], task: str, questions: tuple[Question, ...], pitfalls: Mapping[str, Pitfall]) -> Row:
    when: dict[str, tuple[str, ...]] = {questions[0].name: (task,)}
    for question in questions[1:]:
        if question.name in entry:
            given = entry.pop(question.name)
            when[question.name] = (given,) if isinstance(given, str) else tuple(given)
    return Row(
        when,
        entry.pop("loss"),
        entry.pop("arguments", ""),
        entry.pop("why"),
        tuple(pitfalls[name] for name in entry.pop("pitfalls")),
        tuple((loss, reason) for loss, reason in entry.pop("instead")),
        entry.pop("code").strip() + "\n",
        **entry,  # nothing is left, unless a field is misspelt
    )
