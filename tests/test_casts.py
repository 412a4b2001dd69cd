"""Conversions by kernels are NumPy's, and ml_dtypes', bit for bit; losses leave none of 16 bits to NumPy."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numbaloss as nl
from numbaloss.arrays import casts
from numbaloss.compile.bind import bind, interpreted
from numbaloss.kernels.cpu import casts as conversions

ml_dtypes = pytest.importorskip("ml_dtypes")
TYPES = [np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16)]
EVERY = np.arange(1 << 16, dtype=np.uint16)
RNG = np.random.default_rng(0)


def same_bits(found: np.ndarray, wanted: np.ndarray) -> None:
    """Equal to the bit; of what is no number, that it is none."""
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    number = ~np.isnan(wanted)
    bits = np.dtype(f"u{found.itemsize}")
    np.testing.assert_array_equal(found[number].view(bits), wanted[number].view(bits))


def singles(kind: np.dtype) -> np.ndarray:
    """Numbers of all sizes, and for each number of a type the ones around the middle to the next."""
    halves_ = EVERY.view(kind).astype(np.float32)
    finite = np.sort(halves_[np.isfinite(halves_)])
    middle = (finite[1:].astype(np.float64) + finite[:-1]) / 2.0
    middle = middle.astype(np.float32)
    around = [np.nextafter(middle, np.float32(np.inf)), np.nextafter(middle, np.float32(-np.inf))]
    return np.concatenate([
        halves_, middle, *around, RNG.integers(0, 1 << 32, 1 << 16, dtype=np.uint32).view(np.float32),
        np.array([3.4e38, -3.4e38, 65519.9, 65520.0, 2.0**-25, -(2.0**-26), 1e-45, np.inf, -np.inf, np.nan], "f"),
    ])  # fmt: skip


@pytest.mark.parametrize(("kind", "instruction"), [(TYPES[0], True), (TYPES[0], False), (TYPES[1], True)])
@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.skipif(interpreted(), reason="a loop in Python over all numbers")
def test_conversions_are_those_of_the_types_authors(kind, parallel, instruction, monkeypatch):
    """Also on a processor without an instruction for it."""
    if not instruction:
        monkeypatch.setattr(conversions, "has_instruction", lambda context: False)
    ways = [f"from_{kind.name}", f"to_{kind.name}"]
    up, down = (made(way, parallel, instruction) for way in ways)
    wide = np.empty(EVERY.size, np.float32)
    up(EVERY, wide)
    same_bits(wide, EVERY.view(kind).astype(np.float32))
    numbers = singles(kind)
    narrow = np.empty(numbers.size, np.uint16)
    down(numbers, narrow)
    with np.errstate(all="ignore"):
        wanted = numbers.astype(kind)
    same_bits(narrow.view(kind).astype(np.float32), wanted.astype(np.float32))


def made(way: str, parallel: bool, instruction: bool):
    """The kernel; apart from those with the other code."""
    convert = getattr(conversions, way)
    return bind(conversions.convert_all, np.dtype(np.float32), f"casts_{instruction}", parallel, convert=convert)


@pytest.mark.parametrize("kind", TYPES, ids=str)
@given(bits=st.lists(st.integers(0, 0xFFFFFFFF), min_size=1, max_size=4))
def test_plain_conversions_are_the_same(kind, bits):
    numbers = np.array(bits, np.uint32).view(np.float32)
    with np.errstate(all="ignore"):
        wanted = numbers.astype(kind)
        plain = np.array([conversions.narrowed(kind.name, number) for number in numbers], np.uint16).view(kind)
        same_bits(plain.astype(np.float32), wanted.astype(np.float32))
        back = np.array([conversions.widened(kind.name, half) for half in wanted.view(np.uint16)], np.float32)
        same_bits(back, wanted.astype(np.float32))


@pytest.mark.parametrize("kind", [*TYPES, np.dtype(">f2")], ids=str)
@pytest.mark.parametrize("layout", ["plain", "transposed", "every second", "reversed", "unaligned", "read-only", "()"])
def test_arrays_of_any_layout(kind, layout):
    source = RNG.standard_normal((6, 8)).astype(np.float32)
    array = {
        "plain": lambda a: a.copy(),
        "transposed": lambda a: a.T.copy().T,
        "every second": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        "reversed": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
        "unaligned": lambda a: np.frombuffer(b"-" + a.tobytes(), np.uint8)[1:].view(a.dtype).reshape(a.shape),
        "read-only": lambda a: a.copy(),
        "()": lambda a: a[0, 0],
    }[layout](source.astype(kind))
    array = np.asarray(array)
    if layout == "read-only":
        array.flags.writeable = False
    wanted = array.astype(np.float32)
    for way in (casts.laid_out, casts.copied, casts.in_type):
        found = way(array, wanted.dtype)
        assert found.flags.c_contiguous
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, wanted)
    if array.flags.writeable and layout != "unaligned":
        array[...] = 0.0
        casts.put(wanted, array)
        np.testing.assert_array_equal(array.astype(np.float32), wanted)
    returned = casts.in_type(wanted, array.dtype)
    assert returned.dtype == array.dtype
    np.testing.assert_array_equal(returned.astype(np.float32), wanted)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", ">i4", ">f8", ">f4"])
@pytest.mark.parametrize("size", [1, casts.LARGE - 1, casts.LARGE, 3 * casts.LARGE + 1])
def test_numbers_of_other_types(kind, dtype, size):
    numbers = RNG.integers(-(1 << 40), 1 << 40, size).astype(kind)
    if numbers.dtype.kind == "f":
        numbers[::3] = RNG.standard_normal(numbers[::3].size) * 1e30
        numbers[0], numbers[-1] = np.nan, np.inf
        if numbers.itemsize == 8:
            numbers[size // 2] = 1e300
    with np.errstate(over="ignore"):
        wanted = numbers.astype(dtype)
    numbers.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for way in (casts.laid_out, casts.copied, casts.in_type):
            np.testing.assert_array_equal(way(numbers, np.dtype(dtype)), wanted, strict=True)
        backwards = casts.laid_out(numbers[::-1], np.dtype(dtype))
    np.testing.assert_array_equal(backwards, wanted[::-1], strict=True)


def test_other_types_are_left_as_they_are():
    array = RNG.standard_normal(4)
    assert casts.laid_out(array, array.dtype) is array
    assert casts.in_type(array, array.dtype) is array
    assert casts.copied(array, array.dtype) is not array


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_what_does_not_mix_into_one_kernel_is_added_in_float32(kind):
    """Each term's gradient is rounded, and their sum once."""
    images = RNG.standard_normal((2, 3, 4, 5)).astype(kind)
    labels = RNG.integers(0, 3, (2, 4, 5))
    terms = nl.CrossEntropyLoss(), nl.LovaszLoss()
    _, gradient = (0.5 * terms[0] + 2.0 * terms[1]).value_and_grad(images, labels)
    one, two = (term.value_and_grad(images, labels)[1].astype(np.float32) for term in terms)
    half = (0.5 * one).astype(kind).astype(np.float32)
    np.testing.assert_array_equal(gradient, (half + 2.0 * two).astype(kind))
    assert gradient.dtype == kind


def test_no_loss_of_halves_asks_numpy_to_convert(monkeypatch):
    """What takes NumPy 60 ns an element: numbers below the smallest normal one."""
    seen: list[str] = []
    convert = casts._convert
    monkeypatch.setattr(casts, "_convert", lambda way, *arrays: seen.append(way) or convert(way, *arrays))
    x = RNG.standard_normal((64, 8)).astype(np.float16)
    cases: dict[str, tuple[np.ndarray, ...]] = {
        "mse_loss": (x, x),
        "cross_entropy": (x, RNG.integers(0, 8, 64)),
        "triplet_margin_loss": (x, x[::-1], x[::2].repeat(2, 0)),
        "dice_loss": (x, RNG.integers(0, 8, 64)),
        "nt_xent_loss": (x, np.arange(64) // 2),
        "linear_cross_entropy": (x, x[:10], RNG.integers(0, 10, 64)),
    }
    for name, arrays in cases.items():
        seen.clear()
        nl.get(name).value_and_grad(*arrays)
        assert set(seen) == {"from_float16", "to_float16"}, name
