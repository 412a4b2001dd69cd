"""The command ``numbaloss bench``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from numbaloss.bench.cases import Case
    from numbaloss.bench.measure import Row

PEERS = "bare,own,torch,compile,jax,sklearn"
QUICK_PEERS = "bare,own,torch,jax,sklearn"
WIDTH = 170  # of the table where the output is no terminal


def bench(
    losses: Annotated[str, typer.Option(help="Losses by name, separated by commas; all by default.")] = "",
    sizes: Annotated[
        str, typer.Option(help="small, cache, large, or shapes such as 65536x10; all three classes by default.")
    ] = "",
    peers: Annotated[str, typer.Option(help=f"Whom to compare with: {PEERS}; all by default.")] = "",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds in which the contestants run in turn.")] = 5,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all measurements to this file.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small sizes, two short rounds, no torch.compile: does it run at all?")
    ] = False,
    device: Annotated[str, typer.Option(help="cpu, or cuda for a CUDA device with PyTorch.")] = "cpu",
    table_file: Annotated[
        Path | None, typer.Option("--table", help="With --device cuda: write the table of the documentation here.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Let numbaloss allocate each gradient instead of reusing its buffer.")
    ] = False,
) -> None:
    """Time every loss against PyTorch, JAX, scikit-learn and the bare memory loop, and judge it by the bars.

    `own` is a loss of the same arithmetic that was defined outside the package: about 1 is expected.

    Under each peer stands its time over that of numbaloss: above 1, numbaloss is faster. All use the same number of
    threads (NUMBA_NUM_THREADS sets it). The first run with torch.compile takes minutes longer: it compiles C++.
    """
    wide = Console()
    console = wide if wide.is_terminal else Console(width=WIDTH)
    if device != "cpu":
        if device != "cuda":
            raise typer.BadParameter(f"device is cpu or cuda, got {device!r}")
        bench_device(_split(losses), _split(peers or "torch,compile,liger"), table_file, console)
        return
    rounds = min(rounds, 2) if quick else rounds
    names = _split(peers or (QUICK_PEERS if quick else PEERS))
    chosen = _cases(_split(losses), _split(sizes or ("small,cache" if quick else "small,cache,large")))
    header = _header(names, console, rounds, fresh)

    from numbaloss.bench.measure import measure
    from numbaloss.bench.table import summary, table

    present = [name for name in names if name not in header["missing"]]
    threads = int(header["machine"]["threads"].split()[0])
    seconds = 0.003 if quick else 0.03
    rows: list[Row] = []
    stopped = False
    try:
        for row in _tracked(
            chosen, measure(chosen, present, threads=threads, rounds=rounds, seconds=seconds, reuse=not fresh)
        ):
            rows.append(row)
            if json_file is not None:
                _write(json_file, header, rows)
    except KeyboardInterrupt:
        stopped = True
    console.print(table(rows, present))
    for row in rows:
        for note in row.notes:
            console.print(f"[yellow]{row.case.label} {row.case.shape_label}: {note}", highlight=False)
    console.print(summary(rows) + (f"; stopped before {len(chosen) - len(rows)} more" if stopped else ""))
    if json_file is not None:
        console.print(f"All measurements: {json_file}")


def bench_device(losses: list[str], peers: list[str], table_file: Path | None, console: Console) -> None:
    """Measure on the CUDA device of this machine."""
    from rich.table import Table

    from numbaloss.bench import device

    try:
        import torch
    except ImportError:
        raise typer.BadParameter("--device cuda measures by PyTorch, which is not installed") from None
    if not torch.cuda.is_available():
        raise typer.BadParameter("PyTorch finds no CUDA device here")
    from numbaloss.bench.device_torch import PEERS, EventClock
    from numbaloss.testing.devices import TorchPlace

    try:
        chosen = device.cases(losses)
    except LookupError as error:
        raise typer.BadParameter(str(error.args[0])) from None
    table = Table(*device.HEADER, title=f"numbaloss on {torch.cuda.get_device_name()}", title_justify="left")
    rows = []
    made = {name: PEERS[name] for name in peers if name in PEERS}
    for row in device.measure(chosen, TorchPlace(), EventClock(), made):
        rows.append(row)
        table.add_row(*device.cells(row))
        if table_file is not None:
            table_file.write_text(device.markdown(rows, torch.cuda.get_device_name()))
    console.print(table)
    for row in rows:
        for note in row.notes:
            console.print(f"[yellow]{row.case.label} {row.case.shape_label} {row.storage}: {note}", highlight=False)


def _write(file: Path, header: dict[str, dict[str, str]], rows: list[Row]) -> None:
    """All measurements so far: a run that is stopped keeps them."""
    file.write_text(json.dumps({**header, "rows": [row.as_dict() for row in rows]}, indent=1) + "\n")


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _cases(losses: list[str], sizes: list[str]) -> list[Case]:
    from numbaloss.bench.cases import select
    from numbaloss.bench.peers_sklearn import LOSSES

    try:
        return select(losses, sizes, LOSSES)
    except (LookupError, ValueError) as error:
        raise typer.BadParameter(str(error.args[0])) from None


def _header(names: list[str], console: Console, rounds: int, fresh: bool) -> dict[str, dict[str, str]]:
    """Print what is compared and on what; returns it for the JSON file."""
    from numbaloss.bench import data, machine, runner
    from numbaloss.plugins.registry import list_losses

    for name in names:
        if name not in runner.PEERS:
            raise typer.BadParameter(f"peers are {', '.join(runner.PEERS)}; got {name!r}")
    facts = machine.describe()
    os.environ.setdefault("NPROC", facts["threads"].split()[0])  # XLA's number of threads, read when JAX starts
    absent = {name: why for name in names if (why := runner.missing(name)) is not None}
    versions = {name: runner.peer_version(name) for name in names if name not in absent and name not in ("bare", "own")}
    unknown = ", ".join(loss.name for loss in list_losses() if not data.known(loss))
    for key, value in facts.items():
        console.print(f"{key:<10}{value}", highlight=False)
    console.print("peers     " + (", ".join(f"{name} {text}" for name, text in versions.items()) or "none"))
    console.print("missing   " + ("; ".join(f"{name}: {why}" for name, why in absent.items()) or "none"))
    if (load := float(facts["load"].split(",")[0])) > 0.3 * (os.cpu_count() or 1):
        console.print(f"[yellow]The machine is busy (load {load}): threads that wait for each other spoil all times")
    if unknown:
        console.print(f"left out  {unknown}: no inputs known for their targets")
    buffer = "allocates its gradient" if fresh else "reuses its gradient's buffer, except in small calls"
    console.print(f"float32; medians of {rounds} interleaved rounds; numbaloss {buffer}", highlight=False)
    return {"machine": facts, "peers": versions, "missing": absent}


def _tracked(cases: list[Case], rows: Iterator[Row]) -> Iterator[Row]:
    """The rows, with a progress bar on the terminal's error stream."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(cases))
        for case in cases:
            progress.update(task, description=f"{case.label} {case.shape_label}")
            row = next(rows, None)
            if row is None:
                return
            yield row
            progress.advance(task)
