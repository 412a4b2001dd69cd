"""Small functions whose text depends on how many arrays a loss takes, written out for Numba.

Numba cannot loop over a tuple of arrays, so the access to its members is spelt out once per number of members.
"""

from __future__ import annotations

import linecache
import types
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any


def function(source: str, **scope: Any) -> types.FunctionType:
    """The one function defined by `source`, with `scope` as its globals; tracebacks show its text."""
    filename = f"<numbaloss {abs(hash(source)):x}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__name__": __name__, **scope}
    exec(compile(source, filename, "exec"), namespace)
    name = source.split("(", 1)[0].removeprefix("def ")
    made: types.FunctionType = namespace[name]
    return made


def calls(first: Sequence[str], sources: tuple[tuple[str, Any], ...]) -> str:
    """The arguments of a call: each comes from an array ("input"), a scalar ("param") or is a ("constant")."""
    arguments, inputs, params = list(first), 0, 0
    for kind, constant in sources:
        if kind == "input":
            arguments.append(f"inputs[{inputs}][i]")
            inputs += 1
        elif kind == "constant":
            arguments.append(repr(constant))
        else:
            arguments.append(f"params[{params}]")
            params += 1
    return ", ".join(arguments)


@cache
def link(maths: Callable[..., Any], names: tuple[str, ...], sources: tuple[tuple[str, Any], ...]) -> types.FunctionType:
    """Calls `maths` on what a row kernel computed, and on its hyper-parameters."""
    text = f"def link({', '.join(names)}, params):\n    return loss({calls(names, sources)})\n"
    return function(text, loss=maths)


@cache
def slope_by(
    maths: Callable[..., Any], names: tuple[str, ...], sources: tuple[tuple[str, Any], ...], place: int | None
) -> types.FunctionType:
    """Calls `maths` on the numbers of one element; its value and its slope, of several the one at `place`."""
    slope = "slopes" if place is None else f"slopes[{place}]"
    text = f"""def link({", ".join(names)}, params):
    value, slopes, _ = loss({calls(names, sources)})
    return value, {slope}
"""
    return function(text, loss=maths)


@cache
def region(
    maths: Callable[..., Any], names: tuple[str, ...], sources: tuple[tuple[str, Any], ...]
) -> types.FunctionType:
    """Calls `maths` on the sums it names; true negatives lose what false positives gain."""
    lost = " - slopes[3]" if "tn" in names else ""
    text = f"""def link(tp, fp, fn, tn, params):
    value, slopes = loss({calls(names, sources)})
    return value, slopes[0], slopes[1]{lost}, slopes[2]
"""
    return function(text, loss=maths)


@cache
def element(maths: Callable[..., Any], sources: tuple[tuple[str, Any], ...]) -> types.FunctionType:
    """Calls `maths` on element `i`; each argument is an array's ("input"), a scalar ("param") or a ("constant")."""
    return function(f"def element(inputs, params, i):\n    return loss({calls([], sources)})\n", loss=maths)


@cache
def window(count: int) -> types.FunctionType:
    """Takes the same slice of each of `count` arrays."""
    members = "".join(f"arrays[{k}][low:high], " for k in range(count))
    return function(f"def window(arrays, low, high):\n    return ({members})\n")


@cache
def store(wanted: Sequence[int], many: bool) -> types.FunctionType:
    """Writes the slopes numbered `wanted`; `many` tells a tuple of slopes from a single one."""
    lines = [f"    gradients[{k}][i] = slopes{f'[{slope}]' if many else ''} * factor" for k, slope in enumerate(wanted)]
    return function("def store(gradients, i, slopes, factor):\n" + "\n".join(lines or ["    pass"]) + "\n")
