"""Runs the cases: prepares every contestant, checks that all compute the same, times them in turn."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from numbaloss.bench import accuracy, bars, memory, runner
from numbaloss.bench.cases import Case
from numbaloss.bench.timing import interleaved, median

OURS = "numbaloss"


@dataclass
class Row:
    """What was measured of one case; times in seconds a call, one for each round."""

    case: Case
    times: dict[str, list[float]] = field(default_factory=dict)
    extra_memory: float | None = None  # bytes beyond the gradient, as a fraction of the input's
    errors: tuple[float, float] | None = None  # of values and gradients: ulp, or relative for rows
    notes: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return median(self.times[OURS])

    @property
    def ratios(self) -> dict[str, float]:
        """Each peer's time over ours: the median over rounds of the ratio within a round."""
        ours = self.times[OURS]
        return {
            peer: median([theirs / mine for theirs, mine in zip(times, ours, strict=True)])
            for peer, times in self.times.items()
            if peer != OURS
        }

    @property
    def bandwidth(self) -> float:
        """Bytes a second of the traffic that cannot be avoided."""
        return self.case.traffic / self.seconds

    @property
    def error(self) -> float | None:
        return None if self.errors is None else max(self.errors)

    def verdict(self) -> tuple[str, list[str]]:
        return bars.verdict(self.case, self.ratios, self.extra_memory, self.error)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        kind, missed = self.verdict()
        return {
            "loss": self.case.facts.name,
            "mode": "grad_and_hess" if self.case.hessian else "value_and_grad",
            "target": "probabilities" if self.case.soft else self.case.facts.target,
            "size": self.case.size,
            "shape": list(self.case.shape),
            "seconds": self.times,
            "median": {name: median(times) for name, times in self.times.items()},
            "ratio": self.ratios,
            "bytes_per_second": self.bandwidth,
            "extra_memory": self.extra_memory,
            "errors": self.errors,
            "bars": [asdict(bar) for bar in bars.bars(self.case)],
            "verdict": kind,
            "missed": missed,
            "notes": self.notes,
        }


def measure(
    cases: Iterable[Case], peers: Sequence[str], *, threads: int, rounds: int, seconds: float, reuse: bool = True
) -> Iterator[Row]:
    """One row for each case, as it is done; accuracy comes with the first case of a loss."""
    judged: set[str] = set()
    for case in cases:
        row = Row(case)
        if case.facts.name not in judged:
            judged.add(case.facts.name)
            row.errors = accuracy.errors(case.facts)
        _time(row, peers, threads, rounds, seconds, reuse)
        gc.collect()  # hundreds of megabytes of a peer's graph may hang in cycles
        yield row


def _time(row: Row, peers: Sequence[str], threads: int, rounds: int, seconds: float, reuse: bool) -> None:
    ours = runner.numbaloss(row.case, reuse)
    first = ours.call()
    assert ours.read is not None
    truth = ours.read(first)
    calls: dict[str, Callable[[], Any]] = {OURS: ours.call}
    for peer in peers:
        try:
            made = runner.prepare(peer, row.case, threads)
            if made is None:
                continue
            result = made.call()
        except Exception as error:  # a peer that fails is named in the table, and the others are measured
            row.notes.append(f"{peer} failed: {type(error).__name__}: {str(error).strip().partition(chr(10))[0]}")
            continue
        if made.read is not None and (gap := runner.disagreement(truth, made.read(result))):
            row.notes.append(f"{peer} computes something else: {gap}")
            continue
        calls[peer] = made.call
    row.case.traffic  # noqa: B018  (computed while the inputs are at hand)
    del first, truth
    if row.case.size != "small" and reuse and not row.case.hessian:
        taken = sum(array.nbytes for array in row.case.inputs())
        row.extra_memory = memory.extra_bytes(ours.call) / taken
    row.times = interleaved(calls, rounds, seconds)
