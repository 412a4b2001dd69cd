"""The plot of a history is a PNG file, whatever the curves hold, and matplotlib is loaded only for it."""

import math
import struct
import subprocess
import sys

import pytest

from numbaloss.monitor import History, plot_curves


def history_of(train, valid, accuracy=None):
    history = History()
    for epoch, (a, b) in enumerate(zip(train, valid, strict=True), start=1):
        extra = {} if accuracy is None else {"accuracy": accuracy[epoch - 1]}
        history.append(epoch=epoch, train_loss=a, valid_loss=b, **extra)
    return history


def png_size(path):
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", content[16:24])


@pytest.mark.parametrize(
    "curves",
    [
        ([2.0, 1.0, 0.5], [2.1, 1.2, 0.9], [0.3, 0.6, 0.8]),
        ([2.0, 1.0, 0.5], [2.1, 1.2, 0.9]),
        ([2.0, 0.1, 0.001], [2.1, 0.4, 0.4], [0.3, 0.9, 0.9]),
        ([-1.0, -2.0, -3.0], [-1.0, -1.5, -1.6]),
        ([0.0, 0.0], [0.0, 0.0], [1.0, 1.0]),
        ([1.0, math.nan], [1.0, math.inf], [0.5, math.nan]),
        ([math.nan], [math.nan], [math.nan]),
        ([1.0], [1.0], [0.5]),
    ],
    ids=["usual", "no accuracy", "log scale", "negative", "zero", "diverged", "only nan", "one epoch"],
)
@pytest.mark.parametrize("chance", [None, 2.303])
@pytest.mark.filterwarnings("error")
def test_any_history_gives_a_png_without_a_warning(tmp_path, curves, chance):
    path = plot_curves(history_of(*curves), tmp_path / "plots" / "run.png", title="a run", chance=chance)
    width, height = png_size(path)
    assert width == 1200
    assert height == (900 if len(curves) == 3 else 660)


def test_a_history_without_epochs_counts_them(tmp_path):
    history = History()
    history.append(train_loss=1.0, valid_loss=1.0)
    assert png_size(plot_curves(history, tmp_path / "run.png"))


def test_a_missing_column_is_named(tmp_path):
    history = History()
    history.append(train_loss=1.0)
    with pytest.raises(KeyError, match="no column 'valid_loss'"):
        plot_curves(history, tmp_path / "run.png")


def test_without_matplotlib_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "numbaloss\[demo\]"'):
        plot_curves(history_of([1.0], [1.0]), tmp_path / "run.png")


def test_the_monitor_loads_neither_numpy_nor_matplotlib():
    code = "import sys, numbaloss.monitor; print({'numpy', 'numba', 'matplotlib'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
