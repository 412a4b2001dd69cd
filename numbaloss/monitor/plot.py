"""A picture of a training run: both loss curves, the best epoch, and accuracy below them."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numbaloss.monitor.history import History

TRAIN, VALID, ACCURACY, INK, FAINT = "#3b6fb6", "#d1602f", "#2f8f5b", "#333333", "#9a9a9a"
LOG_SCALE_FROM = 20.0  # a loss that shrinks by more than this is shown on a logarithmic axis


def plot_curves(
    history: History,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    subtitle: str | None = None,
    chance: float | None = None,
) -> Path:
    """Draw training and validation loss over the epochs into a PNG file, and return its path.

    The epoch of the lowest validation loss is marked. A column ``accuracy`` gets a panel of its own; `chance`
    is drawn as a dotted line where it fits. A loss that falls by more than 20 times is shown on a logarithmic
    axis.

    Parameters
    ----------
    history
        Needs the columns ``train_loss`` and ``valid_loss``; uses ``epoch`` and ``accuracy`` where present.
    path
        The file to write; folders are created as needed.
    title, subtitle
        A heading, and a line in smaller type below it.
    chance
        The loss of a model that knows nothing, in the unit of the loss.

    Raises
    ------
    ImportError
        If matplotlib is not installed; the message says how to install it.
    KeyError
        If a column is missing.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('plotting needs matplotlib: pip install "numbaloss[demo]"') from error

    train, valid = history.column("train_loss"), history.column("valid_loss")
    epochs = (
        history.column("epoch") if "epoch" in history.columns else [float(n + 1) for n in range(len(train))]
    )
    accuracy = history.column("accuracy") if "accuracy" in history.columns else None

    figure = Figure(figsize=(8.0, 6.0 if accuracy else 4.4), dpi=150, facecolor="white")
    FigureCanvasAgg(figure)
    top = 0.85 if title or subtitle else 0.96
    heights = [2.2, 1.0] if accuracy else [1.0]
    grid = figure.add_gridspec(
        len(heights), 1, height_ratios=heights, hspace=0.12, left=0.1, right=0.83, top=top, bottom=0.1
    )
    panels = [figure.add_subplot(grid[0])]
    if accuracy:
        panels.append(figure.add_subplot(grid[1], sharex=panels[0]))
        panels[0].tick_params(labelbottom=False)
    for panel in panels:
        _dress(panel)
    best = _position_of_lowest(valid)
    _draw_losses(panels[0], epochs, train, valid, chance, best)
    if accuracy:
        _draw_accuracy(panels[1], epochs, accuracy, best)
    _label_epochs(panels[-1], epochs)
    if title:
        figure.text(0.1, 0.945, title, fontsize=14, fontweight="bold", color=INK)
    if subtitle:
        figure.text(0.1, 0.9, subtitle, fontsize=9.5, color="#666666")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png")
    return path


def _draw_losses(
    axes: Any,
    epochs: Sequence[float],
    train: Sequence[float],
    valid: Sequence[float],
    chance: float | None,
    best: int | None,
) -> None:
    marker = "o" if len(epochs) <= 40 else None
    for losses, colour in ((train, TRAIN), (valid, VALID)):
        axes.plot(epochs, losses, color=colour, linewidth=2, marker=marker, markersize=3, zorder=3)
    drawn = [loss for loss in (*train, *valid) if math.isfinite(loss)]
    if drawn and min(drawn) > 0.0 and max(drawn) > LOG_SCALE_FROM * min(drawn):
        _use_log_scale(axes)
    elif drawn and min(drawn) >= 0.0:
        axes.set_ylim(bottom=0.0)
    if chance is not None and drawn and 0.0 < chance <= 2.5 * max(drawn):
        axes.axhline(chance, color=FAINT, linewidth=1.2, linestyle=(0, (1, 2)), zorder=1)
    else:
        chance = None
    axes.set_ylabel("loss", color=INK)
    if best is not None:
        axes.axvline(epochs[best], color=FAINT, linewidth=1, linestyle="--", zorder=1)
        axes.plot(
            [epochs[best]], [valid[best]], "o", markersize=8, markerfacecolor="white", markeredgecolor=VALID,
            markeredgewidth=2, zorder=4,
        )  # fmt: skip
        late = best > 0.6 * (len(epochs) - 1)
        axes.annotate(
            f"best: epoch {epochs[best]:g}, {valid[best]:.4g}",
            (epochs[best], 1.0), xycoords=("data", "axes fraction"), xytext=(0, 3),
            textcoords="offset points", ha="right" if late else "left", va="bottom", fontsize=9, color=INK,
        )  # fmt: skip
    level = [chance or math.nan]
    named = (("training", train, TRAIN), ("validation", valid, VALID), ("chance", level, FAINT))
    ends = ((name, _last_finite(losses), colour) for name, losses, colour in named)
    _name_at_end(axes, [(end, f"{name} {end:.3g}", colour) for name, end, colour in ends if end is not None])


def _draw_accuracy(axes: Any, epochs: Sequence[float], accuracy: Sequence[float], best: int | None) -> None:
    from matplotlib.ticker import PercentFormatter

    drawn = [value for value in accuracy if math.isfinite(value)]
    if not drawn:
        return

    axes.plot(
        epochs,
        accuracy,
        color=ACCURACY,
        linewidth=2,
        marker="o" if len(epochs) <= 40 else None,
        markersize=3,
        zorder=3,
    )
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0 if max(drawn) - min(drawn) > 0.05 else 1))
    axes.set_ylabel("accuracy", color=INK)
    if best is not None:
        axes.axvline(epochs[best], color=FAINT, linewidth=1, linestyle="--", zorder=1)
    _name_at_end(axes, [(drawn[-1], f"validation {drawn[-1]:.1%}", ACCURACY)])


def _dress(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#bbbbbb")
    axes.tick_params(colors="#555555", labelsize=9, which="both")
    axes.grid(axis="y", color="#ececec", linewidth=0.8, zorder=0)


def _use_log_scale(axes: Any) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _label_epochs(axes: Any, epochs: Sequence[float]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("epoch", color=INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
    axes.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)


def _name_at_end(axes: Any, names: Sequence[tuple[float, str, str]]) -> None:
    """Write each name right of the axes at its value, pushed apart where names would overlap."""
    inches = axes.get_position().height * axes.figure.get_figheight()
    space = 0.16 / inches  # a line of text, as a part of the axes
    low, high = axes.get_ylim()  # settles the limits, on which the positions depend
    to_axes = axes.transData + axes.transAxes.inverted()
    placed = -math.inf
    for value, name, colour in sorted(names):
        height = float(to_axes.transform((0.0, min(max(value, low), high)))[1])
        placed = max(height, placed + space)
        axes.text(1.01, placed, name, transform=axes.transAxes, color=colour, fontsize=9, va="center")


def _position_of_lowest(losses: Sequence[float]) -> int | None:
    finite = [loss for loss in losses if math.isfinite(loss)]
    return losses.index(min(finite)) if finite else None


def _last_finite(values: Sequence[float]) -> float | None:
    return next((value for value in reversed(values) if math.isfinite(value)), None)
