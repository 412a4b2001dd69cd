"""The benchmark table: it builds, says what is missing, and judges by the bars. No test here looks at a time."""

from __future__ import annotations

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from numbaloss.bench import accuracy, bars, data, runner
from numbaloss.bench.cases import Case, select
from numbaloss.bench.command import bench
from numbaloss.bench.measure import Row
from numbaloss.bench.memory import extra_bytes
from numbaloss.bench.timing import interleaved
from numbaloss.plugins.registry import list_losses

app = typer.Typer()
app.command()(bench)


def run(*arguments):
    return CliRunner().invoke(app, arguments)


def case_of(name, size="small"):
    return select([name], [size], [])[0]


def test_a_quick_run_prints_one_line_for_each_case_and_writes_the_same_to_json(tmp_path):
    file = tmp_path / "bench.json"
    chosen = ("--losses", "mse_loss,cross_entropy", "--sizes", "small", "--peers", "bare,sklearn")
    done = run("--quick", *chosen, "--json", str(file))
    assert done.exit_code == 0, done.output
    assert "mse_loss" in done.output
    assert "cross_entropy" in done.output
    assert "2 cases" in done.output
    rows = json.loads(file.read_text())["rows"]
    assert [row["loss"] for row in rows] == ["mse_loss", "cross_entropy"]
    assert all(len(row["seconds"]["numbaloss"]) == 2 for row in rows)
    assert set(rows[0]["ratio"]) == {"sklearn"}  # small calls do not depend on memory


def test_a_peer_that_is_not_installed_is_named_in_the_header(monkeypatch):
    monkeypatch.setattr(runner, "find_spec", lambda name: None if name == "sklearn" else object())
    done = run("--quick", "--losses", "mse_loss", "--sizes", "small", "--peers", "sklearn")
    assert "sklearn: scikit-learn is not installed" in done.output


def test_a_peer_that_computes_another_loss_is_named_and_not_timed(monkeypatch):
    wrong = runner.Runner(lambda: None, lambda result: (1e9, ()))
    monkeypatch.setattr(runner, "prepare", lambda peer, case, threads: wrong)
    done = run("--quick", "--losses", "mse_loss", "--sizes", "small", "--peers", "sklearn")
    assert "sklearn computes something else: value 1e+09" in done.output


def test_a_peer_that_fails_is_named_and_the_others_are_measured(monkeypatch):
    def fail(peer, case, threads):
        raise RuntimeError("no compiler")

    monkeypatch.setattr(runner, "prepare", fail)
    done = run("--quick", "--losses", "mse_loss", "--sizes", "small", "--peers", "sklearn")
    assert done.exit_code == 0
    assert "sklearn failed: RuntimeError: no compiler" in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--losses", "no_such"), "no loss is called"),
        (("--sizes", "7x7"), "no loss is measured at size '7x7'"),
        (("--peers", "abacus"), "got 'abacus'"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments, message):
    done = run("--quick", *arguments)
    assert done.exit_code == 2
    assert message in " ".join(done.output.replace("│", " ").split())


def test_every_built_in_has_inputs_and_is_measured_at_every_size():
    assert [facts.name for facts in list_losses() if not data.known(facts)] == []
    for size in ("small", "cache", "large"):
        assert {case.facts.name for case in select([], [size], [])} == {facts.name for facts in list_losses()}


@pytest.mark.parametrize("peer", [peer for peer in ("torch", "jax", "sklearn") if runner.missing(peer) is None])
@pytest.mark.parametrize("name", [facts.name for facts in list_losses()])
def test_peers_compute_the_same_as_we_do(name, peer):
    case = case_of(name)
    ours = runner.numbaloss(case)
    theirs = runner.prepare(peer, case, 1)
    if theirs is None:
        assert peer == "sklearn" or name not in ("cross_entropy", "mse_loss")
        return
    assert runner.disagreement(ours.read(ours.call()), theirs.read(theirs.call())) is None


def test_disagreement_sees_a_wrong_value_and_a_wrong_gradient():
    one = np.ones(3)
    assert runner.disagreement((1.0, (one,)), (1.0, (one,))) is None
    assert "value" in runner.disagreement((1.0, (one,)), (1.1, (one,)))
    assert "gradients" in runner.disagreement((1.0, (one,)), (1.0, (1.1 * one,)))
    assert "gradients" in runner.disagreement((1.0, (one,)), (1.0, (np.nan * one,)))


def test_the_verdict_names_each_bar_missed():
    case = Case(case_of("cross_entropy").facts, "large", (65_536, 10))
    assert bars.verdict(case, {"torch": 11.0, "compile": 6.0, "jax": 4.0}, 0.0, 0.0) == ("splendid", [])
    assert bars.verdict(case, {"torch": 7.0, "jax": 2.0}, 0.0, 0.0) == ("met", [])
    kind, missed = bars.verdict(case, {"torch": 5.0, "jax": 2.0}, 0.5, 1e-3)
    assert kind == "missed"
    assert missed == ["torch 5.00 < 6", "memory 50.0%", "error 0.001 > 1e-06"]
    assert bars.verdict(case, {}, None, None) == ("unmeasured", [])


def test_contestants_take_turns_and_each_round_is_kept():
    order = []
    times = interleaved({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=3, seconds=0.0)
    assert {name: len(kept) for name, kept in times.items()} == {"a": 3, "b": 3}
    assert "".join(order[-12:]) == "aabbbbaaaabb"  # a call not counted and one that is, starting with each in turn


def test_ratios_are_medians_of_the_ratios_within_a_round():
    row = Row(case_of("mse_loss"), {"numbaloss": [1.0, 2.0, 1.0], "torch": [3.0, 6.0, 90.0]})
    assert row.ratios == {"torch": 3.0}


def test_extra_memory_sees_a_temporary():
    assert extra_bytes(lambda: np.empty(100_000)) >= 800_000
    assert extra_bytes(lambda: None) < 1_000


def test_the_accuracy_measure_sees_an_error_of_one_part_in_ten_thousand(monkeypatch):
    facts = case_of("mse_loss").facts
    value, gradient = accuracy.errors(facts)
    assert max(value, gradient) <= bars.MOST_ULP
    honest = accuracy._distance
    monkeypatch.setattr(accuracy, "_distance", lambda found, *rest: honest(found * np.float32(1.0001), *rest))
    assert min(accuracy.errors(facts)) > 100
