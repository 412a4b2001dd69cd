"""torch's own sample inputs for its losses, run through torch and through numbaloss."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.common_modules import module_db

import numbaloss as nl

LOSSES = {
    "l1_loss": "L1Loss",
    "mse_loss": "MSELoss",
    "smooth_l1_loss": "SmoothL1Loss",
    "huber_loss": "HuberLoss",
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "kl_div": "KLDivLoss",
    "poisson_nll_loss": "PoissonNLLLoss",
    "gaussian_nll_loss": "GaussianNLLLoss",
    "soft_margin_loss": "SoftMarginLoss",
    "hinge_embedding_loss": "HingeEmbeddingLoss",
    "margin_ranking_loss": "MarginRankingLoss",
    "nll_loss": "NLLLoss",
    "cross_entropy": "CrossEntropyLoss",
    "multilabel_soft_margin_loss": "MultiLabelSoftMarginLoss",
    "multi_margin_loss": "MultiMarginLoss",
    "multilabel_margin_loss": "MultiLabelMarginLoss",
    "cosine_embedding_loss": "CosineEmbeddingLoss",
    "triplet_margin_loss": "TripletMarginLoss",
    "triplet_margin_with_distance_loss": "TripletMarginWithDistanceLoss",
    "ctc_loss": "CTCLoss",
}
DTYPES = {"float64": torch.float64, "float32": torch.float32}
# What numbaloss computes in float32 is held against torch's float64 result on the same numbers.
TOLERANCE = {"float64": (1e-12, 1e-13), "float32": (2e-6, 1e-6)}
SLACK = {"ctc_loss": 10.0}  # what torch's sums of logarithms lose in float64, in units of the tolerance


@dataclass(frozen=True)
class Case:
    """One sample: which loss, its arrays, its hyper-parameters, and how torch computes it."""

    loss: str
    label: str
    inputs: Mapping[str, Any]
    arguments: Mapping[str, Any]
    reference: Callable[[Mapping[str, Any], Mapping[str, Any]], Tensor]

    def __str__(self) -> str:
        given = {**self.inputs, **self.arguments}
        return f"{self.label}: " + ", ".join(f"{name}={_shown(value)}" for name, value in given.items())


@dataclass(frozen=True)
class Result:
    """A value, and the gradient of its sum by each input that can be differentiated."""

    value: np.ndarray
    gradients: Mapping[str, np.ndarray]


# ---- collecting ----------------------------------------------------------------------------------------------


@lru_cache
def module_cases(loss: str, dtype: str) -> tuple[Case, ...]:
    """The samples of torch.nn's class, in the order torch lists them; none of a class that its list leaves out."""
    info = next((info for info in module_db if info.module_cls is getattr(nn, LOSSES[loss])), None)
    if info is None:
        return ()
    torch.manual_seed(20)
    np.random.seed(20)  # torch's generators of samples use the global one
    samples = info.module_inputs_func(info, device="cpu", dtype=DTYPES[dtype], requires_grad=False, training=True)
    return tuple(
        Case(
            loss,
            f"{LOSSES[loss]} {number} {sample.desc}",
            _named(loss, sample.forward_input.args, sample.forward_input.kwargs)[0],
            _constructor(info.module_cls, sample.constructor_input),
            lambda inputs, arguments, cls=info.module_cls: cls(**arguments)(*inputs.values()),
        )
        for number, sample in enumerate(samples)
    )


@lru_cache
def functional_cases(loss: str, dtype: str) -> tuple[Case, ...]:
    """The samples of torch.nn.functional's function."""
    torch.manual_seed(21)
    np.random.seed(21)
    found = _operator(loss).sample_inputs("cpu", DTYPES[dtype], requires_grad=False)
    return tuple(_functional(loss, f"{loss} {number}", sample) for number, sample in enumerate(found))


@lru_cache
def error_cases(loss: str) -> tuple[Case, ...]:
    """The calls that torch's own tests expect it to refuse."""
    operator = _operator(loss)
    if operator.error_inputs_func is None:
        return ()
    torch.manual_seed(22)
    found = operator.error_inputs("cpu")
    return tuple(_functional(loss, f"{loss} {case.error_regex}", case.sample_input) for case in found)


def all_cases() -> Iterator[Case]:
    for loss in LOSSES:
        yield from module_cases(loss, "float64")
        yield from functional_cases(loss, "float64")


def _operator(loss: str) -> Any:
    return next(info for info in op_db if info.name == f"nn.functional.{loss}")


def _functional(loss: str, label: str, sample: Any) -> Case:
    inputs, arguments = _named(loss, (sample.input, *sample.args), sample.kwargs)
    function = getattr(F, loss)
    return Case(loss, label, inputs, arguments, lambda inputs, arguments: function(*inputs.values(), **arguments))


def _named(loss: str, args: Any, kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments of a functional as arrays and hyper-parameters, each by name."""
    bound = inspect.signature(getattr(F, loss)).bind(*args, **kwargs).arguments
    names = getattr(nl, loss).definition.inputs
    return {name: bound.pop(name) for name in names}, bound


def _constructor(cls: type, given: Any) -> dict[str, Any]:
    return dict(inspect.signature(cls).bind(*given.args, **given.kwargs).arguments)


# ---- running -------------------------------------------------------------------------------------------------


def by_torch(case: Case) -> Result:
    """torch's result in float64, with the gradient by every input that torch differentiates."""
    inputs = {name: _double(value) for name, value in case.inputs.items()}
    arguments = {name: _double(value) for name, value in case.arguments.items()}
    value = case.reference(inputs, arguments)
    gradients = {}
    for name, tensor in inputs.items():
        if not (isinstance(tensor, Tensor) and tensor.is_floating_point()):
            continue
        leaf = tensor.clone().requires_grad_()
        try:
            total = case.reference({**inputs, name: leaf}, arguments).sum()
            (gradient,) = torch.autograd.grad(total, leaf)
        except RuntimeError:  # torch has no derivative by this input: the value alone was fine above
            continue
        gradients[name] = numpy_of(gradient)
    return Result(numpy_of(value), gradients)


def by_numbaloss(case: Case, wrt: tuple[str, ...]) -> Result:
    """The class's value and gradients on the same arrays."""
    inputs = [numpy_of(value) for value in case.inputs.values()]
    value, gradients = loss_object(case).value_and_grad(*inputs, wrt=wrt)
    named = dict(zip(wrt, gradients if isinstance(gradients, tuple) else (gradients,), strict=True))
    return Result(value, named)


def loss_object(case: Case) -> Any:
    return getattr(nl, LOSSES[case.loss])(**numpy_arguments(case))


def numpy_arguments(case: Case) -> dict[str, Any]:
    return {name: numpy_of(value) for name, value in case.arguments.items()}


def numpy_of(value: Any) -> Any:
    if isinstance(value, nn.PairwiseDistance):
        return "euclidean"
    return value.detach().numpy() if isinstance(value, Tensor) else value


def _double(value: Any) -> Any:
    return value.double() if isinstance(value, Tensor) and value.is_floating_point() else value


def _shown(value: Any) -> str:
    if not isinstance(value, Tensor):
        return repr(value)
    return f"{str(value.dtype).removeprefix('torch.')}{tuple(value.shape)}"


# ---- comparing -----------------------------------------------------------------------------------------------


def assert_parity(case: Case, dtype: str) -> None:
    """numbaloss gives torch's value and gradients, in the dtype and the shapes torch gives."""
    wanted = by_torch(case)
    found = by_numbaloss(case, tuple(name for name in case.inputs if name in wanted.gradients))
    slack = SLACK.get(case.loss, 1.0)
    assert_close(found.value, wanted.value, dtype, "value", slack)
    for name, gradient in wanted.gradients.items():
        assert_close(found.gradients[name], gradient, dtype, f"gradient by {name}", slack)


def assert_close(found: Any, wanted: np.ndarray, dtype: str, what: str, slack: float = 1.0) -> None:
    found = np.asanyarray(found)
    assert found.dtype == dtype, f"{what} has dtype {found.dtype}, the input {dtype}"
    assert found.shape == wanted.shape, f"{what} has shape {found.shape}, torch's {wanted.shape}"
    relative, absolute = (slack * tolerance for tolerance in TOLERANCE[dtype])
    finite = wanted[np.isfinite(wanted)]
    scale = max(1.0, float(np.abs(finite).max(initial=0.0)))
    np.testing.assert_allclose(found, wanted, rtol=relative, atol=absolute * scale, err_msg=what)
