"""The decision table leads from every set of answers to one loss that exists, by a program that runs."""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Iterator

import numpy as np
import pytest

import numbaloss as nl
from numbaloss.guide import Row, Table, table
from numbaloss.plugins.registry import builtins

GUIDE = table()
NAMES = sorted({name for row in GUIDE.rows for name in (row.loss, *(loss for loss, _ in row.instead))})


def paths(guide: Table, answers: dict[str, str]) -> Iterator[tuple[dict[str, str], list[Row]]]:
    """Every way down the table, and the rows at its end."""
    question = guide.next_question(answers)
    if question is None:
        yield answers, guide.left(answers)
        return
    for answer in question.answers:
        yield from paths(guide, {**answers, question.name: answer})


def label(row: Row) -> str:
    return "-".join("+".join(accepted) for accepted in row.when.values())


def test_every_set_of_answers_leads_to_one_row_and_every_row_is_reached() -> None:
    reached = []
    for answers, rows in paths(GUIDE, {}):
        assert len(rows) == 1, f"{answers} leads to {[row.call for row in rows]}"
        reached.append(label(rows[0]))
    assert set(reached) == {label(row) for row in GUIDE.rows}
    assert len({label(row) for row in GUIDE.rows}) == len(GUIDE.rows)


def test_rows_with_the_same_answers_so_far_ask_the_same_question() -> None:
    """Else an answer would be asked for that decides nothing in some rows."""
    answers_seen = 0
    pending: list[dict[str, str]] = [{}]
    while pending:
        answers = pending.pop()
        question = GUIDE.next_question(answers)
        if question is None:
            continue
        answers_seen += 1
        without = [row.call for row in GUIDE.left(answers) if question.name not in row.when]
        assert not without, f"after {answers}, {question.name} is asked, which decides nothing in {without}"
        pending += [{**answers, question.name: answer} for answer in question.answers]
    assert answers_seen > len(GUIDE.question("task").answers)


def test_every_answer_is_of_use_and_every_pitfall_is_mentioned() -> None:
    for question in GUIDE.questions:
        used = {answer for row in GUIDE.rows for answer in row.when.get(question.name, ())}
        assert used == set(question.answers)
    assert {pitfall.title for row in GUIDE.rows for pitfall in row.pitfalls} == {
        pitfall.title for pitfall in GUIDE.pitfalls.values()
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_loss_named_is_a_built_in(name: str) -> None:
    assert name in builtins()


@pytest.mark.parametrize("row", GUIDE.rows, ids=label)
def test_the_arguments_of_a_row_are_hyper_parameters_of_its_loss(row: Row) -> None:
    call = ast.parse(row.call, mode="eval").body
    keywords = [keyword.arg for keyword in call.keywords] if isinstance(call, ast.Call) else []
    facts = nl.get(row.loss).definition
    assert set(keywords) <= {*facts.parameters, "weight", "reduction"}


@pytest.mark.parametrize("row", GUIDE.rows, ids=label)
def test_every_snippet_runs_and_uses_the_loss(row: Row) -> None:
    names: dict[str, object] = {}
    exec(compile(row.snippet, label(row), "exec"), names)
    made = nl.get(row.loss)
    criterion = names.get("criterion")
    assert type(criterion) is type(made) or f'nl.get("{row.loss}"' in row.snippet
    assert np.isfinite(np.float64(names["value"]))  # type: ignore[arg-type]
    gradients = names["gradient"] if isinstance(names["gradient"], tuple) else (names["gradient"],)
    for gradient in gradients:
        assert np.isfinite(gradient).all()
        assert np.any(gradient)


@pytest.mark.parametrize("row", GUIDE.rows, ids=label)
def test_what_a_snippet_sets_is_what_the_row_says(row: Row) -> None:
    """``huber_loss(delta=...)`` in the table, ``nl.HuberLoss(delta=...)`` in the snippet."""
    call = ast.parse(row.call, mode="eval").body
    keywords = {str(keyword.arg) for keyword in call.keywords} if isinstance(call, ast.Call) else set()
    tree = ast.parse(row.code)
    written = {str(keyword.arg) for node in ast.walk(tree) if isinstance(node, ast.Call) for keyword in node.keywords}
    defaults = nl.get(row.loss).definition.parameters
    for keyword in keywords - written:
        given = next(word.value for word in call.keywords if word.arg == keyword)  # type: ignore[union-attr]
        assert ast.unparse(given) == repr(defaults[keyword]), f"{row.call}: the snippet does not set {keyword}"


@pytest.mark.parametrize("name", GUIDE.pitfalls)
def test_what_a_pitfall_shows_is_true(name: str) -> None:
    names = {"np": np, "nl": nl}
    examples = doctest.DocTestParser().get_doctest(GUIDE.pitfalls[name].example + "\n", names, name, None, 0)
    told: list[str] = []
    doctest.DocTestRunner().run(examples, out=told.append)
    assert not told, "".join(told)


def test_texts_are_sentences_of_an_ordinary_length() -> None:
    for row in GUIDE.rows:
        assert re.fullmatch(r"[A-Z].*\.", row.why, re.DOTALL)
        assert row.pitfalls
        assert row.instead
        assert max(map(len, row.snippet.splitlines())) <= 115
    for pitfall in GUIDE.pitfalls.values():
        assert pitfall.text.endswith(".")
        assert not pitfall.title.endswith(".")
