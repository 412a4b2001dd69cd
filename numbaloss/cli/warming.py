"""``numbaloss warmup``: compile what first calls would compile, into the cache."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from numbaloss.cli.console import console, loading_plugins, size
from numbaloss.cli.errors import UserError, users_mistakes
from numbaloss.loss import Loss
from numbaloss.plugins import registry
from numbaloss.plugins.errors import PluginError

DTYPES = ("float32", "float64", "float16", "bfloat16")
SMALL = 64  # elements that the serial kernel takes


@dataclass(frozen=True)
class Job:
    """One loss at one element type."""

    name: str
    dtype: str
    loss: Loss


def warm_up(losses: list[str] | None, dtypes: str, hessian: bool) -> None:
    """Run every kernel that plain calls, and value_and_grad, would need, serial and parallel."""
    from numbaloss.compile import kernel_files, threads

    names = chosen_names(losses)
    kinds = [kind.strip() for kind in dtypes.split(",") if kind.strip()]
    for kind in kinds:
        if kind not in DTYPES:
            raise UserError(f"--dtypes {kind}: known are {', '.join(DTYPES)}")
    out = console()
    place = kernel_files.folder()
    if place is None:
        raise UserError("there is no folder to keep kernels in; `numbaloss doctor` says why")
    threads.get_num_threads()  # launches them: the threshold depends on the layer
    least = float(str(threads.describe()["least_work"]))
    sizes = [SMALL] if least == threads.NEVER else [SMALL, int(max(least, SMALL)) + 1]
    jobs = [Job(name, kind, registry.get(name)) for name in names for kind in kinds]
    before, started = kernel_files.size(), time.perf_counter()
    failed: list[str] = []
    columns = (TextColumn("{task.description:<44}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True) as bar:
        task = bar.add_task("", total=len(jobs))
        for job in jobs:
            bar.update(task, description=f"{job.name} [dim]{job.dtype}[/]")
            try:
                for elements in sizes:
                    _run_all(job, elements, hessian)
            except Exception as error:  # one loss that does not compile must not keep the others cold
                failed.append(f"{job.name} {job.dtype}: {type(error).__name__}: {error}")
            bar.advance(task)
    found = kernel_files.statistics
    out.print(
        f"[good]✓[/] {len(names)} {'loss' if len(names) == 1 else 'losses'} in {', '.join(kinds)}: "
        f"{found.stores} kernels compiled, {found.hits} found in the cache, in {time.perf_counter() - started:.1f} s",
        soft_wrap=True,
    )
    now = kernel_files.size()
    out.print(f"  [dim]{size(now)} ({size(max(0, now - before))} new) in {place}[/]", soft_wrap=True)
    for line in failed:
        out.print(f"[bad]✗[/] {line}", markup=True, soft_wrap=True)
    if found.failures:
        out.print(f"[warn]![/] the cache had {found.failures} problems; the last: {found.last_problem}", soft_wrap=True)
    if failed:
        raise SystemExit(1)


def chosen_names(losses: list[str] | None) -> list[str]:
    """The names an option gave, with commas between or repeated; every loss for none or ``all``."""
    given = [name.strip() for text in losses or () for name in text.split(",") if name.strip()]
    with loading_plugins(), users_mistakes(LookupError, PluginError):
        if not given or given == ["all"]:
            return [facts.name for facts in registry.list_losses()]
        return [registry.function(name).__name__ for name in given]


def _run_all(job: Job, elements: int, hessian: bool) -> None:
    from numbaloss.cli.samples import random_inputs

    dtype = _dtype(job.dtype)
    for _, inputs in random_inputs(job.loss, dtype, elements):
        calls: list[Callable[..., Any]] = [job.loss, job.loss.value_and_grad]
        if hessian and job.loss.definition.hessian:
            calls.append(job.loss.grad_and_hess)
        for call in calls:
            call(*inputs)


def _dtype(name: str) -> Any:
    import numpy as np

    if name != "bfloat16":
        return np.dtype(name)
    with users_mistakes(ImportError):
        import ml_dtypes
    return np.dtype(ml_dtypes.bfloat16)
