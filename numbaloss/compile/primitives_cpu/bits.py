"""Intrinsics the primitives need from the floating-point format, for float32 and float64 alike.

Each one emits a handful of LLVM instructions of the argument's own width, so that a loop over it stays in
vector registers; Numba's own integer arithmetic would widen int32 to int64 and halve the lanes.
"""

import struct
import types
from collections.abc import Callable
from typing import Any

import numba.extending
import numpy as np
from llvmlite import ir
from numba import float32, float64

FLOAT = ir.FloatType()
SCALING = ("+avx512f", "+avx512dq", "+avx512vl")  # of processors with an instruction that multiplies by powers of two
Function = Callable[..., float]
ORDERED = ("contract", "nsz")  # said here, or Numba says what the caller's loop allows: there factors change places

real = float
"""Converts to the dtype of the twin that calls it: `typed` binds this name to that dtype."""


def intrinsic(definition: Callable[..., Any]) -> Function:
    """Numba's decorator; the result takes what the definition takes, less the typing context."""
    made: Function = numba.extending.intrinsic(definition)
    return made


def layout(kind: ir.Type) -> tuple[ir.IntType, int]:
    """The integer type as wide as a float type, and the number of mantissa bits."""
    return (ir.IntType(32), 23) if kind == FLOAT else (ir.IntType(64), 52)


def pattern(value: float, kind: ir.Type) -> int:
    """The bits of a float of the given LLVM type, as an integer."""
    width = "<f", "<I"
    if kind != FLOAT:
        width = "<d", "<Q"
    return int(struct.unpack(width[1], struct.pack(width[0], value))[0])


def same_float(*arguments: Any) -> bool:
    """Whether all argument types are one float type; intrinsics refuse anything else, at compile time."""
    return arguments[0] in (float32, float64) and len(set(arguments)) == 1


def instruction(name: str, operands: int, doc: str) -> Function:
    """The intrinsic for an LLVM family of instructions on floats, such as llvm.maximum."""

    def build(context: Any, arguments: tuple[Any, ...]) -> Any:
        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = arguments[0].type
            signature = ir.FunctionType(kind, [kind] * operands)
            return builder.call(builder.module.declare_intrinsic(name, [kind], signature), arguments)

        return (arguments[0](*arguments), emit) if same_float(*arguments) else None

    def unary(context: Any, x: Any) -> Any:
        return build(context, (x,))

    def binary(context: Any, x: Any, y: Any) -> Any:
        return build(context, (x, y))

    resolve = unary if operands == 1 else binary
    resolve.__doc__ = doc
    resolve.__name__ = resolve.__qualname__ = name.replace(".", "_")
    return intrinsic(resolve)


llvm_floor = instruction("llvm.floor", 1, "The largest integer not above.")
llvm_sqrt = instruction("llvm.sqrt", 1, "Square root, correctly rounded; nan below 0.")
llvm_copysign = instruction("llvm.copysign", 2, "The magnitude of the first with the sign of the second.")
llvm_maximum = instruction("llvm.maximum", 2, "The larger of two; nan where either is.")
llvm_minimum = instruction("llvm.minimum", 2, "The smaller of two; nan where either is.")


@intrinsic
def two_to(context: Any, shifted: Any) -> Any:
    """2**k, where normal, from k + 1.5 * 2**m, m mantissa bits: there k is in the lowest bits."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (value,) = arguments
        integer, mantissa = layout(value.type)
        exponent = builder.shl(builder.bitcast(value, integer), integer(mantissa))
        return builder.bitcast(builder.add(exponent, integer(pattern(1.0, value.type))), value.type)

    return (shifted(shifted), emit) if same_float(shifted) else None


@intrinsic
def scaled(context: Any, p: Any, shifted: Any) -> Any:
    """p * 2**k, rounded once, for p in [1/2, 2] and any k that a finite result can have; k comes as in `two_to`."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value, shifted = arguments
        kind = value.type
        integer, mantissa = layout(kind)
        k = builder.sub(builder.bitcast(shifted, integer), integer(pattern(1.5 * 2.0**mantissa, kind)))
        if set(context.codegen().magic_tuple()[2].split(",")) >= set(SCALING):
            signature = ir.FunctionType(kind, [kind, integer])
            return builder.call(builder.module.declare_intrinsic("llvm.ldexp", [kind, integer], signature), [value, k])
        # Elsewhere by two factors, each of them a normal number.
        lift, bias = (64, 127) if kind == FLOAT else (256, 1023)
        low = builder.icmp_signed("<", k, integer(lift - bias))
        first = builder.add(k, builder.select(low, integer(bias + lift), integer(bias - 1)))
        value = builder.fmul(value, builder.bitcast(builder.shl(first, integer(mantissa)), kind), flags=ORDERED)
        return builder.fmul(value, builder.select(low, kind(2.0**-lift), kind(2.0)), flags=ORDERED)

    return (p(p, shifted), emit) if same_float(p, shifted) else None


def exponent_field(builder: Any, value: Any, low: Any) -> tuple[Any, ir.IntType, int]:
    """k << m as an integer, m mantissa bits, for value = 2**k * [low, 2 * low); both positive and normal."""
    integer, mantissa = layout(value.type)
    difference = builder.sub(builder.bitcast(value, integer), builder.bitcast(low, integer))
    return builder.and_(difference, integer(-1 << mantissa)), integer, mantissa


@intrinsic
def exponent(context: Any, x: Any, low: Any) -> Any:
    """k, as a float, for x = 2**k * y with y in [low, 2 * low); x positive and normal, 0.5 <= low <= 1."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value, low = arguments
        field, integer, mantissa = exponent_field(builder, value, low)
        if mantissa == 23:
            return builder.sitofp(builder.ashr(field, integer(mantissa)), value.type)
        # AVX2 neither shifts nor converts signed 64-bit integers: put k + 1023 into the last bits of 2**52.
        biased = builder.lshr(builder.add(field, integer(1023 << 52)), integer(52))
        shifted = builder.bitcast(builder.or_(biased, integer(pattern(2.0**52, value.type))), value.type)
        return builder.fsub(shifted, value.type(2.0**52 + 1023), flags=ORDERED)

    return (x(x, low), emit) if same_float(x, low) else None


@intrinsic
def mantissa(context: Any, x: Any, low: Any) -> Any:
    """y in [low, 2 * low) for x = 2**k * y; x positive and normal, 0.5 <= low <= 1."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value, low = arguments
        field, integer, _ = exponent_field(builder, value, low)
        return builder.bitcast(builder.sub(builder.bitcast(value, integer), field), value.type)

    return (x(x, low), emit) if same_float(x, low) else None


@intrinsic
def downscale(context: Any, x: Any, low: Any) -> Any:
    """2**-k, where normal, for x = 2**k * y with y in [low, 2 * low)."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value, low = arguments
        field, integer, _ = exponent_field(builder, value, low)
        return builder.bitcast(builder.sub(integer(pattern(1.0, value.type)), field), value.type)

    return (x(x, low), emit) if same_float(x, low) else None


def typed(scalar: type[np.floating[Any]], **names: Any) -> Callable[[Function], Function]:
    """Decorator: float literals and float globals become a `scalar`; `names` rebinds other globals.

    The result is an ordinary function, named for its dtype: one formula can serve both widths.
    """

    def retyped(value: Any) -> Any:
        return scalar(value) if type(value) is float else value

    def convert(function: Any) -> Function:
        code = function.__code__
        suffix = np.dtype(scalar).name
        name = function.__name__.removesuffix("_" + suffix) + "_" + suffix
        scope = {key: retyped(value) for key, value in {**function.__globals__, **names}.items()}
        scope["real"] = scalar
        code = code.replace(co_consts=tuple(map(retyped, code.co_consts)), co_name=name, co_qualname=name)
        copy = types.FunctionType(code, scope, name)
        copy.__doc__ = function.__doc__
        return copy

    return convert
