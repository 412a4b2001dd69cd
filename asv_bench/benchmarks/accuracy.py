"""Largest float32 error against float64: units in the last place for elementwise losses, relative for rows."""

from __future__ import annotations

from numbaloss.bench.accuracy import errors

from .common import LOSSES, facts


def track_value_error(loss):
    return errors(facts(loss))[0]


def track_gradient_error(loss):
    return errors(facts(loss))[1]


for benchmark in (track_value_error, track_gradient_error):
    benchmark.params = [LOSSES]
    benchmark.param_names = ["loss"]
    benchmark.unit = "ulp, or relative"
del benchmark
