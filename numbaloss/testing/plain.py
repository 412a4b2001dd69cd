"""Losses computed without a compiler (``NUMBA_DISABLE_JIT=1``), in one fresh process for many losses.

The kernels are then ordinary Python and the primitives those of `math`: what a debugger steps through must compute
what the machine code does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from numbaloss.plugins.discovery import LOCAL
from numbaloss.plugins.registry import load_plugin_dir
from numbaloss.testing import inputs as drawn
from numbaloss.testing.basics import LossFunction, made, unreduced

Numbers = dict[str, list[float]]
_announced: list[LossFunction] = []
_known: dict[LossFunction, Numbers] = {}


def announce(functions: Iterable[LossFunction]) -> None:
    """Say which losses will be asked for, so that the first asked for brings the numbers of all."""
    _announced.extend(functions)


def computed(loss: LossFunction) -> Numbers:
    """What the checks compare: values, gradients and Hessians of small inputs of each kind, by name."""
    facts = loss.definition
    found: dict[str, Any] = {}
    for kind in drawn.kinds(facts):
        rows = 2 if kind == "wide" else 3
        arrays = drawn.draw(facts, kind=kind, rows=rows, salt="plain")
        if "none" in facts.reductions:
            found[f"{kind}: values"], gradients = unreduced(loss, arrays)
            found[f"{kind}: gradient"] = gradients[0]
        else:
            found[f"{kind}: sum"], found[f"{kind}: gradient"] = made(loss, reduction="sum").value_and_grad(*arrays)
        if kind == drawn.kinds(facts)[0]:
            weight = np.linspace(0.5, 1.5, rows)
            found[f"{kind}: weighted mean"] = made(loss)(*arrays, sample_weight=weight)
            if facts.hessian:
                found[f"{kind}: Hessian"] = made(loss, reduction="sum").grad_and_hess(*arrays)[1]
    return {name: np.asarray(array, np.float64).reshape(-1).tolist() for name, array in found.items()}


def without_compiler(loss: LossFunction) -> Numbers:
    """The same numbers from a process that compiles nothing. LookupError for a loss that no import can reach."""
    if loss not in _known:
        wanted = [one for one in dict.fromkeys([*_announced, loss]) if one not in _known and _importable(one)]
        if loss not in wanted:
            raise LookupError(f"{loss.definition.name} cannot be imported from {loss.__module__} by another process")
        _known.update(zip(wanted, _fresh_process(wanted), strict=True))
    return _known[loss]


def _importable(loss: LossFunction) -> bool:
    module = sys.modules.get(loss.__module__)
    return module is not None and loss.__module__ != "__main__" and getattr(module, loss.__name__, None) is loss


def _plugin_folder(loss: LossFunction) -> str | None:
    """The folder a loss of a plugin file came from, which another process must load first."""
    parts = loss.__module__.split(".")
    if parts[0] != LOCAL:
        return None
    file = Path(sys.modules[".".join(parts[:2])].__file__ or "")
    return str(file.parent.parent if file.name == "__init__.py" else file.parent)


def _fresh_process(losses: list[LossFunction]) -> list[Numbers]:
    request = json.dumps([(_plugin_folder(loss), loss.__module__, loss.__name__) for loss in losses])
    environment = {
        **os.environ,
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "numbaloss.testing.plain"],
        input=request,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"computing without the compiler failed:\n{done.stderr[-3000:]}")
    answer: list[Numbers] = json.loads(done.stdout.splitlines()[-1])
    return answer


def main() -> None:
    """Read which losses are wanted, as JSON; write their numbers."""
    answers: list[Any] = []
    for folder, module, name in json.loads(sys.stdin.read()):
        if folder is not None:
            load_plugin_dir(folder)
        loss = getattr(import_module(module), name)
        try:
            answers.append(computed(loss))
        except Exception as error:  # one loss's failure is that loss's alone
            answers.append({f"{type(error).__name__}: {error}": []})
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
