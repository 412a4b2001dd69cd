"""Curves in a terminal, drawn with braille characters: two by four dots in each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from numbaloss.cli.samples import Array

COLOURS = ("cyan", "yellow", "magenta", "green")
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # by row and column of a character


@dataclass(frozen=True)
class Curve:
    """Points ``(x[i], y[i])`` under a name."""

    name: str
    x: Array
    y: Array


def draw(title: str, curves: Sequence[Curve], width: int, height: int, x_name: str = "") -> Text:
    """The curves with axes, `width` columns wide; `height` rows for the curves and two for the x axis.

    What is nan or infinite leaves a gap. The names of the curves are in `legend`.
    """
    finite = [float(value) for curve in curves for value in curve.y if math.isfinite(value)]
    if not finite:
        return Text(f"{title}: nowhere finite")
    bottom, top = min(finite), max(finite)
    if 0.0 <= bottom < 0.2 * top:
        bottom = 0.0
    low, high = _range(bottom, top)
    left, right = float(min(curve.x[0] for curve in curves)), float(max(curve.x[-1] for curve in curves))
    ticks = {height - 1: _number(bottom), 0: _number(top)}
    zero = round((high / (high - low)) * (height - 1)) if low < 0.0 < high else None
    if zero is not None and 1 < zero < height - 2:
        ticks[zero] = "0"
    margin = max(map(len, ticks.values())) + 1
    columns = width - margin - 1
    canvas = _Canvas(columns, height)
    if zero is not None:
        canvas.rule(high / (high - low))
    for index, curve in enumerate(curves):
        canvas.trace(curve, (left, right), (low, high), COLOURS[index % len(COLOURS)])
    text = Text(" " * margin + title, style="bold")
    text.append("\n")
    for row in range(height):
        text.append(f"{ticks.get(row, ''):>{margin - 1}} {'┤' if row in ticks else '│'}", style="not bold dim")
        text.append_text(canvas.row(row)).append("\n")
    text.append(f"{' ' * margin}└{'─' * columns}\n", style="not bold dim")
    start, end = _number(left), _number(right)
    room = columns - len(start) - len(end)
    name = x_name if len(x_name) < room - 1 else f"{x_name[: room - 3]}…"
    text.append(f"{' ' * margin} {start}{name:^{room}}{end}", style="not bold dim")
    return text


def legend(curves: Sequence[Curve]) -> Text:
    """The names of the curves in their colours."""
    text = Text()
    for index, curve in enumerate(curves):
        text.append("  ━━ ", style=COLOURS[index % len(COLOURS)]).append(f"{curve.name} ")
    return text


class _Canvas:
    """Dots and their colours; rows of characters from the top."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.dots = [[0] * columns for _ in range(rows)]
        self.colours = [[""] * columns for _ in range(rows)]

    def dot(self, across: int, down: int, colour: str) -> None:
        row, column = down // 4, across // 2
        if 0 <= row < self.rows and 0 <= column < self.columns:
            self.dots[row][column] |= DOTS[down % 4][across % 2]
            self.colours[row][column] = colour

    def rule(self, part: float) -> None:
        """A faint dotted line, `part` of the way down."""
        for across in range(0, 2 * self.columns, 4):
            self.dot(across, round(part * (4 * self.rows - 1)), "bright_black")

    def trace(self, curve: Curve, xs: tuple[float, float], ys: tuple[float, float], colour: str) -> None:
        before: tuple[int, int] | None = None
        for x, y in zip(curve.x.tolist(), curve.y.tolist(), strict=True):
            if not math.isfinite(y):
                before = None
                continue
            across = round((x - xs[0]) / (xs[1] - xs[0]) * (2 * self.columns - 1))
            down = round((ys[1] - y) / (ys[1] - ys[0]) * (4 * self.rows - 1))
            start = down if before is None else before[1]
            for between in range(min(start, down), max(start, down) + 1):  # steep pieces are upright lines
                self.dot(across, between, colour)
            before = (across, down)

    def row(self, row: int) -> Text:
        text = Text()
        for dots, colour in zip(self.dots[row], self.colours[row], strict=True):
            text.append(chr(0x2800 + dots) if dots else " ", style=f"not bold {colour}" if colour else "")
        return text


def _range(low: float, high: float) -> tuple[float, float]:
    """A little more than the values take, so that a flat curve has height too."""
    space = 0.04 * (high - low) or 0.5 * max(abs(high), 1.0)
    return (low if low == 0.0 and high > 0.0 else low - space), high + space


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
