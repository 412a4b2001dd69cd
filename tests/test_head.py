"""linear_cross_entropy: the same as cross_entropy of the whole logits, in bounded memory and any layout."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numbaloss as nl

NAMES = ("input", "linear_weight", "linear_bias")


def draw(rows, features, classes, dtype=np.float64, seed=0, ignored=0.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, rows)
    labels[rng.uniform(size=rows) < ignored] = -100
    return (
        rng.standard_normal((rows, features)).astype(dtype),
        (rng.standard_normal((classes, features)) / np.sqrt(max(1, features))).astype(dtype),
        labels,
        rng.standard_normal(classes).astype(dtype),
    )


def whole(input, matrix, target, bias, sample_weight=None, **arguments):
    """By way of all logits, in float64."""
    hidden, matrix = input.astype(np.float64), matrix.astype(np.float64)
    offset = 0.0 if bias is None else bias.astype(np.float64)
    criterion = nl.CrossEntropyLoss(**arguments)
    value, slopes = criterion.value_and_grad(hidden @ matrix.T + offset, target, sample_weight=sample_weight)
    gradients = [slopes @ matrix, slopes.T @ hidden, slopes.sum(axis=0)]
    return value, gradients[: 2 if bias is None else 3]


def agree(found, wanted, relative=1e-12):
    np.testing.assert_allclose(np.float64(found[0]), wanted[0], rtol=relative, atol=relative)
    for name, got, want in zip(NAMES, found[1], wanted[1], strict=False):
        scale = float(np.abs(want).max(initial=0.0))
        np.testing.assert_allclose(np.float64(got), want, rtol=0, atol=relative * max(scale, 1e-3), err_msg=name)


@settings(deadline=None, max_examples=30)
@given(
    rows=st.integers(1, 40),
    features=st.integers(0, 9),
    classes=st.sampled_from([1, 2, 7, 100, 101, 150]),
    chunk_bytes=st.sampled_from([1, 500, 5000, 1 << 26]),
    ignored=st.sampled_from([0.0, 0.3, 1.0]),
    biased=st.booleans(),
    reduction=st.sampled_from(["none", "mean", "sum"]),
    options=st.sampled_from(
        [{}, {"label_smoothing": 0.1}, {"z_loss": 0.01}, {"softcap": 3.0}, {"label_smoothing": 0.2, "softcap": 5.0}]
    ),
    weighted=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_as_cross_entropy_of_all_logits(
    rows, features, classes, chunk_bytes, ignored, biased, reduction, options, weighted, seed
):
    input, weight, target, bias = draw(rows, features, classes, seed=seed, ignored=ignored)
    bias = bias if biased else None
    rng = np.random.default_rng(seed)
    arguments = {**options, "reduction": reduction, "on_empty": "zero"}
    sample_weight = None
    if weighted:
        arguments["weight"], sample_weight = rng.uniform(0.5, 2.0, classes), rng.uniform(0.0, 2.0, rows)
    criterion = nl.LinearCrossEntropyLoss(**arguments, chunk_bytes=chunk_bytes)
    found = criterion.value_and_grad(input, weight, target, bias, sample_weight=sample_weight)
    agree(found, whole(input, weight, target, bias, sample_weight, **arguments))
    alone = criterion(input, weight, target, bias, sample_weight=sample_weight)
    np.testing.assert_allclose(alone, found[0], rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("chunk_bytes", [1, 3000, 1 << 26])
def test_probability_targets(chunk_bytes):
    input, weight, _, bias = draw(20, 6, 9)
    shares = np.random.default_rng(1).dirichlet(np.ones(9), 20)
    criterion = nl.LinearCrossEntropyLoss(chunk_bytes=chunk_bytes, label_smoothing=0.1)
    found = criterion.value_and_grad(input, weight, shares, bias)
    agree(found, whole(input, weight, shares, bias, label_smoothing=0.1))
    with pytest.raises(ValueError, match="ignore_index"):
        nl.linear_cross_entropy(input, weight, shares, ignore_index=0)
    with pytest.raises(ValueError, match="target"):
        nl.linear_cross_entropy(input, weight, shares[:, :-1])


@pytest.mark.parametrize("wrt", [(name,) for name in NAMES] + [NAMES[:2], NAMES[1:], ("input", "linear_bias")])
def test_wrt_selects(wrt):
    arrays = draw(30, 5, 120)
    criterion = nl.LinearCrossEntropyLoss(chunk_bytes=5000)
    everything = dict(zip(NAMES, criterion.value_and_grad(*arrays)[1], strict=True))
    found = criterion.value_and_grad(*arrays, wrt=wrt)[1]
    for name, gradient in zip(wrt, found if isinstance(found, tuple) else (found,), strict=True):
        np.testing.assert_array_equal(gradient, everything[name])


def test_no_bias():
    input, weight, target, _ = draw(30, 5, 120)
    criterion = nl.LinearCrossEntropyLoss()
    assert len(criterion.value_and_grad(input, weight, target)[1]) == 2
    named = criterion.value_and_grad(input=input, linear_weight=weight, target=target, linear_bias=None)
    np.testing.assert_array_equal(named[1][0], criterion.value_and_grad(input, weight, target)[1][0])
    with pytest.raises(ValueError, match="wrt names linear_bias, but none was given"):
        criterion.value_and_grad(input, weight, target, wrt=("input", "linear_bias"))


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("ignored", [0.0, 0.4])
def test_out_may_be_an_input(place, ignored):
    """A gradient may take the place of its own input, or of any other of its shape, also while chunks still need it."""
    arrays = draw(60, 60, 60, ignored=ignored)
    criterion = nl.LinearCrossEntropyLoss(chunk_bytes=5000)
    value, wanted = criterion.value_and_grad(*arrays)
    given = [array.copy() for array in arrays]
    buffers = [np.empty_like(gradient) for gradient in wanted]
    buffers[place] = (given[0], given[1], given[3])[place]
    found = criterion.value_and_grad(*given, out=tuple(buffers))
    assert found[0] == value
    for got, buffer, want in zip(found[1], buffers, wanted, strict=True):
        assert got is buffer
        np.testing.assert_array_equal(got, want)
    crossed = [arrays[0].copy(), arrays[1].copy(), *arrays[2:]]
    found = criterion.value_and_grad(*crossed, out=(crossed[1], crossed[0], np.empty(60)))
    for got, want in zip(found[1], wanted, strict=True):
        np.testing.assert_array_equal(got, want)


def test_out_in_pieces():
    """A buffer whose leading axes do not merge is filled all the same."""
    input, weight, target, bias = draw(12, 5, 7)
    criterion = nl.LinearCrossEntropyLoss()
    wanted = criterion.value_and_grad(input, weight, target, bias, wrt="input")[1]
    out = np.zeros((4, 3, 5)).transpose(1, 0, 2)
    shaped = np.ascontiguousarray(input.reshape(3, 4, 5))
    got = criterion.value_and_grad(shaped, weight, target.reshape(3, 4), bias, wrt="input", out=out)[1]
    assert got is out
    np.testing.assert_array_equal(got.reshape(12, 5), wanted)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_halves_are_added_in_float32(dtype):
    """4096 shares of a bias's gradient would stall in float16."""
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes").bfloat16
    input, weight, target, bias = draw(4096, 8, 5, dtype)
    criterion = nl.LinearCrossEntropyLoss(reduction="sum", chunk_bytes=2000)
    value, gradients = criterion.value_and_grad(input, weight, target, bias)
    assert value.dtype == dtype
    assert all(gradient.dtype == dtype for gradient in gradients)
    wanted = whole(input, weight, target, bias, reduction="sum")
    for got, want in zip(gradients, wanted[1], strict=True):
        exact = want.astype(np.float32).astype(dtype).astype(np.float64)
        np.testing.assert_allclose(np.float64(got), exact, rtol=1e-2, atol=1e-4 * np.abs(exact).max())


def test_errors_come_first():
    input, weight, target, bias = draw(6, 4, 9)
    bad = target.copy()
    bad[2] = 9
    with pytest.raises(ValueError, match=r"target\[2\] is 9, but labels must be in 0 \.\.\. 8"):
        nl.linear_cross_entropy(input, weight, bad)
    with pytest.raises(ValueError, match=r"linear_weight must have shape \(classes, 4\)"):
        nl.linear_cross_entropy(input, weight.T, target)
    with pytest.raises(ValueError, match=r"linear_bias must have shape \(9,\)"):
        nl.linear_cross_entropy(input, weight, target, bias[:-1])
    with pytest.raises(ValueError, match="weight has 8 entries for 9 classes"):
        nl.linear_cross_entropy(input, weight, target, weight=np.ones(8))
    with pytest.raises(TypeError, match="linear_weight is float64 but input is float32"):
        nl.linear_cross_entropy(input.astype(np.float32), weight, target)
    with pytest.raises(ValueError, match="chunk_bytes"):
        nl.LinearCrossEntropyLoss(chunk_bytes=0)
    with pytest.raises(TypeError, match="chunk_bytes"):
        nl.LinearCrossEntropyLoss(chunk_bytes=1e6)


def test_a_transposed_weight_is_no_other_weight():
    input, weight, target, bias = draw(50, 16, 130, np.float32)
    kernel = np.ascontiguousarray(weight.T)  # as Keras and Flax hold it
    one = nl.LinearCrossEntropyLoss().value_and_grad(input, weight, target, bias)
    two = nl.LinearCrossEntropyLoss().value_and_grad(input, kernel.T, target, bias)
    for got, want in zip(two[1], one[1], strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-6 * np.abs(want).max())


@pytest.mark.parametrize("softcap", [None, 30.0])
def test_memory_is_bounded(softcap):
    """4096 rows of 4000 classes are 65 MB of logits; one MB of them is held, and a block of the weight's gradient."""
    input, weight, target, _ = draw(4096, 16, 4000, np.float32)
    out = np.empty_like(input), np.empty_like(weight)
    criterion = nl.LinearCrossEntropyLoss(chunk_bytes=1 << 20, softcap=softcap)
    criterion.value_and_grad(input, weight, target, out=out)
    tracemalloc.start()
    try:
        criterion.value_and_grad(input, weight, target, out=out)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < (1 << 20) + weight.nbytes + 300_000


def test_wide_rows_in_place_have_the_bits_of_rows_apart():
    rng = np.random.default_rng(5)
    for classes in (101, 1000, 10_000):
        logits = rng.standard_normal((20, classes), np.float32)
        labels = rng.integers(0, classes, 20)
        for arguments in ({}, {"label_smoothing": 0.1}, {"z_loss": 0.1, "weight": rng.uniform(0.5, 2.0, classes)}):
            criterion = nl.CrossEntropyLoss(**arguments)
            value, gradient = criterion.value_and_grad(logits, labels)
            over = logits.copy()
            again, same = criterion.value_and_grad(over, labels, out=over)
            assert again == value
            assert same is over
            np.testing.assert_array_equal(over, gradient)
