"""The perceptron's gradient is its derivative, and the optimisers do what their papers say."""

import numpy as np
import pytest
from softmax_stub import SoftmaxCrossEntropy

from numbaloss.demo import SGD, Adam, MultilayerPerceptron


@pytest.mark.parametrize("sizes", [(5, 3), (5, 7, 3), (5, 6, 4, 3)])
def test_backward_agrees_with_finite_differences(sizes):
    rng = np.random.default_rng(1)
    model = MultilayerPerceptron(sizes, seed=2, dtype=np.float64)
    model.parameters += 0.1 * rng.normal(size=model.parameters.size)  # biases away from the kink at 0
    images, labels, loss = rng.normal(size=(8, 5)), rng.integers(0, 3, 8), SoftmaxCrossEntropy()
    _, slope = loss.value_and_grad(model.forward(images), labels)
    model.backward(slope)
    found, step = model.gradient.copy(), 1e-6
    expected = np.empty_like(found)
    for index in range(len(found)):
        value = model.parameters[index]
        model.parameters[index] = value + step
        above = loss.total(model.forward(images), labels).mean
        model.parameters[index] = value - step
        below = loss.total(model.forward(images), labels).mean
        model.parameters[index] = value
        expected[index] = (above - below) / (2 * step)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_all_is_float32_and_the_callers_arrays_are_left_alone():
    model = MultilayerPerceptron((4, 6, 3))
    images, slope = np.ones((2, 4), np.float32), np.ones((2, 3), np.float32)
    logits = model.forward(images)
    model.backward(slope)
    assert logits.dtype == model.parameters.dtype == model.gradient.dtype == np.float32
    assert (images == 1).all()
    assert (slope == 1).all()


def test_initial_weights_have_the_variance_of_he_and_come_from_the_seed():
    model = MultilayerPerceptron((400, 300, 10), seed=5)
    first = model.parameters[: 400 * 300]
    assert first.std() == pytest.approx(np.sqrt(2 / 400), rel=0.02)
    assert np.array_equal(model.parameters, MultilayerPerceptron((400, 300, 10), seed=5).parameters)
    assert not np.array_equal(model.parameters, MultilayerPerceptron((400, 300, 10), seed=6).parameters)
    assert repr(model) == "MultilayerPerceptron(400 -> 300 -> 10, 123310 parameters)"


@pytest.mark.parametrize("sizes", [(), (4,), (4, 0, 3), (4, -1)])
def test_senseless_sizes_are_refused(sizes):
    with pytest.raises(ValueError, match="sizes must be two or more positive numbers"):
        MultilayerPerceptron(sizes)


def test_sgd_with_momentum_by_hand():
    parameters, gradient = np.array([1.0]), np.array([0.5])
    optimizer = SGD(learning_rate=0.1, momentum=0.9)
    optimizer.step(parameters, gradient)
    assert parameters[0] == pytest.approx(1.0 - 0.05)
    optimizer.step(parameters, gradient)
    assert parameters[0] == pytest.approx(0.95 - 0.1 * (0.9 * 0.5 + 0.5))


def test_adam_agrees_with_the_papers_formula():
    rng = np.random.default_rng(0)
    parameters = rng.normal(size=6)
    expected, mean, square = parameters.copy(), np.zeros(6), np.zeros(6)
    optimizer = Adam(learning_rate=0.01)
    for step in range(1, 6):
        gradient = rng.normal(size=6)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        expected -= 0.01 * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        optimizer.step(parameters, gradient)
        np.testing.assert_allclose(parameters, expected, rtol=1e-12)


@pytest.mark.parametrize("optimizer", [SGD(), Adam()])
def test_optimisers_keep_float32_and_leave_the_gradient_alone(optimizer):
    parameters, gradient = np.ones(3, np.float32), np.ones(3, np.float32)
    optimizer.step(parameters, gradient)
    assert parameters.dtype == np.float32
    assert (parameters < 1).all()
    assert (gradient == 1).all()
