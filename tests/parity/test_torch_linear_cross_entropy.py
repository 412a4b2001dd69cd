"""linear_cross_entropy against torch: its own samples, its chunked way, and the two calls it stands for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from differences import shows
from torch import nn
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.common_modules import module_db
from torch_cases import TOLERANCE

import numbaloss as nl

TYPES = {"float32": torch.float32, "float64": torch.float64}
CHUNKED = nn.LinearCrossEntropyOptions()


def operator_samples(dtype):
    """(input, weight, target, keywords) of torch's samples of the function."""
    torch.manual_seed(23)
    found = {}
    for operator in op_db:
        if operator.name == "nn.functional.linear_cross_entropy":
            for sample in operator.sample_inputs("cpu", TYPES[dtype], requires_grad=False):
                keywords = {name: value for name, value in sample.kwargs.items() if name != "options"}
                call = (sample.input, *sample.args, keywords)
                found[str([getattr(part, "shape", part) for part in call[:3]]) + str(sorted(keywords))] = call
    return list(found.values())


def module_samples(dtype):
    """The same of torch's samples of the class, whose layer holds the weight."""
    torch.manual_seed(24)
    info = next(info for info in module_db if info.module_cls is nn.LinearCrossEntropyLoss)
    for sample in info.module_inputs_func(info, device="cpu", dtype=TYPES[dtype], requires_grad=False, training=True):
        given = sample.constructor_input
        criterion = nn.LinearCrossEntropyLoss(*given.args, **given.kwargs)
        if criterion.out_features:
            continue
        keywords = {name: given.kwargs[name] for name in ("weight", "reduction", "ignore_index", "label_smoothing")
                    if given.kwargs.get(name) is not None}  # fmt: skip
        if criterion.linear.bias is not None:
            keywords["linear_bias"] = criterion.linear.bias.detach()
        input, target = sample.forward_input.args
        yield input, criterion.linear.weight.detach(), target, keywords


def double(value):
    return value.double() if isinstance(value, torch.Tensor) and value.is_floating_point() else value


def by_torch(input, weight, target, keywords):
    """Value, and gradients of its sum, in float64."""
    given = {"input": input, "linear_weight": weight, "linear_bias": keywords.get("linear_bias")}
    leaves = {name: part.detach().clone().double() for name, part in given.items() if part is not None}
    for leaf in leaves.values():
        leaf.requires_grad_()
    rest = {name: double(value) for name, value in keywords.items() if name != "linear_bias"}
    value = F.linear_cross_entropy(target=double(target), **leaves, **rest)
    return value.detach().numpy(), [g.numpy() for g in torch.autograd.grad(value.sum(), list(leaves.values()))]


def by_numbaloss(input, weight, target, keywords, **more):
    given = {name: value.numpy() if isinstance(value, torch.Tensor) else value for name, value in keywords.items()}
    bias = given.pop("linear_bias", None)
    criterion = nl.LinearCrossEntropyLoss(**given, **more)
    return criterion.value_and_grad(input.numpy(), weight.numpy(), target.numpy(), bias)


def agree(found, wanted, dtype):
    relative, absolute = TOLERANCE[dtype]
    for got, want in zip([found[0], *found[1]], [wanted[0], *wanted[1]], strict=True):
        assert np.asarray(got).dtype == dtype
        assert np.shape(got) == want.shape
        scale = max(1.0, float(np.abs(want).max(initial=0.0)))
        np.testing.assert_allclose(got, want, rtol=relative, atol=absolute * scale)


@pytest.mark.parametrize("dtype", TYPES)
def test_samples_of_the_function(dtype):
    samples = [sample for sample in operator_samples(dtype) if sample[1].ndim == 2]
    assert len(samples) >= 20
    for sample in samples:
        agree(by_numbaloss(*sample), by_torch(*sample), dtype)
        agree(by_numbaloss(*sample, chunk_bytes=1), by_torch(*sample), dtype)


@pytest.mark.parametrize("dtype", TYPES)
def test_samples_of_the_class(dtype):
    samples = list(module_samples(dtype))
    assert samples
    for sample in samples:
        agree(by_numbaloss(*sample), by_torch(*sample), dtype)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_torchs_chunked_way(reduction):
    rng = np.random.default_rng(3)
    input, weight, bias = (rng.standard_normal(shape) for shape in ((300, 16), (150, 16), (150,)))
    target = rng.integers(0, 150, 300)
    target[::7] = -100
    found = nl.LinearCrossEntropyLoss(reduction=reduction, chunk_bytes=40_000).value_and_grad(
        input, weight, target, bias
    )
    leaves = [torch.from_numpy(array).requires_grad_() for array in (input, weight, bias)]
    value = F.linear_cross_entropy(
        *leaves[:2], torch.from_numpy(target), linear_bias=leaves[2], reduction=reduction, options=CHUNKED
    )
    gradients = torch.autograd.grad(value, leaves)
    agree(found, (value.detach().numpy(), [gradient.numpy() for gradient in gradients]), "float64")


@shows("linear-positions")
def test_a_weight_of_several_positions_is_refused():
    sample = next(sample for sample in operator_samples("float64") if sample[1].ndim > 2)
    assert by_torch(*sample)[1][1].shape == sample[1].shape
    with pytest.raises(ValueError, match="linear_weight must have shape"):
        by_numbaloss(*sample)


@shows("linear-leading-axes")
def test_an_input_of_several_leading_axes_is_rows():
    rng = np.random.default_rng(4)
    input, weight, target = rng.standard_normal((2, 3, 5)), rng.standard_normal((7, 5)), rng.integers(0, 7, (2, 3))
    with pytest.raises(RuntimeError, match="dimensionality 1 or 2"):
        F.linear_cross_entropy(*map(torch.from_numpy, (input, weight, target)))
    values = nl.linear_cross_entropy(input, weight, target, reduction="none")
    assert values.shape == (2, 3)
    rows = nl.linear_cross_entropy(input.reshape(6, 5), weight, target.reshape(6), reduction="none")
    np.testing.assert_array_equal(values.reshape(6), rows)
