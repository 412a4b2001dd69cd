"""Losses of pairs and triplets: shapes, layouts, buffers, mixes, and distances of the user's own."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numbaloss as nl
from numbaloss.compile.primitives import exp

LOSSES = {
    "cosine_embedding_loss": [-1.0, 1.0],
    "cosine_similarity_loss": None,
    "contrastive_loss": [0.0, 1.0],
    "triplet_margin_loss": None,
    "triplet_margin_with_distance_loss": None,
}


def drawn(name, shape, seed=0, dtype=np.float64, scale=1.0):
    random = np.random.default_rng(seed)
    facts = nl.get(name).definition
    arrays = [(scale * random.normal(size=shape)).astype(dtype) for _ in facts.facts["rows"]]
    labels = LOSSES[name]
    return [*arrays, *([random.choice(labels, shape[:-1]).astype(dtype)] if labels else [])]


def computed(name, arrays, **keywords):
    facts = nl.get(name).definition
    value, gradients = getattr(nl, name).Loss(**keywords).value_and_grad(*arrays, wrt=facts.differentiable)
    return value, gradients


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(sorted(LOSSES)),
    lead=st.lists(st.integers(0, 4), max_size=3),
    width=st.sampled_from([1, 2, 3, 8, 31, 64, 4096, 5000]),
    seed=st.integers(0, 99),
    dtype=st.sampled_from([np.float32, np.float64, np.float16]),
    scale=st.sampled_from([1e-4, 1.0, 100.0]),
)
def test_leading_axes_are_rows(name, lead, width, seed, dtype, scale):
    arrays = drawn(name, (*lead, width), seed, dtype, scale)
    values, gradients = computed(name, arrays, reduction="none")
    flat = [array.reshape(-1, width) if array.ndim == len(lead) + 1 else array.reshape(-1) for array in arrays]
    wanted, slopes = computed(name, flat, reduction="none")
    assert values.shape == tuple(lead)
    np.testing.assert_array_equal(values.reshape(-1), wanted)
    for gradient, slope, array in zip(gradients, slopes, arrays, strict=False):
        assert gradient.dtype == dtype
        np.testing.assert_array_equal(gradient.reshape(-1, width), slope)
        assert np.isfinite(gradient).all() or dtype is np.float16
        assert gradient.shape == array.shape


@pytest.mark.parametrize("name", LOSSES)
def test_axes_in_any_order_of_memory(name):
    """Leading axes that are no single axis in memory are laid out part by part."""
    arrays = drawn(name, (3, 4, 5))
    value, gradients = computed(name, arrays)
    turned = [np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 0, 1)), 1, 0) for array in arrays]
    found, slopes = computed(name, turned)
    assert found == pytest.approx(float(value), rel=1e-14)
    for slope, gradient in zip(slopes, gradients, strict=True):
        np.testing.assert_allclose(slope, gradient, rtol=1e-14)
    spread = [np.broadcast_to(array[:1], array.shape) for array in arrays]
    few = [array[:1] for array in arrays]
    np.testing.assert_allclose(computed(name, spread)[0], computed(name, few)[0], rtol=1e-14)


@pytest.mark.parametrize("name", ["contrastive_loss", "triplet_margin_loss"])
@pytest.mark.parametrize("shape", [(6, 5), (40_000, 5)])
def test_buffers_that_are_each_others_inputs(name, shape):
    """Gradients may be written over any of the inputs, in any order, and over a shifted view of one."""
    arrays = drawn(name, shape)
    value, gradients = computed(name, arrays)
    count = len(gradients)
    given_arrays = [array.copy() for array in arrays]
    out = tuple(given_arrays[(k + 1) % count] for k in range(count))
    found, slopes = getattr(nl, name).Loss().value_and_grad(*given_arrays, out=out)
    assert found == pytest.approx(float(value), rel=1e-13)
    for slope, gradient, buffer in zip(slopes, gradients, out, strict=True):
        assert slope is buffer
        np.testing.assert_allclose(slope, gradient, rtol=1e-12, atol=1e-18)
    room = np.zeros((shape[0] + 1, shape[1]))
    room[:-1] = arrays[0]
    others = [np.empty(shape) for _ in range(count - 1)]
    _, slopes = getattr(nl, name).Loss().value_and_grad(room[:-1], *arrays[1:], out=(room[1:], *others))
    np.testing.assert_allclose(room[1:], gradients[0], rtol=1e-12, atol=1e-18)


def test_one_buffer_cannot_take_two_gradients():
    one, two, labels = drawn("contrastive_loss", (3, 4))
    buffer = np.empty((3, 4))
    for out in ((buffer, buffer), buffer, (buffer,)):
        with pytest.raises(ValueError, match="out must be one buffer for each of the gradients"):
            nl.ContrastiveLoss().value_and_grad(one, two, labels, out=out)


@pytest.mark.parametrize("name", LOSSES)
def test_shapes_that_hold_no_embeddings_are_refused(name):
    arrays = drawn(name, (3, 4))
    labels = len(arrays) - len(nl.get(name).definition.facts["rows"])
    for shape in ((), (3, 0)):
        empty = [np.ones(shape)] * (len(arrays) - labels) + [np.ones(shape[:-1])] * labels
        with pytest.raises(ValueError, match="needs a last axis that holds an embedding"):
            getattr(nl, name)(*empty)


def test_nan_in_a_label_is_nan_for_its_row():
    for name in ("cosine_embedding_loss", "contrastive_loss"):
        one, two, labels = drawn(name, (3, 4))
        labels[1] = np.nan
        values, gradients = computed(name, (one, two, labels), reduction="none")
        assert np.isnan(values).tolist() == [False, True, False]
        assert all(np.isnan(gradient[1]).all() and np.isfinite(gradient[[0, 2]]).all() for gradient in gradients)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.float16, np.float64, bool])
def test_labels_of_any_type(dtype):
    one, two, labels = drawn("contrastive_loss", (7, 4), dtype=np.float32)
    value, gradients = computed("contrastive_loss", (one, two, labels))
    found, slopes = computed("contrastive_loss", (one, two, labels.astype(dtype)))
    assert found == value
    np.testing.assert_array_equal(slopes, gradients)


def test_similar_pairs_are_drawn_and_dissimilar_pushed():
    origin, point = np.zeros((1, 2)), np.array([[0.3, 0.4]])
    _, (first, second) = nl.ContrastiveLoss().value_and_grad(point, origin, [1])
    np.testing.assert_allclose([first, second], [point, -point], rtol=1e-15)
    _, (first, _) = nl.ContrastiveLoss(margin=2.0).value_and_grad(point, origin, [0])
    np.testing.assert_allclose(first, -(2.0 - 0.5) * point / 0.5, rtol=1e-15)
    value, (first, second) = nl.ContrastiveLoss().value_and_grad(point, point, [0])
    assert value == 0.5
    assert not first.any()
    assert not second.any()


# ---- a distance of the user's own -------------------------------------------------------------------------------

STEEPNESS = 2.0


def bounded(x, y, by_x, by_y):
    """1 - exp(-s |x - y|^2)."""
    square = 0.0
    for j in range(x.size):
        square += (x[j] - y[j]) * (x[j] - y[j])
    rest = exp(-STEEPNESS * square)
    for j in range(x.size):
        by_x[j] = 2.0 * STEEPNESS * rest * (x[j] - y[j])
        by_y[j] = -by_x[j]
    return 1.0 - rest


def bounded_numpy(x, y):
    return 1.0 - np.exp(-STEEPNESS * ((x - y) ** 2).sum(-1))


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("shape", [(5, 3), (300, 200), (4,)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_function_with_primitives_is_compiled_in(dtype, shape, swap):
    arrays = drawn("triplet_margin_with_distance_loss", shape, dtype=dtype, scale=0.5 / math.sqrt(shape[-1]))
    criterion = nl.TripletMarginWithDistanceLoss(distance_function=bounded, swap=swap, reduction="sum")
    value, gradients = criterion.value_and_grad(*arrays)

    def total(*vectors):
        near, far = bounded_numpy(*vectors[:2]), bounded_numpy(vectors[0], vectors[2])
        far = np.minimum(far, bounded_numpy(vectors[1], vectors[2])) if swap else far
        return np.maximum(near - far + 1.0, 0.0).sum()

    wide = [array.astype(np.float64) for array in arrays]
    np.testing.assert_allclose(value, total(*wide), rtol=1e-5 if dtype is np.float32 else 1e-12)
    for k, gradient in enumerate(gradients):
        assert gradient.dtype == dtype
        for place in [tuple(0 for _ in shape), tuple(length - 1 for length in shape)]:
            ends = []
            for step in (1e-6, -1e-6):
                moved = [array.copy() for array in wide]
                moved[k][place] += step
                ends.append(total(*moved))
            assert gradient[place] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-4, abs=1e-6)


def test_objects_with_a_function_are_copied_and_compared():
    criterion = nl.TripletMarginWithDistanceLoss(distance_function=bounded, margin=0.5)
    again = pickle.loads(pickle.dumps(criterion))
    assert again == criterion
    assert hash(again) == hash(criterion)
    assert criterion != nl.TripletMarginWithDistanceLoss(margin=0.5)
    arrays = drawn("triplet_margin_with_distance_loss", (5, 3))
    assert again(*arrays) == criterion(*arrays)
    assert "bounded" in repr(criterion)
    named = nl.triplet_margin_with_distance_loss(*arrays, distance_function=bounded, margin=0.5)
    assert named == criterion(*arrays)


def test_a_loss_may_be_stated_in_a_function():
    from numbaloss.structures.pairs import pairs

    @pairs(measure=bounded, task="embedding")
    def kernel_loss(distance, scale=1.0):
        return scale * distance * distance, 2.0 * scale * distance

    one, two = drawn("cosine_similarity_loss", (4, 3), scale=0.3)
    np.testing.assert_allclose(
        kernel_loss(one, two, scale=3.0, reduction="none"), 3.0 * bounded_numpy(one, two) ** 2, rtol=1e-13
    )


# ---- mixes ------------------------------------------------------------------------------------------------------


def test_a_mix_adds_values_and_every_gradient():
    arrays = drawn("triplet_margin_loss", (6, 5))
    parts = nl.TripletMarginLoss(), nl.TripletMarginWithDistanceLoss(distance_function="cosine")
    mix = 0.5 * parts[0] + 2.0 * parts[1]
    value, gradients = mix.value_and_grad(*arrays)
    one, two = (part.value_and_grad(*arrays) for part in parts)
    assert value == pytest.approx(0.5 * float(one[0]) + 2.0 * float(two[0]), rel=1e-14)
    for k in range(3):
        np.testing.assert_allclose(gradients[k], 0.5 * one[1][k] + 2.0 * two[1][k], rtol=1e-13, atol=1e-16)
    assert set(mix.components(*arrays)) == {"triplet_margin_loss", "triplet_margin_with_distance_loss"}
    assert pickle.loads(pickle.dumps(mix)) == mix
    given_arrays = [array.copy() for array in arrays]
    found, slopes = mix.value_and_grad(*given_arrays, out=tuple(given_arrays))
    assert found == pytest.approx(float(value), rel=1e-14)
    for slope, gradient, buffer in zip(slopes, gradients, given_arrays, strict=True):
        assert slope is buffer
        np.testing.assert_allclose(slope, gradient, rtol=1e-13, atol=1e-16)


def test_rows_left_out_have_no_slopes_also_where_those_would_be_infinite():
    """A distance of a power below 1 is finite, and its slope by a small element infinite."""
    anchor, negative = np.zeros((1, 2), np.float32), np.array([[1e-20, 1e28]], np.float32)
    criterion = nl.TripletMarginLoss(p=0.2, eps=0.0)
    value, gradients = criterion.value_and_grad(anchor, anchor.copy(), negative)
    assert value == 0.0
    for gradient in gradients:
        np.testing.assert_array_equal(gradient, np.zeros((1, 2), np.float32))
