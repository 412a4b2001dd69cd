"""`min` and `max` of whole numbers in templates: one instruction, where Numba compiles a function for each."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic


def chooser(name: str, predicate: str) -> Any:
    """The intrinsic that gives the first of two whole numbers where it compares so with the second."""

    def choose(typing_context: Any, one: Any, other: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.select(builder.icmp_signed(predicate, *arguments), *arguments)

        whole = isinstance(one, types.Integer) and isinstance(other, types.Integer)
        return (types.intp(types.intp, types.intp), codegen) if whole else None

    choose.__name__ = choose.__qualname__ = name
    return intrinsic(choose)


FUNCTIONS = {"min": chooser("least", "<"), "max": chooser("most", ">")}
