"""The verdict follows from the shape of the two curves, and its reason holds the figures."""

import math
import random

import pytest

from numbaloss.monitor import diagnose, generalization_loss, progress_quotient, training_progress

CHANCE = math.log(10)
FALLING = [2.0 * 0.9**t for t in range(30)]
FLAT_AFTER_A_FALL = [0.3 + 2.0 * 0.5**t for t in range(30)]
U_SHAPED = [0.5 + abs(t - 10) * (0.15 if t < 10 else 0.02) for t in range(30)]
BLOWING_UP = [2.0 - 0.1 * t if t < 15 else 0.6 * 1.3 ** (t - 14) for t in range(30)]


@pytest.mark.parametrize(
    ("train", "valid", "verdict"),
    [
        (FALLING, [1.1 * loss for loss in FALLING], "converging"),
        (FALLING, FLAT_AFTER_A_FALL, "fitted"),
        (FLAT_AFTER_A_FALL, FLAT_AFTER_A_FALL, "fitted"),
        (FALLING, U_SHAPED, "overfitting"),
        ([2.29] * 30, [2.3] * 30, "underfitting"),
        ([1.8 + 0.5 * 0.5**t for t in range(30)], [1.9 + 0.5 * 0.5**t for t in range(30)], "underfitting"),
        (BLOWING_UP, BLOWING_UP, "diverged"),
        ([2.0, 1.0, math.nan], [2.0, 1.0, math.nan], "diverged"),
        ([2.0, 1.0, 0.5], [2.0, math.inf, 1.0], "diverged"),
        ([2.0, 1.0, 0.5, 0.4], [2.0, 1.0, 0.5, 0.4], "too short"),
        ([], [], "too short"),
    ],
)
def test_textbook_curves_get_their_textbook_verdict(train, valid, verdict):
    assert diagnose(train, valid, CHANCE).verdict == verdict


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    ("train", "valid", "verdict"),
    [
        (FALLING, U_SHAPED, "overfitting"),
        (FALLING, FLAT_AFTER_A_FALL, "fitted"),
        ([2.3] * 30, [2.3] * 30, "underfitting"),
    ],
)
def test_a_half_percent_of_noise_does_not_change_the_verdict(train, valid, verdict, seed):
    rng = random.Random(seed)
    train, valid = ([loss * rng.gauss(1.0, 0.005) for loss in curve] for curve in (train, valid))
    assert diagnose(train, valid, CHANCE).verdict == verdict


def test_one_bad_epoch_is_not_overfitting():
    spike = [*FLAT_AFTER_A_FALL[:-1], 0.6]
    assert diagnose(FALLING, spike, CHANCE).verdict == "fitted"


def test_losses_of_either_sign_are_judged_alike():
    train, valid = ([loss - 3.0 for loss in curve] for curve in (FALLING, U_SHAPED))
    assert diagnose(train, valid).verdict == "overfitting"


def test_without_a_chance_level_a_loss_that_never_moved_is_underfitting():
    assert diagnose([2.3] * 10, [2.3] * 10).verdict == "underfitting"
    assert diagnose([2.3, *[1.9] * 9], [2.3, *[1.9] * 9]).verdict == "fitted"


def test_best_epoch_counts_from_one_and_gap_is_taken_at_the_end():
    found = diagnose(FALLING, U_SHAPED, CHANCE)
    assert found.best_epoch == 11
    assert found.gap == U_SHAPED[-1] - FALLING[-1]
    assert diagnose([], []).best_epoch == 0
    assert diagnose([1.0, math.nan], [1.0, math.nan]).best_epoch == 1


def test_the_reason_is_a_sentence_with_the_figures():
    reason = diagnose(FALLING, U_SHAPED, CHANCE).reason
    assert reason == (
        "Since epoch 11 the validation loss rose from 0.5 to 0.88 (+76 %) while the training loss fell "
        "from 0.6974 to 0.0942; stop earlier or regularise."
    )
    assert "epoch 3" in diagnose([2.0, 1.0, math.nan], [2.0, 1.0, 0.5]).reason
    assert "100 % of the chance level 2.303" in diagnose([2.3] * 9, [2.3] * 9, CHANCE).reason


def test_a_validation_loss_always_below_the_training_loss_is_noted():
    assert "below the training loss" in diagnose(FALLING, [0.9 * loss for loss in FALLING]).notes[0]
    assert diagnose(FALLING, [1.1 * loss for loss in FALLING]).notes == ()


def test_curves_of_unequal_length_and_senseless_chance_levels_are_refused():
    with pytest.raises(ValueError, match="equal length, got 2 and 1 epochs"):
        diagnose([1.0, 2.0], [1.0])
    for chance in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="chance must be a positive number or None"):
            diagnose([1.0], [1.0], chance)


def test_prechelts_measures_by_hand():
    valid, train = [1.0, 0.8, 0.5, 0.6], [2.0, 1.5, 1.2, 1.0]
    assert generalization_loss(valid) == pytest.approx(20.0)
    assert generalization_loss(valid[:3]) == 0.0
    assert training_progress(train, strip=4) == pytest.approx(1000 * (5.7 / 4.0 - 1))
    assert progress_quotient(train, valid, strip=4) == pytest.approx(20.0 / 425.0)
    assert progress_quotient([1.0] * 5, [1.0, 1.0, 1.0, 1.0, 1.1]) == math.inf
    assert progress_quotient([1.0] * 5, [1.0] * 5) == 0.0
