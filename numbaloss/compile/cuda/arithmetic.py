"""Operations on numbers that Numba has no word for: for LLVM and, as `plain`, for the simulator."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir

from numbaloss.compile.cuda.memory import F32, F64, STORAGES, intrinsic

Function = Callable[..., Any]


@cache
def operations(name: str) -> dict[str, Function]:
    """What these names mean where numbers of the storage type `name` are computed with."""
    real = STORAGES[name].real
    return {"times": multiplier(real), "fused": fuser(real), "two_to": powers(real), "exponent": exponents(real)}


def multiplier(real: np.dtype[Any]) -> Any:
    from numba import types

    kind = getattr(types, real.name)

    @intrinsic(lambda x, y: real.type(x) * real.type(y))
    def times(typing: Any, x: Any, y: Any) -> Any:
        """``x * y``, rounded: never made one operation with a sum that takes it."""

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            name = f"llvm.nvvm.mul.rn.{'d' if real.itemsize == 8 else 'f'}"
            product = builder.module.globals.get(name)
            if product is None:
                product = ir.Function(builder.module, ir.FunctionType(element(real), [element(real)] * 2), name)
            return builder.call(product, arguments)

        return kind(kind, kind), code

    return times


def fuser(real: np.dtype[Any]) -> Any:
    from numba import types

    kind = getattr(types, real.name)

    @intrinsic(lambda x, y, z: real.type(float(x) * float(y) + float(z)))
    def fused(typing: Any, x: Any, y: Any, z: Any) -> Any:
        """``x * y + z``, rounded once (by the simulator so in float32 only)."""

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.fma(*arguments)

        return kind(kind, kind, kind), code

    return fused


def powers(real: np.dtype[Any]) -> Any:
    from numba import types

    kind, bits, digits, most = layout(real)

    def plain(e: int) -> Any:
        return real.type(math.ldexp(1.0, min(int(e), most)) if e > -most else 0.0)

    @intrinsic(plain)
    def two_to(typing: Any, e: Any) -> Any:
        """``2**e`` for a whole number; 0 where that is below the smallest normal number, the largest where above."""

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            wide = arguments[0].type
            below = builder.icmp_signed("<", arguments[0], wide(most))
            capped = builder.select(below, arguments[0], wide(most))
            lost = builder.icmp_signed("<=", arguments[0], wide(-most))
            word = capped if bits.width == 64 else builder.trunc(capped, bits)
            power = builder.bitcast(builder.shl(builder.add(word, bits(most)), bits(digits)), element(real))
            return builder.select(lost, element(real)(0.0), power)

        return kind(types.int64), code

    return two_to


def exponents(real: np.dtype[Any]) -> Any:
    from numba import types

    kind, bits, digits, most = layout(real)

    @intrinsic(lambda x: math.frexp(x)[1] - 1)
    def exponent(typing: Any, x: Any) -> Any:
        """The whole number e for which a positive normal number is ``m * 2**e`` with m in [1, 2)."""

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            word = builder.lshr(builder.bitcast(arguments[0], bits), bits(digits))
            shifted = builder.sub(word, bits(most))
            return shifted if bits.width == 64 else builder.sext(shifted, ir.IntType(64))

        return types.int64(kind), code

    return exponent


def layout(real: np.dtype[Any]) -> tuple[Any, Any, int, int]:
    """Numba's type, the integer of that size, the digits of the mantissa, and the largest exponent."""
    from numba import types

    facts: Any = np.finfo(real)
    return getattr(types, real.name), ir.IntType(8 * real.itemsize), int(facts.nmant), int(facts.maxexp) - 1


def element(real: np.dtype[Any]) -> Any:
    return F64 if real.itemsize == 8 else F32
