"""The few LLVM facts the CPU loops need and Numba has no word for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import types
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array, populate_array

from numbaloss.compile.helper_compiler import HelperCompiler

Function = TypeVar("Function", bound=Callable[..., Any])
LINKED: Any = {"pipeline_class": HelperCompiler, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


@intrinsic
def run_of(typing_context: Any, array: Any, low: Any, size: Any) -> Any:
    """``array[low : low + size]`` of a contiguous vector, without asking whether that lies inside it.

    For functions marked by `borrows` only: no reference is counted.
    """

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        whole, low, size = arguments
        old, new = make_array(kind)(context, builder, whole), make_array(kind)(context, builder)
        step = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
        populate_array(
            new,
            data=builder.gep(old.data, [low]),
            shape=[size],
            strides=[step],
            itemsize=step,
            meminfo=old.meminfo,
            parent=old.parent,
        )
        return new._getvalue()

    return array(array, types.intp, types.intp), codegen


run_of.plain = lambda array, low, size: array[low : low + size]  # type: ignore[attr-defined]


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
@overload(part, jit_options=LINKED)
def _part(array, low, high):  # type: ignore[no-untyped-def]
    if isinstance(array, types.NoneType):
        return lambda array, low, high: None
    return lambda array, low, high: array[low:high]


@overload(like, jit_options=LINKED)
def _like(wanted, array):  # type: ignore[no-untyped-def]
    if isinstance(wanted, types.NoneType):
        return lambda wanted, array: None
    return lambda wanted, array: np.empty_like(array)


@overload(scratch, jit_options=LINKED)
def _scratch(wanted, array, size):  # type: ignore[no-untyped-def]
    if isinstance(wanted, types.NoneType):
        return lambda wanted, array, size: None
    return lambda wanted, array, size: np.empty(size, array.dtype)


part.by_type = like.by_type = scratch.by_type = True  # type: ignore[attr-defined]  # tells the binder to leave them as they are


def strict(function: Function) -> Function:
    """Mark a template whose operations keep their written order and rounding (no `reassoc`, no `contract`)."""
    function.strict = True  # type: ignore[attr-defined]
    return function


def out_of_line(function: Function) -> Function:
    """Mark a template that stays a function: the serial and the parallel twin run the same code of it."""
    function.out_of_line = True  # type: ignore[attr-defined]
    return function


def disjoint(function: Function) -> Function:
    """Mark a template whose arrays share no memory: LLVM then tests no addresses as it runs.

    Such a test can send two arrays that merely lie close together to the scalar loop, which adds in another order.
    """
    function.disjoint = True  # type: ignore[attr-defined]
    return function


def borrows(function: Function) -> Function:
    """Mark a template that allocates nothing and keeps no array: it counts no references.

    Where rows are short, counting them (two atomic operations for each slice of an array) takes longer than the work.
    """
    function.borrows = True  # type: ignore[attr-defined]
    return function


def double(function: Function) -> Function:
    """Mark a template that computes in float64 in kernels of any type."""
    function.double = True  # type: ignore[attr-defined]
    return function
