"""What fuzzing found, one test for each: it stays found."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import numbaloss as nl


def test_single_numbers_with_a_variance() -> None:
    """An input without axes was taken for one whose variance lacks the last axis."""
    single = nl.gaussian_nll_loss(np.float64(0.5), np.float64(1.0), np.float64(2.0))
    assert single == nl.gaussian_nll_loss([0.5], [1.0], [2.0])


def test_rows_of_no_classes_and_no_rows_of_classes() -> None:
    """The mean over no labels warned; a single number without an axis for labels raised NumPy's AxisError."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(nl.multilabel_soft_margin_loss(np.zeros(0), np.zeros(0)))
        values = nl.multilabel_soft_margin_loss(np.zeros((3, 0)), np.zeros((3, 0)), reduction="none")
    assert values.shape == (3,)
    assert np.isnan(values).all()
    with pytest.raises(ValueError, match=r"multilabel_soft_margin_loss: input needs a class axis, got shape \(\)"):
        nl.multilabel_soft_margin_loss(0.5, 1.0)
