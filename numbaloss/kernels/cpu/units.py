"""Losses whose author wrote the kernel of one unit (a row, a pair of boxes): the loop over all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from numbaloss.kernels.cpu.intrinsics import disjoint, out_of_line
from numbaloss.kernels.cpu.pointwise import in_order


def unit(inputs: Any, gradients: Any, params: Any, factor: Any, i: int) -> Any:
    """Open name: the value of unit `i`; writes its gradients, times `factor`."""
    raise NotImplementedError


@intrinsic
def unit_of(typing_context: Any, array: Any, i: Any) -> Any:
    """``array[i]`` of a contiguous array, which counts no reference and does not ask whether `i` lies inside it."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        shape, strides, data, size = _member(context, builder, signature, arguments)
        return _view(context, builder, signature, data, shape, strides, size)

    return types.Array(array.dtype, array.ndim - 1, "C")(array, types.intp), codegen


@intrinsic
def numbers_of(typing_context: Any, array: Any, i: Any) -> Any:
    """The same as one vector, however many axes ``array[i]`` has; of length 1 where it has none."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        shape, _, data, size = _member(context, builder, signature, arguments)
        count = context.get_constant(types.intp, 1)
        for length in shape:
            count = builder.mul(count, length)
        return _view(context, builder, signature, data, [count], [size], size)

    return types.Array(array.dtype, 1, "C")(array, types.intp), codegen


def _member(context: Any, builder: Any, signature: Any, arguments: Any) -> tuple[list[Any], list[Any], Any, Any]:
    """Shape, strides and address of one member of a contiguous array, and the size of a number."""
    kind = signature.args[0]
    whole, i = arguments
    old = make_array(kind)(context, builder, whole)
    shape = [builder.extract_value(old.shape, axis) for axis in range(1, kind.ndim)]
    size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    strides: list[Any] = []
    step = size
    for length in reversed(shape):
        strides.insert(0, step)
        step = builder.mul(step, length)
    start = i
    for length in shape:
        start = builder.mul(start, length)
    return shape, strides, builder.gep(old.data, [start]), size


def _view(
    context: Any, builder: Any, signature: Any, data: Any, shape: list[Any], strides: list[Any], size: Any
) -> Any:
    """A new array over that memory, which owns nothing."""
    new = make_array(signature.return_type)(context, builder)
    populate_array(new, data=data, shape=shape, strides=strides, itemsize=size, meminfo=None)
    return new._getvalue()


unit_of.plain = lambda array, i: array[i]  # type: ignore[attr-defined]
numbers_of.plain = lambda array, i: array[i : i + 1].reshape(-1)  # type: ignore[attr-defined]


def clear(numbers):  # type: ignore[no-untyped-def]
    """Set every element to 0."""
    for j in range(numbers.size):
        numbers[j] = 0.0


def scale(numbers, factor):  # type: ignore[no-untyped-def]
    """Multiply every element."""
    for j in range(numbers.size):
        numbers[j] *= factor


@disjoint
@out_of_line
def unit_block(first, last, inputs, gradients, params, weights, factor, values):  # type: ignore[no-untyped-def]
    """The units of one parallel task."""
    total = np.float64(0.0)
    for i in range(first, last):
        weight = factor
        if weights is not None:
            weight = factor * weights[i]
        value = unit(inputs, gradients, params, weight, i)
        if weights is not None:
            value = value * weights[i]
        if values is not None:
            values[i] = value
        total += value
    return total


def units(count, step, inputs, gradients, params, weights, factor, values):  # type: ignore[no-untyped-def]
    """All units, `step` of them a task: the float64 sum of the weighted values, in their order."""
    partials = np.empty((count + step - 1) // step, np.float64)
    for b in prange(partials.size):
        low = b * step
        partials[b] = unit_block(low, min(low + step, count), inputs, gradients, params, weights, factor, values)
    return in_order(partials)
