"""``numbaloss demo``: options reach the training, mistakes are one line, Ctrl-C loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from numbaloss.cli import app
from numbaloss.cli.errors import UserError
from numbaloss.cli.training import layer_sizes

ROOT = Path(__file__).parents[2]


def demo(*arguments: str) -> Result:
    """Run the demo."""
    return CliRunner().invoke(app, ["demo", *arguments], env={"COLUMNS": "120"})


def test_options_reach_the_training(tmp_path: Path) -> None:
    loss = "0.7*cross_entropy + 0.3*focal_loss"
    shown = demo("--epochs", "2", "--hidden", "16", "--batch-size", "128", "--loss", loss, "--output", str(tmp_path))
    assert shown.exit_code == 0, shown.output
    assert "perceptron 64 - 16 - 10" in shown.stdout
    (history,) = tmp_path.glob("*.jsonl")
    records = [json.loads(line) for line in history.read_text().splitlines()]
    assert [record["epoch"] for record in records if "epoch" in record] == [1, 2]
    assert list(tmp_path.glob("*.png"))
    assert list(tmp_path.glob("*.csv"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--loss", "crossentropy"], "no loss is called 'crossentropy'; did you mean 'cross_entropy'"),
        (["--loss", "0.5*cross_entropy+"], "cannot read the loss expression"),
        (["--loss", "huber_loss"], "huber_loss: target has shape (359,) but input has shape (359, 10)"),
        (["--data", "/nowhere"], "no data set named '/nowhere'"),
        (["--hidden", "ten"], "--hidden takes positive numbers with commas between"),
        (["--learning-rate", "0"], "learning_rate must be a positive number, got 0.0"),
    ],
)
def test_a_mistake_is_told_in_a_line_and_nothing_is_written(arguments: list[str], message: str, tmp_path: Path) -> None:
    shown = demo(*arguments, "--output", str(tmp_path / "out"))
    assert shown.exit_code == 2
    assert shown.stderr.startswith("numbaloss: ")
    assert message in shown.stderr
    assert "Traceback" not in shown.stderr
    assert not list(tmp_path.glob("out/*"))


def test_hidden_layers() -> None:
    assert layer_sizes("256,128") == (256, 128)
    assert layer_sizes("") == ()
    with pytest.raises(UserError):
        layer_sizes("256,-1")


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as on POSIX systems")
@pytest.mark.parametrize("when", ["before", "during"])
def test_interrupting_ends_cleanly(when: str, tmp_path: Path) -> None:
    options = ["--epochs", "100000", "--hidden", "8", "--output", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "numbaloss", "demo", *options],
        cwd=ROOT,
        env={**os.environ, "NUMBALOSS_CACHE_DIR": str(tmp_path / "cache")} if when == "before" else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    wanted = "epoch" if when == "before" else "    2  "
    deadline = time.monotonic() + 60.0
    for line in process.stdout:
        if line.startswith(wanted) or time.monotonic() > deadline:
            break
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors == ""
    if when == "before":
        assert "Interrupted before training began" in output
        assert not list(tmp_path.glob("*.jsonl"))
    else:
        assert "Interrupted after" in output
        assert len(list(tmp_path.glob("digits-cross_entropy.*"))) == 3
