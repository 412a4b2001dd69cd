"""Contrastive losses against the whole matrix of pairs in float64; what they promise at the edges."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc

import hypothesis.strategies as st
import numpy as np
import pytest
from contrastive_references import REFERENCES, distances, log_sum_exp, relations, unit
from hypothesis import given, settings

import numbaloss as nl
from numbaloss.compile.primitives import sigmoid, softplus
from numbaloss.structures.tile_triplets import batch_triplets
from numbaloss.structures.tiles import batch_pairs

GROUPED = ["batch_all_triplet_loss", "batch_hard_triplet_loss", "nt_xent_loss", "sup_con_loss"]
MATCHED = ["clip_loss", "siglip_loss"]
BY_COSINE = ["nt_xent_loss", "sup_con_loss", *MATCHED]
ALL = [*GROUPED, *MATCHED]
STEP = 1e-6


def drawn(name, rows, width=6, groups=None, seed=0, dtype=np.float64):
    """Inputs of a loss; labels in no order, some of them alone."""
    rng = np.random.default_rng(seed)
    first = rng.standard_normal((rows, width)).astype(dtype)
    if name in GROUPED:
        return first, rng.integers(-2, (groups or max(1, rows // 3)) - 2, rows)
    second = (0.5 * first + rng.standard_normal((rows, width))).astype(dtype)
    numbers = (np.array(7.0, dtype), np.array(-3.0, dtype))
    return first, second, *numbers[: 2 if name == "siglip_loss" else 1]


def mean(name, arrays, weights=None):
    values, divisors = REFERENCES[name](*arrays)
    weights = np.ones(len(values)) if weights is None else weights
    return (values * weights).sum() / (divisors * weights).sum()


def slopes_along(name, arrays, index, direction, weights=None):
    """The derivative of the reference as one of the arrays moves along a direction; the divisor stays."""
    ends = []
    _, divisors = REFERENCES[name](*arrays)
    weights = np.ones(len(divisors)) if weights is None else weights
    for by in (STEP, -STEP):
        moved = list(arrays)
        moved[index] = arrays[index] + by * direction
        ends.append((REFERENCES[name](*moved)[0] * weights).sum() / (divisors * weights).sum())
    return (ends[0] - ends[1]) / (2.0 * STEP)


# 700 and 1100 rows: several tiles, the last one unfinished; 3 groups: partners in all tiles
@pytest.mark.parametrize(("rows", "groups"), [(2, 1), (9, None), (200, 40), (700, 3), (1100, 550)])
@pytest.mark.parametrize("name", ALL)
def test_whole_matrix(name, rows, groups):
    """Values and directional derivatives are those of the whole matrix, weighted rows and all inputs included."""
    if name == "batch_all_triplet_loss" and groups == 3:
        rows = 90  # the reference is cubic
    arrays = drawn(name, rows, groups=groups)
    rng = np.random.default_rng(1)
    wanted, divisors = REFERENCES[name](*arrays)
    np.testing.assert_allclose(nl.get(name, reduction="none")(*arrays), wanted, rtol=1e-11, atol=1e-12)
    for weights in (None, rng.uniform(0.0, 2.0, rows)):
        criterion = nl.get(name)
        total = criterion.total(*arrays, sample_weight=weights)
        each = np.ones(rows) if weights is None else weights
        np.testing.assert_allclose(total.denominator, (divisors * each).sum(), rtol=1e-12, atol=1e-300)
        names = criterion.definition.differentiable
        value, gradients = criterion.value_and_grad(*arrays, sample_weight=weights, wrt=names)
        if not divisors.any():
            assert np.isnan(value) or name in GROUPED
            continue
        np.testing.assert_allclose(value, mean(name, arrays, weights), rtol=1e-11)
        for index, gradient in enumerate(gradients if len(names) > 1 else (gradients,)):
            direction = rng.standard_normal(gradient.shape)
            wanted_slope = slopes_along(name, arrays, index, direction, weights)
            got = float((gradient * direction).sum())
            np.testing.assert_allclose(got, wanted_slope, rtol=2e-6, atol=1e-7 * np.abs(gradient).sum())


@given(
    name=st.sampled_from(ALL),
    rows=st.integers(1, 40),
    width=st.integers(1, 9),
    groups=st.integers(1, 12),
    seed=st.integers(0, 2**31),
    dtype=st.sampled_from([np.float32, np.float64]),
    power=st.integers(-3, 3),
)
@settings(max_examples=60, deadline=None)
def test_any_shape(name, rows, width, groups, seed, dtype, power):
    """Rows, widths, labels and sizes of every kind agree with the reference on the same numbers."""
    arrays = drawn(name, rows, width, groups, seed, dtype)
    scaled = [array * dtype(10.0**power) if array.ndim == 2 else array for array in arrays]
    exact = [np.asarray(array, np.float64) if array.dtype.kind == "f" else array for array in scaled]
    wanted, divisors = REFERENCES[name](*exact)
    values, gradients = nl.get(name, reduction="none").value_and_grad(*scaled)
    tolerance = 3e-5 if dtype == np.float32 else 1e-11
    size = 10.0**power if "triplet" in name else 1.0
    np.testing.assert_allclose(values, wanted, rtol=tolerance, atol=tolerance * size)
    for gradient in gradients if isinstance(gradients, tuple) else (gradients,):
        assert np.isfinite(gradient).all()
        assert gradient.dtype == dtype
    if name != "batch_all_triplet_loss":
        assert nl.get(name).total(*scaled).denominator == divisors.sum()


@pytest.mark.parametrize("name", ["nt_xent_loss", "sup_con_loss", "clip_loss"])
def test_sure_pairs_keep_their_digits(name):
    """Far below rounding of 1, a loss and its gradient are still right: log1p of what the rivals have, no floor."""
    angles = np.array([0.1, 0.3, np.pi, np.pi - 0.5])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    if name == "clip_loss":
        first, second = vectors[[0, 2]], vectors[[1, 3]]
        arrays = first, second, np.float32(14.0)
    else:
        arrays = vectors, np.array([0, 0, 1, 1])
    exact = [np.asarray(array, np.float64) if array.dtype.kind == "f" else array for array in arrays]
    value, gradient = nl.get(name).value_and_grad(*arrays, wrt=nl.get(name).definition.wrt[:1])
    wide, slopes = nl.get(name).value_and_grad(*exact, wrt=nl.get(name).definition.wrt[:1])
    assert 0.0 < wide < 1e-7
    np.testing.assert_allclose(value, wide, rtol=1e-5)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-4, atol=1e-5 * np.abs(slopes).max())


@pytest.mark.parametrize("name", GROUPED)
def test_nobody_has_a_partner(name):
    """The mean of nothing is nan or 0, as asked; values, sum and gradient are 0."""
    embeddings, labels = np.random.default_rng(0).standard_normal((5, 3)), np.arange(5)
    for on_empty, wanted in (("nan", np.nan), ("zero", 0.0)):
        value, gradient = nl.get(name, on_empty=on_empty).value_and_grad(embeddings, labels)
        np.testing.assert_equal(float(value), wanted)
        assert not gradient.any()
    assert nl.get(name, reduction="sum")(embeddings, labels) == 0.0
    assert not nl.get(name, reduction="none")(embeddings, labels).any()


def test_no_active_triplet():
    """Where every triplet keeps the margin the mean is 0, not that of nothing, and totals of batches still add up."""
    far = np.array([[0.0], [0.1], [50.0], [50.1]])
    near = np.array([[0.0], [0.1], [0.2], [0.3]])
    labels = np.array([0, 0, 1, 1])
    for name in ("batch_all_triplet_loss", "batch_hard_triplet_loss"):
        value, gradient = nl.get(name).value_and_grad(far, labels)
        assert value == 0.0
        assert not gradient.any()
        assert nl.get(name).total(far, labels).mean == 0.0
    criterion = nl.get("batch_all_triplet_loss")
    both = criterion.total(far, labels) + criterion.total(near, labels)
    assert both.mean == criterion.total(near, labels).mean


@pytest.mark.parametrize("name", BY_COSINE)
def test_a_zero_vector_stands_aside(name):
    """A vector of zeros has the cosine 0 with all, and no gradient; nothing is nan."""
    arrays = drawn(name, 12)
    arrays[0][3] = 0.0
    values, gradient = nl.get(name, reduction="none").value_and_grad(*arrays, wrt=nl.get(name).definition.wrt[:1])
    np.testing.assert_allclose(values, REFERENCES[name](*arrays)[0], rtol=1e-12)
    assert np.isfinite(gradient).all()
    assert not gradient[3].any()


@pytest.mark.parametrize("name", BY_COSINE)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("end", ["tiny", "huge"])
def test_length_does_not_matter(name, dtype, end):
    """Vectors of any length have the cosines of their directions, to the ends of the type; gradients shrink with it."""
    arrays = drawn(name, 12, dtype=dtype)
    limits = np.finfo(dtype)
    factor = dtype(2.0) ** int(np.log2(float(limits.max)) - 3 if end == "huge" else np.log2(float(limits.tiny)) + 6)
    wrt = nl.get(name).definition.wrt[:1]
    value, gradient = nl.get(name).value_and_grad(*arrays, wrt=wrt)
    scaled, slopes = nl.get(name).value_and_grad(arrays[0] * factor, *arrays[1:], wrt=wrt)
    np.testing.assert_allclose(scaled, value, rtol=2e-5 if dtype == np.float32 else 1e-13)
    if end == "tiny":
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(slopes * factor, gradient, rtol=1e-3, atol=1e-4 * scale)


def test_distances_keep_their_digits():
    """Groups that are tight, far apart and far from the origin: distances within them are not lost in the products."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 6
    centres = 100.0 * rng.standard_normal((6, 16)) + 1000.0
    embeddings = (centres[labels] + 0.01 * rng.standard_normal((60, 16))).astype(np.float32)
    for name in ("batch_all_triplet_loss", "batch_hard_triplet_loss"):
        values = nl.get(name, reduction="none", margin=700.0)(embeddings, labels)
        wanted, _ = REFERENCES[name](embeddings, labels, margin=700.0)
        np.testing.assert_allclose(values, wanted, rtol=2e-6)
    near = nl.get("batch_hard_triplet_loss", reduction="none", margin=0.0)
    tight = (1.0 + 1e-3 * rng.standard_normal((60, 16))).astype(np.float32)  # one heap of all labels
    wanted, _ = REFERENCES["batch_hard_triplet_loss"](tight, labels, margin=0.0)
    np.testing.assert_allclose(near(tight, labels), wanted, rtol=1e-4, atol=1e-8)


def test_identical_vectors():
    """Vectors that are the same have a distance of 0 and no direction to be pushed in: zeros, not nan."""
    embeddings, labels = np.ones((6, 3), np.float32), np.array([0, 0, 1, 1, 2, 2])
    for name in ("batch_all_triplet_loss", "batch_hard_triplet_loss"):
        value, gradient = nl.get(name).value_and_grad(embeddings, labels)
        assert value == 1.0
        assert not gradient.any()


@pytest.mark.parametrize("name", ALL)
def test_memory_grows_with_rows(name):
    """A call takes a few tiles and a few numbers for each row beside the gradient: never the matrix of all pairs."""
    rows = 3000
    arrays = drawn(name, rows, 32, rows // 2, dtype=np.float32)
    out = tuple(np.empty_like(array) for array in arrays if array.ndim == 2 and array.dtype == np.float32)
    call = lambda: nl.get(name).value_and_grad(*arrays, out=out if len(out) > 1 else out[0])  # noqa: E731
    call()
    tracemalloc.start()
    try:
        call()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 11e6 < 4 * rows * rows / 3, f"{peak / 1e6:.1f} MB"


RUN = """
import numpy as np, numbaloss as nl
rng = np.random.default_rng(0)
embeddings, labels = rng.standard_normal((900, 64)).astype(np.float32), rng.integers(0, 300, 900)
value, gradient = nl.NTXentLoss().value_and_grad(embeddings, labels)
print(float(value), float(np.abs(gradient).sum()), *map(float, gradient[::100, 0]))
"""


def test_threads_of_the_linear_algebra():
    """Products are NumPy's: with another number of its threads a result may differ, but by rounding only."""
    results = []
    for threads in ("1", "2"):
        names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, threads)}
        done = subprocess.run([sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, check=True)
        results.append(np.array(done.stdout.split(), float))
    np.testing.assert_allclose(*results, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("name", ALL)
def test_every_run_gives_the_same_bits(name):
    arrays = drawn(name, 1030, 16, 300, dtype=np.float32)
    criterion = nl.get(name)
    value, gradient = criterion.value_and_grad(*arrays, wrt=criterion.definition.wrt[:1])
    again, slopes = criterion.value_and_grad(*arrays, wrt=criterion.definition.wrt[:1])
    assert value == again
    assert np.array_equal(gradient, slopes)


def test_order_of_rows():
    """Rows in another order are the same batch: gradients go with their rows."""
    for name in GROUPED:
        embeddings, labels = drawn(name, 50)
        shuffle = np.random.default_rng(2).permutation(50)
        value, gradient = nl.get(name).value_and_grad(embeddings, labels)
        shuffled, slopes = nl.get(name).value_and_grad(embeddings[shuffle], labels[shuffle])
        np.testing.assert_allclose(shuffled, value, rtol=1e-12)
        np.testing.assert_allclose(slopes, gradient[shuffle], rtol=1e-9, atol=1e-13)


def test_numbers_may_be_plain():
    """The scale may be a Python number, an integer or a 0-d array; its gradient is a number of its type."""
    image, text, _ = drawn("clip_loss", 6)
    wanted, slope = nl.CLIPLoss().value_and_grad(image, text, np.array(5.0), wrt="logit_scale")
    assert slope.shape == ()
    for scale in (5, 5.0, np.float32(5.0)):
        value, one = nl.CLIPLoss().value_and_grad(image, text, scale, wrt="logit_scale")
        assert value == wanted
        np.testing.assert_allclose(one, slope, rtol=1e-6)
    buffer = np.array(0.0)
    assert nl.CLIPLoss().value_and_grad(image, text, np.array(5.0), wrt="logit_scale", out=buffer)[1] is buffer
    assert buffer == slope
    with pytest.raises(ValueError, match="logit_scale must be one number"):
        nl.clip_loss(image, text, np.full(6, 5.0))


def test_wrong_arguments():
    embeddings, labels = drawn("nt_xent_loss", 6)
    with pytest.raises(ValueError, match=r"embeddings must be a matrix .* got shape \(6,\)"):
        nl.nt_xent_loss(embeddings[:, 0], labels)
    with pytest.raises(ValueError, match=r"embeddings must be a matrix .* got shape \(6, 0\)"):
        nl.nt_xent_loss(embeddings[:, :0], labels)
    with pytest.raises(ValueError, match="labels has shape"):
        nl.sup_con_loss(embeddings, labels[:-1])
    with pytest.raises(TypeError, match="labels"):
        nl.batch_hard_triplet_loss(embeddings, labels.astype(float))
    with pytest.raises(ValueError, match="temperature"):
        nl.NTXentLoss(temperature=0.0)
    with pytest.raises(ValueError, match="text has shape"):
        nl.clip_loss(embeddings, embeddings[:-1], 1.0)
    with pytest.raises(ValueError, match="rivals"):
        batch_pairs(rivals="friends")(lambda gap: (gap, 1.0))
    with pytest.raises(ValueError, match="matched"):
        batch_pairs(rivals=None)(lambda gap: (gap, 1.0))
    with pytest.raises(ValueError, match="mining"):
        batch_triplets(mining="semi")(lambda gap: (gap, 1.0))


@batch_pairs(rivals="negatives", per="pair")
def decoupled_loss(gap, temperature=0.1, shift=0.0):
    """The pair itself is left out of what it is compared with (Yeh et al. 2022)."""
    return gap + shift, 1.0


@batch_triplets(mining="hardest")
def soft_hard_loss(gap):
    """The soft margin of Hermans et al."""
    return softplus(gap), sigmoid(gap)


def test_losses_of_ones_own():
    """Losses of one line: decoupled contrastive learning, triplets with a soft margin."""
    embeddings, labels = drawn("nt_xent_loss", 30)
    scores = unit(embeddings) @ unit(embeddings).T / 0.1
    partners, rivals = relations(labels)
    wanted = (log_sum_exp(scores, rivals)[:, None] - scores)[partners].mean()
    value, gradient = decoupled_loss.Loss(shift=2.0).value_and_grad(embeddings, labels)
    np.testing.assert_allclose(value, wanted + 2.0, rtol=1e-12)
    direction = np.random.default_rng(3).standard_normal(embeddings.shape)
    ends = [decoupled_loss(embeddings + by * direction, labels) for by in (STEP, -STEP)]
    np.testing.assert_allclose((gradient * direction).sum(), (ends[0] - ends[1]) / (2 * STEP), rtol=1e-6)

    apart = distances(embeddings)
    values = soft_hard_loss(embeddings, labels, reduction="none")
    for i in range(30):
        if partners[i].any():
            gap = apart[i, partners[i]].max() - apart[i, rivals[i]].min()
            np.testing.assert_allclose(values[i], np.logaddexp(0.0, gap), rtol=1e-12)
