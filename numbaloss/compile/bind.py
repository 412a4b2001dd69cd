"""Turns a kernel template and the mathematics of one loss into one compiled, disk-cached kernel.

A template is an ordinary function with *open names* (`loss`, say). `bind` copies it and everything it reaches by
name, gives the open names their meaning, types every float literal, replaces primitives by their compiled twins, and
hands the copy to Numba. The kernel's name carries a digest of all that, so that neither the cache nor the linker can
ever take one kernel for another.
"""

from __future__ import annotations

import builtins
import difflib
import dis
import types
import warnings
from collections.abc import Callable, Collection, Mapping
from functools import cache, cached_property
from typing import Any
from weakref import WeakValueDictionary

import numba
import numpy as np
from numba.core import config, entrypoints

from numbaloss.compile import cache as disk
from numbaloss.compile import primitives_cpu, whole_numbers
from numbaloss.compile.digest import digest, names_read
from numbaloss.compile.helper_compiler import REVISION, HelperCompiler, KernelCompiler
from numbaloss.compile.inline_primitives import FLAGS as PRIMITIVE_FLAGS
from numbaloss.compile.inline_primitives import inlined
from numbaloss.compile.primitives import PRIMITIVES

Function = Callable[..., Any]

# `reassoc` lets LLVM vectorise a sum; in the mathematics it would cancel compensations such as (1 + x) - 1. `contract`
# fuses a product with a sum; where a choice stands between, LLVM does so in whole vectors and not in what is left
# over, and a value of the mathematics would depend on its place.
LOOP_FLAGS = {"reassoc", "contract", "nsz"}
MATHS_FLAGS = {"nsz"}  # also of templates marked `strict`
FLAGS = {"loops": sorted(LOOP_FLAGS), "primitives": sorted(PRIMITIVE_FLAGS), "mathematics": sorted(MATHS_FLAGS)}
TEMPLATES = "numbaloss.kernels."
MATHEMATICS = "numbaloss.losses."
_helpers: WeakValueDictionary[str, Function] = WeakValueDictionary()


@cache
def bind(template: Function, dtype: np.dtype[Any], label: str, parallel: bool, **holes: Function) -> Function:
    """Compile `template` with its open names meaning `holes` at precision `dtype`.

    `label` names the loss in the kernel's own name; `parallel` picks the twin. The result is a Numba dispatcher, or
    the copied Python function itself under ``NUMBA_DISABLE_JIT=1``.
    """
    copy = Specialiser(dtype, holes, wide=not hasattr(template, "short_vectors")).copy(template)
    if interpreted():
        return copy
    twin = "parallel" if parallel else "serial"
    load_extensions()
    content = digest(copy)
    copy.__qualname__ = f"{template.__name__}.{label}.{dtype.name}.{twin}.{content[:16]}"
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": LOOP_FLAGS, "no_cfunc_wrapper": True}
    options |= {"parallel": True} if parallel else {"pipeline_class": KernelCompiler}
    kernel: Function = numba.njit(**options)(copy)
    disk.attach(kernel, f"{copy.__qualname__} {content} {FLAGS} {REVISION}")
    return kernel


@cache
def load_extensions() -> None:
    """Let Numba load its extensions now, which it does before it compiles: what fails in one must not fail the call.

    One package anywhere whose list of entry points is damaged is enough. Numba itself does not try twice.
    """
    init_all: Any = entrypoints.init_all  # untyped
    try:
        init_all()
    except Exception as error:
        warnings.warn(
            f"Numba could not load its extensions ({type(error).__name__}: {error}); some package's metadata may be "
            "damaged. numbaloss needs none of them",
            RuntimeWarning,
            stacklevel=2,
        )


def interpreted() -> bool:
    """Whether ``NUMBA_DISABLE_JIT=1`` asks for plain Python everywhere."""
    return bool(config.DISABLE_JIT)  # type: ignore[attr-defined]


def in_template(function: Function) -> bool:
    """Whether a function is one of the loops, rather than of the mathematics."""
    return (function.__module__ or "").startswith(TEMPLATES)


def flags_of(function: Function) -> Collection[str]:
    """What LLVM may do to the arithmetic of a helper."""
    if in_template(function) and not hasattr(function, "strict"):
        return LOOP_FLAGS
    return PRIMITIVE_FLAGS if (function.__module__ or "").startswith(primitives_cpu.__name__) else MATHS_FLAGS


def check_names(function: Any, seen: set[Any]) -> None:
    """Raise NameError for a name that nothing has in a user's function, or in one that it calls."""
    if not isinstance(function, types.FunctionType) or function in seen:
        return
    seen.add(function)
    reached = [value for name, value in function.__globals__.items() if name in names_read(function.__code__)]
    for value in reached:
        check_names(value, seen)
    if (function.__module__ or "").startswith("numbaloss."):
        return
    for step in dis.get_instructions(function):
        name, hint = step.argval, ""
        if step.opname == "LOAD_GLOBAL" and name not in function.__globals__ and not hasattr(builtins, name):
            if name in PRIMITIVES:
                hint = f"; from numbaloss.primitives import {name}"
            elif near := difflib.get_close_matches(name, {*PRIMITIVES, *function.__globals__}, n=1):
                hint = f"; did you mean {near[0]!r}?"
            line = step.positions.lineno if step.positions else None
            where = f"{function.__code__.co_filename}, line {line or function.__code__.co_firstlineno}"
            raise NameError(f"{function.__name__}: name {name!r} is not defined ({where}){hint}", name=name)


class Specialiser:
    """Copies functions for one dtype: literals retyped, primitives rebound, open names filled, helpers jitted.

    With `wide`, what computes a primitive that takes many instructions may use the longest vectors of the processor.
    """

    shortcuts: Mapping[str, Any] = whole_numbers.FUNCTIONS  # what built-in functions of a template become

    def __init__(self, dtype: np.dtype[Any], holes: Mapping[str, Function], wide: bool = True) -> None:
        self.dtype = dtype
        self.wide = wide
        self.holes = holes
        self.done: dict[Function, Function] = {}
        self.home: str | None = None  # the module of the template

    @cached_property
    def doubled(self) -> Specialiser:
        """The same for float64: what templates marked `double` compute in, whatever the kernel's type."""
        return Specialiser(np.dtype(np.float64), self.holes, self.wide)

    def copy(self, function: Function) -> types.FunctionType:
        """A copy of a plain function whose names mean what they mean at this precision."""
        if not isinstance(function, types.FunctionType):
            raise TypeError(f"{function!r} must be a plain Python function to be compiled into a kernel")
        names = names_read(function.__code__)
        filled = self.has_open_names(function)
        scope = {
            name: self.rebound(name if filled else "", value)
            for name, value in function.__globals__.items()
            if name in names
        }
        scope.update(__name__=function.__module__ or "__main__", __builtins__=__builtins__)
        if in_template(function) and not interpreted():
            scope.update((name, value) for name, value in self.shortcuts.items() if name in names)
        cells = tuple(types.CellType(self.rebound("", cell.cell_contents)) for cell in function.__closure__ or ())
        copy = types.FunctionType(
            self.retyped(function.__code__), scope, function.__name__, function.__defaults__, cells or None
        )
        copy.__qualname__ = function.__qualname__
        copy.__dict__.update(function.__dict__)
        if self.wide and any(hasattr(value, "wide") for value in scope.values()):
            copy.wide = True  # type: ignore[attr-defined]
        return copy

    def has_open_names(self, function: Function) -> bool:
        """Whether open names are filled in a function; not in the mathematics, where `load` may be a helper's name."""
        module = function.__module__ or ""
        self.home = self.home or module
        return module == self.home or (module.startswith("numbaloss.") and not module.startswith(MATHEMATICS))

    def rebound(self, name: str, value: Any) -> Any:
        """What a name read by a copied function means in the copy."""
        value = self.holes.get(name, value)
        if type(value) is float:
            return self.dtype.type(value)
        if isinstance(value, types.FunctionType):
            return self.compiled(value)
        if interpreted():
            return getattr(value, "plain", value)
        return value

    def compiled(self, function: Function) -> Function:
        """The jitted copy of a helper, a primitive or a loss; plain under ``NUMBA_DISABLE_JIT``."""
        if self.dtype != np.float64 and hasattr(function, "double"):
            return self.doubled.compiled(function)
        if function not in self.done:
            name = function.__name__
            if PRIMITIVES.get(name) is not function:
                self.done[function] = self.jitted(self.copy(function))
            elif interpreted():
                self.done[function] = function
            else:
                source = primitives_cpu.source(name, self.dtype)
                self.done[function] = inlined(source) or self.compiled(source)
                if primitives_cpu.takes_time(name):
                    self.done[function].wide = True  # type: ignore[attr-defined]
        return self.done[function]

    def jitted(self, copy: types.FunctionType) -> Function:
        if interpreted():
            return copy
        template = in_template(copy)
        content = digest(copy)
        key = f"{copy.__module__}.{copy.__qualname__} {self.dtype.name} {content}"
        if key in _helpers:  # another kernel of this process has the same one
            return _helpers[key]
        copy.__qualname__ = f"{copy.__qualname__}.{self.dtype.name}.{content[:16]}"
        copy.content = content  # type: ignore[attr-defined]  # nobody changes this copy: `digest` need not walk it again
        options = {"error_model": "numpy", "fastmath": set(flags_of(copy)), "forceinline": not template}
        # Only kernels call a helper: no wrappers for Python and C.
        options |= {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "pipeline_class": HelperCompiler}
        helper: Function = numba.njit(**options)(copy)  # type: ignore[call-overload]
        if hasattr(copy, "wide"):
            helper.wide = True  # type: ignore[attr-defined]
        return _helpers.setdefault(key, helper)

    def retyped(self, code: types.CodeType) -> types.CodeType:
        return code.replace(co_consts=tuple(self.literal(constant) for constant in code.co_consts))

    def literal(self, constant: Any) -> Any:
        if type(constant) is float:
            return self.dtype.type(constant)
        if isinstance(constant, tuple):
            return tuple(self.literal(item) for item in constant)
        if isinstance(constant, types.CodeType):
            return self.retyped(constant)
        return constant
