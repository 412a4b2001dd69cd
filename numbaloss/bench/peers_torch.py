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


def tvd_loss(student: Tensor, teacher: Tensor) -> Tensor:
    return 0.5 * (student.softmax(1) - teacher.softmax(1)).abs().sum(1).mean()


def categorical_hinge_loss(input: Tensor, target: Tensor) -> Tensor:
    label = target[:, None]
    wrong = input.scatter(1, label, -torch.inf).max(1).values
    return (1 + wrong - input.gather(1, label)[:, 0]).relu().mean()


def jsd_loss(student: Tensor, teacher: Tensor) -> Tensor:
    mine, other = student.log_softmax(1), teacher.log_softmax(1)
    mixture = torch.logaddexp(mine, other) - math.log(2)
    divergence = mine.exp() * (mine - mixture) + other.exp() * (other - mixture)
    return 0.5 * divergence.sum(1).mean()


def fair_loss(input: Tensor, target: Tensor) -> Tensor:
    size = (input - target).abs()
    return (size - torch.log1p(size)).mean()


def wing_loss(input: Tensor, target: Tensor) -> Tensor:
    size = (input - target).abs()
    return torch.where(size < 10, 10 * torch.log1p(size / 2), size - 10 + 10 * math.log(6)).mean()


def perceptron_loss(input: Tensor, target: Tensor) -> Tensor:
    return (-target * input).clamp(min=0).mean()


def exponential_loss(input: Tensor, target: Tensor) -> Tensor:
    return (-target * input).exp().mean()


def cosine_similarity_loss(input: Tensor, target: Tensor) -> Tensor:
    return (1 - functional.cosine_similarity(input, target, dim=-1)).mean()


def contrastive_loss(input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
    distance = functional.pairwise_distance(input1, input2, eps=0.0)
    return (0.5 * torch.where(target == 1, distance, (1 - distance).clamp(min=0)) ** 2).mean()


def ctc_loss_with_logits(logits: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor) -> Tensor:
    return functional.ctc_loss(logits.log_softmax(2), targets, input_lengths, target_lengths)


def _regions(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """True positives and the sizes of what is predicted and of what is there."""
    chance = input.softmax(1)
    wanted = functional.one_hot(target, input.shape[1]).movedim(-1, 1).to(chance.dtype)
    axes = tuple(range(2, input.ndim))
    return (chance * wanted).sum(axes), chance.sum(axes), wanted.sum(axes)


def dice_loss(input: Tensor, target: Tensor) -> Tensor:
    both, predicted, present = _regions(input, target)
    return (1 - (2 * both + 1e-5) / (predicted + present + 1e-5)).mean()


def jaccard_loss(input: Tensor, target: Tensor) -> Tensor:
    both, predicted, present = _regions(input, target)
    return (1 - (2 * both + 1e-5) / (2 * (predicted + present - both) + 1e-5)).mean()


def _tversky(input: Tensor, target: Tensor, alpha: float, beta: float) -> Tensor:
    both, predicted, present = _regions(input, target)
    return 1 - (both + 1e-5) / (both + alpha * (predicted - both) + beta * (present - both) + 1e-5)


def tversky_loss(input: Tensor, target: Tensor) -> Tensor:
    return _tversky(input, target, 0.5, 0.5).mean()


def focal_tversky_loss(input: Tensor, target: Tensor) -> Tensor:
    return (_tversky(input, target, 0.3, 0.7) ** 0.75).mean()


def generalized_dice_loss(input: Tensor, target: Tensor) -> Tensor:
    both, predicted, present = _regions(input, target)
    weight = 1 / (present * present)
    value = 1 - (2 * (weight * both).sum(1) + 1e-5) / ((weight * (predicted + present)).sum(1) + 1e-5)
    return value.mean()


def dice_ce_loss(input: Tensor, target: Tensor) -> Tensor:
    return dice_loss(input, target) + functional.cross_entropy(input, target)


def dice_focal_loss(input: Tensor, target: Tensor) -> Tensor:
    return dice_loss(input, target) + focal_loss(input, target)


def tversky_ce_loss(input: Tensor, target: Tensor) -> Tensor:
    return tversky_loss(input, target) + functional.cross_entropy(input, target)


def _cosines(one: Tensor, two: Tensor) -> Tensor:
    return functional.normalize(one, dim=1) @ functional.normalize(two, dim=1).T


def _relations(labels: Tensor) -> tuple[Tensor, Tensor]:
    same = labels[:, None] == labels[None, :]
    return same & ~torch.eye(len(labels), dtype=torch.bool), ~same


def nt_xent_loss(embeddings: Tensor, labels: Tensor) -> Tensor:
    scores, (partners, rivals) = _cosines(embeddings, embeddings) / 0.07, _relations(labels)
    others = scores.masked_fill(~rivals, -math.inf).logsumexp(1, keepdim=True)
    return functional.softplus(others - scores)[partners].mean()


def sup_con_loss(embeddings: Tensor, labels: Tensor) -> Tensor:
    scores, (partners, _) = _cosines(embeddings, embeddings) / 0.1, _relations(labels)
    itself = torch.eye(len(labels), dtype=torch.bool)
    log_prob = scores - scores.masked_fill(itself, -math.inf).logsumexp(1, keepdim=True)
    return -((log_prob * partners).sum(1) / partners.sum(1)).mean()


def clip_loss(image: Tensor, text: Tensor, logit_scale: Tensor) -> Tensor:
    scores, right = logit_scale * _cosines(image, text), torch.arange(len(image))
    return 0.5 * (functional.cross_entropy(scores, right) + functional.cross_entropy(scores.T, right))


def siglip_loss(image: Tensor, text: Tensor, logit_scale: Tensor, logit_bias: Tensor) -> Tensor:
    scores = logit_scale * _cosines(image, text) + logit_bias
    return -functional.logsigmoid((2 * torch.eye(len(image)) - 1) * scores).sum() / len(image)


def batch_hard_triplet_loss(embeddings: Tensor, labels: Tensor) -> Tensor:
    apart, (partners, rivals) = torch.cdist(embeddings, embeddings), _relations(labels)
    far = apart.masked_fill(~partners, -math.inf).amax(1)
    near = apart.masked_fill(~rivals, math.inf).amin(1)
    return (1 + far - near).clamp(min=0).mean()


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
    dice_loss, jaccard_loss, tversky_loss, focal_tversky_loss, generalized_dice_loss, dice_ce_loss, dice_focal_loss,
    tversky_ce_loss,
    expectile_loss, focal_loss, generalized_cross_entropy, hinge_loss, squared_hinge_loss, log_cosh_loss, mape_loss,
    msle_loss, poly_loss, pseudo_huber_loss, quantile_loss, sigmoid_focal_loss, kl_div, kl_div_with_logits, jsd_loss,
    tvd_loss, categorical_hinge_loss,
    fair_loss, wing_loss, perceptron_loss, exponential_loss, cosine_similarity_loss, contrastive_loss,
    ctc_loss_with_logits,
    nt_xent_loss, sup_con_loss, clip_loss, siglip_loss, batch_hard_triplet_loss,
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
    torch.set_num_threads(threads)
    call = contestant(case, [torch.from_numpy(array) for array in case.inputs()], compiled)
    return None if call is None else Runner(call, _read)


def contestant(case: Case, tensors: list[Tensor], compiled: bool) -> Callable[[], tuple[Tensor, Any]] | None:
    """Forward and backward on these tensors, wherever they are, after a first run; None where there is no such loss."""
    loss = function(case.facts.name)
    if loss is None or case.hessian:
        return None
    wanted = [tensors[case.facts.inputs.index(name)].requires_grad_() for name in case.facts.wrt]
    if compiled:
        torch._dynamo.reset()
        loss = torch.compile(loss, dynamic=False)

    def call() -> tuple[Tensor, Any]:
        with tensors[0].device:  # of what the composition creates
            value = loss(*tensors)
        return value, torch.autograd.grad(value, wanted)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # inductor's advice on the machine
        call()  # which comes once
    return call


def _read(result: Any) -> Result:
    value, gradients = result
    return float(value.detach()), tuple(gradient.numpy() for gradient in gradients)
