"""Losses over regions on a simulated device, beyond what the conformance suite checks of every loss."""

from __future__ import annotations

import numpy as np
import pytest

import numbaloss as nl

pytest.importorskip("greenlet")

from numbaloss.arrays.simulated import SimulatedArray, simulating
from numbaloss.compile.cuda.assembler import assembled, ptxas

RNG = np.random.default_rng(5)


def drawn(images, classes, positions, dtype=np.float32, ignored=True):
    logits = (2 * RNG.normal(size=(images, classes, positions))).astype(dtype)
    labels = RNG.integers(0, classes, (images, positions))
    if ignored:
        labels[RNG.random(labels.shape) < 0.1] = -100
    return logits, labels


def close(one, two):
    wanted = np.asarray(two, np.float64)
    scale = np.abs(wanted).max(initial=0.0)
    np.testing.assert_allclose(np.asarray(one.cells, np.float64), wanted, rtol=2e-6, atol=2e-6 * scale)


def agree(loss, logits, target, weights=None):
    """Assert that value and gradient are those of the host."""
    value, gradient = loss.value_and_grad(logits, target, sample_weight=weights)
    given = None if weights is None else SimulatedArray(weights)
    found, slopes = loss.value_and_grad(SimulatedArray(logits), SimulatedArray(target), sample_weight=given)
    close(found, value)
    close(slopes, gradient)


@pytest.mark.parametrize(("classes", "positions"), [(3, 1030), (17, 150), (70, 12), (5, 7)])
@pytest.mark.parametrize("masks", [False, True])
def test_any_number_of_classes(classes, positions, masks):
    """Few classes in registers, more in tiles, and planes that 16 bytes do not divide."""
    logits, target = drawn(2, classes, positions)
    if masks:
        target = RNG.random(logits.shape).astype(logits.dtype)
    agree(nl.DiceLoss(squared_pred=masks), logits, target)


@pytest.mark.parametrize("labels", [np.uint8, np.int16, np.uint64])
def test_labels_of_any_type_and_layout(labels):
    logits, target = drawn(2, 4, 8, ignored=False)
    wide = SimulatedArray(np.repeat(target.astype(labels), 2, axis=1))
    value, gradient = nl.DiceLoss().value_and_grad(SimulatedArray(logits), wide.view(wide.cells[:, ::2]))
    right = nl.DiceLoss().value_and_grad(logits, target)
    close(value, right[0])
    close(gradient, right[1])


def test_chances_that_are_nearly_right_keep_their_digits():
    labels = RNG.integers(0, 4, (2, 8))
    logits = np.ascontiguousarray(40 * np.eye(4, dtype=np.float32)[labels].transpose(0, 2, 1))
    agree(nl.DiceLoss(smooth_nr=0.0, smooth_dr=0.0), logits, labels)


@pytest.mark.parametrize("loss", [nl.DiceLoss(reduction="none"), nl.DiceLoss(activation="sigmoid", reduction="none")])
def test_a_label_out_of_range_spoils_its_image_alone(loss):
    logits, labels = drawn(2, 4, 8, ignored=False)
    labels[1, 3] = 4
    value, gradient = loss.value_and_grad(SimulatedArray(logits), SimulatedArray(labels))
    for found in (value, gradient):
        assert np.isfinite(found.cells[0]).all()
        assert np.isnan(found.cells[1]).all()


@pytest.mark.parametrize(
    "loss",
    [
        nl.DiceCELoss(),
        nl.DiceFocalLoss(weight=[0.5, 1.0, 2.0, 3.0], include_background=False, batch=True, lambda_dice=0.3),
        nl.TverskyCELoss(reduction="sum", lambda_ce=0.0),
        0.7 * nl.DiceLoss() + 0.3 * nl.CrossEntropyLoss(weight=[0.5, 1.0, 2.0, 3.0]) + 0.1 * nl.GeneralizedDiceLoss(),
    ],
    ids=["dice_ce", "dice_focal", "tversky_ce", "mix"],
)
def test_mixes(loss):
    logits, labels = drawn(3, 4, 16)
    for weights in (None, np.array([0.5, 0.0, 2.0])):
        agree(loss, logits, labels, weights)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_mixes_with_losses_of_the_elements(reduction):
    logits, _ = drawn(3, 4, 16)
    masks = RNG.random(logits.shape).astype(logits.dtype).round(1)
    loss = 0.7 * nl.DiceLoss(activation="sigmoid", reduction=reduction)
    loss = loss + 0.3 * nl.BCEWithLogitsLoss(reduction=reduction) + 2.0 * nl.SigmoidFocalLoss(reduction=reduction)
    for weights in (None, np.array([0.5, 0.0, 2.0])):
        agree(loss, logits, masks, weights)


def test_components_come_from_the_same_pass():
    loss = 0.7 * nl.DiceLoss() + 0.3 * nl.CrossEntropyLoss() + 2.0 * nl.DiceLoss(batch=True)
    logits, labels = drawn(2, 4, 16)
    *_, wanted = loss.value_and_grad(logits, labels, components=True)
    with simulating() as device:
        *_, found = loss.value_and_grad(SimulatedArray(logits), SimulatedArray(labels), components=True)
    assert sum("statistics" in kernel.template.__name__ for kernel, _ in device.launches) == 1
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        close(found[name], value)


def test_gradient_in_place_of_the_input():
    logits, labels = drawn(2, 4, 16)
    for loss in (nl.DiceCELoss(), nl.DiceLoss(activation="sigmoid"), nl.LovaszLoss()):
        wanted = loss.value_and_grad(logits, labels)
        array = SimulatedArray(logits)
        value, gradient = loss.value_and_grad(array, SimulatedArray(labels), out=array)
        assert gradient is array
        close(value, wanted[0])
        close(gradient, wanted[1])


@pytest.mark.parametrize("activation", ["softmax", "hinge"])
@pytest.mark.parametrize("batch", [False, True])
def test_sorted_errors(activation, batch):
    logits, labels = drawn(2, 3, 40)
    logits = np.round(logits)  # equal errors, too
    agree(nl.LovaszLoss(activation=activation, batch=batch), logits, labels, np.array([0.5, 2.0]))


def test_a_region_that_takes_several_blocks_to_sort():
    agree(nl.LovaszLoss(activation="hinge"), *drawn(1, 2, 4200))


def test_what_the_assembler_says():
    """No spills, no stack, 16 bytes at once, and no float64 but in the few numbers between the sweeps."""
    pytest.importorskip("numba_cuda")
    if ptxas() is None:
        pytest.skip("no assembler for PTX here")
    with simulating() as device:
        logits, labels = drawn(2, 4, 16)
        nl.DiceCELoss().value_and_grad(SimulatedArray(logits), SimulatedArray(labels))
        masks = RNG.random(logits.shape).astype(np.float32)
        nl.DiceLoss(activation="sigmoid").value_and_grad(SimulatedArray(logits), SimulatedArray(masks))
    for kernel, kinds in device.launches:
        facts = assembled(*kernel.compiled(kinds, (8, 0)), "sm_80")
        assert facts.spilled == facts.stack == 0, facts.entry
        assert facts.registers * kernel.threads <= 65536, facts.entry
        sweeps = kernel.template.__name__.startswith(("statistics", "gradients"))
        if sweeps:
            assert facts.doubles == 0, facts.entry
            assert facts.wide_loads > 0, facts.entry
        if kernel.template.__name__ == "gradients":
            assert facts.wide_stores > 0, facts.entry
