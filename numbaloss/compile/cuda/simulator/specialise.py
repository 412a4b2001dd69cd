"""Kernels as plain Python, bound to the simulator instead of a device."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from numbaloss.compile.bind import Specialiser
from numbaloss.compile.cuda.simulator.module import CUDA
from numbaloss.compile.primitives import PRIMITIVES


class SimulatedSpecialiser(Specialiser):
    """Copies functions for one dtype as plain Python, with the simulator in the place of the device."""

    shortcuts: Mapping[str, Any] = {}

    def __init__(self, dtype: np.dtype[Any], holes: dict[str, Any]) -> None:
        super().__init__(dtype, {**holes, "real": dtype.type})
        self.primitives = {function: rounding(function, dtype) for function in PRIMITIVES.values()}

    def rebound(self, name: str, value: Any) -> Any:
        value = self.holes.get(name, value)
        if type(value) is float:
            return self.dtype.type(value)
        if isinstance(value, types.ModuleType) and value.__name__.endswith("numba.cuda"):
            return CUDA
        if isinstance(value, types.FunctionType):
            return self.compiled(value)
        if hasattr(value, "plain"):
            return value.plain
        return int if str(getattr(value, "name", "")).startswith(("int", "uint")) else value

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if function not in self.done:
            self.done[function] = self.primitives.get(function) or self.copy(function)
        return self.done[function]


def rounding(function: Callable[..., Any], dtype: np.dtype[Any]) -> Callable[..., Any]:
    """A primitive whose result has the type of the arithmetic."""
    return lambda *arguments: dtype.type(function(*(float(argument) for argument in arguments)))
