"""Totals of batches add up to the exact mean over all data."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numbaloss.total import Total

numbers = st.integers(-1000, 1000)


@given(st.lists(st.tuples(numbers, st.integers(1, 50)), min_size=1, max_size=20))
def test_sum_of_totals_has_the_mean_of_all_the_data(parts):
    together = sum(Total(total, count) for total, count in parts)
    assert together.mean == sum(total for total, _ in parts) / sum(count for _, count in parts)


def test_the_mean_differs_from_the_mean_of_means_when_batches_differ_in_size():
    whole, rest = Total(6.0, 3.0), Total(10.0, 1.0)
    assert (whole + rest).mean == 4.0
    assert (whole.mean + rest.mean) / 2 == 6.0


@pytest.mark.parametrize(("on_empty", "expected"), [("nan", math.nan), ("zero", 0.0)])
def test_the_mean_of_nothing_is_what_on_empty_says(on_empty, expected):
    assert Total(0.0, 0.0, on_empty).mean == pytest.approx(expected, nan_ok=True)


def test_nan_is_not_hidden_by_on_empty():
    assert math.isnan(Total(math.nan, 0.0, "zero").mean)


def test_an_empty_batch_changes_nothing():
    assert Total(3.0, 2.0) + Total(0.0, 0.0) == Total(3.0, 2.0)


def test_totals_that_treat_the_empty_differently_do_not_add():
    with pytest.raises(ValueError, match=r"differ in on_empty \('nan' and 'zero'\)"):
        Total(1.0, 1.0) + Total(1.0, 1.0, "zero")


def test_an_unknown_on_empty_is_refused():
    with pytest.raises(ValueError, match="on_empty must be 'nan' or 'zero', got 'none'"):
        Total(1.0, 1.0, "none")


@pytest.mark.parametrize("other", [1, 0.0, 2.5, "a", None])
def test_only_the_zero_that_builtin_sum_starts_from_can_be_added(other):
    with pytest.raises(TypeError):
        other + Total(1.0, 1.0)
    with pytest.raises(TypeError):
        Total(1.0, 1.0) + other


def test_float32_parts_are_added_in_float64():
    total = Total(np.float32(2**24), 1) + Total(np.float32(1), np.int64(1))
    assert type(total.sum) is float
    assert total.sum == 2**24 + 1


def test_totals_are_frozen_picklable_and_print_as_they_are_written():
    total = Total(1.5, 2.0, on_empty="zero")
    with pytest.raises(AttributeError):
        total.sum = 3.0
    assert pickle.loads(pickle.dumps(total)) == total
    assert eval(repr(total)) == total
    assert repr(Total(1.5, 2.0)) == "Total(sum=1.5, denominator=2.0)"
