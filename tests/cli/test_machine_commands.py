"""The commands about this machine: ``warmup``, ``doctor``, ``plugins``, ``cache``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from run_command import ROOT, python, run


def test_warmup_compiles_what_first_calls_need(tmp_path: Path) -> None:
    code = "from numbaloss.cli import app; app(['warmup', '-l', 'mse,l1_loss', '--dtypes', 'float32'])"
    cache = {"NUMBALOSS_CACHE_DIR": str(tmp_path / "cache"), "COLUMNS": "200"}
    shown = python(code, **cache)
    assert "2 losses in float32" in shown
    assert list((tmp_path / "cache").glob("*mse_loss.total_grad.float32.serial*"))
    code = """
import numpy as np, numbaloss
from numbaloss.compile.cache import statistics
one = np.ones(100_000, np.float32)
for array in (one[:10], one):
    numbaloss.MSELoss()(array, array), numbaloss.L1Loss().value_and_grad(array, array)
print(statistics.misses, statistics.hits >= 2)
"""
    assert python(code, **cache).split() == ["0", "True"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-l", "nobody"], "no loss is called 'nobody'"),
        (["--dtypes", "int8"], "--dtypes int8: known are float32, float64, float16, bfloat16"),
    ],
)
def test_warmup_refuses_what_it_does_not_know(arguments: list[str], message: str) -> None:
    shown = run("warmup", *arguments)
    assert shown.exit_code == 2
    assert message in shown.stderr


def test_doctor_reports_versions_threads_cache_and_plugins() -> None:
    report = json.loads(run("doctor", "--json").stdout)
    assert report["versions"]["numba"]
    assert report["machine"]["cores"] >= 1
    assert report["first_call"]["problem"] is None
    assert report["threads"]["used_by_large_calls"] >= 1
    assert {"folder", "bytes", "hits"} <= report["cache"].keys()
    shown = run("doctor")
    assert shown.exit_code == 0
    for heading in ("Machine", "Threads", "Cache", "Extras", "Plugins"):
        assert heading in shown.stdout


def test_doctor_says_what_is_degraded_and_why(tmp_path: Path) -> None:
    (tmp_path / "broken_one.py").write_text("raise RuntimeError('no good')")
    code = "from numbaloss.cli import app; app(['doctor', '--json'])"
    settings = {"NUMBALOSS_PARALLEL": "0", "NUMBALOSS_CACHE": "0", "NUMBALOSS_PLUGIN_DIR": str(tmp_path)}
    settings["OPENBLAS_CORETYPE"] = "Haswell"
    report = json.loads(python(code, **settings))
    told = {one["what"]: one["why"] for one in report["degraded"]}
    assert told["Kernels run on one thread."] == "NUMBALOSS_PARALLEL=0"
    assert told["Every process compiles anew."] == "NUMBALOSS_CACHE turns it off"
    assert told[f"The plugin {tmp_path / 'broken_one.py'}:broken_one is left out."] == "RuntimeError: no good"
    assert told["Losses of matrix products may be slow."].startswith("OPENBLAS_CORETYPE=Haswell decides")
    assert report["environment"]["NUMBALOSS_CACHE"] == "0"


def test_plugins_are_listed_with_their_status(tmp_path: Path) -> None:
    (tmp_path / "broken_one.py").write_text("print('noise')\nraise RuntimeError('no good')")
    command = "from numbaloss.cli import app; app(['plugins'{}])"
    settings = {"NUMBALOSS_PLUGIN_DIR": str(tmp_path), "COLUMNS": "200"}
    (found,) = (
        one for one in json.loads(python(command.format(", '--json'"), **settings)) if one["name"] == "broken_one"
    )
    assert (found["status"], found["reason"]) == ("broken", "RuntimeError: no good")
    shown = python(command.format(", '--traceback'"), **settings)
    assert "broken" in shown
    assert "raise RuntimeError('no good')" in shown
    assert "noise" not in shown


def test_a_plugin_left_out_is_a_line_on_standard_error(tmp_path: Path) -> None:
    (tmp_path / "broken_one.py").write_text("raise RuntimeError('no good')")
    done = subprocess.run(
        [sys.executable, "-m", "numbaloss", "list", "--json"],
        cwd=ROOT,
        env={**os.environ, "NUMBALOSS_PLUGIN_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)
    lines = [line for line in done.stderr.splitlines() if "broken_one" in line]
    assert len(lines) == 1
    assert lines[0].startswith("numbaloss: the plugin 'broken_one' of ")
    assert lines[0].endswith("is left out: RuntimeError: no good (see `numbaloss plugins`)")


def test_cache_info_and_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBALOSS_CACHE_DIR", str(tmp_path))
    (tmp_path / "kernel-1-2.nlk").write_bytes(b"x" * 2048)
    (tmp_path / "mine.txt").write_text("kept")
    assert json.loads(run("cache", "info", "--json").stdout)["bytes"] == 2048
    assert "2.0 KiB" in run("cache", "info").stdout
    assert run("cache", "clear").stdout == "1 file removed\n"
    assert run("cache", "clear").stdout == "0 files removed\n"
    assert (tmp_path / "mine.txt").exists()
