"""Agreement with torch where its own samples are thin: weights, ties, empty and ignored batches, infinities."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch_cases import DTYPES, Case, assert_parity, by_numbaloss, by_torch, numpy_of

import numbaloss as nl

pytestmark = pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")  # of torch's kl_div
INF, NAN = float("inf"), float("nan")
REDUCTIONS = ("none", "mean", "sum")


def case(loss: str, *inputs: Any, dtype: str = "float64", **arguments: Any) -> Case:
    """A sample of lists and arrays; floating ones become tensors of `dtype`."""
    names = getattr(nl, loss).definition.inputs
    kind = getattr(torch, dtype)

    def tensor(value: Any) -> torch.Tensor:
        made = torch.as_tensor(np.asarray(value))
        return made.to(kind) if made.is_floating_point() else made

    return Case(
        loss,
        loss,
        {name: tensor(value) for name, value in zip(names, inputs, strict=True)},
        {name: tensor(v) if isinstance(v, (list, np.ndarray)) else v for name, v in arguments.items()},
        lambda inputs, arguments: getattr(F, loss)(*inputs.values(), **arguments),
    )


def rng() -> np.random.Generator:
    return np.random.default_rng(20)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("loss", ["l1_loss", "mse_loss", "huber_loss"])
def test_weighted_regression_has_torchs_denominator(loss, reduction):
    x, y = rng().normal(size=(2, 5, 3))
    weight = rng().uniform(0, 2, size=(5, 3))
    assert_parity(case(loss, x, y, weight=weight, reduction=reduction), "float64")


@pytest.mark.parametrize("target", ["labels", "probabilities"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_cross_entropy_with_every_option_at_once(reduction, target):
    logits = rng().normal(size=(6, 4, 3))
    weight = rng().uniform(0, 2, size=4)
    if target == "labels":
        labels = rng().integers(0, 4, size=(6, 3))
        labels[0, 0] = labels[3, 2] = -7
        sample = case(
            "cross_entropy", logits, labels, weight=weight, ignore_index=-7, label_smoothing=0.2, reduction=reduction
        )
    else:
        chances = rng().dirichlet(np.ones(4), size=(6, 3)).transpose(0, 2, 1)
        sample = case("cross_entropy", logits, chances, weight=weight, label_smoothing=0.2, reduction=reduction)
    assert_parity(sample, "float64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("classes", [1, 2, 33, 200])
def test_cross_entropy_of_few_and_many_classes(classes, dtype):
    logits = 3 * rng().normal(size=(19, classes))
    labels = rng().integers(0, classes, size=19)
    assert_parity(case("cross_entropy", logits, labels, dtype=dtype), dtype)


@pytest.mark.parametrize("ignored", [-1, 2, 77])
def test_any_number_may_be_the_ignored_label(ignored):
    labels = np.array([0, ignored, 2, 1, ignored])
    logits = rng().normal(size=(5, 3))
    assert_parity(case("cross_entropy", logits, labels, ignore_index=ignored), "float64")
    assert_parity(case("nll_loss", logits, labels, ignore_index=ignored), "float64")


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_only_ignored_rows(reduction):
    sample = partial(case, "cross_entropy", [[1.0, 2.0], [3.0, 1.0]], [-100, -100])
    assert_parity(sample(reduction=reduction), "float64")


def test_weights_that_are_all_zero():
    assert_parity(case("cross_entropy", [[1.0, 2.0], [3.0, 1.0]], [0, 1], weight=[0.0, 0.0]), "float64")
    assert_parity(case("mse_loss", [1.0, 2.0], [3.0, 4.0], weight=[0.0, 0.0]), "float64")


EMPTY = {
    "l1_loss": 2,
    "mse_loss": 2,
    "smooth_l1_loss": 2,
    "huber_loss": 2,
    "binary_cross_entropy": 2,
    "binary_cross_entropy_with_logits": 2,
    "kl_div": 2,
    "poisson_nll_loss": 2,
    "gaussian_nll_loss": 3,
    "soft_margin_loss": 2,
    "hinge_embedding_loss": 2,
    "margin_ranking_loss": 3,
}


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("loss", EMPTY)
def test_no_elements(loss, reduction):
    assert_parity(case(loss, *[np.zeros((0, 3))] * EMPTY[loss], reduction=reduction), "float64")


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("loss", ["cross_entropy", "nll_loss"])
@pytest.mark.parametrize("shape", [(0, 3), (2, 3, 0)])
def test_no_rows(loss, shape, reduction):
    labels = np.zeros(shape[:1] + shape[2:], np.int64)
    assert_parity(case(loss, np.zeros(shape), labels, reduction=reduction), "float64")


TIES = {
    "absolute error of 0": case("l1_loss", [1.0, 2.0], [1.0, 2.0], reduction="none"),
    "smooth L1 at beta": case("smooth_l1_loss", [1.0, -1.0, 0.0], [0.0, 0.0, 0.0], reduction="none"),
    "smooth L1 with beta 0": case("smooth_l1_loss", [1.0, 0.0], [0.0, 0.0], beta=0.0, reduction="none"),
    "Huber at delta": case("huber_loss", [1.0, -1.0, 0.0], [0.0, 0.0, 0.0], reduction="none"),
    "hinge embedding at the margin": case("hinge_embedding_loss", [1.0, 1.0], [1.0, -1.0], reduction="none"),
    "margin ranking": case("margin_ranking_loss", [1.0, 1.0], [1.0, 1.0], [1.0, -1.0], reduction="none"),
    "margin ranking with a margin": case(
        "margin_ranking_loss", [1.5, 1.0], [1.0, 1.5], [1.0, -1.0], margin=0.5, reduction="none"
    ),
    "multi-margin": case("multi_margin_loss", [[1.0, 0.0, 2.0], [2.0, 1.0, 1.0]], [0, 0], reduction="none"),
    "squared multi-margin": case("multi_margin_loss", [[1.0, 0.0, 2.0]], [0], p=2, reduction="none"),
    "multi-label margin": case("multilabel_margin_loss", [[2.0, 1.0, 3.0]], [[0, -1, 1]], reduction="none"),
    "Stirling's term at a count of 1": case("poisson_nll_loss", [0.5, 0.5], [1.0, 2.0], full=True, reduction="none"),
    "variance at its floor": case("gaussian_nll_loss", [0.0, 1.0], [1.0, 1.0], [1e-6, 1e-7], reduction="none"),
}


@pytest.mark.parametrize("name", TIES)
def test_subgradient_at_a_tie_is_torchs(name):
    assert_parity(TIES[name], "float64")


def test_certain_probabilities_are_held_where_torch_holds_them():
    sample = case("binary_cross_entropy", [0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0], reduction="none")
    wanted = by_torch(sample)
    found = by_numbaloss(sample, ("input", "target"))
    np.testing.assert_array_equal(found.value, wanted.value)
    np.testing.assert_array_equal(found.gradients["target"], wanted.gradients["target"])
    # torch's bound of 1e-12 is a float32 number
    np.testing.assert_allclose(found.gradients["input"], wanted.gradients["input"], rtol=1e-8)


INFINITIES = {
    "mse_loss": ([INF, -INF, NAN], [1.0, 1.0, 1.0]),
    "l1_loss": ([INF, -INF], [1.0, 1.0]),
    "smooth_l1_loss": ([INF, -INF, NAN], [1.0, 1.0, 1.0]),
    "huber_loss": ([INF, -INF, NAN], [1.0, 1.0, 1.0]),
    "poisson_nll_loss": ([INF, 800.0, NAN], [1.0, 1.0, 1.0]),
    "binary_cross_entropy_with_logits": ([NAN, 1e300, -1e300], [1.0, 0.0, 1.0]),
    "cross_entropy": ([[-INF, -INF], [INF, 3.0], [1.0, -INF], [1.0, NAN]], [0, 0, 0, 0]),
}


@pytest.mark.parametrize("loss", INFINITIES)
def test_infinities_and_nan_go_through_as_in_torch(loss):
    assert_parity(case(loss, *INFINITIES[loss], reduction="none"), "float64")


def test_smoothing_makes_an_impossible_class_infinitely_bad():
    sample = case("cross_entropy", [[1.0, -INF, 0.0]], [0], label_smoothing=0.1, reduction="none")
    assert_parity(sample, "float64")


@pytest.mark.parametrize("shape", [(4, 3), (4, 1), (1, 3), (4,)])
def test_shapes_of_variance_that_torch_takes(shape):
    x, y = rng().normal(size=(2, 4, 3))
    assert_parity(case("gaussian_nll_loss", x, y, np.full(shape, 0.7)), "float64")


def test_one_variance_a_row_where_rows_and_columns_are_as_many():
    x, y = rng().normal(size=(2, 3, 3))
    assert_parity(case("gaussian_nll_loss", x, y, rng().uniform(0.5, 2, 3)), "float64")


def test_variance_may_be_a_number():
    x, y = rng().normal(size=(2, 4, 3))
    wanted = F.gaussian_nll_loss(torch.tensor(x), torch.tensor(y), 0.7)
    np.testing.assert_allclose(nl.gaussian_nll_loss(x, y, 0.7), numpy_of(wanted), rtol=1e-14)


@pytest.mark.parametrize("shape", [(3,), (1, 3), (4, 1), (4, 3)])
def test_pos_weight_and_weight_broadcast_from_the_right(shape):
    x, y = rng().normal(size=(4, 3)), rng().uniform(size=(4, 3))
    weight = rng().uniform(0.5, 2, size=shape)
    for name in ("pos_weight", "weight"):
        assert_parity(case("binary_cross_entropy_with_logits", x, y, **{name: weight}), "float64")
