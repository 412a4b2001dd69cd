"""Losses in JAX, each compiled by ``jax.jit(jax.value_and_grad(...))``."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

from numbaloss.bench.cases import Case
from numbaloss.bench.runner import Result, Runner

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import log_sigmoid, log_softmax, softmax, softplus

Array = Any  # jax.Array: what is installed must not change what a type checker says


def _picked(input: Array, target: Array) -> Array:
    """The log-probability of each row's class."""
    return jnp.take_along_axis(log_softmax(input, 1), jnp.expand_dims(target, 1), 1).squeeze(1)


def binary_cross_entropy(input: Array, target: Array) -> Array:
    yes, no = jnp.maximum(jnp.log(input), -100), jnp.maximum(jnp.log1p(-input), -100)
    return -(target * yes + (1 - target) * no).mean()


def binary_cross_entropy_with_logits(input: Array, target: Array) -> Array:
    return (softplus(input) - target * input).mean()


def cross_entropy(input: Array, target: Array) -> Array:
    if jnp.issubdtype(target.dtype, jnp.floating):
        return -(target * log_softmax(input, 1)).sum(1).mean()
    return -_picked(input, target).mean()


def nll_loss(input: Array, target: Array) -> Array:
    return -jnp.take_along_axis(input, jnp.expand_dims(target, 1), 1).mean()


def expectile_loss(input: Array, target: Array) -> Array:
    return (0.5 * (input - target) ** 2).mean()


def focal_loss(input: Array, target: Array) -> Array:
    log_prob = _picked(input, target)
    return (-((1 - jnp.exp(log_prob)) ** 2) * log_prob).mean()


def gaussian_nll_loss(input: Array, target: Array, var: Array) -> Array:
    variance = jnp.maximum(var, 1e-6)
    return (0.5 * (jnp.log(variance) + (input - target) ** 2 / variance)).mean()


def generalized_cross_entropy(input: Array, target: Array) -> Array:
    return ((1 - jnp.exp(0.7 * _picked(input, target))) / 0.7).mean()


def hinge_embedding_loss(input: Array, target: Array) -> Array:
    return jnp.where(target == 1, input, jnp.maximum(0, 1 - input)).mean()


def hinge_loss(input: Array, target: Array) -> Array:
    return jnp.maximum(0, 1 - target * input).mean()


def squared_hinge_loss(input: Array, target: Array) -> Array:
    return (jnp.maximum(0, 1 - target * input) ** 2).mean()


def soft_margin_loss(input: Array, target: Array) -> Array:
    return softplus(-target * input).mean()


def huber_loss(input: Array, target: Array) -> Array:
    size = jnp.abs(input - target)
    return jnp.where(size <= 1, 0.5 * size**2, size - 0.5).mean()


smooth_l1_loss = huber_loss  # with beta = delta = 1


def kl_div(input: Array, target: Array) -> Array:
    return (target * (jnp.log(target) - input)).mean()


def l1_loss(input: Array, target: Array) -> Array:
    return jnp.abs(input - target).mean()


def log_cosh_loss(input: Array, target: Array) -> Array:
    error = input - target
    return (error + softplus(-2 * error) - math.log(2)).mean()


def mape_loss(input: Array, target: Array) -> Array:
    return (jnp.abs(input - target) / jnp.maximum(jnp.abs(target), 1e-7)).mean()


def margin_ranking_loss(input1: Array, input2: Array, target: Array) -> Array:
    return jnp.maximum(0, -target * (input1 - input2)).mean()


def mse_loss(input: Array, target: Array) -> Array:
    return ((input - target) ** 2).mean()


def msle_loss(input: Array, target: Array) -> Array:
    return ((jnp.log1p(input) - jnp.log1p(target)) ** 2).mean()


def multilabel_soft_margin_loss(input: Array, target: Array) -> Array:
    return -(target * log_sigmoid(input) + (1 - target) * log_sigmoid(-input)).mean()


def multi_margin_loss(input: Array, target: Array) -> Array:
    rows = jnp.arange(len(input))
    short = jnp.maximum(0, 1 - input[rows, target][:, None] + input)
    return short.at[rows, target].set(0).sum(1).mean() / input.shape[1]


def poisson_nll_loss(input: Array, target: Array) -> Array:
    return (jnp.exp(input) - target * input).mean()


def poly_loss(input: Array, target: Array) -> Array:
    log_prob = _picked(input, target)
    return (1 - jnp.exp(log_prob) - log_prob).mean()


def pseudo_huber_loss(input: Array, target: Array) -> Array:
    return (jnp.sqrt(1 + (input - target) ** 2) - 1).mean()


def quantile_loss(input: Array, target: Array) -> Array:
    error = target - input
    return jnp.maximum(0.5 * error, -0.5 * error).mean()


def sigmoid_focal_loss(input: Array, target: Array) -> Array:
    chance = jax.nn.sigmoid(input)
    value = softplus(input) - target * input
    right = chance * target + (1 - chance) * (1 - target)
    return ((0.25 * target + 0.75 * (1 - target)) * value * (1 - right) ** 2).mean()


def kl_div_with_logits(student: Array, teacher: Array) -> Array:
    mine, other = log_softmax(student, 1), log_softmax(teacher, 1)
    return (jnp.exp(other) * (other - mine)).sum(1).mean()


def tvd_loss(student: Array, teacher: Array) -> Array:
    return 0.5 * jnp.abs(softmax(student, 1) - softmax(teacher, 1)).sum(1).mean()


def categorical_hinge_loss(input: Array, target: Array) -> Array:
    rows = jnp.arange(len(input))
    wrong = input.at[rows, target].set(-jnp.inf).max(1)
    return jnp.maximum(0, 1 + wrong - input[rows, target]).mean()


def jsd_loss(student: Array, teacher: Array) -> Array:
    mine, other = log_softmax(student, 1), log_softmax(teacher, 1)
    mixture = jnp.logaddexp(mine, other) - math.log(2)
    return 0.5 * (jnp.exp(mine) * (mine - mixture) + jnp.exp(other) * (other - mixture)).sum(1).mean()


def fair_loss(input: Array, target: Array) -> Array:
    size = jnp.abs(input - target)
    return (size - jnp.log1p(size)).mean()


def wing_loss(input: Array, target: Array) -> Array:
    size = jnp.abs(input - target)
    return jnp.where(size < 10, 10 * jnp.log1p(size / 2), size - 10 + 10 * math.log(6)).mean()


def perceptron_loss(input: Array, target: Array) -> Array:
    return jnp.maximum(0, -target * input).mean()


def exponential_loss(input: Array, target: Array) -> Array:
    return jnp.exp(-target * input).mean()


def _length(rows: Array) -> Array:
    return jnp.sqrt((rows**2).sum(-1))


def cosine_similarity_loss(input: Array, target: Array) -> Array:
    lengths = jnp.maximum(_length(input), 1e-8) * jnp.maximum(_length(target), 1e-8)
    return (1 - (input * target).sum(-1) / lengths).mean()


def cosine_embedding_loss(input1: Array, input2: Array, target: Array) -> Array:
    squares = ((input1**2).sum(-1) + 1e-12) * ((input2**2).sum(-1) + 1e-12)
    cosine = (input1 * input2).sum(-1) / jnp.sqrt(squares)
    return jnp.where(target == 1, 1 - cosine, jnp.maximum(0, cosine)).mean()


def contrastive_loss(input1: Array, input2: Array, target: Array) -> Array:
    distance = _length(input1 - input2)
    return (0.5 * jnp.where(target == 1, distance, jnp.maximum(0, 1 - distance)) ** 2).mean()


def triplet_margin_loss(anchor: Array, positive: Array, negative: Array) -> Array:
    near, far = _length(anchor - positive + 1e-6), _length(anchor - negative + 1e-6)
    return jnp.maximum(0, near - far + 1).mean()


triplet_margin_with_distance_loss = triplet_margin_loss  # in the Euclidean distance


def function(name: str) -> Callable[..., Array] | None:
    """The loss called `name`, with our default arguments and the mean."""
    found = globals().get(name)
    return found if callable(found) and getattr(found, "__module__", "") == __name__ else None


def prepare(case: Case, threads: int) -> Runner | None:
    """Value and gradient in one compiled function."""
    loss = function(case.facts.name)
    if loss is None or case.hessian:
        return None
    arrays = [jax.device_put(array) for array in case.inputs()]
    wanted = tuple(case.facts.inputs.index(name) for name in case.facts.wrt)
    compiled = jax.jit(jax.value_and_grad(loss, argnums=wanted))
    wait: Callable[[Any], Any] = jax.block_until_ready
    return Runner(lambda: wait(compiled(*arrays)), _read)


def _read(result: Any) -> Result:
    value, gradients = result
    return float(value), tuple(np.asarray(gradient) for gradient in gradients)
