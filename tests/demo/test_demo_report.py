"""The demo prints a row per epoch and a verdict, and writes its three files."""

import csv
import io
import sys

import pytest
from rich.console import Console
from softmax_stub import SoftmaxCrossEntropy

from numbaloss.demo import run
from numbaloss.demo.report import _slug
from numbaloss.monitor import History


def demo(folder, **arguments):
    console = Console(file=io.StringIO(), width=100)
    arguments = {"epochs": 6, "hidden": (16,), "criterion": SoftmaxCrossEntropy()} | arguments
    return run(output=folder, console=console, **arguments), console.file.getvalue()


def test_it_prints_every_epoch_and_writes_history_table_and_plot(tmp_path):
    result, text = demo(tmp_path / "out")
    assert {name: path.name for name, path in result.files.items()} == {
        "history": "digits-cross_entropy.jsonl",
        "csv": "digits-cross_entropy.csv",
        "plot": "digits-cross_entropy.png",
    }
    assert list(History.load(result.files["history"])) == list(result.history)
    with result.files["csv"].open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 6
    for record in result.history:
        assert f"{record['epoch']:>5}  {record['train_loss']:>10.4f}  {record['valid_loss']:>10.4f}" in text
    assert f"{result.diagnosis.verdict}: {result.diagnosis.reason}" in text
    assert f"Validation accuracy {result.accuracy:.2%} after 6 epochs" in text
    for path in result.files.values():
        assert str(path) in text


def test_a_second_run_keeps_the_history_of_the_first(tmp_path):
    first, _ = demo(tmp_path)
    demo(tmp_path, seed=1)
    assert list(History.load(tmp_path / "digits-cross_entropy.previous.jsonl")) == list(first.history)


def test_without_matplotlib_the_run_is_kept_and_the_missing_plot_explained(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result, text = demo(tmp_path)
    assert set(result.files) == {"history", "csv"}
    assert 'pip install "numbaloss[demo]"' in text


def test_an_interrupted_run_still_gets_its_files(tmp_path):
    class Interrupting(SoftmaxCrossEntropy):
        calls = 0

        def value_and_grad(self, logits, labels, *, out=None):
            self.calls += 1
            if self.calls == 100:  # 23 batches an epoch
                raise KeyboardInterrupt
            return super().value_and_grad(logits, labels, out=out)

    result, text = demo(tmp_path, criterion=Interrupting())
    assert result.interrupted
    assert result.epochs == 4
    assert "Interrupted after 4 of 6 epochs" in text
    assert set(result.files) == {"history", "csv", "plot"}


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("cross_entropy", "cross_entropy"),
        ("0.7*cross_entropy + 0.3*focal_loss(gamma=1)", "0.7-cross_entropy-0.3-focal_loss-gamma-1"),
        ("../..", "run"),
        ("", "run"),
    ],
)
def test_file_names_are_safe_whatever_the_loss_is_called(text, slug):
    assert _slug(text) == slug
