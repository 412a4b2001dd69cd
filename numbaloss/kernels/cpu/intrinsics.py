"""The few LLVM facts the CPU loops need and Numba has no word for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import types
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])


@intrinsic
def out_of_line(typing_context: Any) -> Any:
    """Keep the enclosing function a function: its machine code is then the same in the serial and parallel twin."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.function.attributes.discard("alwaysinline")
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), codegen


out_of_line.plain = lambda: None  # what it means under NUMBA_DISABLE_JIT


def strict(function: Function) -> Function:
    """Mark a template whose sums must keep their written order (no `reassoc`)."""
    function.strict = True  # type: ignore[attr-defined]
    return function
