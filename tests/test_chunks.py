"""Weights of the columns or of the rows are spread as chunks are read: what whole arrays of them give."""

from __future__ import annotations

import tracemalloc
import warnings
from typing import Any

import numpy as np
import pytest

import numbaloss as nl
from numbaloss.structures import chunks

RNG = np.random.default_rng(0)


def spread(weights: Any, shape: tuple[int, ...], columns: bool) -> Any:
    """As many weights as there are elements, each in memory of its own."""
    if weights is None:
        return None
    weights = np.asarray(weights)
    lifted = weights if columns else weights.reshape(-1, *(1,) * (len(shape) - 1))
    return np.ascontiguousarray(np.broadcast_to(lifted, shape))


@pytest.mark.parametrize("shape", [(9000, 80), (5000, 81), (5, 3, 40, 50), (1, 10), (700, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("which", ["pos_weight", "weight", "sample_weight", "all", "weight of the rows"])
def test_spread_weights_are_whole_ones(shape, dtype, which):
    x, y = RNG.standard_normal(shape).astype(dtype), (RNG.random(shape) < 0.5).astype(dtype)
    columns = RNG.uniform(0.5, 2.0, shape[-1]).astype(np.float32)
    rows = RNG.uniform(0.5, 2.0, shape[0]).astype(np.float32)
    pos_weight = columns if which in ("pos_weight", "all") else None
    weight = columns[::-1].copy() if which in ("weight", "all") else None
    sample_weight = rows if which in ("sample_weight", "all") else None
    whole_weight = spread(weight, shape, columns=True)
    if which == "weight of the rows":
        weight = rows.reshape(-1, *(1,) * (len(shape) - 1))
        whole_weight = spread(rows, shape, columns=False)
    for reduction in ("mean", "none"):
        one = nl.BCEWithLogitsLoss(weight=weight, pos_weight=pos_weight, reduction=reduction)
        two = nl.BCEWithLogitsLoss(
            weight=whole_weight, pos_weight=spread(pos_weight, shape, columns=True), reduction=reduction
        )
        value, gradient = one.value_and_grad(x, y, sample_weight=sample_weight)
        expected, slopes = two.value_and_grad(x, y, sample_weight=spread(sample_weight, shape, columns=False))
        precision = 1e-3 if dtype == np.float16 else 2e-6
        np.testing.assert_allclose(value, expected, rtol=precision)
        np.testing.assert_allclose(gradient, slopes, rtol=precision, atol=1e-7 if dtype == np.float16 else 1e-12)
        if sample_weight is None and reduction == "mean" and dtype != np.float16:
            np.testing.assert_allclose(value, expected, rtol=1e-15)  # blocks are the same, their sums in float64
        in_place = x.copy()
        one.value_and_grad(in_place, y, sample_weight=sample_weight, out=in_place)
        np.testing.assert_array_equal(in_place, gradient)


def test_a_chunk_of_weights_is_in_memory():
    shape = (20_000, 80)
    x, y = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    criterion, out = nl.BCEWithLogitsLoss(pos_weight=np.full(80, 2.0)), np.empty(shape, np.float32)
    criterion.value_and_grad(x, y, out=out)
    tracemalloc.start()
    criterion.value_and_grad(x, y, out=out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * chunks.CHUNK + 20_000


def test_what_lies_otherwise_goes_through_the_iterator(monkeypatch):
    calls = []
    monkeypatch.setattr(chunks, "_by_iterator", lambda *arguments: calls.append(1) or iter(()))
    x = np.zeros((8, 6), np.float32)
    plain, columns = np.ones((8, 6), np.float32), np.ones(6, np.float32)
    criterion = nl.BCEWithLogitsLoss(weight=columns)
    criterion(x, plain)
    assert not calls
    criterion(x[:, ::-1], plain)
    nl.MSELoss()(x[::2], plain[::2])
    assert len(calls) == 2


def test_weights_beyond_the_type_are_infinite_without_a_warning():
    x = np.ones((3, 4), np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert nl.BCEWithLogitsLoss(pos_weight=np.array([1.0, 2.0, 3.0, 1e39]))(x, x) == np.inf
        assert nl.MSELoss(reduction="sum")(x, 2.0 * x, sample_weight=np.array([1.0, 2.0, 1e39])) == np.inf
        weights = np.array([1.0, 1.0, 1e300])
        assert nl.CrossEntropyLoss(reduction="sum")(x, np.zeros(3, int), sample_weight=weights) == np.inf
