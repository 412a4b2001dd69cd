"""Operations on numbers that CUDA kernels need and Numba has no word for, for LLVM and, as `plain`, for the simulator."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir

from numbaloss.compile.cuda.memory import STORAGES, intrinsic

Function = Callable[..., Any]


@cache
def operations(name: str) -> dict[str, Function]:
    """What `times` means where numbers of the storage type `name` are computed with."""
    return {"times": multiplier(STORAGES[name].real)}


def multiplier(real: np.dtype[Any]) -> Any:
    from numba import types

    kind = getattr(types, real.name)

    @intrinsic(lambda x, y: real.type(x) * real.type(y))
    def times(typing: Any, x: Any, y: Any) -> Any:
        """``x * y``, rounded: never made one operation with a sum that takes it."""

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            element = context.get_value_type(kind)
            name = f"llvm.nvvm.mul.rn.{'d' if real.itemsize == 8 else 'f'}"
            product = builder.module.globals.get(name)
            if product is None:
                product = ir.Function(builder.module, ir.FunctionType(element, [element, element]), name)
            return builder.call(product, arguments)

        return kind(kind, kind), code

    return times
