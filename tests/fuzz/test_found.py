"""What fuzzing found, one test for each: it stays found."""

from __future__ import annotations

import numpy as np

import numbaloss as nl


def test_single_numbers_with_a_variance() -> None:
    """An input without axes was taken for one whose variance lacks the last axis."""
    single = nl.gaussian_nll_loss(np.float64(0.5), np.float64(1.0), np.float64(2.0))
    assert single == nl.gaussian_nll_loss([0.5], [1.0], [2.0])
