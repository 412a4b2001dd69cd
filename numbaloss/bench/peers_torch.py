"""Losses in PyTorch, eager and compiled: torch's own where it has one, else the composition a user would write."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as functional

from numbaloss.bench.cases import Case
from numbaloss.bench.runner import Result, Runner

Tensor = torch.Tensor


def expectile_loss(input: Tensor, target: Tensor) -> Tensor:
    error = input - target
    return (0.5 * error * error).mean()


def focal_loss(input: Tensor, target: Tensor) -> Tensor:
    log_prob = -functional.cross_entropy(input, target, reduction="none")
    return (-((1 - log_prob.exp()) ** 2) * log_prob).mean()


def generalized_cross_entropy(input: Tensor, target: Tensor) -> Tensor:
    log_prob = -functional.cross_entropy(input, target, reduction="none")
    return ((1 - (0.7 * log_prob).exp()) / 0.7).mean()


def hinge_loss(input: Tensor, target: Tensor) -> Tensor:
    return (1 - target * input).clamp(min=0).mean()


def squared_hinge_loss(input: Tensor, target: Tensor) -> Tensor:
    return (1 - target * input).clamp(min=0).square().mean()


def log_cosh_loss(input: Tensor, target: Tensor) -> Tensor:
    error = input - target
    return (error + functional.softplus(-2 * error) - math.log(2)).mean()


def mape_loss(input: Tensor, target: Tensor) -> Tensor:
    return ((input - target).abs() / target.abs().clamp(min=1e-7)).mean()


def msle_loss(input: Tensor, target: Tensor) -> Tensor:
    return functional.mse_loss(torch.log1p(input), torch.log1p(target))


def poly_loss(input: Tensor, target: Tensor) -> Tensor:
    value = functional.cross_entropy(input, target, reduction="none")
    return (value + 1 - (-value).exp()).mean()


def pseudo_huber_loss(input: Tensor, target: Tensor) -> Tensor:
    return ((1 + (input - target).square()).sqrt() - 1).mean()


def quantile_loss(input: Tensor, target: Tensor) -> Tensor:
    error = target - input
    return torch.maximum(0.5 * error, -0.5 * error).mean()


def sigmoid_focal_loss(input: Tensor, target: Tensor) -> Tensor:
    """As ``torchvision.ops.sigmoid_focal_loss``."""
    chance = input.sigmoid()
    value = functional.binary_cross_entropy_with_logits(input, target, reduction="none")
    right = chance * target + (1 - chance) * (1 - target)
    weight = 0.25 * target + 0.75 * (1 - target)
    return (weight * value * (1 - right) ** 2).mean()


def kl_div(input: Tensor, target: Tensor) -> Tensor:
    return functional.kl_div(input, target, reduction="sum") / input.numel()  # "mean" warns on every run


def kl_div_with_logits(student: Tensor, teacher: Tensor) -> Tensor:
    return functional.kl_div(student.log_softmax(1), teacher.log_softmax(1), log_target=True, reduction="batchmean")


def jsd_loss(student: Tensor, teacher: Tensor) -> Tensor:
    mine, other = student.log_softmax(1), teacher.log_softmax(1)
    mixture = torch.logaddexp(mine, other) - math.log(2)
    divergence = mine.exp() * (mine - mixture) + other.exp() * (other - mixture)
    return 0.5 * divergence.sum(1).mean()


def linear_cross_entropy(input: Tensor, linear_weight: Tensor, target: Tensor, linear_bias: Tensor) -> Tensor:
    return functional.cross_entropy(functional.linear(input, linear_weight, linear_bias), target)


def arcface_loss(input: Tensor, target: Tensor) -> Tensor:
    own = input.gather(1, target[:, None])
    sine = (1 - own * own).clamp(min=0).sqrt()
    moved = own * math.cos(0.5) - sine * math.sin(0.5)
    moved = torch.where(own > -math.cos(0.5), moved, own - 0.5 * math.sin(0.5))
    return functional.cross_entropy(64 * input.scatter(1, target[:, None], moved), target)


def cosface_loss(input: Tensor, target: Tensor) -> Tensor:
    own = input.gather(1, target[:, None]) - 0.35
    return functional.cross_entropy(64 * input.scatter(1, target[:, None], own), target)


OURS = (
    expectile_loss, focal_loss, generalized_cross_entropy, hinge_loss, squared_hinge_loss, log_cosh_loss, mape_loss,
    msle_loss, poly_loss, pseudo_huber_loss, quantile_loss, sigmoid_focal_loss, kl_div, kl_div_with_logits, jsd_loss,
    linear_cross_entropy, arcface_loss, cosface_loss,
)  # fmt: skip
COMPOSED: dict[str, Callable[..., Tensor]] = {loss.__name__: loss for loss in OURS}


def function(name: str) -> Callable[..., Tensor] | None:
    """The loss called `name`, with its default arguments and the mean."""
    found: Callable[..., Tensor] | None = COMPOSED.get(name) or getattr(functional, name, None)
    return found


def prepare_eager(case: Case, threads: int) -> Runner | None:
    """Forward and backward, operation by operation."""
    return _prepare(case, threads, compiled=False)


def prepare_compiled(case: Case, threads: int) -> Runner | None:
    """Forward and backward under ``torch.compile`` for exactly this shape."""
    return _prepare(case, threads, compiled=True)


def _prepare(case: Case, threads: int, compiled: bool) -> Runner | None:
    loss = function(case.facts.name)
    if loss is None or case.hessian:
        return None
    torch.set_num_threads(threads)
    tensors = [torch.from_numpy(array) for array in case.inputs()]
    wanted = [tensors[case.facts.inputs.index(name)].requires_grad_() for name in case.facts.wrt]
    if compiled:
        torch._dynamo.reset()
        loss = torch.compile(loss, dynamic=False)

    def call() -> tuple[Tensor, Any]:
        value = loss(*tensors)
        return value, torch.autograd.grad(value, wanted)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # inductor's advice on the machine
        call()  # which comes once
    return Runner(call, _read)


def _read(result: Any) -> Result:
    value, gradients = result
    return float(value.detach()), tuple(gradient.numpy() for gradient in gradients)
