"""Finds the El Niños in sixty years of sea-surface temperatures, with a loss that was made for it.

The series ships with statsmodels: monthly temperatures off Peru (Niño 1+2), 1950 to 2010, in the public domain. A year
has a strong season there, so a threshold on the temperature finds summers. Here a seasonal envelope is trained with
`envelope_loss`, warm side and cold side each with a share of misses of its own; `band_loss` then scores every month
against it, and runs of months outside are the anomalies.

    python el_nino.py [--plot FILE.png]
"""

from __future__ import annotations

import argparse
import csv
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import numbaloss as nl

Array = np.ndarray[Any, Any]
HARMONICS = 3  # of the year, in each curve of the envelope
BELOW, ABOVE = 0.05, 0.10  # shares of months outside
LONG = 5  # months in a row that make an event
STEPS = 4000


def series() -> tuple[Array, Array]:
    """Months as fractions of years, and temperatures in degrees Celsius."""
    found = find_spec("statsmodels")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("the series ships with statsmodels: pip install 'numbaloss-anomaly[example]'")
    path = Path(found.submodule_search_locations[0]) / "datasets" / "elnino" / "elnino.csv"
    with path.open() as file:
        rows = list(csv.reader(file))[1:]
    temperatures = np.array([[float(cell) for cell in row[1:]] for row in rows])
    years = np.array([float(row[0]) for row in rows])
    return (years[:, None] + np.arange(12) / 12.0).reshape(-1), temperatures.reshape(-1)


def features(time: Array) -> Array:
    """A constant and the harmonics of the year, one row for each month."""
    angles = 2.0 * np.pi * time[:, None] * np.arange(1, HARMONICS + 1)
    return np.concatenate([np.ones((time.size, 1)), np.cos(angles), np.sin(angles)], axis=1)


def trained(basis: Array, target: Array, report: Any = print) -> tuple[Array, Array, float]:
    """The lower and the upper curve: both linear in the features, trained by Adam on the one loss."""
    criterion = nl.get("envelope_loss", below=BELOW, above=ABOVE)
    weights = np.zeros((2, basis.shape[1]))
    weights[:, 0] = np.quantile(target, [BELOW, 1.0 - ABOVE])
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    value = np.inf
    for step in range(1, STEPS + 1):
        lower, upper = (basis @ one for one in weights)
        value, gradients = criterion.value_and_grad(lower, target, upper)
        slope = np.stack([basis.T @ gradient for gradient in gradients])
        first = 0.9 * first + 0.1 * slope
        second = 0.999 * second + 0.001 * slope * slope
        rate = 0.05 * 0.5 * (1.0 + np.cos(np.pi * step / STEPS))
        weights -= rate * (first / (1.0 - 0.9**step)) / (np.sqrt(second / (1.0 - 0.999**step)) + 1e-9)
        if step == 1 or step % 1000 == 0:
            report(f"step {step:5d}  envelope loss {value:.4f}")
    return basis @ weights[0], basis @ weights[1], float(value)


def events(outside: Array) -> list[tuple[int, int]]:
    """First and last month of each run of at least `LONG` months outside; one month back inside does not end it."""
    bridged = outside.copy()
    bridged[1:-1] |= outside[:-2] & outside[2:]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], bridged.astype(int), [0]])))
    return [(start, end - 1) for start, end in edges.reshape(-1, 2) if end - start >= LONG]


def found(report: Any = print) -> dict[str, Any]:
    """Train, score, and say what was found."""
    time, target = series()
    lower, upper, value = trained(features(time), target, report)
    centre, width = 0.5 * (lower + upper), 0.5 * (upper - lower)
    score = nl.get("band_loss", reduction="none", below=1.0, above=1.0)(centre, target, width)
    report(f"\nbelow the envelope: {np.mean(target < lower):.1%} of months, above: {np.mean(target > upper):.1%}")
    report(f"\n{'event':<22}{'months':>7}{'peak':>9}{'score':>8}")
    rows = []
    for start, end in events((target < lower) | (target > upper)):
        months = slice(start, end + 1)
        warm = target[months].mean() > centre[months].mean()
        excess = target[months] - (upper if warm else lower)[months]
        peak = excess[np.argmax(np.abs(excess))]
        first, last, side = label(time[start]), label(time[end]), "warm" if warm else "cold"
        rows.append((first, last, side, float(score[months].sum())))
        report(f"{first} to {last:<11}{end + 1 - start:>7}{peak:>+8.1f}°{rows[-1][3]:>8.1f}  {side}")
    return {"time": time, "target": target, "lower": lower, "upper": upper, "score": score, "rows": rows, "loss": value}


def label(time: float) -> str:
    """``1997-06``."""
    months = round(time * 12.0)
    return f"{months // 12}-{months % 12 + 1:02d}"


def plot(result: dict[str, Any], path: Path) -> None:
    """The series in its envelope, and the score below."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    above.fill_between(result["time"], result["lower"], result["upper"], color="tab:blue", alpha=0.25, label="envelope")
    above.plot(result["time"], result["target"], color="black", linewidth=0.7, label="observed")
    for side, colour in (("warm", "tab:red"), ("cold", "tab:cyan")):
        for start, end, kind, _ in result["rows"]:
            if kind == side:
                ends = [float(one[:4]) + (int(one[5:]) - 1) / 12 for one in (start, end)]
                above.axvspan(*ends, color=colour, alpha=0.3)
    above.set_ylabel("sea surface, °C")
    above.legend(loc="upper left")
    below.plot(result["time"], result["score"], color="tab:red", linewidth=0.8)
    below.set_ylabel("band loss")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--plot", type=Path, help="draw the result into this file")
    options = parser.parse_args()
    outcome = found()
    if options.plot:
        plot(outcome, options.plot)
        print(f"\nplot written to {options.plot}")
