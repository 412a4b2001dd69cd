"""Value and slope of a loss, plotted in the terminal or into a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

from numbaloss.cli.samples import Sweep, sweeps
from numbaloss.cli.terminal_plot import COLOURS, Curve, draw, legend
from numbaloss.loss import Loss

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE_BY_SIDE = 100  # columns from which two plots share a line
HEIGHT = 11


def curves(loss: Loss, points: int) -> tuple[str, list[Curve], list[Curve]]:
    """What the x axis is, the values, and the slopes by the first input; computed by the loss's own kernels."""
    if loss.definition.structure == "tiles":
        return _of_gaps(loss, points)
    images = loss.definition.facts.get("unit") == "image"  # one at a time: each has several regions, or no value
    unreduced = type(loss)(**{**loss._arguments(), "reduction": "mean" if images else "none"})
    x_name, found = sweeps(loss, points)
    values, slopes = [], []
    for sweep in found:
        value, slope = _one_by_one(unreduced, sweep) if images else _evaluated(unreduced, sweep)
        values.append(Curve(sweep.label, sweep.x, value))
        slopes.append(Curve(sweep.label, sweep.x, slope))
    return x_name, values, slopes


def _of_gaps(loss: Loss, points: int) -> tuple[str, list[Curve], list[Curve]]:
    """Of a loss of a whole batch: its mathematics, a function of the gap that a pair or a triplet has."""
    least = 0.0 if loss.definition.facts.get("rivals") == "others" else -6.0  # the pair itself is one of the others
    gaps = np.linspace(least, 6.0, points)
    both = np.array([loss.definition.maths(float(gap), **loss.parameters) for gap in gaps])
    return "gap of a pair", [Curve("a pair", gaps, both[:, 0])], [Curve("a pair", gaps, both[:, 1])]


def _evaluated(loss: Loss, sweep: Sweep) -> tuple[Any, Any]:
    facts = loss.definition
    first, *others = sweep.inputs
    if facts.facts.get("class_mean") and first.ndim == 1:
        first, others = first[:, None], [other[:, None] for other in others]
    vector = str(facts.facts.get("vector", ""))
    many = np.ndim(loss.parameters[vector]) if vector else 0
    if many:  # several quantiles: the first stands for all
        first, others = np.repeat(first[:, None], np.size(loss.parameters[vector]), axis=1), others
    value, slope = loss.value_and_grad(first, *others, wrt=facts.inputs[:1])
    if many:
        value = value[:, 0]
    if facts.structure == "sequence":
        slope = slope[0, :, int(loss.parameters["blank"] == 0)]
    return np.asarray(value).reshape(len(sweep.x)), slope.reshape(len(sweep.x), -1)[:, 0] if slope.ndim > 1 else slope


def _one_by_one(loss: Loss, sweep: Sweep) -> tuple[Any, Any]:
    found = [loss.value_and_grad(*(array[k : k + 1] for array in sweep.inputs)) for k in range(len(sweep.x))]
    return np.array([value for value, _ in found]), np.array([slope.flat[0] for _, slope in found])


def plot_in_terminal(out: Console, loss: Loss) -> None:
    """Print value and slope, side by side where there is room."""
    side_by_side = out.width >= SIDE_BY_SIDE
    width = (min(out.width, 130) - 4) // 2 if side_by_side else min(out.width - 1, 80)
    x_name, values, slopes = curves(loss, 4 * width)
    slope_name = f"slope by {loss.definition.inputs[0]}"
    drawn = [draw("value", values, width, HEIGHT, x_name), draw(slope_name, slopes, width, HEIGHT, x_name)]
    out.print(legend(values))
    out.print()
    if side_by_side:
        grid = Table.grid(padding=(0, 3, 0, 0))
        grid.add_row(*drawn)
        out.print(grid)
    else:
        out.print(drawn[0], "", drawn[1], sep="\n")


def plot_to_file(path: Path, loss: Loss) -> Path:
    """Draw value and slope, one above the other, into a file: PNG, SVG or PDF, as its name ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure(loss, side_by_side=False).savefig(path)
    return path


def figure(loss: Loss, side_by_side: bool) -> Figure:
    """Value and slope as a figure of matplotlib's."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('plotting needs matplotlib: pip install "numbaloss[demo]"') from error
    palette = dict(zip(COLOURS, ("#3b6fb6", "#d1602f", "#8a4fa3", "#2f8f5b"), strict=True))
    x_name, values, slopes = curves(loss, 801)
    drawn = Figure(figsize=(8.0, 2.7) if side_by_side else (7.0, 6.2), dpi=150, facecolor="white", layout="constrained")
    panels = drawn.subplots(1, 2) if side_by_side else drawn.subplots(2, 1, sharex=True)
    if not side_by_side:
        drawn.suptitle(repr(loss), x=0.02, ha="left", fontsize=13, fontweight="bold", color="#333333")
    for panel, title, shown in zip(panels, ("value", "slope"), (values, slopes), strict=True):
        for curve, colour in zip(shown, COLOURS, strict=False):
            panel.plot(curve.x, curve.y, color=palette[colour], linewidth=2, label=curve.name)
        panel.set_ylabel(title, color="#333333")
        panel.spines[["top", "right"]].set_visible(False)
        panel.spines[["left", "bottom"]].set_color("#bbbbbb")
        panel.tick_params(colors="#555555", labelsize=9)
        panel.grid(color="#ececec", linewidth=0.8)
        panel.set_axisbelow(True)
    panels[0].legend(frameon=False, fontsize=9)
    for panel in panels if side_by_side else panels[1:]:
        panel.set_xlabel(x_name, color="#333333")
    return drawn
