"""The source behind a loss: the mathematics, the small functions written out for it, and the loops it is put into."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.syntax import Syntax

from numbaloss.cli.samples import random_inputs
from numbaloss.compile.digest import names_read
from numbaloss.compile.primitives import PRIMITIVES
from numbaloss.compile.twins import Twins
from numbaloss.loss import Loss

LINTER_NOTE = re.compile(r"[ ]*#[ ]*(type: ignore|noqa)[^\n]*")


def print_source(out: Console, loss: Loss) -> None:
    """Print what is compiled when `loss` gives value and gradient of float32 arrays."""
    maths: Any = loss.definition.maths
    helpers = [function for function in _reached(maths, {}) if function is not maths]
    mine = [function for function in helpers if not _is_primitive(function)]
    used = sorted(function.__name__ for function in helpers if _is_primitive(function))
    stated: Any = loss.definition.stated
    if stated is not maths:
        out.rule(f"[bold]The value, as its author stated it[/]  [dim]{stated.__module__}[/]", align="left")
        _print_function(out, stated)
        out.rule("[bold]With slopes and curvature[/]  [dim]derived by SymPy[/]", align="left")
    else:
        out.rule(f"[bold]The mathematics[/]  [dim]{maths.__module__}[/]", align="left")
    for function in (maths, *mine):
        _print_function(out, function)
    if used:
        out.print(f"[dim]Compiled twins stand for the primitives {', '.join(used)}.[/]\n")
    for title, twins in _kernels(loss):
        template, dtype = twins.template, twins.dtype
        kernel = twins.bound(parallel=False)
        holes = {name: hole for name, hole in twins.holes.items() if isinstance(hole, FunctionType)}
        where = f"{title + ', ' if title else ''}{dtype} · {template.__module__}.{template.__name__}"
        out.rule(f"[bold]The kernel[/] [dim]{escape(where)}[/]", align="left")
        out.print(f"[dim]Compiled as {escape(kernel.__qualname__)}[/]\n", soft_wrap=True)
        if holes:
            out.print("[bold]Written out for this loss[/] [dim](`loss` is the mathematics)[/]")
        for name, hole in holes.items():
            _print_function(out, hole, name)
        out.print("[bold]The loops they are put into[/] [dim](shared by all losses of this structure)[/]")
        for function in reversed(list(_reached(template, holes))):
            if not _is_primitive(function):
                _print_function(out, function)


def _kernels(loss: Loss) -> Iterator[tuple[str, Twins]]:
    """The kernels that value_and_grad runs, by layout."""
    seen: set[Any] = set()
    for title, inputs in random_inputs(loss, np.float32, 4):
        loss.value_and_grad(*inputs)
        for made in getattr(loss, "_kernels", {}).values():
            twins = made[0] if isinstance(made, tuple) else made
            if isinstance(twins, Twins) and id(twins) not in seen:
                seen.add(id(twins))
                yield title, twins


def _reached(function: Any, holes: dict[str, Any]) -> Iterator[FunctionType]:
    """`function` and the plain functions it reaches by name, each once; open names are not followed."""
    seen: set[int] = set()
    waiting = [function]
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if _is_primitive(current):
            continue
        for name in sorted(names_read(current.__code__)):
            value = current.__globals__.get(name)
            if name not in holes and isinstance(value, FunctionType):
                waiting.append(value)


def _is_primitive(function: FunctionType) -> bool:
    return PRIMITIVES.get(function.__name__) is function


def _print_function(out: Console, function: FunctionType, known_as: str = "") -> None:
    """Print a function's text; `known_as` is its name in the loops."""
    try:
        text = without_docstring(textwrap.dedent(inspect.getsource(function)))
        text = LINTER_NOTE.sub("", text).rstrip()
        if known_as not in ("", function.__name__):
            text = f"# called {known_as} in the loops\n{text}"
    except (OSError, TypeError):
        text = f"# the source of {function.__name__} is not at hand (it was typed in, or its file is gone)"
    out.print(Padding(Syntax(text, "python", background_color="default", word_wrap=True), (0, 0, 1, 2)))


def without_docstring(source: str) -> str:
    """The text of a function without its docstring (which `show` prints above)."""
    tree = ast.parse(source)
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    if ast.get_docstring(function) is None or len(function.body) < 2:
        return source
    first = function.body[0]
    lines = source.splitlines(keepends=True)
    return "".join(lines[: first.lineno - 1] + lines[first.end_lineno :])
