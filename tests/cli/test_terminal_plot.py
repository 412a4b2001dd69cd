"""Curves in a terminal are where their numbers say."""

from __future__ import annotations

import numpy as np
import pytest

from numbaloss import MSELoss, get
from numbaloss.cli.plotting import curves, plot_to_file
from numbaloss.cli.terminal_plot import Curve, draw, legend
from numbaloss.plugins.registry import builtins


def dots(line: str) -> list[int]:
    """The columns of a line that hold a part of a curve."""
    return [column for column, letter in enumerate(line) if 0x2801 <= ord(letter) <= 0x28FF]


def test_a_rising_line_goes_from_bottom_left_to_top_right() -> None:
    x = np.linspace(0.0, 1.0, 200)
    lines = draw("title", [Curve("a", x, x)], width=40, height=8, x_name="x").plain.splitlines()
    assert lines[0].strip() == "title"
    assert lines[1].startswith("1 ┤")
    assert lines[8].startswith("0 ┤")
    columns = [np.mean(dots(line)) for line in lines[1:9]]
    assert columns == sorted(columns, reverse=True)
    assert all(len(line) <= 40 for line in lines)


def test_a_long_name_of_the_axis_is_cut() -> None:
    x = np.linspace(0.0, 1.0, 200)
    lines = draw("", [Curve("a", x, x)], width=40, height=8, x_name="score " * 20).plain.splitlines()
    assert lines[-1].split()[0] == "0"
    assert lines[-1].rstrip().endswith("… 1")
    assert len(lines[-1]) == 40


def test_what_is_not_finite_leaves_a_gap() -> None:
    x = np.linspace(0.0, 1.0, 100)
    y = np.where(x < 0.5, 1.0, np.nan)
    y[0] = np.inf
    y[1] = 0.0
    lines = draw("", [Curve("a", x, y)], width=40, height=8).plain.splitlines()
    assert max(max(dots(line), default=0) for line in lines) < 25


def test_nothing_finite_is_said() -> None:
    nothing = np.full(3, np.nan)
    assert "nowhere finite" in draw("slope", [Curve("a", np.arange(3.0), nothing)], width=40, height=8).plain


def test_a_flat_curve_is_drawn() -> None:
    x = np.linspace(0.0, 1.0, 50)
    lines = draw("", [Curve("a", x, np.zeros(50))], width=30, height=6).plain.splitlines()
    assert sum(len(dots(line)) > 20 for line in lines) == 1


def test_the_legend_names_every_curve() -> None:
    x = np.arange(2.0)
    assert legend([Curve("one", x, x), Curve("two", x, x)]).plain.split() == ["━━", "one", "━━", "two"]


@pytest.mark.parametrize("name", builtins())
def test_every_loss_has_curves_with_finite_values_and_slopes(name: str) -> None:
    _, values, slopes = curves(get(name), points=33)
    assert len(values) == len(slopes) >= 1
    for curve in (*values, *slopes):
        assert np.isfinite(curve.y).all(), curve
    assert any(np.ptp(curve.y) > 0.1 for curve in values)


def test_slopes_are_those_of_the_values() -> None:
    _, (value,), (slope,) = curves(MSELoss(reduction="sum"), points=801)
    np.testing.assert_allclose(np.gradient(value.y, value.x)[1:-1], slope.y[1:-1], atol=1e-8)


def test_several_quantiles_give_one_curve() -> None:
    _, (value,), _ = curves(get("quantile_loss", quantile=[0.1, 0.9]), points=5)
    np.testing.assert_allclose(value.y, [0.4, 0.2, 0.0, 1.8, 3.6])


@pytest.mark.parametrize(("name", "begins"), [("plot.png", b"\x89PNG"), ("plot.svg", b"<?xml")])
def test_a_file_of_the_kind_named_is_written_and_folders_are_made(tmp_path, name, begins) -> None:  # type: ignore[no-untyped-def]
    path = plot_to_file(tmp_path / "deep" / name, get("hinge_loss"))
    assert path.read_bytes().startswith(begins)
