"""Training learns, reports exact losses, and loses nothing when it is interrupted."""

import math

import numpy as np
import pytest
from softmax_stub import SoftmaxCrossEntropy

from numbaloss.demo import SGD, Dataset, evaluate, load_digits_dataset, train
from numbaloss.monitor import History
from numbaloss.total import Total


def blobs(count=70, valid=30, classes=3, seed=0):
    """Points around a centre per class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count + valid) % classes
    points = (np.eye(classes, 4)[labels] + 0.2 * rng.normal(size=(count + valid, 4))).astype(np.float32)
    names = tuple("abcdefgh"[:classes])
    return Dataset(points[:count], labels[:count], points[count:], labels[count:], names, "blobs")


class Recording(SoftmaxCrossEntropy):
    """Keeps the totals it was asked for, and the buffers it was given."""

    def __init__(self):
        self.totals, self.buffers, self.dtypes = [], [], set()

    def value_and_grad(self, logits, labels, *, out=None):
        self.dtypes.add((logits.dtype.name, labels.dtype.name))
        if out is not None:
            self.buffers.append(out)
        return super().value_and_grad(logits, labels, out=out)

    def total(self, logits, labels):
        self.totals.append(super().total(logits, labels))
        return self.totals[-1]


def test_the_defaults_reach_97_percent_on_the_digits():
    result = train(SoftmaxCrossEntropy(), load_digits_dataset())
    assert result.epochs == 30
    assert result.accuracy >= 0.97
    assert result.diagnosis.verdict in ("fitted", "converging")


def test_the_training_loss_is_the_total_over_the_epoch_and_not_the_mean_of_means():
    criterion = Recording()
    result = train(criterion, blobs(count=70), epochs=1, batch_size=32, hidden=(8,))
    batches = criterion.totals[1:4]  # the first total is the chance level
    assert [total.denominator for total in batches] == [32, 32, 6]
    assert result.train_loss == sum(total.sum for total in batches) / 70
    assert result.train_loss != pytest.approx(sum(total.mean for total in batches) / 3, rel=1e-6)


def test_validation_is_over_the_whole_set_with_the_model_after_the_epoch(monkeypatch):
    monkeypatch.setattr("numbaloss.demo.training.VALIDATION_BATCH", 7)
    dataset = blobs()
    result = train(SoftmaxCrossEntropy(), dataset, epochs=3, hidden=(8,))
    logits = result.model.forward(dataset.valid_images)
    whole = SoftmaxCrossEntropy().total(logits, dataset.valid_labels)
    assert result.valid_loss == pytest.approx(whole.mean, rel=1e-6)
    assert result.accuracy == np.mean(logits.argmax(axis=1) == dataset.valid_labels)
    total, accuracy = evaluate(
        result.model, SoftmaxCrossEntropy(), dataset.valid_images, dataset.valid_labels
    )
    assert (total.mean, accuracy) == (result.valid_loss, result.accuracy)


def test_gradients_go_to_one_buffer_and_arrays_have_the_promised_types():
    criterion = Recording()
    train(criterion, blobs(count=70), epochs=2, batch_size=32, hidden=(8,))
    assert {buffer.base is criterion.buffers[0].base for buffer in criterion.buffers} == {True}
    assert [len(buffer) for buffer in criterion.buffers] == [32, 32, 6] * 2
    assert criterion.dtypes == {("float32", "int64")}


def test_the_same_seed_gives_the_same_run():
    one, same, other = (train(SoftmaxCrossEntropy(), blobs(), epochs=2, seed=seed) for seed in (1, 1, 2))
    assert one.history.column("train_loss") == same.history.column("train_loss")
    assert one.history.column("train_loss") != other.history.column("train_loss")


def test_the_chance_level_of_cross_entropy_is_the_logarithm_of_the_classes():
    assert train(SoftmaxCrossEntropy(), blobs(), epochs=1).chance == pytest.approx(math.log(3))


@pytest.mark.parametrize("where", ["on_batch", "on_epoch", "value_and_grad"])
def test_an_interrupted_run_returns_and_keeps_the_finished_epochs(tmp_path, where):
    calls = {"on_batch": 0, "on_epoch": 0, "value_and_grad": 0}

    def count(name, limit):
        calls[name] += 1
        if where == name and calls[name] == limit:
            raise KeyboardInterrupt

    class Interrupting(SoftmaxCrossEntropy):
        def value_and_grad(self, logits, labels, *, out=None):
            count("value_and_grad", 9)
            return super().value_and_grad(logits, labels, out=out)

    # 70 images in batches of 32 are 3 batches an epoch: each interrupts the third epoch or ends the second.
    result = train(
        Interrupting(),
        blobs(count=70),
        epochs=5,
        batch_size=32,
        history_path=tmp_path / "run.jsonl",
        on_batch=lambda *_: count("on_batch", 8),
        on_epoch=lambda _: count("on_epoch", 2),
    )
    assert result.interrupted
    assert result.epochs == 2
    assert list(History.load(tmp_path / "run.jsonl")) == list(result.history)


def test_a_run_interrupted_in_its_first_epoch_has_no_figures():
    def interrupt(*_):
        raise KeyboardInterrupt

    result = train(SoftmaxCrossEntropy(), blobs(), on_batch=interrupt)
    assert result.interrupted
    assert result.epochs == 0
    assert math.isnan(result.accuracy)
    assert result.diagnosis.verdict == "too short"


def test_each_epoch_is_on_disk_before_it_is_announced(tmp_path):
    path, seen = tmp_path / "run.jsonl", []
    train(
        SoftmaxCrossEntropy(),
        blobs(),
        epochs=3,
        history_path=path,
        on_epoch=lambda record: seen.append((record["epoch"], len(History.load(path)))),
    )
    assert seen == [(1, 1), (2, 2), (3, 3)]


def test_training_stops_after_the_epoch_in_which_the_loss_is_lost():
    class Exploding(SoftmaxCrossEntropy):
        def total(self, logits, labels):
            total = super().total(logits, labels)
            return total if (logits == 0).all() else Total(math.nan, total.denominator)

    result = train(Exploding(), blobs(), epochs=10)
    assert result.epochs == 1
    assert result.diagnosis.verdict == "diverged"


def test_another_optimiser_can_be_given():
    result = train(SoftmaxCrossEntropy(), blobs(), epochs=10, hidden=(), optimizer=SGD(0.5))
    assert result.accuracy > 0.9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be a positive number, got 0.0"),
        ({"learning_rate": math.nan}, "learning_rate must be a positive number, got nan"),
        ({"hidden": (0,)}, "sizes must be two or more positive numbers"),
    ],
)
def test_numbers_out_of_range_are_refused_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        train(SoftmaxCrossEntropy(), blobs(), history_path=tmp_path / "run.jsonl", **arguments)
    assert not list(tmp_path.iterdir())


def test_a_loss_that_does_not_fit_the_data_is_refused_with_a_note(tmp_path):
    class Regression:
        def __repr__(self):
            return "Regression()"

        def value_and_grad(self, prediction, target, *, out=None):
            raise ValueError("shapes differ")

    path = tmp_path / "run.jsonl"
    path.write_text('{"epoch": 1}\n')
    with pytest.raises(ValueError, match="shapes differ") as caught:
        train(Regression(), blobs(), history_path=path)
    assert caught.value.__notes__ == ["Regression() was given logits (30, 3) float32 and labels (30,) int64"]
    assert path.read_text() == '{"epoch": 1}\n', "an earlier history is not touched"


def test_a_gradient_of_the_wrong_shape_is_refused():
    class Wrong(SoftmaxCrossEntropy):
        def value_and_grad(self, logits, labels, *, out=None):
            return 0.0, np.zeros(len(labels), np.float32)

    with pytest.raises(ValueError, match=r"gives a gradient of shape \(30,\), logits have \(30, 3\)"):
        train(Wrong(), blobs())
