"""The commands say what they should, as text and as JSON, and report mistakes in one line."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from pathlib import Path

import pytest
from run_command import ROOT, python, run

from numbaloss.plugins.registry import builtins

# ---- list


def test_list_names_every_loss_once() -> None:
    shown = run("list")
    assert shown.exit_code == 0
    words = shown.stdout.split()
    for name in builtins():
        assert words.count(name) == 1


@pytest.mark.parametrize("width", [80, 100, 110, 120, 140])
def test_list_fits_the_terminal(width: int) -> None:
    lines = run("list", width=width).stdout.splitlines()
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)


def test_list_filters_and_prints_json() -> None:
    found = json.loads(run("list", "--task", "ranking", "--json").stdout)
    assert [loss["name"] for loss in found] == ["margin_ranking_loss"]
    assert found[0]["parameters"] == {"margin": {"default": 0.0, "limits": None}}
    assert found[0]["from"] == "numbaloss"
    everything = json.loads(run("list", "--json").stdout)
    assert {loss["name"] for loss in everything} == set(builtins())
    without = json.loads(run("list", "--no-hessian", "--json").stdout)
    assert not any(loss["hessian"] for loss in without)


def test_list_of_an_unknown_task_names_the_known_ones() -> None:
    shown = run("list", "--task", "cooking")
    assert shown.exit_code == 2
    assert shown.stderr.startswith("numbaloss: --task cooking: no loss has it; known are binary, classification")


# ---- show


@pytest.mark.parametrize("name", builtins())
def test_show_explains_every_loss_without_markup_left_over(name: str) -> None:
    shown = run("show", name, "--no-plot", width=80)
    assert shown.exit_code == 0, shown.stderr
    assert name in shown.stdout
    assert builtins()[name].definition.summary.split()[0] in shown.stdout  # type: ignore[attr-defined]
    assert "  sample_weight  array, optional" in shown.stdout
    for left_over in ("[/", "[dim", ":math:", ".. math", "\\frac", "``"):
        assert left_over not in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80


def test_show_takes_hyper_parameters_and_says_their_limits() -> None:
    shown = run("show", "huber_loss(delta=2)").stdout
    assert "delta = 2.0  in (0, inf); default 1.0" in shown
    assert "⎧ (x − t)² / 2" in shown
    assert "slope by input" in shown


def test_show_draws_plots_below_each_other_where_it_is_narrow() -> None:
    narrow = run("show", "mse_loss", width=80).stdout
    assert not any("value" in line and "slope" in line for line in narrow.splitlines())
    wide = run("show", "mse_loss", width=120).stdout
    assert any("value" in line and "slope" in line for line in wide.splitlines())


def test_show_source_prints_mathematics_written_out_functions_and_loops() -> None:
    shown = run("show", "huber_loss", "--source").stdout
    assert "slope = copysign(delta, error) if size > delta else error" in " ".join(shown.split())
    assert "return loss(inputs[0][i], inputs[1][i], params[0])" in shown
    assert "gradients[0][i] = slopes[0] * factor" in shown
    assert "for b in prange(blocks):" in shown
    assert "sweep.huber_loss.total_grad.float32.serial." in shown
    assert '"""' not in shown
    assert "type: ignore" not in shown


def test_show_source_names_constants_compiled_in() -> None:
    shown = run("show", "focal_loss(gamma=3.0)", "--source").stdout
    assert "return loss(log_prob, rest, 3.0)" in shown


def test_show_writes_a_png(tmp_path: Path) -> None:
    shown = run("show", "mse_loss", "--plot", str(tmp_path / "plot.png"))
    assert shown.exit_code == 0
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert "slope by input" not in shown.stdout


def test_show_says_which_kinds_of_files_there_are(tmp_path: Path) -> None:
    shown = run("show", "mse_loss", "--plot", str(tmp_path / "plot.word"))
    assert shown.exit_code == 2
    assert "Format 'word' is not supported (supported formats: " in shown.stderr


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("hubr_loss", "no loss is called 'hubr_loss'; did you mean 'huber_loss'"),
        ("huber_loss(delta=-1)", "huber_loss: delta must lie in (0, inf), got -1"),
        ("huber_loss(dleta=1)", "huber_loss: unknown argument 'dleta'; its hyper-parameters are: delta"),
        ("huber_loss(", "cannot read the loss expression 'huber_loss('"),
        ("0.5*mse_loss + l1_loss", "is a mix of several losses; name one"),
        ("__import__('os')", "cannot read"),
    ],
)
def test_a_mistake_is_one_line_on_standard_error(loss: str, message: str) -> None:
    shown = run("show", loss)
    assert shown.exit_code == 2
    assert message in shown.stderr
    assert shown.stderr.startswith("numbaloss: ")
    assert shown.stderr.count("\n") == 1
    assert shown.stdout == ""


# ---- check


class FakeResult(types.SimpleNamespace):
    """As the suite's results."""

    def as_dict(self) -> dict[str, object]:
        return vars(self)


@pytest.fixture
def suite(monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite of two checks, of which mse_loss fails the second."""
    import numbaloss.cli.checking as command

    def check_loss(name: str, callback: object) -> list[FakeResult]:
        bad = name == "mse_loss"
        results = [
            FakeResult(loss=name, name="check_one", status="passed", seconds=0.1, message="", good=True),
            FakeResult(
                loss=name, name="check_two_things", status="failed" if bad else "passed", seconds=0.2,
                message="2 is not [3]" if bad else "", good=not bad,
            ),
        ]  # fmt: skip
        for result in results:
            callback(result)  # type: ignore[operator]
        return results

    monkeypatch.setattr(command, "check_loss", check_loss)
    monkeypatch.setattr(command, "checks_for", lambda name: {"check_one": None, "check_two_things": None})


@pytest.mark.usefixtures("suite")
def test_check_names_each_check_and_exits_with_0() -> None:
    shown = run("check", "l1_loss")
    assert shown.exit_code == 0
    assert "✓ one  0.10 s" in shown.stdout
    assert "2 checks passed on 1 loss" in shown.stdout


@pytest.mark.usefixtures("suite")
def test_check_says_what_failed_and_exits_with_1() -> None:
    shown = run("check", "l1_loss", "mse_loss")
    assert shown.exit_code == 1
    assert "✓ l1_loss" in shown.stdout
    assert "✗ mse_loss: two things" in shown.stdout
    assert "2 is not [3]" in shown.stdout
    assert "1 of 4 checks failed on 2 losses" in shown.stdout


@pytest.mark.usefixtures("suite")
def test_check_all_as_json() -> None:
    shown = run("check", "all", "--json")
    assert shown.exit_code == 1
    results = json.loads(shown.stdout)
    assert len(results) == 2 * len(builtins())
    assert [result["loss"] for result in results if result["status"] == "failed"] == ["mse_loss"]


def test_check_runs_the_real_suite() -> None:
    from numbaloss.testing.suite import checks_for

    results = json.loads(run("check", "l1_loss", "--json").stdout)
    assert [result["name"] for result in results] == list(checks_for("l1_loss"))


def test_check_of_an_unknown_loss() -> None:
    shown = run("check", "nobody")
    assert shown.exit_code == 2
    assert "no loss is called 'nobody'" in shown.stderr


# ---- the program as a whole


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    code = """
import sys
from numbaloss.cli import app
try: app(["--help"])
except SystemExit as end: code = end.code
print(code, sorted({"numpy", "numba", "sklearn", "matplotlib", "pluggy"} & set(sys.modules)))
"""
    shown = python(code, COLUMNS="80")
    assert shown.splitlines()[-1] == "0 []"
    for command in ("list", "show", "check", "demo", "doctor", "warmup", "plugins", "cache", "bench"):
        assert f"│ {command} " in shown


def test_bench_has_the_options_of_the_benchmarks() -> None:
    shown = run("bench", "--help")
    assert shown.exit_code == 0
    assert "--losses" in shown.stdout
    assert "--quick" in shown.stdout


def test_version_and_python_m() -> None:
    import numbaloss

    assert run("--version").stdout == f"numbaloss {numbaloss.__version__}\n"
    done = subprocess.run(
        [sys.executable, "-m", "numbaloss", "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"numbaloss {numbaloss.__version__}\n"


def test_an_unknown_command_is_refused() -> None:
    assert run("sing").exit_code == 2


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m numbaloss list | head -n 1"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""
