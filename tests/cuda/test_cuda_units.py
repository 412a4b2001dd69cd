"""Kernels of an author's own on a simulated device: what the conformance suite (tests/test_kernel.py) leaves out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_ptx import check, facts

import numbaloss as nl
from numbaloss.arrays.simulated import SimulatedArray, simulating
from numbaloss.testing.checks_device import check_device_precision, close, host, on_device

WIDTH = 3.0  # also an open name of templates


def load(x):
    """The name of another."""
    return x * WIDTH


@nl.kernel(shapes={"x": ("D",), "marks": ("K",), "kind": ()}, labels={"marks": "D", "kind": None})
def marked_loss(x, marks, kind, gradient, repeats=2, slope=0.5):
    total = 0.0
    for k in range(marks.size):
        total += load(x[marks[k]])
        if gradient is not None:
            gradient[marks[k]] += WIDTH
    for j in range(repeats):
        total += slope * x[j]
        if gradient is not None:
            gradient[j] += slope
    return total if kind < 2 else 0.0 * total


@nl.kernel(shapes={"x": (3,), "y": (3,)}, wrt=("x", "y"))
def turned_loss(x, y, by_x, by_y):
    """Each gradient needs the other input after it was written."""
    total = 0.0
    for j in range(3):
        if by_x is not None:
            by_x[j] = y[(j + 1) % 3]
        if by_y is not None:
            by_y[j] = x[(j + 2) % 3]
        total += x[j] * y[(j + 1) % 3]
    return total


def for_a_device(x, gradient, rate=2.0):
    least = x[0]
    for j in range(x.size):
        least = min(least, x[j])
    return least * rate


@nl.kernel(shapes={"x": ("D",)}, cuda=for_a_device, exact=False)
def least_loss(x, gradient, rate=2.0):
    return np.sort(x)[0] * rate


@pytest.fixture
def numbers() -> tuple[Any, ...]:
    rng = np.random.default_rng(5)
    return rng.normal(size=(6, 4)).astype("f4"), rng.integers(0, 4, (6, 2)), rng.integers(0, 3, 6)


def compared(loss: Any, given: Any, arrays: Any) -> None:
    value, slope = loss.value_and_grad(*given)
    host_value, host_slope = loss.value_and_grad(*arrays)
    close(value, host_value, "float32", "value")
    close(slope, host_slope, "float32", "gradient")


@pytest.mark.parametrize("kind", ["i1", "u1", "i4", "u8", "i8"])
def test_labels_of_any_whole_type_and_layout(numbers: Any, kind: str) -> None:
    x, marks, group = numbers
    loss = marked_loss.Loss(repeats=3, slope=0.25)
    wide = on_device(np.repeat(marks.astype(kind), 2, axis=1))
    given = on_device(x), wide.view(wide.cells[:, ::2]), on_device(group.astype(kind))
    compared(loss, given, numbers)
    turned = on_device(np.asfortranarray(marks[::-1]).astype(kind))
    compared(loss, (given[0], turned.view(turned.cells[::-1]), given[2]), numbers)


@pytest.mark.parametrize("bad", [-1, 4, 2**62, -(2**62)])
def test_a_label_out_of_range_is_nan_for_its_unit_alone(numbers: Any, bad: int) -> None:
    x, marks, group = numbers
    loss = marked_loss.Loss(reduction="none")
    values, slopes = loss.value_and_grad(*numbers)
    marks = marks.copy()
    marks[2, 1] = bad
    given = [on_device(array) for array in (x, marks, group)]
    found, gradient = map(host, loss.value_and_grad(*given))
    assert np.isnan(found[2])
    assert np.isnan(gradient[2]).all()
    rest = [0, 1, 3, 4, 5]
    np.testing.assert_allclose(found[rest], values[rest], rtol=1e-5)
    np.testing.assert_allclose(gradient[rest], slopes[rest], rtol=1e-5)
    assert np.isnan(host(marked_loss(*given)))
    with nl.check_labels():
        with pytest.raises(ValueError, match=r"marked_loss: labels in marks must be in 0 ... 3"):
            loss(*given)
        loss(given[0], on_device(np.zeros_like(marks)), on_device(group - 100))


def test_leading_axes_and_their_weights() -> None:
    rng = np.random.default_rng(6)
    arrays = rng.normal(size=(4, 5, 3)), rng.normal(size=(4, 5, 3))
    for shape in ((4,), (4, 5)):
        weights = rng.uniform(size=shape)
        for reduction in ("mean", "sum", "none"):
            loss = turned_loss.Loss(reduction=reduction)
            value, slopes = loss.value_and_grad(*arrays, sample_weight=weights)
            found, gradients = loss.value_and_grad(*map(on_device, arrays), sample_weight=on_device(weights))
            close(found, value, "float64", "value")
            for one, two in zip(gradients, slopes, strict=True):
                close(one, two, "float64", "gradient")
    single = arrays[0][0, 0], arrays[1][0, 0]
    found, gradients = turned_loss.Loss().value_and_grad(*map(on_device, single))
    np.testing.assert_allclose(host(found), single[0] @ np.roll(single[1], -1), rtol=1e-13)
    np.testing.assert_array_equal(host(gradients[0]), np.roll(single[1], -1))


@pytest.mark.parametrize("kind", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("at", ["first", "second", "between"])
def test_a_gradient_may_lie_over_what_is_read(kind: str, at: str) -> None:
    rng = np.random.default_rng(7)
    arrays = [rng.integers(-4, 5, (300, 3)).astype("f2" if kind == "float16" else "f4") for _ in "xy"]
    wanted = turned_loss.Loss(reduction="sum").value_and_grad(*arrays, wrt="x")[1]
    room = on_device(np.concatenate([np.zeros_like(arrays[0][:1]), *arrays]), kind)
    x, y = room.view(room.cells[1:301]), room.view(room.cells[301:])
    out = {"first": x, "second": y, "between": room.view(room.cells[:300])}[at]
    for order in ("ascending", "descending"):
        kept = room.cells.copy()
        with simulating(order):
            _, gradient = turned_loss.Loss(reduction="sum").value_and_grad(x, y, wrt="x", out=out)
        assert gradient is out
        np.testing.assert_array_equal(host(out), wanted)
        room.cells[...] = kept


def test_the_counterpart_runs_on_the_device() -> None:
    x = np.array([[3.0, 1.0, 2.0], [-1.0, 0.0, 4.0]])
    assert float(least_loss(x)) == host(least_loss(on_device(x))) == 0.0
    assert host(least_loss(on_device(x), rate=3.0, reduction="none")).tolist() == [3.0, -3.0]


def test_no_units_at_all() -> None:
    nothing = on_device(np.zeros((0, 4), "f4")), on_device(np.zeros((0, 2), "i8")), on_device(np.zeros(0, "i4"))
    assert np.isnan(host(marked_loss(*nothing)))
    value, gradient = marked_loss.Loss(on_empty="zero").value_and_grad(*nothing)
    assert host(value) == 0.0
    assert gradient.shape == (0, 4)


def test_what_does_not_fit_is_named(numbers: Any) -> None:
    x, marks, group = map(on_device, numbers)
    with pytest.raises(TypeError, match="marked_loss: marks must hold integer class labels, got dtype float32"):
        marked_loss(x, x, group)
    with pytest.raises(TypeError, match="marked_loss: x must be a floating array"):
        marked_loss(marks, marks, group)
    with pytest.raises(ValueError, match=r"marked_loss: kind has shape \(6, 2\); wanted \(6\) to go with x"):
        marked_loss(x, marks, marks)
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3,\); wanted one weight for each unit, \(6,\)"):
        marked_loss(x, marks, group, sample_weight=on_device(np.ones(3)))
    with pytest.raises(TypeError, match="marked_loss: x: all arrays of a call must be on one device"):
        marked_loss(numbers[0], marks, group)


def test_inputs_in_the_type_of_the_arithmetic_are_not_copied() -> None:
    arrays = [SimulatedArray(np.ones((5, 3), "f4")) for _ in "xy"]
    with simulating() as device:
        turned_loss.Loss().value_and_grad(*arrays)
    assert [kernel.template.__name__ for kernel, _ in device.launches] == ["units", "finish"]


@pytest.mark.parametrize("loss", [marked_loss, turned_loss], ids=lambda loss: loss.definition.name)
@pytest.mark.usefixtures("compiler")
def test_kernels_fit_the_device(loss: Any) -> None:
    for storage in ("float32", "bfloat16"):
        check(loss, storage, (8, 0), ("sm_80", "sm_90"))


@pytest.mark.usefixtures("compiler")
def test_the_suite_finds_arithmetic_in_float64() -> None:
    @nl.kernel(shapes={"x": ("D",)})
    def ranked_loss(x, gradient):
        total = 0.0
        for j in range(x.size):
            total += j * x[j]
            if gradient is not None:
                gradient[j] = j
        return total

    compared(ranked_loss.Loss(), [on_device(np.ones((2, 3), "f4"))], [np.ones((2, 3), "f4")])
    with pytest.raises(AssertionError, match="float64 instructions on a CUDA device: write float literals"):
        check_device_precision(ranked_loss)
    check_device_precision(marked_loss)


@pytest.mark.usefixtures("compiler")
def test_labels_are_arranged_by_a_kernel_that_fits_too() -> None:
    labels = on_device(np.zeros((2, 2), "i4"))
    with simulating() as device:
        marked_loss(on_device(np.zeros((2, 4), "f2")), labels, on_device(np.zeros(2, "u1")))
    kernels = {(kernel, kinds) for kernel, kinds in device.launches if kernel.template.__name__ == "copy_whole"}
    assert len(kernels) == 2
    for kernel, kinds in kernels:
        found = facts(kernel, kinds, (8, 0), "sm_80")
        assert (found.spilled, found.stack, found.doubles) == (0, 0, 0)
