"""Losses of embeddings against torch beyond its own samples: distances, ties, zeros, ranges, deliberate differences."""

import mpmath
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from differences import shows
from torch import nn

import numbaloss as nl

NAMES = {
    "triplet_margin_loss": ("anchor", "positive", "negative"),
    "triplet_margin_with_distance_loss": ("anchor", "positive", "negative"),
    "cosine_embedding_loss": ("input1", "input2"),
}


def rows(shape, count, seed=0):
    random = np.random.default_rng(seed)
    return [random.normal(size=shape) for _ in range(count)]


def by_torch(loss, arrays, *labels, **arguments):
    """The sum and its gradients."""
    leaves = [torch.tensor(array, requires_grad=True) for array in arrays]
    value = getattr(F, loss)(*leaves, *map(torch.tensor, labels), reduction="sum", **arguments)
    return value.item(), [gradient.numpy() for gradient in torch.autograd.grad(value, leaves)]


def assert_agree(loss, arrays, *labels, theirs=None, rtol=1e-12, **arguments):
    value, gradients = getattr(nl, loss).Loss(reduction="sum", **arguments).value_and_grad(*arrays, *labels)
    wanted, slopes = by_torch(loss, arrays, *labels, **(arguments if theirs is None else theirs))
    np.testing.assert_allclose(value, wanted, rtol=rtol)
    for gradient, slope in zip(gradients, slopes, strict=True):
        np.testing.assert_allclose(gradient, slope, rtol=rtol, atol=rtol * max(1.0, np.abs(slope).max()))


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("shape", [(6, 1), (5, 4), (3, 33), (2, 4096), (2, 3, 7), (7,)])
@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, 0.5, float("inf")])
def test_triplets_in_every_norm_and_shape(p, shape, swap):
    assert_agree("triplet_margin_loss", rows(shape, 3), p=p, swap=swap, margin=2.0, rtol=1e-11)


DISTANCES = {
    "euclidean": nn.PairwiseDistance(),
    "manhattan": nn.PairwiseDistance(p=1),
    "chebyshev": nn.PairwiseDistance(p=float("inf")),
    "squared_euclidean": lambda x, y: (x - y).square().sum(-1),
    "cosine": lambda x, y: 1 - F.cosine_similarity(x, y, dim=-1),
}


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("name", DISTANCES)
def test_distances_by_name(name, swap):
    theirs = {"distance_function": DISTANCES[name], "swap": swap, "margin": 0.75}
    ours = {**theirs, "distance_function": name}
    for shape in [(6, 1), (5, 4), (3, 33), (2, 3, 7)]:
        assert_agree("triplet_margin_with_distance_loss", rows(shape, 3), theirs=theirs, **ours)


@pytest.mark.parametrize("margin", [-0.5, 0.0, 0.75])
@pytest.mark.parametrize("shape", [(6, 1), (5, 4), (3, 33), (2, 4096), (7,)])
def test_cosine_embedding_in_every_shape(shape, margin):
    labels = np.random.default_rng(1).choice([-1.0, 1.0], shape[:-1])
    assert_agree("cosine_embedding_loss", rows(shape, 2), labels, margin=margin)


def test_ties_are_resolved_as_in_torch():
    anchor, positive, negative = (np.array([row]) for row in ([0.0, 0.0], [1.0, 0.0], [2.0, 0.0]))
    keywords = {"eps": 0.0, "margin": 1.0}
    assert_agree("triplet_margin_loss", (anchor, positive, negative), **keywords)  # exactly at the kink: active
    assert_agree("triplet_margin_loss", (anchor, 2 * positive, positive), swap=True, **keywords)  # half to each
    vectors = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    assert_agree("cosine_embedding_loss", vectors, np.array([-1.0]))  # the cosine is the margin: active


@pytest.mark.parametrize("p", [0.5, 1.0, 1.5, 2.0, 3.0, float("inf")])
def test_identical_vectors_have_distance_and_gradient_zero(p):
    same = rows((4, 5), 1)[0]
    value, gradients = nl.TripletMarginLoss(p=p, eps=0.0).value_and_grad(same, same, same)
    assert value == 1.0
    assert not any(np.any(gradient) for gradient in gradients)
    assert_agree("triplet_margin_loss", (same, same, same + 1.0), p=p, eps=0.0, margin=10.0, rtol=1e-11)


def test_zero_vectors_have_torchs_cosine_and_gradient():
    zero, other = np.zeros((3, 4)), rows((3, 4), 1)[0]
    for label in (1.0, -1.0):
        labels = np.full(3, label)
        for vectors in ((zero, other), (other, zero), (zero, zero)):  # torch's 1e-12 is a float32
            assert_agree("cosine_embedding_loss", vectors, labels, margin=-0.5, rtol=1e-8)


# ---- deliberate differences ----------------------------------------------------------------------------------


@shows("cosine-embedding-target")
def test_target_that_is_no_sign_gives_nan_for_its_row():
    one, two = rows((3, 4), 2)
    labels = np.array([1.0, 0.0, -1.0])
    theirs = F.cosine_embedding_loss(*map(torch.tensor, (one, two, labels)), reduction="none")
    assert theirs[1] == 0.0
    value, gradients = nl.CosineEmbeddingLoss(reduction="none", margin=-1.0).value_and_grad(one, two, labels)
    for array in (value, *gradients):
        assert np.isnan(array.reshape(3, -1)).all(axis=1).tolist() == [False, True, False]


@shows("embedding-broadcasting")
@pytest.mark.parametrize("loss", NAMES)
def test_embeddings_are_not_broadcast(loss):
    first, *others = rows((4, 3), len(NAMES[loss]))
    labels = [np.ones(4)] if loss == "cosine_embedding_loss" else []
    others[0] = others[0][:1]
    assert getattr(F, loss)(*map(torch.tensor, (first, *others, *labels))).isfinite()
    with pytest.raises(ValueError, match=rf"{loss}: {NAMES[loss][1]} has shape \(1, 3\) .* they must be the same"):
        getattr(nl, loss)(first, *others, *labels)


@shows("embedding-axes")
def test_pairs_have_any_leading_axes():
    one, two = rows((2, 3, 4), 2)
    labels = np.where(rows((2, 3), 1)[0] > 0, 1.0, -1.0)
    with pytest.raises(RuntimeError):
        F.cosine_embedding_loss(*map(torch.tensor, (one, two, labels)))
    value, gradients = nl.CosineEmbeddingLoss().value_and_grad(one, two, labels)
    flat = one.reshape(6, 4), two.reshape(6, 4), labels.reshape(6)
    wanted, slopes = nl.CosineEmbeddingLoss().value_and_grad(*flat)
    assert value == wanted
    for gradient, slope in zip(gradients, slopes, strict=True):
        np.testing.assert_array_equal(gradient, slope.reshape(2, 3, 4))


def half_square(x, y, by_x, by_y):
    total = 0.0
    for j in range(x.size):
        gap = x[j] - y[j]
        by_x[j] = gap
        by_y[j] = -gap
        total += 0.5 * gap * gap
    return total


@shows("distance-function")
@pytest.mark.parametrize("swap", [False, True])
def test_a_function_writes_its_own_gradient(swap):
    arrays = rows((6, 5), 3)
    theirs = {"distance_function": lambda x, y: 0.5 * (x - y).square().sum(-1), "swap": swap}
    assert_agree(
        "triplet_margin_with_distance_loss", arrays, theirs=theirs, distance_function=half_square, swap=swap
    )
    with pytest.raises(TypeError, match=r"distance_function must be one of .* or a plain Python function"):
        nl.TripletMarginWithDistanceLoss(distance_function=nn.PairwiseDistance(p=3))
    with pytest.raises(ValueError, match=r"distance_function must take two vectors .* got <lambda>\(x, y\)"):
        nl.TripletMarginWithDistanceLoss(distance_function=lambda x, y: 0.0)


@shows("cosine-digits")
def test_vectors_that_nearly_agree_keep_their_digits():
    one = np.float32([[1.0, 2.0, 3.0, 4.0]])
    two = one * np.float32([[1.0002, 1.0, 1.0, 1.0]])
    with mpmath.workdps(50):
        x, y = ([mpmath.mpf(float(entry)) for entry in row[0]] for row in (one, two))
        dot = mpmath.fsum(a * b for a, b in zip(x, y, strict=True))
        exact = float(1 - dot / mpmath.sqrt(mpmath.fsum(a * a for a in x) * mpmath.fsum(b * b for b in y)))
    theirs = F.cosine_embedding_loss(torch.tensor(one), torch.tensor(two), torch.ones(1)).item()
    assert exact == pytest.approx(6.4e-10, rel=0.02)
    assert abs(theirs - exact) > 0.5 * exact
    assert float(nl.cosine_embedding_loss(one, two, [1])) == pytest.approx(exact, rel=2e-3)  # an ulp of 1.0002
    assert float(nl.cosine_similarity_loss(one, one)) == 0.0


@shows("embedding-range")
def test_lengths_neither_overflow_nor_underflow():
    arrays = rows((3, 4), 3)
    wanted, slopes = nl.TripletMarginLoss(eps=0.0, margin=1e-3).value_and_grad(*arrays)
    for size in (1e25, 1e-25):
        scaled = [np.float32(size * array) for array in arrays]
        value, gradients = nl.TripletMarginLoss(eps=0.0, margin=1e-3 * size).value_and_grad(*scaled)
        assert value == pytest.approx(wanted * size, rel=1e-5)
        for gradient, slope in zip(gradients, slopes, strict=True):
            np.testing.assert_allclose(gradient, slope, rtol=1e-5, atol=1e-6)
    assert not F.triplet_margin_loss(*(torch.tensor(np.float32(1e25 * array)) for array in arrays)).isfinite()
    one, two = np.float16([[300.0, 0.0]]), np.float16([[300.0, 300.0]])
    theirs = F.cosine_embedding_loss(torch.tensor(one), torch.tensor(two), torch.ones(1))
    assert not abs(theirs.item() - 0.293) < 0.1
    assert float(nl.cosine_embedding_loss(one, two, [1])) == pytest.approx(1 - 0.5**0.5, rel=1e-3)
    large = [np.float32(1e25 * array) for array in arrays[:2]]
    np.testing.assert_allclose(
        nl.cosine_embedding_loss(*large, [1, 1, 1]), nl.cosine_embedding_loss(*arrays[:2], [1, 1, 1]), rtol=1e-6
    )
