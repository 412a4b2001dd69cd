"""Sums of weights: exact to float64 in any layout and type, and the same bits for any number of threads."""

from __future__ import annotations

import math

import numpy as np
import pytest

import numbaloss as nl
from numbaloss.arrays.sums import LARGE, sum_of
from numbaloss.compile import threads

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("size", [0, 1, LARGE - 1, LARGE, LARGE + 1, 5 * LARGE + 3])
@pytest.mark.parametrize("kind", ["f4", "f8", ">f4", "f2", "i8", "?"])
def test_sums_are_exact_to_float64(size, kind):
    weights = (8.0 * RNG.random(size)).astype(kind)
    assert sum_of(weights) == pytest.approx(math.fsum(weights.astype(float)), rel=1e-14)
    assert sum_of(weights[::-2]) == pytest.approx(math.fsum(weights[::-2].astype(float)), rel=1e-14)


def test_many_small_weights_beside_a_large_one_count():
    """In float32 nothing could be added to 2**24."""
    weights = np.ones(1 << 20, np.float32)
    weights[0] = 1 << 25
    weights.flags.writeable = False
    assert sum_of(weights) == (1 << 25) + (1 << 20) - 1


@pytest.mark.parametrize("special", [np.nan, np.inf])
def test_what_is_no_number_is_passed_on(special):
    weights = np.ones(2 * LARGE, np.float32)
    weights[LARGE + 5] = special
    np.testing.assert_equal(sum_of(weights), special)


def test_the_same_bits_serially():
    weights = RNG.random(5 * LARGE).astype(np.float32)
    parallel = sum_of(weights)
    with threads.serial_only():
        assert sum_of(weights) == parallel


def test_the_mean_divides_by_it():
    weights = RNG.random(3 * LARGE).astype(np.float32)
    target = np.zeros(weights.size, np.float32)
    total = nl.MSELoss().total(np.ones_like(target), target, sample_weight=weights)
    assert total.denominator == sum_of(weights)
    assert total.mean == pytest.approx(1.0, rel=1e-7)
