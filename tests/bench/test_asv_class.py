"""The benchmark class that plugins subclass."""

from __future__ import annotations

import numpy as np
import pytest

from numbaloss.bench import asv


class Losses(asv.LossBenchmarks):
    losses = ["huber_loss", "cross_entropy", "l1_loss"]  # noqa: RUF012
    sizes = ["small"]  # noqa: RUF012


def test_each_combination_can_be_set_up_and_measured():
    assert Losses.params == (["huber_loss", "cross_entropy", "l1_loss"], ["small"], ["float32"])
    for loss in Losses.losses:
        one = Losses()
        one.setup(loss, "small", "float32")
        one.time_value_and_grad(loss, "small", "float32")
        one.time_grad_and_hess(loss, "small", "float32")
        assert 0.0 <= one.track_value_error(loss, "small", "float32") < 10.0
        assert 0.0 <= one.track_gradient_error(loss, "small", "float32") < 10.0
    value, gradient = asv.call("huber_loss", "small", "float32")()
    assert np.isfinite(value)
    assert gradient.shape == (1000,)


def test_set_up_is_cheap_the_second_time():
    """asv sets up before every timed call."""
    one = Losses()
    one.setup("huber_loss", "small", "float32")
    first = one.call
    one.setup("huber_loss", "small", "float32")
    assert one.call is first


def test_a_class_without_losses_is_an_error():
    with pytest.raises(TypeError, match="Empty must name its losses"):

        class Empty(asv.LossBenchmarks):
            pass
