"""What kernels cannot read as it lies is converted a piece at a time: the same numbers, in little memory."""

import tracemalloc

import numpy as np
import pytest

import numbaloss as nl
from numbaloss.structures.layout import STAGED

RNG = np.random.default_rng(0)
SHAPE = (3, 5, 1200, 240)  # an image of more than `STAGED` elements, and not of a whole number of pieces
IMAGES = RNG.standard_normal(SHAPE).astype(np.float32)
LABELS = RNG.integers(0, 5, (3, 1200, 240))
CHANCES = RNG.dirichlet(np.ones(5), (3, 1200, 240)).transpose(0, 3, 1, 2)
ROWS = IMAGES.transpose(0, 2, 3, 1).reshape(-1, 5).copy()
assert IMAGES[0].size > STAGED

CASES = {
    "images in Fortran's order": (np.asfortranarray(IMAGES), LABELS),
    "every second column": (np.repeat(IMAGES, 2, axis=3)[..., ::2], LABELS),
    "cut out of larger images": (np.pad(IMAGES, [(0, 0), (0, 0), (3, 4), (5, 2)])[:, :, 3:-4, 5:-2], LABELS),
    "half precision": (IMAGES.astype(np.float16), LABELS),
    "probabilities of float64": (IMAGES, np.ascontiguousarray(CHANCES)),
    "probabilities with the classes last": (IMAGES, CHANCES.astype(np.float32)),
    "rows with probabilities of float64": (ROWS, CHANCES.transpose(0, 2, 3, 1).reshape(-1, 5).copy()),
    "rows in Fortran's order": (np.asfortranarray(ROWS), LABELS.reshape(-1)),
}
IN_PIECES = 6 * 4 * STAGED  # bytes that staged pieces take, two of each kind, and more


def peak_of(criterion, *arguments, **named):
    """Bytes that a call has at once, beside its results."""
    criterion.value_and_grad(*arguments, **named)  # compiles
    tracemalloc.start()
    value, _ = criterion.value_and_grad(*arguments, **named)
    peak = tracemalloc.get_traced_memory()[1] - np.asarray(value).nbytes
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("case", CASES)
def test_the_same_numbers_in_little_memory(case):
    logits, target = CASES[case]
    plain = np.ascontiguousarray(logits, np.float32), np.ascontiguousarray(target)
    if target.dtype.kind == "f":
        plain = plain[0], plain[1].astype(np.float32)
    weights = RNG.uniform(0.5, 2.0, LABELS.shape if logits.ndim > 2 else LABELS.size)
    precision = 1e-3 if logits.dtype == np.float16 else 1e-6
    for reduction in ("sum", "none"):
        criterion = nl.CrossEntropyLoss(reduction=reduction, label_smoothing=0.1)
        out = np.empty_like(logits)
        assert peak_of(criterion, logits, target, sample_weight=weights, out=out) < IN_PIECES + weights.nbytes
        value, gradient = criterion.value_and_grad(logits, target, sample_weight=weights, out=out)
        assert gradient is out
        expected, slopes = criterion.value_and_grad(*plain, sample_weight=weights)
        with np.errstate(over="ignore"):
            expected = np.asarray(expected).astype(logits.dtype)
        np.testing.assert_allclose(value, expected, rtol=precision, atol=precision)
        np.testing.assert_allclose(out, slopes, rtol=precision, atol=precision * np.abs(slopes).max())


MASKS = (np.arange(5)[:, None, None] == LABELS[:, None]).astype(np.float64)


@pytest.mark.parametrize("case", [name for name in CASES if CASES[name][0].ndim == 4 and CASES[name][1] is LABELS])
@pytest.mark.parametrize("target", [LABELS, np.asfortranarray(MASKS)], ids=["labels", "masks"])
@pytest.mark.parametrize("in_place", [False, True])
def test_the_same_of_regions(case, target, in_place):
    logits = CASES[case][0]
    criterion = nl.DiceLoss(activation="softmax" if target is LABELS else "sigmoid")
    expected, slopes = criterion.value_and_grad(
        np.ascontiguousarray(logits, np.float32), np.ascontiguousarray(target, target.dtype)
    )
    out = np.empty_like(logits)
    assert peak_of(criterion, logits, target, out=out) < IN_PIECES
    kept = logits.copy()
    if in_place:
        out = logits
    value, gradient = criterion.value_and_grad(logits, target, out=out)
    assert gradient is out
    out = out.copy()
    logits[...] = kept
    precision = 1e-3 if logits.dtype == np.float16 else 1e-6
    np.testing.assert_allclose(value, expected, rtol=precision)
    np.testing.assert_allclose(out, slopes.astype(logits.dtype), rtol=precision, atol=precision * np.abs(slopes).max())


def test_transposed_rows_are_read_as_planes():
    """Rows that lie column after column are one image of as many positions: the same bits, nothing copied."""
    columns = RNG.standard_normal((7, 3000)).astype(np.float32)
    labels = RNG.integers(0, 7, 3000)
    criterion = nl.CrossEntropyLoss(label_smoothing=0.1, weight=RNG.uniform(0.5, 2.0, 7))
    value, gradient = criterion.value_and_grad(columns.T, labels)
    expected, slopes = criterion.value_and_grad(columns[None], labels[None])
    assert value == expected
    np.testing.assert_array_equal(gradient, slopes[0].T)
    assert gradient.flags.f_contiguous, "as the input lies"
    plain = np.empty(columns.T.shape, np.float32)
    np.testing.assert_allclose(criterion.value_and_grad(columns.T, labels, out=plain)[1], gradient, rtol=1e-6)


@pytest.mark.parametrize("loss", [nl.DiceLoss, nl.CrossEntropyLoss])
@pytest.mark.parametrize(
    "shape", [(1, 2, 1, 700, 900), (2, 3, 2, 1, 500, 300), (1, 2, 3, 600, 400), (2, 2, 300_000, 1, 2)]
)
def test_pieces_of_cropped_volumes_are_no_larger_than_theirs(loss, shape):
    """Of a volume of few planes, or of one: lines of those are read, not the volume for every piece."""
    volume = RNG.standard_normal((*shape[:-1], shape[-1] + 3)).astype(np.float32)[..., :-3]
    target = RNG.integers(0, shape[1], (shape[0], *shape[2:]))
    criterion, out = loss(), np.empty(shape, np.float32)
    peak = peak_of(criterion, volume, target, out=out)
    assert peak < IN_PIECES + 3 * 4 * shape[1] * max(shape[3] * shape[4], shape[-1] * shape[-2])
    expected, slopes = criterion.value_and_grad(np.ascontiguousarray(volume), target)
    value, gradient = criterion.value_and_grad(volume, target)
    assert value == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-12)
    strided = np.empty((*shape[:-1], shape[-1] + 3), np.float32)[..., :-3]
    np.testing.assert_array_equal(criterion.value_and_grad(volume, target, out=strided)[1], gradient)
