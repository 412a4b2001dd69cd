"""Losses over a class axis on the simulated device: every way a row is worked on gives what the host gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numbaloss as nl
from numbaloss.structures.cuda import rows
from numbaloss.testing.checks_device import close, host, on_device

pytest.importorskip("greenlet")

FULL = {"label_smoothing": 0.125, "z_loss": 0.25, "softcap": 4.0}
# rows, classes: passed through shared memory, whole and shifted runs of a warp, of a block
SIZES = [(3, 10), (140, 2), (3, 101), (2, 600), (2, 1021)]


def drawn(*shape: int) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(shape)
    logits = 3.0 * rng.standard_normal(shape).astype(np.float32)
    labels = rng.integers(0, shape[1], shape[:1] + shape[2:])
    aims = np.exp(rng.standard_normal(shape)).astype(np.float32)
    return logits, labels, aims / aims.sum(axis=1, keepdims=True)


def agree(loss: Any, *arrays: Any, wrt: Any = ("input",), given: Any = None, weights: Any = None) -> None:
    """Value, gradients and Hessian on the device are those of the host."""
    given = [on_device(array) for array in arrays] if given is None else given
    device_weights = None if weights is None else on_device(weights)
    value, slopes = loss.value_and_grad(*arrays, wrt=wrt, sample_weight=weights)
    found, device_slopes = loss.value_and_grad(*given, wrt=wrt, sample_weight=device_weights)
    close(found, value, "float32", f"{loss}: value")
    for one, two in [(device_slopes, slopes)] if len(wrt) == 1 else zip(device_slopes, slopes, strict=True):
        close(one, two, "float32", f"{loss}: gradient")
    if loss.definition.hessian:
        for one, two in zip(loss.grad_and_hess(*given), loss.grad_and_hess(*arrays), strict=True):
            close(one, two, "float32", f"{loss}: Hessian")


@pytest.mark.parametrize("shape", SIZES)
def test_class_labels(shape: tuple[int, int]) -> None:
    logits, labels, _ = drawn(*shape)
    labels[-1] = -100
    weights = np.linspace(0.0, 2.0, shape[1])
    agree(nl.FocalLoss(weight=weights), logits, labels, weights=np.linspace(0.5, 2.0, shape[0]))
    agree(nl.CrossEntropyLoss(weight=weights, reduction="none", **FULL), logits, labels)


@pytest.mark.parametrize("shape", SIZES)
def test_probabilities(shape: tuple[int, int]) -> None:
    logits, _, aims = drawn(*shape)
    weights = np.linspace(0.0, 2.0, shape[1])
    agree(nl.PolyLoss(), logits, aims, weights=np.linspace(0.5, 2.0, shape[0]))
    agree(nl.CrossEntropyLoss(weight=weights, reduction="none", **FULL), logits, aims, wrt=("input", "target"))


@pytest.fixture
def long_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of few classes are taken for ones that do not fit into registers."""
    for name in ("KEPT", "MOST", "WHOLE"):
        monkeypatch.setattr(rows, name, 1)
    monkeypatch.setattr(rows, "PART", 4)
    monkeypatch.setattr(rows, "BLOCKS", (128,))


@pytest.mark.usefixtures("long_rows")
@pytest.mark.parametrize("shape", [(2, 1100), (2, 1101), (2, 5, 3)])
def test_rows_that_are_read_again(shape: tuple[int, ...]) -> None:
    logits, labels, aims = drawn(*shape)
    logits[0] += np.arange(shape[1]).reshape(-1, *[1] * (len(shape) - 2)) / 50.0  # the highest comes late
    labels[-1] = -100
    weights = np.linspace(0.0, 2.0, shape[1])
    agree(nl.FocalLoss(), logits, labels)
    agree(nl.CrossEntropyLoss(weight=weights, reduction="sum", **FULL), logits, labels)
    agree(nl.CrossEntropyLoss(weight=weights, reduction="none", **FULL), logits, aims, wrt=("input", "target"))


def of_the_sure(*shape: int) -> tuple[Any, Any]:
    """Logits of students and teachers that are sure of other classes; two of a teacher's are as likely."""
    rng = np.random.default_rng(shape)
    student, teacher = rng.standard_normal((2, *shape)).astype(np.float32)
    student[:, 1], teacher[:, 0] = 12.0, 14.0
    teacher[-1, 1] = 14.0
    return student, teacher


@pytest.mark.parametrize("shape", [*SIZES, (2, 5, 3)])
@pytest.mark.parametrize("name", ["jsd_loss", "tvd_loss", "kl_div_with_logits"])
def test_slopes_by_sure_distributions_keep_their_digits(name: str, shape: tuple[int, ...]) -> None:
    arrays = of_the_sure(*shape)
    for wrt in ("student", "teacher"):
        loss = nl.get(name, reduction="none")
        _, exact = loss.value_and_grad(*(array.astype(np.float64) for array in arrays), wrt=wrt)
        _, found = loss.value_and_grad(*map(on_device, arrays), wrt=wrt)
        error = np.abs(host(found) - exact).max(axis=1) / np.abs(exact).max(axis=1)
        np.testing.assert_array_less(error, 2e-5)


@pytest.mark.usefixtures("long_rows")
@pytest.mark.parametrize("shape", [(2, 1101), (2, 5, 3)])
def test_slopes_by_sure_distributions_that_are_read_again(shape: tuple[int, ...]) -> None:
    agree(nl.JSDLoss(), *of_the_sure(*shape), wrt=("student", "teacher"))


def test_planes_and_weights_of_samples() -> None:
    logits, labels, aims = drawn(2, 5, 3, 2)
    agree(nl.CrossEntropyLoss(**FULL), logits, labels, weights=np.array([0.5, 2.0]))
    agree(nl.CrossEntropyLoss(), logits, labels, weights=np.linspace(0.0, 1.0, 12).reshape(2, 3, 2))
    agree(nl.CrossEntropyLoss(), logits, aims, weights=np.array([0.5, 2.0]))


@pytest.mark.parametrize("classes", [10, 200, 203])
def test_rows_with_gaps_between_them_are_read_where_they_lie(classes: int) -> None:
    logits, labels, _ = drawn(3, classes)
    wide = np.zeros((3, classes + 4), np.float32)
    wide[:, :classes] = logits
    whole = on_device(wide)
    given = [whole.view(whole.cells[:, :classes]), on_device(labels)]
    agree(nl.CrossEntropyLoss(), logits, labels, given=given)


@pytest.mark.parametrize("classes", [3, 40, 600])
def test_a_label_out_of_range_poisons_its_row(classes: int) -> None:
    logits, labels, _ = drawn(4, classes)
    labels[1], labels[2] = classes, -1
    value, gradient = nl.CrossEntropyLoss(reduction="none").value_and_grad(on_device(logits), on_device(labels))
    assert np.isnan(value.cells).tolist() == [False, True, True, False]
    assert np.isnan(gradient.cells).all(axis=1).tolist() == [False, True, True, False]
    assert not np.isnan(gradient.cells[[0, 3]]).any()
    assert np.isnan(nl.CrossEntropyLoss()(on_device(logits), on_device(labels)).cells)


@pytest.mark.parametrize("shape", [(3, 10), (3, 101), (2, 600), (2, 5, 3)])
def test_the_gradient_may_overwrite_the_logits(shape: tuple[int, ...]) -> None:
    logits, labels, _ = drawn(*shape)
    for loss in (nl.CrossEntropyLoss(), nl.CrossEntropyLoss(**FULL)):
        value, gradient = loss.value_and_grad(logits, labels)
        given = on_device(logits)
        found, written = loss.value_and_grad(given, on_device(labels), out=given)
        assert written is given
        close(found, value, "float32", "value")
        close(given, gradient, "float32", "gradient")


@pytest.mark.parametrize("classes", [3, 100, 300])
@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan])
def test_extremes_are_those_of_the_host(classes: int, number: float) -> None:
    logits, labels, _ = drawn(3, classes)
    labels[:] = 1
    logits[0, 0] = logits[1, 1] = number
    logits[2] = 80.0 * np.sign(logits[2])
    for loss in (nl.CrossEntropyLoss(reduction="none"), nl.FocalLoss(reduction="none")):
        value, gradient = loss.value_and_grad(logits, labels)
        found, slopes = loss.value_and_grad(on_device(logits), on_device(labels))
        np.testing.assert_allclose(found.cells, value, rtol=1e-5)
        known = ~np.isnan(value)
        np.testing.assert_allclose(slopes.cells[known], gradient[known], rtol=2e-5, atol=1e-30)
        assert np.isnan(slopes.cells[~known]).any(axis=1).all()


@pytest.mark.parametrize("shape", [(3, 10), (3, 101), (2, 1021)])
def test_the_other_losses_over_classes(shape: tuple[int, int]) -> None:
    logits, labels, _ = drawn(*shape)
    other = np.roll(logits, 1, axis=0)
    weights = np.linspace(0.0, 2.0, shape[1])
    lists = np.argsort(logits, axis=1)
    lists[:, 2] = -1
    agree(nl.MultiMarginLoss(weight=weights, p=2), logits, labels, weights=np.linspace(0.5, 2.0, shape[0]))
    agree(nl.MultiLabelMarginLoss(), logits, lists, weights=np.linspace(0.5, 2.0, shape[0]))
    agree(nl.KLDivWithLogitsLoss(temperature=2.0), logits, other, wrt=("student", "teacher"))
    labels[0] = -100
    agree(nl.NLLLoss(weight=weights), logits, labels)
    agree(nl.CosFaceLoss(scale=16.0, label_smoothing=0.125), np.tanh(logits), labels)


@pytest.mark.usefixtures("long_rows")
def test_the_other_losses_with_rows_that_are_read_again() -> None:
    logits, labels, _ = drawn(2, 1101)
    agree(nl.MultiMarginLoss(), logits, labels)
    agree(nl.NLLLoss(), logits, labels)
    agree(nl.KLDivWithLogitsLoss(), logits, np.roll(logits, 1, axis=0), wrt=("student", "teacher"))
    with pytest.raises(ValueError, match="too long"):
        nl.MultiLabelMarginLoss()(on_device(logits), on_device(np.zeros(logits.shape, np.int64)))


@pytest.mark.parametrize("classes", [3, 100])
def test_labels_out_of_range_of_the_other_losses(classes: int) -> None:
    logits, labels, _ = drawn(4, classes)
    labels[1], labels[2] = classes, -1
    lists = np.full((4, classes), -1)
    lists[:, 0] = np.where(labels == -1, classes, labels)
    for loss, target in ((nl.NLLLoss, labels), (nl.MultiMarginLoss, labels), (nl.MultiLabelMarginLoss, lists)):
        value, gradient = loss(reduction="none").value_and_grad(on_device(logits), on_device(target))
        assert np.isnan(value.cells).tolist() == [False, True, True, False]
        assert np.isnan(gradient.cells).all(axis=1).tolist() == [False, True, True, False]


def test_the_scan_weighs_only_labels_that_are_classes() -> None:
    from numbaloss.arrays.simulated import SimulatedDoor
    from numbaloss.compile.cuda.kernel import common
    from numbaloss.kernels.cuda.labels import scan

    door = SimulatedDoor()
    for labels, wanted in (([0, 2, -100], 2.0), ([0, 3, 1], 2.0), ([-1, 0, 0], 2.0), ([-100, 9, -1], 0.0)):
        mass = door.empty((1,), "float32")
        door.launch(common(scan, "float32"), 1, 3, door.upload(np.array(labels)), 3, -100, None, None, 1, mass)
        assert door.download(mass).tolist() == [wanted]


def test_a_joined_mix_is_one_kernel() -> None:
    logits, labels, _ = drawn(3, 10)
    mix = 0.5 * nl.CrossEntropyLoss() + 2.0 * nl.FocalLoss(gamma=1.0)
    ((_, loss),) = mix._fused
    agree(loss, logits, labels)


def test_who_works_on_a_row() -> None:
    assert rows.plan("float32", 10, "shifted", tiles=True).width == 4
    assert rows.plan("float32", 100, "shifted", tiles=True) == rows.Plan(32, 128, 4, 1)
    assert rows.plan("bfloat16", 1000, "aligned", tiles=True) == rows.Plan(128, 128, 8, 1)
    assert rows.plan("float32", 32768, "aligned", tiles=True, plain=True) == rows.Plan(512, 512, 4, 16)
    long = rows.Plan(512, 512, 4, 8, again=True, shifted=True)
    assert rows.plan("float32", 50257, "shifted", tiles=True, plain=True) == long
