"""Times several contestants in turn, so that a machine that slows down slows all of them alike."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

MOST_CALLS = 20_000
BATCHES = 8
LIMIT = 0.15  # seconds one sample may take, if the machine has become slower


def interleaved(
    calls: Mapping[str, Callable[[], Any]], rounds: int = 5, seconds: float = 0.03
) -> dict[str, list[float]]:
    """Seconds a call takes, for each contestant and round.

    In each round every contestant in turn runs for about `seconds`, after one call that is not counted (threads of the
    one before may still be spinning). Garbage collection is off. Call each contestant once before, so that nothing is
    compiled here.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        counts = {name: _count(call, seconds) for name, call in calls.items()}
        times: dict[str, list[float]] = {name: [] for name in calls}
        names = list(calls)
        for turn in range(rounds):
            shift = turn % len(names)
            for name in names[shift:] + names[:shift]:
                times[name].append(_time(calls[name], counts[name]))
        return times
    finally:
        if was_enabled:
            gc.enable()


def median(times: list[float]) -> float:
    return statistics.median(times)


def _count(call: Callable[[], Any], seconds: float) -> int:
    """How many calls take about `seconds`."""
    once = _time(call, 1)
    if once < LIMIT:
        once = min(once, _time(call, 1))
    return max(1, min(MOST_CALLS, round(seconds / max(once, 1e-9))))


def _time(call: Callable[[], Any], count: int, limit: float = LIMIT) -> float:
    """Seconds a call, over `count` calls; over fewer, by batches, once `limit` seconds have gone by."""
    call()
    batch = range(-(-count // BATCHES))
    done, begin, elapsed = 0, perf_counter(), 0.0
    while done < count and elapsed < limit:
        for _ in batch:
            call()
        done += len(batch)
        elapsed = perf_counter() - begin
    return elapsed / done
