"""Writes ``numbaloss/__init__.pyi`` from the registry, so that editors and type checkers know every loss.

``python -m numbaloss.stubs`` writes the file, with ``--check`` it only says whether the file is up to date.
"""

from __future__ import annotations

import math
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numbaloss
from numbaloss.definition import Definition
from numbaloss.plugins.registry import builtins
from numbaloss.structures.publish import common_arguments

PATH = Path(__file__).with_name("__init__.pyi")
WIDTH = 110
HEADER = '''\
"""Loss functions as compiled kernels. Written by ``python -m numbaloss.stubs``; do not edit."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

from numpy.typing import ArrayLike

'''


def text() -> str:
    """What the file should hold."""
    parts = [HEADER, *_imports(), "\n__version__: str\n"]
    for function in builtins().values():
        facts: Definition = function.definition  # type: ignore[attr-defined]
        parts += ["\n", _function(facts), "\n", _class(facts)]
    return "".join(parts)


def _imports() -> Iterator[str]:
    """The public names that are no losses, imported from where they live, and what the signatures need."""
    by_module: dict[str, list[str]] = {"numbaloss.definition": ["Definition"]}
    for name, module in vars(numbaloss)["_PUBLIC"].items():
        by_module.setdefault(module, []).append(name)
    for module, names in sorted(by_module.items()):
        for name in sorted(names):
            yield f"from {module} import {name}" + (f" as {name}\n" if name in vars(numbaloss)["_PUBLIC"] else "\n")


def _function(facts: Definition) -> str:
    arguments = [*_inputs(facts), "*", *_keywords(facts, sample_weight=True)]
    return _definition(facts.name, arguments, "Any", facts.summary, "")


def _class(facts: Definition) -> str:
    """The class: its constructor, its hyper-parameters as attributes, and the calls with named inputs."""
    indent, weight = "    ", ["sample_weight: ArrayLike | None = None"]
    wrt = f"Sequence[{_literal(facts.differentiable)}] | None"
    attributes = [
        "definition: ClassVar[Definition]",
        *(f"{name}: {_type_of(facts, name, held=True)}" for name in facts.parameters),
    ]
    inputs = [*_inputs(facts), "*"]
    methods = [
        _definition("__init__", ["self", "*", *_keywords(facts)], "None", "", indent),
        _definition("__call__", ["self", *inputs, *weight], "Any", "", indent, override=True),
        _definition(
            "value_and_grad",
            ["self", *inputs, *weight, "out: Any = None", f"wrt: {wrt} = None"],
            "tuple[Any, Any]",
            "",
            indent,
            override=True,
        ),
        _definition("total", ["self", *inputs, *weight], "Total", "", indent, override=True),
    ]
    if facts.hessian:
        methods.append(
            _definition("grad_and_hess", ["self", *inputs, *weight], "tuple[Any, Any]", "", indent, override=True)
        )
    body = [f"{indent}{_quoted(facts.summary)}\n", "\n", *(f"{indent}{line}\n" for line in attributes), *methods]
    return f"class {facts.class_name}(Loss):\n{''.join(body)}"


def _definition(
    name: str, arguments: list[str], result: str, summary: str, indent: str, override: bool = False
) -> str:
    """One function, its arguments on as many lines as they need."""
    ignored = "  # type: ignore[override]" if override else ""
    end = f"\n{indent}    {_quoted(summary)}\n" if summary else " ...\n"
    one_line = f"{indent}def {name}({', '.join(arguments)}) -> {result}:{ignored}"
    if len(one_line) + (4 if not summary else 0) <= WIDTH:
        return one_line + end
    lines = "".join(f"{indent}    {argument},\n" for argument in arguments)
    return f"{indent}def {name}({ignored}\n{lines}{indent}) -> {result}:{end}"


def _inputs(facts: Definition) -> list[str]:
    optional = facts.facts.get("optional", ())
    return [f"{name}: ArrayLike{' | None = None' if name in optional else ''}" for name in facts.inputs]


def _keywords(facts: Definition, sample_weight: bool = False) -> list[str]:
    """The hyper-parameters and what every loss takes, with types and defaults."""
    known = {
        "weight": "ArrayLike | None",
        "sample_weight": "ArrayLike | None",
        "reduction": _literal(facts.reductions),
        "on_empty": _literal(("nan", "zero")),
    }
    found = [f"{name}: {_type_of(facts, name)} = {_shown(default)}" for name, default in facts.parameters.items()]
    for name, default in common_arguments(facts).items():
        if sample_weight or name != "sample_weight":
            found.append(f"{name}: {known[name]} = {_shown(default)}")
    return found


def _type_of(facts: Definition, name: str, held: bool = False) -> str:
    """The type of a hyper-parameter, as given, or as the loss object holds it."""
    default, limit = facts.parameters[name], facts.limits.get(name)
    if isinstance(limit, tuple):
        return "str | Callable[..., float]" if name in facts.facts.get("functions", ()) else _literal(limit)
    if isinstance(default, bool):
        return "bool"
    if isinstance(default, int):
        return "int"
    if name in facts.arrays:
        return "Any" if held else "ArrayLike"
    return "float | None" if default is None else "float"


def _literal(values: tuple[Any, ...]) -> str:
    return f"Literal[{', '.join(map(_shown, values))}]"


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    plain = value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value))
    return repr(value) if plain else "..."


def _quoted(summary: str) -> str:
    return f'"""{summary}"""'


def main(arguments: list[str]) -> int:
    """Write the file, or with ``--check`` compare it; the exit status."""
    wanted = text()
    if arguments not in ([], ["--check"]):
        sys.stderr.write(textwrap.dedent(__doc__ or ""))
        return 2
    current = PATH.read_text() if PATH.exists() else ""
    if current == wanted:
        return 0
    if arguments:
        sys.stderr.write(f"{PATH} is out of date; run python -m numbaloss.stubs\n")
        return 1
    PATH.write_text(wanted)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
