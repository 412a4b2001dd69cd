"""The few LLVM facts the CPU loops need and Numba has no word for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])


def slice_of(context: Any, builder: Any, kind: Any, whole: Any, low: Any, size: Any) -> Any:
    """The vector of `size` elements from `low` on; it keeps alive what `whole` does."""
    from numba.np.arrayobj import make_array, populate_array  # these take long to import; cached kernels do without

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


def new_vector(context: Any, builder: Any, kind: Any, size: Any) -> Any:
    """Memory of its own for a vector."""
    from numba.np.arrayobj import make_array, populate_array

    new = make_array(kind)(context, builder)
    data_type = context.get_data_type(kind.dtype)
    step = context.get_constant(types.intp, context.get_abi_sizeof(data_type))
    align = context.get_preferred_array_alignment(kind.dtype)
    meminfo = context.nrt.meminfo_alloc_aligned(builder, builder.mul(size, step), align)
    data = builder.bitcast(context.nrt.meminfo_data(builder, meminfo), data_type.as_pointer())
    populate_array(new, data=data, shape=[size], strides=[step], itemsize=step, meminfo=meminfo)
    return new._getvalue()


def nothing(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Code for None."""
    return context.get_dummy_value()


def plain(function: Callable[..., Any]) -> Callable[[Any], Any]:
    """Decorator: what an intrinsic does in plain Python, under ``NUMBA_DISABLE_JIT``."""

    def mark(intrinsic: Any) -> Any:
        intrinsic.plain = function
        return intrinsic

    return mark


@plain(lambda array, low, size: array[low : low + size])
@intrinsic
def run_of(typing_context: Any, array: Any, low: Any, size: Any) -> Any:
    """``array[low : low + size]`` of a contiguous vector, without asking whether that lies inside it."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        new = slice_of(context, builder, array, *arguments)
        if context.enable_nrt:
            context.nrt.incref(builder, array, new)
        return new

    return array(array, types.intp, types.intp), codegen


@plain(lambda array, low, high: None if array is None else array[low:high])
@intrinsic
def part(typing_context: Any, array: Any, low: Any, high: Any) -> Any:
    """``array[low:high]`` of a contiguous vector, without asking whether that lies inside it; None of None."""
    if isinstance(array, types.NoneType):
        return array(array, low, high), nothing

    end = high if isinstance(high, types.NoneType) else types.intp

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        whole, low, high = arguments
        if end is not types.intp:  # up to the end
            (high,) = cgutils.unpack_tuple(builder, context.make_array(array)(context, builder, whole).shape)
        new = slice_of(context, builder, array, whole, low, builder.sub(high, low))
        if context.enable_nrt:
            context.nrt.incref(builder, array, new)
        return new

    return (array(array, types.intp, end), codegen) if array.ndim == 1 and array.layout == "C" else None


part.views = run_of.views = True  # they give a part of an array they take: see `borrows` in `helper_compiler`


@plain(lambda source, target: np.copyto(target, source))
@intrinsic
def move(typing_context: Any, source: Any, target: Any) -> Any:
    """Copies a contiguous vector into another one of its type, as long, that it shares no memory with."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        read, written = (context.make_array(source)(context, builder, one) for one in arguments)
        cgutils.raw_memcpy(builder, written.data, read.data, read.nitems, read.itemsize)
        return context.get_dummy_value()

    return types.void(source, target), codegen


@plain(lambda array, low, size: None)
@intrinsic
def ahead(typing_context: Any, array: Any, low: Any, size: Any) -> Any:
    """Asks for ``array[low : low + size]`` to be brought near, while other work goes on; it need not exist."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        whole, low, size = arguments
        step = 64 // context.get_abi_sizeof(context.get_data_type(array.dtype))
        start = builder.gep(context.make_array(array)(context, builder, whole).data, [low])
        byte, whole_number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, whole_number, whole_number, whole_number])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        with cgutils.for_range_slice(builder, low.type(0), size, low.type(step)) as (i, _):
            place = builder.bitcast(builder.gep(start, [i]), byte)
            builder.call(prefetch, [place, whole_number(0), whole_number(3), whole_number(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp), codegen


@plain(np.empty)
@intrinsic
def empty(typing_context: Any, size: Any, kind: Any) -> Any:
    """A new vector of `size` numbers of type `kind`, as ``np.empty`` has it."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return new_vector(context, builder, signature.return_type, arguments[0])

    return types.Array(kind.dtype, 1, "C")(types.intp, kind), codegen


@plain(lambda wanted, array, size: None if wanted is None else np.empty(size, array.dtype))
@intrinsic
def like(typing_context: Any, wanted: Any, array: Any, size: Any) -> Any:
    """New memory for `size` numbers of `array`'s type, or None where `wanted` is None."""
    if isinstance(wanted, types.NoneType):
        return wanted(wanted, array, size), nothing

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return new_vector(context, builder, signature.return_type, arguments[2])

    return types.Array(array.dtype, 1, "C")(wanted, array, types.intp), codegen


def plain_over(tile: Any, wanted: Any, apart: Any) -> Any:
    """What the one below does, in plain Python."""
    return None if wanted is None else tile if apart is None else np.empty_like(tile)


@plain(plain_over)
@intrinsic
def over(typing_context: Any, tile: Any, wanted: Any, apart: Any) -> Any:
    """None where `wanted` is None; `tile` itself where `apart` is None; else new memory of its size."""
    if isinstance(wanted, types.NoneType):
        return wanted(tile, wanted, apart), nothing

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if not isinstance(apart, types.NoneType):
            size = context.make_array(tile)(context, builder, arguments[0]).nitems
            return new_vector(context, builder, signature.return_type, size)
        if context.enable_nrt:
            context.nrt.incref(builder, tile, arguments[0])
        return arguments[0]

    return tile(tile, wanted, apart), codegen


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


def short_vectors(function: Function) -> Function:
    """Mark a kernel whose loops are short or wait for memory: the longest vectors of a processor make it slower."""
    function.short_vectors = True  # type: ignore[attr-defined]
    return function


def double(function: Function) -> Function:
    """Mark a template that computes in float64 in kernels of any type."""
    function.double = True  # type: ignore[attr-defined]
    return function
