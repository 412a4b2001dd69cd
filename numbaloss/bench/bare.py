"""The bare loop: reads as many arrays as the loss, writes as many, and computes next to nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from numbaloss.bench.cases import Case
from numbaloss.bench.runner import Runner


def prepare(case: Case, threads: int) -> Runner | None:
    """A loop over the case's memory; none for small calls, which do not depend on memory."""
    if case.size == "small" or case.reads > 3 or case.writes > 2:
        return None
    arrays = [array.reshape(-1) for array in case.inputs() if array.shape == case.shape and array.dtype.kind == "f"]
    outputs = [np.empty_like(arrays[0]) for _ in range(case.writes)]
    loop = _loop(case.reads, case.writes, threads > 1)
    return Runner(lambda: loop(*arrays, *outputs), None)


@cache
def _loop(reads: int, writes: int, parallel: bool) -> Callable[..., None]:
    """Compile the loop for this number of arrays."""
    import numba

    sources = [f"in{k}" for k in range(reads)]
    targets = [f"out{k}" for k in range(writes)]
    body = "\n".join(f"        {name}[i] = {' + '.join(f'{s}[i]' for s in sources)}" for name in targets)
    text = f"""
def loop({", ".join(sources + targets)}):
    for i in prange(in0.size):
{body}
"""
    names: dict[str, Any] = {"prange": numba.prange}
    exec(text, names)
    compiled: Callable[..., None] = numba.njit(parallel=parallel, error_model="numpy")(names["loop"])
    return compiled
