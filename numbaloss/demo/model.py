"""A multilayer perceptron and its optimisers in plain NumPy, float32.

All weights lie in one flat vector, of which each layer's matrix is a view: an optimiser step is then a
handful of operations over whole vectors, and a gradient check needs no bookkeeping.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.floating]


class MultilayerPerceptron:
    r"""Fully connected layers with ReLU between them: :math:`h_{l+1} = \max(0, h_l W_l + b_l)`.

    The last layer has no ReLU: its outputs are the logits.

    Weights start as normal numbers of variance ``2 / inputs`` (He et al. 2015, "Delving deep into
    rectifiers"), biases at 0. The model knows nothing of losses: `backward` takes the gradient of whatever
    loss with respect to the logits.

    Parameters
    ----------
    sizes
        Inputs, hidden sizes, outputs: ``(64, 128, 10)`` has one hidden layer.
    seed
        Seed of the initial weights.
    dtype
        float32, or float64 for gradient checks.
    """

    def __init__(self, sizes: Sequence[int], *, seed: int = 0, dtype: type[np.floating] = np.float32) -> None:
        if len(sizes) < 2 or any(size < 1 for size in sizes):
            raise ValueError(f"sizes must be two or more positive numbers, got {tuple(sizes)}")
        self.sizes = tuple(int(size) for size in sizes)
        count = sum((inputs + 1) * outputs for inputs, outputs in itertools.pairwise(sizes))
        self.parameters: Vector = np.zeros(count, dtype)
        self.gradient: Vector = np.zeros(count, dtype)
        self._layers = _views(self.parameters, self.sizes)
        self._slopes = _views(self.gradient, self.sizes)
        self._inputs: list[Vector] = []
        rng = np.random.default_rng(seed)
        for weight, _ in self._layers:
            weight[...] = rng.normal(0.0, np.sqrt(2.0 / weight.shape[0]), weight.shape)

    def forward(self, images: Vector) -> Vector:
        """Logits (n, classes) of images (n, pixels). Keeps what `backward` needs until the next call."""
        self._inputs = []
        hidden = images
        for index, (weight, bias) in enumerate(self._layers):
            self._inputs.append(hidden)
            hidden = hidden @ weight
            hidden += bias
            if index + 1 < len(self._layers):
                np.maximum(hidden, 0, out=hidden)
        return hidden

    def backward(self, slope: Vector) -> None:
        """Fill `gradient`, of the loss by all parameters, from `slope`, of the loss by the logits."""
        for index in reversed(range(len(self._layers))):
            hidden = self._inputs[index]
            weight_slope, bias_slope = self._slopes[index]
            np.matmul(hidden.T, slope, out=weight_slope)
            slope.sum(axis=0, out=bias_slope)
            if index:
                slope = slope @ self._layers[index][0].T
                slope *= hidden > 0  # the slope of the ReLU that made `hidden`

    def __repr__(self) -> str:
        return f"MultilayerPerceptron({' -> '.join(map(str, self.sizes))}, {self.parameters.size} parameters)"


class Optimizer(Protocol):
    """Changes parameters in place, given their gradient."""

    def step(self, parameters: Vector, gradient: Vector) -> None: ...


class SGD:
    """Gradient descent with momentum: ``v = momentum v + gradient``, ``parameters -= learning_rate v``."""

    def __init__(self, learning_rate: float = 0.1, momentum: float = 0.9) -> None:
        self.learning_rate, self.momentum = learning_rate, momentum
        self._velocity: Vector | None = None

    def step(self, parameters: Vector, gradient: Vector) -> None:
        """One step."""
        if self._velocity is None:
            self._velocity = np.zeros_like(parameters)
        self._velocity *= self.momentum
        self._velocity += gradient
        parameters -= self.learning_rate * self._velocity


class Adam:
    """Adam: Kingma & Ba 2015, "Adam: a method for stochastic optimization", as reordered in section 2."""

    def __init__(
        self, learning_rate: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8
    ) -> None:
        self.learning_rate, self.beta1, self.beta2, self.epsilon = learning_rate, beta1, beta2, epsilon
        self._steps = 0
        self._moments: tuple[Vector, Vector, Vector] | None = None

    def step(self, parameters: Vector, gradient: Vector) -> None:
        """One step."""
        if self._moments is None:
            self._moments = np.zeros_like(parameters), np.zeros_like(parameters), np.empty_like(parameters)
        mean, square, scratch = self._moments
        self._steps += 1
        mean *= self.beta1
        mean += np.multiply(gradient, 1.0 - self.beta1, out=scratch)
        square *= self.beta2
        np.multiply(gradient, gradient, out=scratch)
        scratch *= 1.0 - self.beta2
        square += scratch
        # Both bias corrections go into the step size, which saves two passes over the vector.
        correction = float(np.sqrt(1.0 - self.beta2**self._steps))
        np.sqrt(square, out=scratch)
        scratch += self.epsilon * correction
        np.divide(mean, scratch, out=scratch)
        scratch *= self.learning_rate * correction / (1.0 - self.beta1**self._steps)
        parameters -= scratch


def _views(flat: Vector, sizes: Sequence[int]) -> list[tuple[Vector, Vector]]:
    """The weight matrix and bias vector of each layer, as views into `flat`."""
    layers, start = [], 0
    for inputs, outputs in itertools.pairwise(sizes):
        middle, end = start + inputs * outputs, start + (inputs + 1) * outputs
        layers.append((flat[start:middle].reshape(inputs, outputs), flat[middle:end]))
        start = end
    return layers
