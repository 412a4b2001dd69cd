"""The training loop: batches, exact losses over each epoch, and a history on disk as it goes."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from numbaloss.demo.data import Dataset, Images, Labels
from numbaloss.demo.model import Adam, MultilayerPerceptron, Optimizer
from numbaloss.monitor import Diagnosis, History, diagnose
from numbaloss.total import Total

VALIDATION_BATCH = 2048  # rows per forward pass where nothing is learned; bounds memory only


class Criterion(Protocol):
    """What training needs of a loss over logits (n, classes) and labels (n,)."""

    def value_and_grad(self, input: Any, target: Any, /, *, out: Any = None) -> tuple[Any, Any]: ...

    def total(self, input: Any, target: Any, /) -> Total: ...


@dataclass(frozen=True)
class Result:
    """A finished or interrupted training run.

    `accuracy` and the losses are those of the last finished epoch (nan if there is none); `chance` is the
    validation loss of a model that gives every class the same score. `files` names what was written:
    ``history``, ``csv``, ``plot``.
    """

    model: MultilayerPerceptron
    history: History
    chance: float
    seconds: float
    interrupted: bool = False
    files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return len(self.history)

    @property
    def train_loss(self) -> float:
        """Training loss over the last epoch."""
        return self._last("train_loss")

    @property
    def valid_loss(self) -> float:
        """Validation loss after the last epoch."""
        return self._last("valid_loss")

    @property
    def accuracy(self) -> float:
        """Fraction of validation images whose class has the highest logit."""
        return self._last("accuracy")

    @property
    def diagnosis(self) -> Diagnosis:
        """The verdict of `numbaloss.monitor.diagnose` on both loss curves."""
        chance = self.chance if 0.0 < self.chance < math.inf else None
        if not self.epochs:
            return diagnose([], [], chance)
        return diagnose(self.history.column("train_loss"), self.history.column("valid_loss"), chance)

    def _last(self, name: str) -> float:
        return self.history[-1][name] if self.epochs else math.nan


def train(
    criterion: Criterion,
    dataset: Dataset,
    *,
    epochs: int = 30,
    batch_size: int = 64,
    learning_rate: float = 2e-3,
    hidden: Sequence[int] = (256, 128),
    seed: int = 0,
    optimizer: Optimizer | None = None,
    history_path: str | os.PathLike[str] | None = None,
    on_epoch: Callable[[Mapping[str, float]], None] | None = None,
    on_batch: Callable[[int, int, int], None] | None = None,
) -> Result:
    """Train a multilayer perceptron on `dataset`, minimising the mean of `criterion` over shuffled batches.

    **What the figures of an epoch are.** ``train_loss`` is the mean over all training images of the loss that
    each had at the moment its batch was seen: the batches' totals are added and divided once, so that it is
    exact for a short last batch, ignored rows and weights. As the model learns during the epoch, early
    batches meet a worse model than late ones; this is the usual training loss, slightly above what a second
    pass at the end would give. ``valid_loss`` and ``accuracy`` are taken after the epoch, with the model
    fixed, over the whole validation set. ``seconds`` is the time the epoch took, validation included.

    Each finished epoch is on disk before the next one starts. A KeyboardInterrupt ends training and returns
    what there is, with ``interrupted=True``. Training also ends after an epoch whose loss is nan or infinite.

    Parameters
    ----------
    criterion
        A loss over float32 logits (n, classes) and int64 labels (n,), with reduction "mean".
    epochs, batch_size, learning_rate, hidden, seed
        Passes over the data, images per step, step size of Adam, hidden layer sizes, and the seed of both the
        initial weights and the shuffling.
    optimizer
        Used instead of ``Adam(learning_rate)``.
    history_path
        JSON Lines file for the figures of each epoch; an earlier one is kept as ``NAME.previous.jsonl``.
    on_epoch, on_batch
        Called with the record of each finished epoch; with epoch (from 1), batch (from 1) and number of
        batches.

    Raises
    ------
    ValueError
        If a number is out of range. Errors of the loss itself pass through, with a note on what it was given.
    """
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    if not 0.0 < learning_rate < math.inf:
        raise ValueError(f"learning_rate must be a positive number, got {learning_rate}")
    images, labels = dataset.train_images, dataset.train_labels
    model = MultilayerPerceptron((dataset.pixels, *hidden, dataset.classes), seed=seed)
    chance = _chance_level(criterion, dataset)
    optimizer = Adam(learning_rate) if optimizer is None else optimizer
    history = History() if history_path is None else History.fresh(history_path)
    rng = np.random.default_rng(seed)
    buffer = np.empty((batch_size, dataset.classes), np.float32)
    batches = math.ceil(len(labels) / batch_size)
    started = time.perf_counter()
    interrupted = False
    try:
        for epoch in range(1, epochs + 1):
            epoch_started = time.perf_counter()
            seen: list[Total] = []
            for batch, rows in enumerate(_shuffled(len(labels), batch_size, rng), start=1):
                target = labels[rows]
                logits = model.forward(images[rows])
                _, slope = criterion.value_and_grad(logits, target, out=buffer[: len(rows)])
                seen.append(criterion.total(logits, target))
                model.backward(slope)
                optimizer.step(model.parameters, model.gradient)
                if on_batch is not None:
                    on_batch(epoch, batch, batches)
            train_loss = _add(seen).mean
            valid_total, accuracy = evaluate(model, criterion, dataset.valid_images, dataset.valid_labels)
            history.append(
                epoch=epoch,
                train_loss=train_loss,
                valid_loss=valid_total.mean,
                accuracy=accuracy,
                seconds=round(time.perf_counter() - epoch_started, 4),
            )
            if on_epoch is not None:
                on_epoch(history[-1])
            if not math.isfinite(train_loss):
                break
    except KeyboardInterrupt:
        interrupted = True
    return Result(model, history, chance, time.perf_counter() - started, interrupted)


def evaluate(
    model: MultilayerPerceptron, criterion: Criterion, images: Images, labels: Labels
) -> tuple[Total, float]:
    """The loss total over all images, and the fraction whose class has the highest logit."""
    totals, hits = [], 0
    for start in range(0, len(labels), VALIDATION_BATCH):
        rows = slice(start, start + VALIDATION_BATCH)
        logits = model.forward(images[rows])
        totals.append(criterion.total(logits, labels[rows]))
        hits += int(np.count_nonzero(logits.argmax(axis=1) == labels[rows]))
    return _add(totals), hits / len(labels)


def _chance_level(criterion: Criterion, dataset: Dataset) -> float:
    """The validation loss when all logits are 0: log(classes) for cross-entropy, and the like for others.

    It is also the first use of the loss, so that one which does not fit the data is refused before anything
    is written.
    """
    labels = dataset.valid_labels
    logits = np.zeros((len(labels), dataset.classes), np.float32)
    try:
        _, slope = criterion.value_and_grad(logits, labels)
        total = criterion.total(logits, labels)
    except (TypeError, ValueError, NotImplementedError) as error:
        error.add_note(
            f"{criterion!r} was given logits {logits.shape} float32 and labels {labels.shape} int64"
        )
        raise
    if np.shape(slope) != logits.shape:
        raise ValueError(
            f"{criterion!r} gives a gradient of shape {np.shape(slope)}, logits have {logits.shape}"
        )
    return total.mean


def _shuffled(
    count: int, size: int, rng: np.random.Generator
) -> Iterator[np.ndarray[Any, np.dtype[np.intp]]]:
    order = rng.permutation(count)
    for start in range(0, count, size):
        yield order[start : start + size]


def _add(totals: Sequence[Total]) -> Total:
    first, *others = totals
    return sum(others, start=first)
