"""The table of a measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from numbaloss.bench.bars import bars
from numbaloss.bench.measure import Row

MARKS = {"splendid": "★ ", "met": "✓ ", "missed": "✗ ", "unmeasured": "– "}
STYLES = {"splendid": "bold green", "met": "green", "missed": "red", "unmeasured": "dim"}
TITLES = {
    "bare": "bare loop",
    "own": "own loss",
    "torch": "torch",
    "compile": "torch.compile",
    "jax": "JAX jit",
    "sklearn": "sklearn",
}


def table(rows: Sequence[Row], peers: Sequence[str]) -> Table:
    """One line for each case; under a peer, its time over ours (above 1: we are faster)."""
    made = Table(title="numbaloss against its peers: peer's time / numbaloss's time", title_justify="left")
    made.add_column("loss", no_wrap=True)
    made.add_column("size", no_wrap=True)
    for name in ("time", "GB/s", *(TITLES[peer] for peer in peers), "extra memory", "error"):
        made.add_column(name, justify="right", no_wrap=True)
    made.add_column("verdict", overflow="fold")
    last = ""
    for row in rows:
        if last not in ("", row.case.facts.name):
            made.add_section()
        made.add_row(*_cells(row, peers, row.case.facts.name != last))
        last = row.case.facts.name
    return made


def _cells(row: Row, peers: Sequence[str], first: bool) -> list[Text]:
    kind, missed = row.verdict()
    least = {bar.peer: bar.least for bar in bars(row.case)}
    cells = [
        Text(row.case.label if first or row.case.label != row.case.facts.name else ""),
        Text(f"{row.case.size} {row.case.shape_label}"),
        Text(duration(row.seconds)),
        Text("–" if row.case.size == "small" else f"{row.bandwidth / 1e9:.1f}"),
        *(_ratio(row.ratios, peer, least.get(peer)) for peer in peers),
        Text("–" if row.extra_memory is None else f"{row.extra_memory:.2%}"),
        Text("–" if row.error is None else error_text(row)),
    ]
    return [*cells, Text(MARKS[kind] + "; ".join(missed), style=STYLES[kind])]


def _ratio(ratios: Mapping[str, float], peer: str, least: float | None) -> Text:
    if peer not in ratios:
        return Text("–", style="dim")
    ratio = ratios[peer]
    style = "" if least is None else "green" if ratio >= least else "red"
    return Text(f"{ratio:.2f}" if ratio < 10 else f"{ratio:.1f}", style=style)


def error_text(row: Row) -> str:
    """The larger of the two errors, in its unit."""
    assert row.error is not None
    return f"{row.error:.2f} ulp" if row.case.facts.structure == "pointwise" else f"{row.error:.1e}"


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def summary(rows: Sequence[Row]) -> str:
    """How many cases met their bars."""
    kinds = [row.verdict()[0] for row in rows]
    counts = {kind: kinds.count(kind) for kind in MARKS}
    named = {"splendid": "splendid", "met": "met", "missed": "missed a bar", "unmeasured": "without a peer"}
    return f"{len(rows)} cases: " + ", ".join(f"{counts[kind]} {named[kind]} ({MARKS[kind].strip()})" for kind in MARKS)
