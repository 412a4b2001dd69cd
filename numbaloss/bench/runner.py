"""Contestants: what makes a callable of a case, for numbaloss and for each peer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import numpy as np

from numbaloss.bench.cases import Case

Array = np.ndarray[Any, Any]
Result = tuple[float | None, tuple[Array, ...]]


@dataclass(frozen=True)
class Runner:
    """One contestant, ready to run: `call` is timed; `read` makes value and gradients of what it returns.

    `read` is None for a contestant that computes something else, such as the bare loop.
    """

    call: Callable[[], Any]
    read: Callable[[Any], Result] | None


# Peer -> (module with `prepare(case, threads)`, distribution it needs).
PEERS = {
    "bare": ("bare:prepare", "numba"),
    "own": ("own:prepare", "numba"),
    "torch": ("peers_torch:prepare_eager", "torch"),
    "compile": ("peers_torch:prepare_compiled", "torch"),
    "jax": ("peers_jax:prepare", "jax"),
    "sklearn": ("peers_sklearn:prepare", "scikit-learn"),
}
MODULES = {"scikit-learn": "sklearn"}


def missing(peer: str) -> str | None:
    """Why this peer cannot take part, or None."""
    distribution = PEERS[peer][1]
    if find_spec(MODULES.get(distribution, distribution)) is None:
        return f"{distribution} is not installed"
    return None


def peer_version(peer: str) -> str:
    try:
        return version(PEERS[peer][1])
    except PackageNotFoundError:  # importable without metadata, such as a source tree
        return "unknown version"


def prepare(peer: str, case: Case, threads: int) -> Runner | None:
    """The peer's runner for a case; None where it has no such loss."""
    module, _, name = PEERS[peer][0].partition(":")
    made: Runner | None = getattr(import_module(f"numbaloss.bench.{module}"), name)(case, threads)
    return made


def numbaloss(case: Case, reuse: bool = True) -> Runner:
    """This library; with `reuse` the gradient goes to the same buffer each time, but never in small calls."""
    loss, arrays = case.loss(), case.inputs()
    if case.hessian:
        return Runner(lambda: loss.grad_and_hess(*arrays), lambda result: (None, result))
    if not reuse or case.size == "small":
        return Runner(lambda: loss.value_and_grad(*arrays), _read)
    buffers = tuple(np.empty_like(arrays[case.facts.inputs.index(name)]) for name in case.facts.wrt)
    out = buffers[0] if len(buffers) == 1 else buffers
    return Runner(lambda: loss.value_and_grad(*arrays, out=out), _read)


def _read(result: Any) -> Result:
    value, gradients = result
    return float(value), gradients if isinstance(gradients, tuple) else (gradients,)


def disagreement(ours: Result, theirs: Result) -> str | None:
    """What differs by more than rounding between two results, or None: a peer that computes another loss is no peer."""
    (value, gradients), (peer_value, peer_gradients) = ours, theirs
    if value is not None and peer_value is not None and not np.isclose(value, peer_value, rtol=1e-3, atol=1e-6):
        return f"value {peer_value:.6g} instead of {value:.6g}"
    for mine, other in zip(gradients, peer_gradients, strict=False):  # a peer may lack the true Hessian
        size = float(np.abs(mine).max(initial=0.0))
        gap = float(np.abs(mine - other).max(initial=0.0))
        if not gap <= 2e-3 * size + 1e-12:
            return f"gradients up to {gap:.3g} apart, of {size:.3g}"
    return None
