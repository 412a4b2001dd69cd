"""``numbaloss choose`` leads to a loss from options or from answers typed in, and names what is missing."""

from __future__ import annotations

import json

import pytest
from run_command import run
from typer.testing import CliRunner, Result

from numbaloss.cli import app, choosing
from numbaloss.guide import table

HUBER = ("--task", "regression", "--outputs", "values", "--targets", "real", "--outliers", "some")


def typed(monkeypatch: pytest.MonkeyPatch, text: str, *arguments: str) -> Result:
    """The command with `text` typed in at a terminal."""
    monkeypatch.setattr(choosing, "_interactive", lambda: True)
    return CliRunner().invoke(app, ["choose", *arguments], input=text, env={"COLUMNS": "100"})


def test_options_lead_to_a_loss_with_reasons_pitfalls_and_a_program() -> None:
    shown = run("choose", *HUBER)
    assert shown.exit_code == 0
    for expected in ("huber_loss(delta=ordinary)", "A square near the target", "(n, 1) against (n,)", "log_cosh_loss"):
        assert expected in shown.stdout
    assert "criterion = nl.HuberLoss(delta=ordinary)" in shown.stdout
    assert "numbaloss show huber_loss" in shown.stdout
    assert shown.stderr == ""


def test_json_holds_a_program_that_runs() -> None:
    shown = run("choose", *HUBER, "--json")
    found = json.loads(shown.stdout)
    assert found["loss"] == "huber_loss"
    assert found["answers"] == {"task": "regression", "outputs": "values", "targets": "real", "outliers": "some"}
    assert found["not_needed"] == []
    names: dict[str, object] = {}
    exec(found["snippet"], names)
    assert "gradient" in names


def test_an_answer_that_decides_nothing_is_named() -> None:
    assert "--imbalance decides nothing here" in run("choose", *HUBER, "--imbalance", "some").stdout
    found = json.loads(run("choose", *HUBER, "--imbalance", "some", "--json").stdout)
    assert found["not_needed"] == ["imbalance"]


@pytest.mark.parametrize("width", [60, 80, 140])
def test_every_recommendation_fits_the_terminal_without_markup_left_over(width: int) -> None:
    for row in table().rows:
        options = [word for name, accepted in row.when.items() for word in (f"--{name}", accepted[0])]
        shown = run("choose", *options, width=width)
        assert shown.exit_code == 0, shown.stderr
        lines = shown.stdout.splitlines()
        assert row.loss in lines[0]
        assert max(len(line.rstrip()) for line in lines if not line.startswith("numbaloss ")) <= width
        assert "[/" not in shown.stdout
        assert "`" not in shown.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "choose needs --task: What does the network predict? one of\n  regression "),
        (("--task", "binary"), "choose --task binary needs --outputs: What does the network put out? one of"),
        (("--task", "regresion"), "--task regresion is not known; did you mean regression? It is one of"),
        (("--task", "ranking", "--outliers", "x"), "--outliers x is not known; one of\n  none "),
        (
            ("--task", "regression", "--outputs", "logits"),
            "--outputs logits leads nowhere after --task regression; there it is one of\n  values ",
        ),
    ],
)
def test_what_is_missing_or_wrong_is_named_with_what_there_is(options: tuple[str, ...], message: str) -> None:
    shown = run("choose", *options)
    assert shown.exit_code == 2
    assert shown.stderr.startswith(f"numbaloss: {message}")
    assert shown.stdout == ""


def test_what_is_not_said_is_asked_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = typed(monkeypatch, "1\nvalues\n\n7\n2\n", "--json")  # a number, a word, nothing, a wrong number, a number
    assert json.loads(shown.stdout)["loss"] == "huber_loss"
    assert "What does the network predict?" in shown.stderr
    assert "How uneven" not in shown.stderr  # nothing to decide by it


def test_only_the_rest_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = typed(monkeypatch, "many\n", *HUBER[:6])
    assert "l1_loss" in shown.stdout
    assert "What does the network predict?" not in shown.stderr


def test_an_end_of_input_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = typed(monkeypatch, "")
    assert shown.exit_code == 2
    assert "no answer; --task would give it" in shown.stderr
