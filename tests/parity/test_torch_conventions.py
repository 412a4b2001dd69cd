"""Names, defaults and accepted arguments are torch's, but for the entries of the table of differences."""

import inspect

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from differences import shows
from torch import nn
from torch_cases import LOSSES

import numbaloss as nl

DEPRECATED = {"size_average", "reduce"}
# torch says None where numbaloss says the number that means the same.
SAME = {("pos_weight", None): 1.0, ("distance_function", None): "euclidean"}
FUNCTIONS = list(LOSSES)


def parameters(of):
    return {name: item for name, item in inspect.signature(of).parameters.items() if name not in DEPRECATED}


@pytest.mark.parametrize("loss", FUNCTIONS)
def test_class_has_torchs_arguments_and_defaults(loss):
    theirs, ours = parameters(getattr(nn, LOSSES[loss])), parameters(getattr(nl, LOSSES[loss]))
    for name, item in theirs.items():
        assert ours[name].default == SAME.get((name, item.default), item.default), name


@pytest.mark.parametrize("loss", FUNCTIONS)
def test_function_has_torchs_arguments_and_defaults(loss):
    theirs, ours = parameters(getattr(F, loss)), parameters(getattr(nl, loss))
    arrays = nl.get(loss).definition.inputs
    assert tuple(theirs)[: len(arrays)] == tuple(ours)[: len(arrays)] == arrays
    for name, item in theirs.items():
        assert ours[name].default == SAME.get((name, item.default), item.default), name


def test_no_pos_weight_is_said_as_in_torch():
    assert nl.BCEWithLogitsLoss(pos_weight=None) == nl.BCEWithLogitsLoss()


@shows("deprecated-arguments")
@pytest.mark.parametrize("loss", FUNCTIONS)
def test_deprecated_arguments_are_refused(loss):
    cls = getattr(nn, LOSSES[loss])
    for name in DEPRECATED & set(inspect.signature(cls).parameters):
        with pytest.warns(UserWarning, match="will be deprecated"):
            assert cls(**{name: False}).reduction != cls().reduction
        with pytest.raises(TypeError, match=name):
            getattr(nl, LOSSES[loss])(**{name: False})
    with pytest.raises(ValueError, match="reduction"):
        getattr(nl, LOSSES[loss])(reduction="elementwise_mean")


@shows("keyword-hyper-parameters")
def test_hyper_parameters_go_by_keyword():
    weight = np.array([0.2, 0.8])
    assert nn.CrossEntropyLoss(torch.tensor(weight)).weight is not None
    with pytest.raises(TypeError):
        nl.CrossEntropyLoss(weight)
    with pytest.raises(TypeError):
        nl.cross_entropy(np.zeros((1, 2)), np.zeros(1, int), weight)


@shows("reduction-checked-early")
def test_unknown_reduction_is_refused_at_construction():
    nn.MSELoss(reduction="average")
    with pytest.raises(ValueError, match=r"reduction must be one of .*'average'"):
        nl.MSELoss(reduction="average")


@shows("weight-gradient")
@pytest.mark.parametrize("loss", ["l1_loss", "mse_loss", "huber_loss"])
def test_weights_are_not_differentiated(loss):
    x, weight = torch.tensor([1.0, 2.0]), torch.ones(2, requires_grad=True)
    (gradient,) = torch.autograd.grad(getattr(F, loss)(x, torch.zeros(2), weight=weight), weight)
    assert gradient.shape == (2,)
    with pytest.raises(ValueError, match=r"wrt can name \('input', 'target'\), got 'weight'"):
        getattr(nl, loss).Loss(weight=[1.0, 1.0]).value_and_grad(x.numpy(), np.zeros(2, "f4"), wrt=("weight",))


@shows("weight-broadcast")
@pytest.mark.parametrize("loss", ["l1_loss", "mse_loss", "huber_loss"])
def test_weight_broadcasts_for_every_loss_that_has_one(loss):
    x, y = np.random.default_rng(20).normal(size=(2, 4, 3))
    weight = np.array([0.5, 1.0, 2.0])
    with pytest.raises(ValueError, match="same size"):
        getattr(F, loss)(torch.tensor(x), torch.tensor(y), weight=torch.tensor(weight))
    whole = np.broadcast_to(weight, x.shape).copy()
    wanted = getattr(F, loss)(torch.tensor(x), torch.tensor(y), weight=torch.tensor(whole)).item()
    assert getattr(nl, loss)(x, y, weight=weight) == pytest.approx(wanted, rel=1e-14)


@shows("result-dtype")
@pytest.mark.parametrize("loss", ["mse_loss", "binary_cross_entropy_with_logits"])
def test_result_has_the_inputs_dtype(loss):
    x, y = np.float32([0.25, 0.5]), np.float64([1.0, 0.0])
    assert getattr(F, loss)(torch.tensor(x), torch.tensor(y)).dtype == torch.float64
    value, gradient = getattr(nl, loss).Loss().value_and_grad(x, y)
    assert value.dtype == gradient.dtype == np.float32


@shows("integer-inputs")
@pytest.mark.parametrize("values", [[1, 3], [1j, 2.0]])
def test_integer_and_complex_inputs_are_refused(values):
    x, zero = torch.tensor(values), torch.zeros_like(torch.tensor(values))
    assert F.l1_loss(x, zero, reduction="sum").isfinite()
    with pytest.raises(TypeError, match="input must be a floating array"):
        nl.l1_loss(x.numpy(), zero.numpy(), reduction="sum")


@shows("integer-targets")
@pytest.mark.parametrize("loss", ["binary_cross_entropy", "binary_cross_entropy_with_logits"])
def test_zero_one_targets_may_be_integers_or_booleans(loss):
    x = np.array([0.2, 0.7])
    wanted = getattr(F, loss)(torch.tensor(x), torch.tensor([1.0, 0.0], dtype=torch.float64)).item()
    for labels in (np.array([1, 0]), np.array([1, 0], np.uint8), np.array([True, False])):
        with pytest.raises(RuntimeError):
            getattr(F, loss)(torch.tensor(x), torch.tensor(labels))
        assert getattr(nl, loss)(x, labels) == pytest.approx(wanted, rel=1e-15)


@shows("label-dtypes")
@pytest.mark.parametrize("loss", ["cross_entropy", "nll_loss", "multi_margin_loss"])
def test_labels_of_any_integer_type(loss):
    x = np.random.default_rng(20).normal(size=(4, 3))
    labels = np.array([2, 0, 1, 1])
    wanted = getattr(F, loss)(torch.tensor(x), torch.tensor(labels)).item()
    for dtype in ("int8", "int32", "uint64"):
        assert getattr(nl, loss)(x, labels.astype(dtype)) == pytest.approx(wanted, rel=1e-14), dtype
    with pytest.raises(RuntimeError):
        getattr(F, loss)(torch.tensor(x), torch.tensor(labels.astype(np.int32)))


@shows("label-out-of-range")
@pytest.mark.parametrize("loss", ["cross_entropy", "nll_loss", "multi_margin_loss"])
@pytest.mark.parametrize("label", [3, -1])
def test_label_out_of_range_is_a_wrong_value(loss, label):
    x, labels = np.zeros((2, 3)), np.array([0, label])
    with pytest.raises((IndexError, RuntimeError)):
        getattr(F, loss)(torch.tensor(x), torch.tensor(labels))
    with pytest.raises(ValueError, match=rf"{loss}: target\[1\] is {label}"):
        getattr(nl, loss).Loss().value_and_grad(x, labels)


@shows("probability-range")
@pytest.mark.parametrize("bad", [1.5, -0.1, float("nan")])
def test_input_that_is_no_probability_gives_nan_for_itself(bad):
    x, y = np.array([bad, 0.5]), np.array([1.0, 0.0])
    with pytest.raises(RuntimeError, match="between 0 and 1"):
        F.binary_cross_entropy(torch.tensor(x), torch.tensor(y))
    value, gradient = nl.BCELoss(reduction="none").value_and_grad(x, y)
    np.testing.assert_allclose(value, [np.nan, np.log(2)], rtol=1e-15)
    np.testing.assert_allclose(gradient, [np.nan, 2.0], rtol=1e-15)


@shows("negative-variance")
def test_negative_variance_gives_nan_for_itself():
    x, y, var = np.array([0.0, 1.0]), np.array([1.0, 1.0]), np.array([-1.0, 1.0])
    with pytest.raises(ValueError, match="negative"):
        F.gaussian_nll_loss(torch.tensor(x), torch.tensor(y), torch.tensor(var))
    value, gradients = nl.GaussianNLLLoss(reduction="none").value_and_grad(x, y, var)
    for array in (value, *gradients):
        assert np.isnan(array).tolist() == [True, False]


@shows("margin-dtypes")
@pytest.mark.parametrize("loss", ["multi_margin_loss", "multilabel_margin_loss"])
def test_margin_losses_take_float16(loss):
    x = np.float16([[0.5, 0.25, 1.0]])
    labels = np.array([1]) if loss == "multi_margin_loss" else np.array([[1, -1, 0]])
    with pytest.raises(RuntimeError, match="not implemented"):
        getattr(F, loss)(torch.tensor(x), torch.tensor(labels))
    wanted = getattr(F, loss)(torch.tensor(x.astype(np.float32)), torch.tensor(labels)).item()
    value, gradient = getattr(nl, loss).Loss().value_and_grad(x, labels)
    assert value == np.float16(wanted)
    assert gradient.dtype == np.float16
