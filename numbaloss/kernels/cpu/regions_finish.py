"""The losses of regions, from their sums: a few numbers, in float64."""

from __future__ import annotations

from typing import Any

from numbaloss.compile.primitives import maximum


def link(tp: Any, fp: Any, fn: Any, tn: Any, params: Any) -> Any:
    """Open name: a region's value, and its slopes by the first three sums."""
    raise NotImplementedError


def finish(sums, params, values, slopes):  # type: ignore[no-untyped-def]
    """Value and slopes of each region; one row of `sums` holds its positives, true and false, misses and positions."""
    for i in range(values.size):
        tp, fp, fn, count = sums[i, 0], sums[i, 1], sums[i, 2], sums[i, 3]
        tn = maximum(count - tp - fp - fn, 0.0)  # rounded, it may fall below
        value, by_tp, by_fp, by_fn = link(tp, fp, fn, tn, params)
        values[i] = value
        slopes[i, 0] = by_tp
        slopes[i, 1] = by_fp
        slopes[i, 2] = by_fn
