"""Numbers of one type into those of another, by whole vectors.

Numba has no floats of 16 bits: their bits come as whole numbers, and go to and from float32. A number is rounded to the
nearest, to the one that ends in 0 where two are as near; what is too large becomes infinite.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import prange, types
from numba.extending import intrinsic

from numbaloss.compile.primitives_cpu.bits import ORDERED
from numbaloss.kernels.cpu.intrinsics import disjoint, part, plain

RUN = 1 << 14  # elements a parallel task takes on
FLOAT, HALF, SHORT, WORD = ir.FloatType(), ir.HalfType(), ir.IntType(16), ir.IntType(32)
INFINITE = 0x7F800000  # float32's bits


def convert(number: Any) -> Any:
    """Open name: `plainly`, or one of the four conversions below."""
    raise NotImplementedError


def convert_all(source, target):  # type: ignore[no-untyped-def]
    """Every number of a vector into another one."""
    for b in prange((source.size + RUN - 1) // RUN):
        low, high = b * RUN, min(b * RUN + RUN, source.size)
        convert_run(part(source, low, high), part(target, low, high))


@disjoint
def convert_run(source, target):  # type: ignore[no-untyped-def]
    for i in range(source.size):
        target[i] = convert(source[i])


def plainly(number):  # type: ignore[no-untyped-def]
    """Between types that Numba has, where storing a number converts it."""
    return number


def has_instruction(context: Any) -> bool:
    """Whether the processor converts numbers of 5 + 10 bits itself."""
    return "+f16c" in context.codegen().magic_tuple()[2].split(",")


def widened(kind: str, bits: Any) -> np.float32:
    """What those below do to 16 bits, in plain Python."""
    if kind == "float16":
        return np.float32(np.uint16(bits).view(np.float16))
    return (np.uint32(bits) << np.uint32(16)).view(np.float32)


def narrowed(kind: str, number: Any) -> np.uint16:
    """What those below do to a float32, in plain Python."""
    if kind == "float16":
        with np.errstate(all="ignore"):
            return np.float16(number).view(np.uint16)
    bits = int(np.float32(number).view(np.uint32))
    if bits & 0x7FFFFFFF > INFINITE:
        return np.uint16(bits >> 16 | 0x40)
    return np.uint16(bits + 0x7FFF + (bits >> 16 & 1) >> 16)


@plain(lambda bits: widened("float16", bits))
@intrinsic
def from_float16(typing_context: Any, bits: Any) -> Any:
    """The number that 1 + 5 + 10 bits stand for."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (short,) = arguments
        if has_instruction(context):
            return builder.fpext(builder.bitcast(short, HALF), FLOAT)
        word = builder.zext(short, WORD)
        sign = builder.shl(builder.and_(word, WORD(0x8000)), WORD(16))
        size = builder.shl(builder.and_(word, WORD(0x7FFF)), WORD(13))
        field = builder.and_(size, WORD(0x0F800000))
        normal = builder.add(size, WORD((127 - 15) << 23))
        endless = builder.add(normal, WORD((128 - 16) << 23))
        least = WORD((127 - 14) << 23)  # of normal numbers; smaller ones are multiples of its last place
        small = builder.fsub(
            builder.bitcast(builder.add(size, least), FLOAT), builder.bitcast(least, FLOAT), flags=ORDERED
        )
        found = builder.select(builder.icmp_unsigned("==", field, WORD(0x0F800000)), endless, normal)
        found = builder.select(builder.icmp_unsigned("==", field, WORD(0)), builder.bitcast(small, WORD), found)
        return builder.bitcast(builder.or_(found, sign), FLOAT)

    return types.float32(types.uint16), codegen


@plain(lambda number: narrowed("float16", number))
@intrinsic
def to_float16(typing_context: Any, number: Any) -> Any:
    """The 1 + 5 + 10 bits of the nearest number they can stand for."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (value,) = arguments
        if has_instruction(context):
            return builder.bitcast(builder.fptrunc(value, HALF), SHORT)
        bits = builder.bitcast(value, WORD)
        size = builder.and_(bits, WORD(0x7FFFFFFF))
        half = WORD((127 - 1) << 23)  # its last place is that of the smallest numbers: adding it rounds
        small = builder.fadd(builder.bitcast(size, FLOAT), builder.bitcast(half, FLOAT), flags=ORDERED)
        small = builder.sub(builder.bitcast(small, WORD), half)
        normal = builder.sub(rounded(builder, size, 13), WORD((127 - 15) << 10))
        endless = builder.select(builder.icmp_unsigned(">", size, WORD(INFINITE)), WORD(0x7E00), WORD(0x7C00))
        found = builder.select(builder.icmp_unsigned("<", size, WORD((127 - 14) << 23)), small, normal)
        found = builder.select(builder.icmp_unsigned(">=", size, WORD((127 + 16) << 23)), endless, found)
        sign = builder.and_(builder.lshr(bits, WORD(16)), WORD(0x8000))
        return builder.trunc(builder.or_(found, sign), SHORT)

    return types.uint16(types.float32), codegen


@plain(lambda bits: widened("bfloat16", bits))
@intrinsic
def from_bfloat16(typing_context: Any, bits: Any) -> Any:
    """The number that 1 + 8 + 7 bits stand for: the first half of float32's."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(builder.shl(builder.zext(arguments[0], WORD), WORD(16)), FLOAT)

    return types.float32(types.uint16), codegen


@plain(lambda number: narrowed("bfloat16", number))
@intrinsic
def to_bfloat16(typing_context: Any, number: Any) -> Any:
    """The 1 + 8 + 7 bits of the nearest number they can stand for."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bits = builder.bitcast(arguments[0], WORD)
        nan = builder.icmp_unsigned(">", builder.and_(bits, WORD(0x7FFFFFFF)), WORD(INFINITE))
        quiet = builder.or_(builder.lshr(bits, WORD(16)), WORD(0x40))
        return builder.trunc(builder.select(nan, quiet, rounded(builder, bits, 16)), SHORT)

    return types.uint16(types.float32), codegen


def rounded(builder: Any, bits: Any, dropped: int) -> Any:
    """Bits without the last ones, rounded to the nearest."""
    odd = builder.and_(builder.lshr(bits, WORD(dropped)), WORD(1))
    return builder.lshr(builder.add(bits, builder.add(odd, WORD((1 << dropped - 1) - 1))), WORD(dropped))
