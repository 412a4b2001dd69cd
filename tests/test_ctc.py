"""CTC against alignments counted one by one, against sums of logarithms, and at the ends of what it must bear."""

from __future__ import annotations

from itertools import groupby, product

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numbaloss as nl
from numbaloss.bench.memory import extra_bytes
from numbaloss.compile.primitives import exp, power
from numbaloss.structures.sequence import sequences

TYPES = (np.float32, np.float64)


def log_softmax(logits):
    logits = np.asarray(logits, np.float64)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def yields(path, blank):
    """The labelling of an alignment: repeats merged, then blanks removed."""
    return tuple(symbol for symbol, _ in groupby(path) if symbol != blank)


def by_enumeration(log_probs, target, blank=0):
    """Loss of one sequence and the chance of each symbol at each step, from every path there is."""
    steps, classes = log_probs.shape
    whole, chances = 0.0, np.zeros((steps, classes))
    for path in product(range(classes), repeat=steps):
        if yields(path, blank) == tuple(target):
            chance = np.exp(sum(log_probs[t, symbol] for t, symbol in enumerate(path)))
            whole += chance
            for t, symbol in enumerate(path):
                chances[t, symbol] += chance
    return -np.log(whole) if whole else np.inf, chances / whole if whole else np.full((steps, classes), np.nan)


def by_logarithms(log_probs, target, blank=0):
    """The same from sums of logarithms, in float64."""
    states = [blank]
    for label in target:
        states += [int(label), blank]
    count, steps = len(states), len(log_probs)
    rows = np.asarray(log_probs, np.float64)[:, states]
    skips = np.array([k > 1 and states[k] not in (blank, states[k - 2]) for k in range(count)])
    ahead = np.full((steps, count), -np.inf)
    ahead[0, :2] = rows[0, :2]
    back = np.full((steps, count), -np.inf)
    back[-1, -2:] = 0.0
    lost = np.full(2, -np.inf)
    with np.errstate(invalid="ignore"):
        for t in range(1, steps):
            old = np.concatenate([lost, ahead[t - 1]])
            moves = np.logaddexp(np.logaddexp(old[2:], old[1:-1]), np.where(skips, old[:-2], -np.inf))
            ahead[t] = moves + rows[t]
        for t in range(steps - 2, -1, -1):
            new = np.concatenate([back[t + 1] + rows[t + 1], lost])
            jumps = np.append(skips[2:], [False, False])[:count] if count > 2 else np.zeros(count, bool)
            back[t] = np.logaddexp(np.logaddexp(new[:-2], new[1:-1]), np.where(jumps, new[2:], -np.inf))
        total = np.logaddexp.reduce(ahead[-1, -2:])
        chances = np.zeros(np.shape(log_probs))
        for k, symbol in enumerate(states):
            chances[:, symbol] += np.exp(ahead[:, k] + back[:, k] - total)
    return -total, chances


@st.composite
def small_cases(draw):
    """One short sequence of few classes: every path can be listed."""
    steps, classes = draw(st.integers(1, 5)), draw(st.integers(2, 4))
    blank = draw(st.integers(0, classes - 1))
    labels = [symbol for symbol in range(classes) if symbol != blank]
    target = draw(st.lists(st.sampled_from(labels), max_size=3))
    seed = draw(st.integers(0, 2**32 - 1))
    logits = draw(st.sampled_from([0.0, 1.0, 20.0])) * np.random.default_rng(seed).standard_normal((steps, classes))
    return logits, target, blank


@settings(deadline=None, max_examples=150)
@given(small_cases())
def test_every_alignment_is_counted_once(case):
    logits, target, blank = case
    value, chances = by_enumeration(log_softmax(logits), target, blank)
    arguments = len(logits), len(target)
    targets = np.array(target, np.int32)
    found, gradient = nl.CTCWithLogitsLoss(blank=blank).value_and_grad(logits, targets, *arguments)
    scale = max(1, len(target))
    np.testing.assert_allclose(found, value / scale, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(gradient, (np.exp(log_softmax(logits)) - chances) / scale, rtol=0, atol=1e-13)
    criterion = nl.CTCLoss(blank=blank, reduction="sum", gradient_by="log_probs")
    found, gradient = criterion.value_and_grad(log_softmax(logits), targets, *arguments)
    np.testing.assert_allclose(found, value, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(gradient, -chances, rtol=0, atol=1e-13)


@st.composite
def batches(draw):
    """Batches of any lengths, types, layouts and extremes."""
    steps, count, classes, room = (draw(st.integers(low, high)) for low, high in ((1, 30), (1, 5), (2, 9), (0, 12)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    logits = draw(st.sampled_from([0.1, 3.0, 100.0, 3e4])) * rng.standard_normal((steps, count, classes))
    logits = logits.astype(draw(st.sampled_from(TYPES)))
    if draw(st.booleans()):
        logits = np.moveaxis(np.ascontiguousarray(np.moveaxis(logits, 0, 1)), 1, 0)
    if draw(st.booleans()):
        wide = np.zeros((steps, count, 2 * classes), logits.dtype)
        wide[..., ::2] = logits
        logits = wide[..., ::2]
    kinds = st.sampled_from(["int8", "uint8", "int32", ">i8", "uint64"])
    lengths = rng.integers(0, steps + 1, count), rng.integers(0, room + 1, count)
    targets = rng.integers(1, classes, (count, room))
    return logits, targets.astype(draw(kinds)), *(array.astype(draw(kinds)) for array in lengths)


@settings(deadline=None, max_examples=150)
@given(batches(), st.booleans())
def test_any_batch_is_what_its_sequences_are_by_logarithms(batch, concatenated):
    logits, targets, lengths, counts = batch
    labels = [targets[n, : int(counts[n])].astype(int) for n in range(len(counts))]
    given_targets = np.concatenate(labels) if concatenated else targets
    criterion = nl.CTCWithLogitsLoss(reduction="none")
    values, gradient = criterion.value_and_grad(logits, given_targets, lengths, counts)
    single = logits.dtype == np.float32
    for n, (value, target) in enumerate(zip(values, labels, strict=True)):
        length = int(lengths[n])
        assert not gradient[length:, n].any(), "padded time steps have a gradient"
        if length == 0:
            assert value == (np.inf if len(target) else 0.0)
            continue
        log_probs = log_softmax(logits[:length, n])
        wanted, chances = by_logarithms(log_probs, target)
        np.testing.assert_allclose(value, wanted, rtol=2e-6 if single else 1e-12, atol=1e-6 if single else 1e-12)
        if np.isinf(wanted):
            assert np.isnan(gradient[:length, n]).all()
        else:
            size = max(1.0, float(np.abs(log_probs).max()))
            slack = (1e-6 if single else 1e-14) * max(10.0, wanted, size if single else 1.0)
            np.testing.assert_allclose(gradient[:length, n], np.exp(log_probs) - chances, rtol=0, atol=slack)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 8, 9, 10, 15, 16, 17, 63, 64, 65])
def test_states_are_kept_for_as_many_steps_as_the_square_root(steps):
    """One step more or less than rows and marks are full of, and the gradient in the place of the logits."""
    rng = np.random.default_rng(steps)
    logits, target = rng.standard_normal((steps, 1, 5)), np.array([[1, 1, 3][: (steps + 1) // 3]])
    log_probs = log_softmax(logits[:, 0])
    wanted, chances = by_logarithms(log_probs, target[0])
    criterion = nl.CTCWithLogitsLoss(reduction="sum")
    value, gradient = criterion.value_and_grad(logits, target, [steps], [target.size], out=logits)
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    np.testing.assert_allclose(gradient[:, 0], np.exp(log_probs) - chances, rtol=0, atol=1e-13)
    assert gradient is logits


@pytest.mark.parametrize("dtype", TYPES)
def test_five_thousand_time_steps_keep_their_digits(dtype):
    rng = np.random.default_rng(1)
    logits = (4.0 * rng.standard_normal((5000, 2, 12))).astype(dtype)
    targets = rng.integers(1, 12, (2, 300))
    criterion = nl.CTCWithLogitsLoss(reduction="none")
    values, gradient = criterion.value_and_grad(logits, targets, [5000, 4700], [300, 120])
    for n, (length, count) in enumerate([(5000, 300), (4700, 120)]):
        log_probs = log_softmax(logits[:length, n])
        wanted, chances = by_logarithms(log_probs, targets[n, :count])
        np.testing.assert_allclose(values[n], wanted, rtol=2e-7 if dtype == np.float32 else 1e-13)
        error = np.abs(gradient[:length, n] - (np.exp(log_probs) - chances)).max()
        assert error < (3e-7 if dtype == np.float32 else 2e-10), error  # sums of logarithms lose 2e-11 themselves


def test_memory_grows_with_the_square_root_of_the_time_steps():
    rng = np.random.default_rng(2)
    criterion, taken = nl.CTCWithLogitsLoss(), []
    for steps in (1000, 9000):
        logits = rng.standard_normal((steps, 1, 12)).astype(np.float32)
        out, targets = np.empty_like(logits), rng.integers(1, 12, (1, 100))
        criterion.value_and_grad(logits, targets, [steps], [100], out=out)  # compiles
        taken.append(extra_bytes(lambda: criterion.value_and_grad(logits, targets, [steps], [100], out=out)))  # noqa: B023
    assert taken[0] < 500_000
    assert taken[1] < 3.5 * taken[0]


def test_the_only_path_is_found_however_improbable_its_states_are():
    """The blank is certain and the labels cost 50 each: rows scaled by their largest state would lose the labels."""
    steps, labels = 400, 60
    log_probs = np.full((steps, 3), -50.0)
    log_probs[:, 0] = 0.0
    log_probs[300:, 0] = -2000.0  # and then everything must have happened
    target = 1 + np.arange(labels) % 2
    wanted, chances = by_logarithms(log_probs, target)
    assert 700 < wanted < 1e5  # exp(-700) is all that a float64 holds
    criterion = nl.CTCLoss(reduction="sum", gradient_by="log_probs")
    found, gradient = criterion.value_and_grad(log_probs, target, steps, labels)
    np.testing.assert_allclose(found, wanted, rtol=1e-14)
    np.testing.assert_allclose(gradient, -chances, rtol=0, atol=1e-9)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("masked", [-1e4, -1e30])
def test_masked_entries_on_the_only_path_are_paid_for(masked, dtype):
    log_probs = np.log(np.full((3, 3), 1 / 3)).astype(dtype)
    log_probs[1, 1] = masked
    value = nl.CTCLoss(reduction="sum")(log_probs, [1, 1], 3, 2)  # 1 - 1: not touched
    assert value == pytest.approx(3 * np.log(3), rel=1e-6)
    value, gradient = nl.CTCLoss(reduction="sum").value_and_grad(log_probs, [2, 1, 2], 3, 3)
    assert value == pytest.approx(-masked + (2 * np.log(3) if masked > -1e10 else 0), rel=1e-6)
    np.testing.assert_allclose(gradient[1], [1 / 3, -1.0, 1 / 3], rtol=1e-6)


def test_a_confident_sequence_keeps_its_digits_in_float32():
    """Where the network is right, value and gradient are small but not 0 (exp(-20) is lost beside 1 in float32)."""
    logits = np.zeros((4, 3), np.float32)
    for t, symbol in enumerate([1, 1, 0, 2]):
        logits[t, symbol] = 20.0
    value, gradient = nl.CTCWithLogitsLoss(reduction="sum").value_and_grad(logits, [1, 2], 4, 2)
    with mpmath.workdps(50):
        chances = [[mpmath.exp(mpmath.mpf(float(x))) for x in row] for row in logits]
        chances = [[x / mpmath.fsum(row) for x in row] for row in chances]
        whole, symbols = mpmath.mpf(0), mpmath.zeros(4, 3)
        for path in product(range(3), repeat=4):
            if yields(path, 0) == (1, 2):
                chance = mpmath.fprod(chances[t][symbol] for t, symbol in enumerate(path))
                whole += chance
                for t, symbol in enumerate(path):
                    symbols[t, symbol] += chance
        wanted = float(-mpmath.log(whole))
        slopes = np.array([[float(chances[t][c] - symbols[t, c] / whole) for c in range(3)] for t in range(4)])
        doubt = np.array([[float(1 - max(row))] for row in chances])
    assert 0 < wanted < 1e-7
    np.testing.assert_allclose(value, wanted, rtol=1e-6)
    np.testing.assert_allclose(gradient / doubt, slopes / doubt, rtol=0, atol=1e-6)
    assert (np.abs(slopes[[0, 1, 3]]).max(axis=1) > 0.4 * doubt[[0, 1, 3], 0]).all()  # of that size they are


def test_equal_labels_need_a_blank_between_them():
    log_probs = np.log(np.full((3, 2), 0.5))
    assert np.isinf(nl.ctc_loss(log_probs[:2], [1, 1], 2, 2))
    assert nl.ctc_loss(log_probs, [1, 1], 3, 2, reduction="sum") == pytest.approx(3 * np.log(2))


def test_no_labels_cost_the_blanks_and_no_steps_cost_nothing():
    log_probs = np.log([[[0.25, 0.75]], [[0.5, 0.5]]])
    empty = np.zeros((1, 0), np.int64)
    value, gradient = nl.CTCLoss().value_and_grad(log_probs, empty, [2], [0])
    assert value == pytest.approx(3 * np.log(2))
    np.testing.assert_allclose(gradient[:, 0], [[-0.75, 0.75], [-0.5, 0.5]])
    value, gradient = nl.CTCLoss().value_and_grad(log_probs, empty, [0], [0])
    assert value == 0.0
    assert not gradient.any()


def test_nan_stays_where_it_is_looked_at():
    logits = np.zeros((3, 2, 3))
    logits[2, 0, 2] = np.nan  # a padded step of the first sequence
    values, gradient = nl.CTCWithLogitsLoss(reduction="none").value_and_grad(logits, [[1], [1]], [2, 3], [1, 1])
    assert np.isfinite(values).all()
    assert np.isfinite(gradient).all()
    values = nl.ctc_loss_with_logits(logits, [[1], [1]], [3, 3], [1, 1], reduction="none")
    assert np.isnan(values).tolist() == [True, False]


def test_the_mean_divides_by_labels_then_by_weights():
    rng = np.random.default_rng(2)
    logits, targets = rng.standard_normal((8, 3, 4)), np.array([[1, 2, 3], [1, 0, 0], [0, 0, 0]])
    arguments = logits, targets, [8, 8, 8], [3, 1, 0]
    values = nl.ctc_loss_with_logits(*arguments, reduction="none")
    weights = np.array([1.0, 2.0, 0.5])
    wanted = (weights * values / [3, 1, 1]).sum() / weights.sum()
    assert nl.ctc_loss_with_logits(*arguments, sample_weight=weights) == pytest.approx(wanted, rel=1e-14)
    total = nl.CTCWithLogitsLoss().total(*arguments, sample_weight=weights)
    assert total.denominator == 3.5
    assert total.mean == pytest.approx(wanted, rel=1e-14)
    assert nl.CTCWithLogitsLoss(reduction="sum").total(*arguments).sum == pytest.approx(values.sum(), rel=1e-14)


def test_the_gradient_may_overwrite_the_input_in_any_layout():
    rng = np.random.default_rng(3)
    logits, targets = rng.standard_normal((9, 4, 5)), rng.integers(1, 5, (4, 3))
    labels = targets, [9, 5, 7, 8], [3, 2, 1, 0]
    criterion = nl.CTCWithLogitsLoss(reduction="none")
    values, wanted = criterion.value_and_grad(logits, *labels)
    for lay in (np.array, lambda x: np.moveaxis(np.moveaxis(x, 0, 1).copy(), 1, 0), lambda x: x.copy(order="F")):
        given = lay(logits)
        found, gradient = criterion.value_and_grad(given, *labels, out=given)
        assert gradient is given
        np.testing.assert_array_equal(found, values)
        np.testing.assert_array_equal(given, wanted)
    shared = np.zeros((10, 4, 5))
    shared[:9] = logits
    out = shared[1:]  # overlaps, one time step later
    found, gradient = criterion.value_and_grad(shared[:9], *labels, out=out)
    assert gradient is out
    np.testing.assert_array_equal(out, wanted)


def test_another_function_of_the_probability():
    """The structure takes any mathematics: focal CTC (X. Feng et al., 2019) is one line."""

    @sequences(logits=True, limits={"gamma": "[0, inf)"})
    def focal_ctc_loss(log_prob, rest, gamma=2.0):
        chance = exp(log_prob)
        factor = power(rest, gamma)
        slope = gamma * chance * power(rest, gamma - 1.0) * log_prob - factor
        return -factor * log_prob, slope, 0.0

    logits = np.random.default_rng(4).standard_normal((5, 1, 3))
    labels = [[1, 2]], [5], [2]
    plain = nl.ctc_loss_with_logits(logits, *labels, reduction="sum")
    criterion = focal_ctc_loss.Loss(reduction="sum", gamma=3.0)
    value, gradient = criterion.value_and_grad(logits, *labels)
    assert value == pytest.approx((1 - np.exp(-plain)) ** 3 * plain, rel=1e-13)
    moved = logits.copy()
    moved[2, 0, 1] += 1e-6
    assert gradient[2, 0, 1] == pytest.approx((criterion(moved, *labels) - value) / 1e-6, rel=1e-4)


GOOD = {
    "log_probs": log_softmax(np.zeros((6, 3, 4))),
    "targets": np.ones((3, 2), np.int64),
    "input_lengths": [6, 6, 6],
    "target_lengths": [2, 2, 2],
}
WRONG = [
    ({"log_probs": np.zeros(4)}, ValueError, "log_probs must have shape"),
    ({"log_probs": np.zeros((6, 3, 4), int)}, TypeError, "log_probs must be a floating array"),
    ({"log_probs": np.zeros((6, 3, 0))}, ValueError, "log_probs must have shape"),
    ({"targets": np.ones((2, 2), int)}, ValueError, "targets has shape .2, 2.; the input has 3 sequences"),
    ({"targets": np.ones((3, 2))}, TypeError, "targets must hold integer class labels"),
    ({"targets": np.ones(5, int)}, ValueError, "targets holds 5 labels, but the target_lengths add up to 6"),
    ({"targets": np.ones((3, 2, 1), int)}, ValueError, "targets must have shape"),
    ({"targets": np.array([[1, 2], [1, 4], [1, 1]])}, ValueError, "sequence 1, label 1, is 4, but labels must be in"),
    ({"targets": np.array([[1, 2], [1, 2], [-1, 1]])}, ValueError, "sequence 2, label 0, is -1, but labels must be"),
    ({"targets": np.array([[1, 2], [1, 2], [1, 0]])}, ValueError, "sequence 2, label 1, is 0, the blank"),
    ({"targets": np.full((3, 2), 2**63, np.uint64)}, ValueError, "is 9223372036854775808, but labels must be"),
    ({"input_lengths": [6, 7, 6]}, ValueError, r"input_lengths\[1\] is 7, but the input has 6 time steps"),
    ({"input_lengths": [6, 6, -1]}, ValueError, r"input_lengths\[2\] is -1, but it must not be negative"),
    ({"input_lengths": [6.0, 6.0, 6.0]}, TypeError, "input_lengths must hold integers"),
    ({"input_lengths": [True, True, True]}, TypeError, "input_lengths must hold integers"),
    ({"input_lengths": [6, 6]}, ValueError, "input_lengths has shape"),
    ({"input_lengths": 6}, ValueError, "input_lengths has shape"),
    ({"target_lengths": [2, 3, 2]}, ValueError, r"target_lengths\[1\] is 3, but targets has room for 2 labels"),
    ({"target_lengths": [2, -2, 2]}, ValueError, r"target_lengths\[1\] is -2"),
    ({"target_lengths": np.ones(3)}, TypeError, "target_lengths must hold integers"),
    ({"blank": 4}, ValueError, "blank is 4, but classes are in 0 ... 3"),
    ({"blank": -1}, ValueError, "blank is -1"),
]


@pytest.mark.parametrize(("change", "error", "words"), WRONG)
def test_what_is_wrong_is_named(change, error, words):
    with pytest.raises(error, match=f"ctc_loss: .*{words}"):
        nl.ctc_loss(**{**GOOD, **change})


def test_lengths_may_come_in_any_way():
    wanted = nl.ctc_loss(**GOOD)
    for kind in (tuple, np.array, lambda x: np.array(x, np.uint8), lambda x: np.array(x, ">i4")):
        lengths = {name: kind(GOOD[name]) for name in ("input_lengths", "target_lengths")}
        assert nl.ctc_loss(**{**GOOD, **lengths}) == wanted
    flat = {**GOOD, "targets": [1] * 6}
    assert nl.ctc_loss(**flat) == wanted


def test_what_lies_beyond_a_target_length_is_not_looked_at():
    targets = np.array([[1, 99], [2, -7], [3, 0]])
    one = nl.ctc_loss(GOOD["log_probs"], targets, [6, 6, 6], [1, 1, 1])
    assert one == nl.ctc_loss(GOOD["log_probs"], targets[:, :1], [6, 6, 6], [1, 1, 1])


def test_bits_do_not_depend_on_where_memory_lies():
    """Scratch memory included: where arrays are neighbours, sums would be taken in another order."""
    rng = np.random.default_rng(3)
    criterion = nl.CTCWithLogitsLoss(reduction="none")
    for count in range(1, 13):
        logits, targets = rng.standard_normal((26, 2, 5)), rng.integers(1, 5, (2, count))
        found, kept = set(), []
        for _ in range(100):
            kept = [*kept[-30:], np.empty(rng.integers(1, 80))]  # what is allocated next lies elsewhere
            _, gradient = criterion.value_and_grad(logits, targets, [26, 25], [count, count])
            found.add(gradient.tobytes())
        assert len(found) == 1, count
