"""Content digests: two functions share a digest only if they compute the same thing."""

from __future__ import annotations

import hashlib
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

PLAIN = (bool, int, float, complex, str, bytes, type(None))


def names_read(code: types.CodeType) -> set[str]:
    """Every global or attribute name a code object, or one nested in it, may read."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= names_read(constant)
    return names


def digest(function: Any) -> str:
    """SHA-256 over a function's bytecode and constants and over all it reaches by name, recursively."""
    parts = hashlib.sha256()
    for line in _walk(function, set()):
        parts.update(line.encode())
        parts.update(b"\0")
    return parts.hexdigest()


def _walk(value: Any, seen: set[int]) -> Iterator[str]:
    value = getattr(value, "py_func", value)  # a dispatcher stands for its Python function
    value = getattr(value, "_defn", value)  # a numba intrinsic stands for its definition
    if isinstance(value, types.FunctionType):
        yield from _walk_function(value, seen)
    elif isinstance(value, (tuple, list)):
        yield f"sequence {len(value)}"
        for item in value:
            yield from _walk(item, seen)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield f"key {key!r}"
            yield from _walk(item, seen)
    elif isinstance(value, (set, frozenset)):  # in an order that no process chooses for itself
        yield f"set {sorted(map(repr, value))}"
    elif isinstance(value, types.CodeType):
        yield from _walk_code(value, seen)
    elif isinstance(value, PLAIN):
        yield f"{type(value).__name__} {value!r}"
    elif isinstance(value, (np.ndarray, np.generic)):
        yield f"{value.dtype} {value.shape} {value.tobytes().hex()}"
    else:  # a module, a numba type, a builtin: named, and pinned by the versions in the cache's key
        yield f"{type(value).__name__} {getattr(value, '__name__', value)}"


def _walk_code(code: types.CodeType, seen: set[int]) -> Iterator[str]:
    yield code.co_code.hex()
    yield repr((code.co_names, code.co_varnames, code.co_argcount, code.co_flags))
    for constant in code.co_consts:
        yield from _walk(constant, seen)


def _walk_function(function: types.FunctionType, seen: set[int]) -> Iterator[str]:
    if id(function) in seen:  # recursion: named once, its content is already in the digest
        yield f"seen {function.__name__}"
        return
    seen.add(id(function))
    if "content" in function.__dict__:  # a private copy, digested when it was made
        yield f"function {function.__dict__['content']}"
        return
    yield f"function {function.__name__} {sorted(function.__dict__)}"  # `strict` and other marks
    yield from _walk_code(function.__code__, seen)
    yield from _walk(function.__defaults__ or (), seen)
    for name in sorted(names_read(function.__code__)):
        if name in function.__globals__:
            yield name
            yield from _walk(function.__globals__[name], seen)
    for cell in function.__closure__ or ():
        yield from _walk(cell.cell_contents, seen)
