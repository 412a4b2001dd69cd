"""Evaluation at fifty digits, and the measure of errors in units of the last place."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

import numbaloss as nl
from numbaloss.compile.primitives import PRIMITIVES
from numbaloss.testing import precise
from numbaloss.testing.exact import effect, excess, ulp
from numbaloss.testing.precise import mp, number


@pytest.mark.parametrize("name", PRIMITIVES)
def test_precise_primitive_means_what_the_plain_one_does(name):
    function, exact = PRIMITIVES[name], precise.PRECISE[name]
    many = function.__code__.co_argcount == 2
    points = [-3.0, -1.0, -0.5, 0.0, 1e-3, 1.0, 2.0, 30.0, math.inf, -math.inf, math.nan]
    for x in points:
        for y in points if many else [None]:
            given = (x,) if y is None else (x, y)
            plain = function(*given)
            wanted = float(exact(*map(mp.mpf, given)))
            assert wanted == pytest.approx(plain, rel=1e-14, abs=1e-300, nan_ok=True), given


def test_literals_are_the_decimals_written():
    def maths(input, target):
        return 0.1 * input, 0.1, 0.0

    value = precise.copied(maths)(mp.one, mp.zero)[0]
    assert abs(value - mp.mpf(1) / 10) < mp.mpf(10) ** -50
    assert number(0.1) != value  # a float is the number it is


def test_helpers_of_helpers_are_precise():
    facts = nl.get("kl_div").definition
    value = precise.element(facts, {})(number(-1.0), number(0.5))[0]
    assert abs(value - (mp.log(mp.mpf("0.5")) + 1) / 2) < mp.mpf(10) ** -50


@pytest.mark.parametrize("x", [1e-30, 1e-3, 0.7, 40.0, 1e4])
def test_derivatives_by_differences_have_fifty_digits(x):
    x = number(x)
    for function, first, second in (
        (lambda t: mp.log(1 + t * t), lambda t: 2 * t / (1 + t * t), lambda t: 2 * (1 - t * t) / (1 + t * t) ** 2),
        (lambda t: mp.exp(-t), lambda t: -mp.exp(-t), lambda t: mp.exp(-t)),
    ):
        slope, bend = precise.slope(function, [x], 0), precise.curvature(function, [x], 0)
        assert abs(slope - first(x)) <= mp.mpf(10) ** -40 * abs(first(x))
        assert abs(bend - second(x)) <= mp.mpf(10) ** -20 * abs(second(x))


def test_the_precision_of_others_is_left_alone():
    before = mpmath.mp.dps
    precise.slope(mp.exp, [mp.one], 0)
    assert mpmath.mp.dps == before


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ulp_is_numpys_spacing(dtype):
    for value in (1.0, 1.5, 2.0, 3e7, 1e-3, 1e-30, float(np.finfo(dtype).tiny), float(np.finfo(dtype).tiny) / 4):
        assert float(ulp(number(dtype(value)), dtype)) == float(np.spacing(dtype(value)))


def test_excess_counts_ulp_and_forgives_what_the_inputs_explain():
    exact = mp.mpf(1) + mp.mpf(2) ** -60
    assert excess(np.float64(1.0), exact, mp.zero, np.float64) < 0.01
    three = np.float64(1.0) + 3 * np.spacing(1.0)
    assert excess(three, mp.one, mp.zero, np.float64) == 3.0
    assert excess(three, mp.one, 2 * ulp(mp.one, np.float64), np.float64) == 1.0
    difference = effect(lambda x, y: x - y, [number(100.0), number(99.0)], np.float64)
    assert float(difference) == np.spacing(100.0) + np.spacing(99.0)


def test_excess_of_what_is_not_finite():
    largest = number(np.finfo(np.float32).max)
    assert excess(np.float32(np.inf), 2 * largest, mp.zero, np.float32) == 0.0
    assert excess(np.float32(np.inf), mp.one, mp.zero, np.float32) == np.inf
    assert excess(np.float32(-np.inf), mp.inf, mp.zero, np.float32) == np.inf
    assert excess(np.float32(np.nan), mp.one, mp.zero, np.float32) == np.inf
    assert excess(np.float32(np.nan), mp.nan, mp.zero, np.float32) == 0.0
    assert excess(np.float32(1.0), mp.nan, mp.zero, np.float32) == np.inf
