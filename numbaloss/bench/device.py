"""``numbaloss bench --device cuda``: every loss on a device, in shares of what a plain copy there reaches.

Correct before fast: each case is compared with float64 on the host, and run twice for equal bits, before it is timed.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol

import numpy as np

from numbaloss.bench import cases as host_cases
from numbaloss.bench import data
from numbaloss.bench.cases import Case, Shapes
from numbaloss.definition import Definition
from numbaloss.testing.devices import Place

Array = np.ndarray[Any, Any]
Call = Callable[[], Any]
PEERS = ("torch", "compile", "liger")
STORAGES = ("float32", "bfloat16")
TOLERANCES = {"float32": 1e-4, "bfloat16": 2e-2}

FLAT: Shapes = {"large": [(1 << 26,)]}
TABLE: Shapes = {"large": [(1 << 20, 64)]}
ROWS: Shapes = {"large": [(1 << 20, 10), (65_536, 1_000), (8_192, 32_768)]}
CROSS_ENTROPY: Shapes = {"large": [*ROWS["large"], (4_096, 131_072), (16, 21, 512, 512)]}
BY_STRUCTURE: Mapping[str, Shapes] = {
    "sequence": {"large": [(512, 64, 80)]},
    "regions": {"large": [(16, 4, 512, 512), (8, 21, 512, 512)]},
    "tiles": {"large": [(4_096, 128)]},
    "pairs": {"large": [(1 << 20, 16), (1 << 17, 128), (1 << 14, 1_024)]},
    "triplets": {"large": [(1 << 20, 16), (1 << 17, 128), (1 << 14, 1_024)]},
    "head": {"large": [(4_096, 512, 32_000)]},
}


class Clock(Protocol):
    """What times a call on a device."""

    def seconds(self, call: Call) -> float:
        """Seconds that the device is busy with one call: the median of some."""

    def copy_bandwidth(self) -> float:
        """Bytes a second of a plain copy, read and written."""

    def extra_memory(self, call: Call) -> int:
        """Bytes allocated at the peak of a call, and freed or not at its end."""


@dataclass
class Row:
    """What was measured of one loss at one size."""

    case: Case
    storage: str
    copy: float  # bytes a second
    seconds: dict[str, float] = field(default_factory=dict)
    error: float = 0.0  # of value and gradients against float64, relative to the largest
    repeats: bool = True
    extra_memory: float | None = None
    launch: float | None = None  # host seconds of a small call
    notes: list[str] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """What must be moved at least; 16-bit floats take half of float32."""
        arrays = dict(zip(self.case.facts.inputs, self.case.inputs(), strict=True))
        moved = [*arrays.values(), *(arrays[name] for name in self.case.facts.wrt)]
        return sum(one.nbytes // (2 if self.storage == "bfloat16" and one.dtype == np.float32 else 1) for one in moved)

    @property
    def share(self) -> float:
        """Of the bandwidth of a copy."""
        return self.bytes / self.seconds["numbaloss"] / self.copy

    def ratio(self, peer: str) -> float | None:
        """The peer's time over ours."""
        return self.seconds[peer] / self.seconds["numbaloss"] if peer in self.seconds else None


def shapes(facts: Definition) -> list[tuple[int, ...]]:
    """The shapes a loss is measured at on a device."""
    if facts.structure in BY_STRUCTURE:
        return BY_STRUCTURE[facts.structure]["large"]
    if not host_cases.by_row(facts):
        return FLAT["large"]
    if facts.name == "cross_entropy":
        return CROSS_ENTROPY["large"]
    return (TABLE if facts.structure == "pointwise" else ROWS)["large"]


def cases(names: Iterable[str]) -> list[Case]:
    """A case for each loss (all if none is named) and shape."""
    from numbaloss.plugins.registry import function, list_losses

    chosen = [function(name).definition for name in names] or list_losses()  # type: ignore[attr-defined]
    return [Case(facts, "large", shape) for facts in chosen if data.known(facts) for shape in shapes(facts)]


def measure(
    chosen: Iterable[Case],
    place: Place,
    clock: Clock,
    peers: Mapping[str, Callable[[Case, list[Any]], Call | None]],
    storages: Iterable[str] = STORAGES,
) -> Iterator[Row]:
    """One row for each case and storage type; `peers` make callables of the arrays on the device."""
    copy = clock.copy_bandwidth()
    for case in chosen:
        for storage in storages:
            row = Row(case, storage, copy)
            measure_one(row, place, clock, peers)
            yield row


def measure_one(
    row: Row, place: Place, clock: Clock, peers: Mapping[str, Callable[[Case, list[Any]], Call | None]]
) -> None:
    case, loss = row.case, row.case.loss()
    host = case.inputs()
    arrays = [place.put(array, row.storage) for array in host]
    outs = tuple(place.put(np.zeros_like(host[case.facts.inputs.index(name)]), row.storage) for name in case.facts.wrt)

    def ours() -> Any:
        return loss.value_and_grad(*arrays, out=outs if len(outs) > 1 else outs[0])

    value = place.get(ours()[0])
    gradients = [place.get(out) for out in outs]
    row.error = error(case, [place.get(array) for array in arrays], [value, *gradients])
    again = place.get(ours()[0])
    row.repeats = all(
        np.array_equal(one, two, equal_nan=True)
        for one, two in zip([value, *gradients], [again, *(place.get(out) for out in outs)], strict=True)
    )
    if not row.error <= TOLERANCES[row.storage]:
        row.notes.append(f"wrong by {row.error:.1e}: not timed")
        row.seconds["numbaloss"] = float("nan")
        return
    row.seconds["numbaloss"] = clock.seconds(ours)
    row.extra_memory = clock.extra_memory(ours) / sum(array.nbytes for array in host)
    row.launch = host_seconds(case, place, row.storage)
    for name, prepare in peers.items():
        try:
            call = prepare(case, arrays)
            if call is not None:
                row.seconds[name] = clock.seconds(call)
        except Exception as failure:  # a peer that fails is named, and the others are measured
            row.notes.append(f"{name} failed: {type(failure).__name__}: {str(failure).strip().partition(chr(10))[0]}")


def error(case: Case, arrays: list[Array], found: list[Array]) -> float:
    """How far value and gradients are from those of float64 on the host, relative to the largest entry."""
    wide = [array.astype(np.float64) if array.dtype.kind == "f" else array for array in arrays]
    value, gradients = case.loss().value_and_grad(*wide)
    worst = 0.0
    for got, true in zip(found, [value, *(gradients if isinstance(gradients, tuple) else (gradients,))], strict=True):
        scale = max(float(np.max(np.abs(true), initial=0.0)), float(np.finfo(np.float32).tiny))
        worst = max(worst, float(np.max(np.abs(got.astype(np.float64) - true), initial=0.0)) / scale)
    return worst


def host_seconds(case: Case, place: Place, storage: str, calls: int = 200) -> float:
    """What a call costs the host, at a size that costs the device nothing."""
    small = Case(case.facts, "small", host_cases.shapes(case.facts, "small")[0])
    loss, arrays = small.loss(), [place.put(array, storage) for array in small.inputs()]
    loss.value_and_grad(*arrays)
    begin = perf_counter()
    for _ in range(calls):
        loss.value_and_grad(*arrays)
    return (perf_counter() - begin) / calls


# ---- the table


RATIOS = ("torch", "torch.compile", "Liger")
HEADER = ("loss", "size", "type", "time", "GB/s", "of copy", *RATIOS, "memory", "error", "host")


def cells(row: Row) -> tuple[str, ...]:
    """One line of the table."""
    seconds = row.seconds["numbaloss"]
    ratios = (row.ratio(peer) for peer in PEERS)
    return (
        row.case.facts.name, row.case.shape_label, row.storage, f"{seconds * 1e3:.3f} ms",
        f"{row.bytes / seconds / 1e9:.0f}", f"{row.share:.2f}",
        *("–" if ratio is None else f"{ratio:.2f}" for ratio in ratios),
        "–" if row.extra_memory is None else f"{row.extra_memory:.1%}",
        f"{row.error:.0e}" + ("" if row.repeats else ", bits differ"),
        "–" if row.launch is None else f"{row.launch * 1e6:.0f} µs",
    )  # fmt: skip


def markdown(rows: Iterable[Row], device: str) -> str:
    """The page that the documentation shows."""
    rows = list(rows)
    copy = rows[0].copy / 1e9 if rows else float("nan")
    lines = [
        "# Speed on a CUDA device",
        "",
        f"Measured on {device}, where a copy moves {copy:.0f} GB/s, by `numbaloss bench --device cuda --table`.",
        "Value and gradient in one call; under each peer stands its time over that of numbaloss.",
        "",
        "| " + " | ".join(HEADER) + " |",
        "|" + " --- |" * len(HEADER),
        *("| " + " | ".join(cells(row)) + " |" for row in rows),
        "",
        *(f"- {row.case.label} {row.case.shape_label} {row.storage}: {note}" for row in rows for note in row.notes),
    ]
    return "\n".join(lines).rstrip() + "\n"


def median(call: Callable[[], float], count: int) -> float:
    return statistics.median(call() for _ in range(count))
