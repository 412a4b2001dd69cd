"""ArcFace and CosFace at the ends of their domain, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

import numbaloss as nl


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("easy", [False, True])
def test_slopes_stay_finite_at_parallel_and_opposite_vectors(dtype, easy):
    """At a cosine of 1 and -1, and where rounding has gone beyond, the slope is bounded as documented."""
    ends = np.array([1.0, 1.0 - 6e-8, 1.0 + 1e-6, -1.0, -1.0 - 1e-6], dtype)
    cosines = np.stack([ends, np.full(5, 0.3, dtype)], axis=1)
    criterion = nl.ArcFaceLoss(scale=1.0, easy_margin=easy, reduction="none")
    values, slopes = criterion.value_and_grad(cosines, np.zeros(5, int))
    assert np.isfinite(values).all()
    assert np.isfinite(slopes).all()
    most = np.cos(0.5) + np.sin(0.5) / np.sqrt(2e-7)
    assert abs(slopes).max() <= 1.001 * most
    moved = nl.CrossEntropyLoss(reduction="none")(np.array([[np.cos(0.5), 0.3]]), [0])
    np.testing.assert_allclose(values[0], moved[0], rtol=1e-6)


def test_no_margin_is_cross_entropy_of_scaled_cosines():
    rng = np.random.default_rng(0)
    cosines, labels = rng.uniform(-0.99, 0.99, (50, 130)), rng.integers(0, 130, 50)
    labels[::5] = -100
    arguments = {"weight": rng.uniform(0.5, 2.0, 130), "label_smoothing": 0.1}
    value, slopes = nl.CrossEntropyLoss(**arguments).value_and_grad(16.0 * cosines, labels)
    for loss in (nl.ArcFaceLoss, nl.CosFaceLoss):
        got, gradient = loss(margin=0.0, scale=16.0, **arguments).value_and_grad(cosines, labels)
        np.testing.assert_allclose(got, value, rtol=1e-13)
        np.testing.assert_allclose(gradient, 16.0 * slopes, rtol=1e-11, atol=1e-15)


def test_a_larger_margin_costs_more():
    cosines = np.random.default_rng(1).uniform(-0.8, 0.99, (40, 9))
    labels = np.arange(40) % 9
    for loss in (nl.ArcFaceLoss, nl.CosFaceLoss):
        values = [loss(margin=margin, reduction="none")(cosines, labels) for margin in (0.0, 0.2, 0.4)]
        assert (values[0] < values[1]).all()
        assert (values[1] < values[2]).all()


@pytest.mark.parametrize("loss", [nl.arcface_loss, nl.cosface_loss, nl.multi_margin_loss])
def test_three_axes_are_refused(loss):
    with pytest.raises(ValueError, match=r"input must have shape \(C\) or \(N, C\), got shape \(2, 5, 3\)"):
        loss(np.zeros((2, 5, 3)), np.zeros((2, 3), int))
