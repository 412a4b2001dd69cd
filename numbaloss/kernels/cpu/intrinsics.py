"""The few LLVM facts the CPU loops need and Numba has no word for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

Function = TypeVar("Function", bound=Callable[..., Any])


@intrinsic
def out_of_line(typing_context: Any) -> Any:
    """Keep the enclosing function a function: its machine code is then the same in the serial and parallel twin."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.function.attributes.discard("alwaysinline")
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), codegen


out_of_line.plain = lambda: None  # type: ignore[attr-defined]  # what it means under NUMBA_DISABLE_JIT


@intrinsic
def apart(typing_context: Any) -> Any:
    """Promise that no number the enclosing function writes is also reached through another of its arrays.

    Without it LLVM vectorises a loop over at most a few arrays: each pair costs a test of their addresses.
    """

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        for argument in builder.function.args:
            pointee = getattr(argument.type, "pointee", None)
            if isinstance(pointee, (ir.FloatType, ir.DoubleType)):  # the numbers, not the array's bookkeeping
                argument.add_attribute("noalias")
        return context.get_dummy_value()

    return types.void(), codegen


apart.plain = lambda: None  # type: ignore[attr-defined]


def part(array: Any, low: int, high: int) -> Any:
    """A slice, or None of None."""
    return None if array is None else array[low:high]


def like(wanted: Any, array: Any) -> Any:
    """New memory of `array`'s shape and type, or None where `wanted` is None."""
    return None if wanted is None else np.empty_like(array)


def scratch(wanted: Any, array: Any, size: int) -> Any:
    """New memory for `size` numbers of `array`'s type, or None where `wanted` is None."""
    return None if wanted is None else np.empty(size, array.dtype)


# Written out by type: from one function that may return None, Numba would infer an optional array.
@overload(part)
def _part(array, low, high):  # type: ignore[no-untyped-def]
    if isinstance(array, types.NoneType):
        return lambda array, low, high: None
    return lambda array, low, high: array[low:high]


@overload(like)
def _like(wanted, array):  # type: ignore[no-untyped-def]
    if isinstance(wanted, types.NoneType):
        return lambda wanted, array: None
    return lambda wanted, array: np.empty_like(array)


@overload(scratch)
def _scratch(wanted, array, size):  # type: ignore[no-untyped-def]
    if isinstance(wanted, types.NoneType):
        return lambda wanted, array, size: None
    return lambda wanted, array, size: np.empty(size, array.dtype)


part.by_type = like.by_type = scratch.by_type = True  # type: ignore[attr-defined]  # tells the binder to leave them as they are


def strict(function: Function) -> Function:
    """Mark a template whose operations keep their written order and rounding (no `reassoc`, no `contract`)."""
    function.strict = True  # type: ignore[attr-defined]
    return function


def double(function: Function) -> Function:
    """Mark a template that computes in float64 in kernels of any type."""
    function.double = True  # type: ignore[attr-defined]
    return function
