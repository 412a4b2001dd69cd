"""The demo as a user meets it: progress, a row per epoch, a verdict, and files to keep."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from numbaloss.demo.data import Dataset, load_dataset
from numbaloss.demo.training import Criterion, Result, train
from numbaloss.monitor import Verdict, plot_curves

COLOURS: dict[Verdict, str] = {
    "fitted": "green",
    "converging": "cyan",
    "overfitting": "yellow",
    "underfitting": "yellow",
    "diverged": "red",
    "too short": "dim",
}
HEADER = f"{'epoch':>5}  {'train loss':>10}  {'valid loss':>10}  {'accuracy':>8}  {'seconds':>7}"


def run(
    loss: str = "cross_entropy",
    data: str = "digits",
    epochs: int = 30,
    batch_size: int = 64,
    learning_rate: float = 2e-3,
    hidden: Sequence[int] = (256, 128),
    seed: int = 0,
    output: Path = Path("numbaloss-demo"),
    console: Console | None = None,
    *,
    criterion: Criterion | None = None,
) -> Result:
    """Train a classifier on real images with a loss of the library, and report on it.

    Parameters
    ----------
    loss
        A loss by registry name, or a mix of several: ``"cross_entropy"``,
        ``"0.7*cross_entropy+0.3*focal_loss"``.
    data
        ``"digits"``, ``"fashion-mnist"``, or a folder of IDX files; see `numbaloss.demo.load_dataset`.
    epochs, batch_size, learning_rate, hidden, seed
        See `numbaloss.demo.train`.
    output
        Folder for ``DATA-LOSS.jsonl`` (written epoch by epoch), ``DATA-LOSS.csv`` and ``DATA-LOSS.png``. A
        history of the same name is kept as ``DATA-LOSS.previous.jsonl``.
    console
        Where to print; a new console on standard output by default.
    criterion
        A loss object to use instead of parsing `loss`, which then only names it.

    Returns
    -------
    Result
        With `files` naming what was written.
    """
    console = Console() if console is None else console
    if criterion is None:
        from numbaloss import from_expression

        criterion = cast(Criterion, from_expression(loss))
    dataset = load_dataset(data, seed=seed)
    stem = f"{_slug(Path(data).name)}-{_slug(loss)}"
    history_path = Path(output) / f"{stem}.jsonl"
    sizes = (dataset.pixels, *hidden, dataset.classes)
    console.print(f"[bold]{escape(loss)}[/bold] on {escape(dataset.source)}", highlight=False)
    console.print(
        f"{len(dataset.train_labels)} training and {len(dataset.valid_labels)} validation images, "
        f"{dataset.classes} classes; perceptron {' - '.join(map(str, sizes))}\n",
        style="dim",
        highlight=False,
        soft_wrap=True,
    )
    console.print(HEADER, style="bold")
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console, transient=True,
    )  # fmt: skip
    with bar:
        task = bar.add_task("compiling", total=None)

        def on_batch(epoch: int, batch: int, batches: int) -> None:
            done = (epoch - 1) * batches + batch
            bar.update(task, description=f"epoch {epoch}", completed=done, total=epochs * batches)

        result = train(
            criterion,
            dataset,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            hidden=hidden,
            seed=seed,
            history_path=history_path,
            on_epoch=lambda record: bar.console.print(_row(record), highlight=False),
            on_batch=on_batch,
        )
    result = _write_files(result, dataset, loss, console)
    _print_verdict(result, epochs, console)
    return result


def _row(record: Mapping[str, float]) -> str:
    return (
        f"{record['epoch']:>5}  {record['train_loss']:>10.4f}  {record['valid_loss']:>10.4f}  "
        f"{record['accuracy']:>8.2%}  {record['seconds']:>7.2f}"
    )


def _write_files(result: Result, dataset: Dataset, loss: str, console: Console) -> Result:
    """Write CSV and PNG beside the history.

    Without matplotlib the run is still worth keeping: say so and go on.
    """
    history = result.history.path
    if history is None or not result.epochs:
        return result
    files = {"history": history, "csv": result.history.to_csv(history.with_suffix(".csv"))}
    try:
        files["plot"] = plot_curves(
            result.history,
            history.with_suffix(".png"),
            title=loss,
            subtitle=f"{dataset.source} · {result.diagnosis.verdict}",
            chance=result.chance if math.isfinite(result.chance) else None,
        )
    except ImportError as error:
        console.print(escape(f"No plot: {error}"), style="yellow", highlight=False)
    return replace(result, files=files)


def _print_verdict(result: Result, epochs: int, console: Console) -> None:
    if result.interrupted:
        console.print(
            f"Interrupted after {result.epochs} of {epochs} epochs; nothing of these is lost.",
            style="yellow",
        )
    if not result.epochs:
        return
    found = result.diagnosis
    if console.is_terminal:  # elsewhere the progress bar has left an empty line
        console.print()
    console.print(
        f"[bold {COLOURS[found.verdict]}]{found.verdict}[/]: {escape(found.reason)}",
        highlight=False,
        soft_wrap=True,
    )
    for note in found.notes:
        console.print(escape(note), style="dim", soft_wrap=True)
    console.print(
        f"Validation accuracy {result.accuracy:.2%} after {result.epochs} epochs in {result.seconds:.1f} s; "
        f"lowest validation loss in epoch {found.best_epoch}; chance level {result.chance:.4g}.",
        highlight=False,
        soft_wrap=True,
    )
    for name, path in result.files.items():
        console.print(f"  {name:<8}{escape(str(path))}", style="dim", highlight=False, soft_wrap=True)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-.") or "run"
