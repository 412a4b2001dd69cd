"""Loads and launches compiled kernels through the CUDA driver, and nothing more: arrays bring their own memory.

The driver's C interface is called directly. It has not changed since CUDA 4, costs less than a launcher that looks at
every argument, and needs no package.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from typing import Any

from numbaloss.compile.cuda.kernel import Kernel, Kinds, NoCudaError

MAJOR, MINOR = 75, 76  # of a device's attributes: its compute capability
TOO_NEW = 222  # the driver does not know this version of PTX
CTYPES = {"int64": ctypes.c_int64, "float32": ctypes.c_float, "float64": ctypes.c_double}


class CudaError(RuntimeError):
    """The driver refused a call; the message is its own."""


class Driver:
    """The driver's C functions; each raises `CudaError` where the driver reports an error."""

    def __init__(self, library: Any) -> None:
        self.library = library

    def call(self, name: str, *arguments: Any) -> None:
        code = getattr(self.library, name)(*arguments)
        if code:
            text = ctypes.c_char_p()
            self.library.cuGetErrorString(code, ctypes.byref(text))
            said = (text.value or b"unknown error").decode()
            hint = ": it is older than CUDA 13, for which kernels are compiled; update it" if code == TOO_NEW else ""
            raise CudaError(f"{name}: {said} (error {code}){hint}")

    def handle(self, name: str, *arguments: Any) -> ctypes.c_void_p:
        """What a function writes to its first argument."""
        found = ctypes.c_void_p()
        self.call(name, ctypes.byref(found), *arguments)
        return found


@cache
def driver() -> Driver:
    """The driver of this machine; NoCudaError where there is none."""
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        found = Driver(ctypes.CDLL(name))
    except OSError as error:
        raise NoCudaError(f"no CUDA driver on this machine ({error})") from None
    found.call("cuInit", 0)
    return found


class CudaDevice:
    """One CUDA device, by its number, with the kernels that are loaded on it."""

    def __init__(self, number: int, driver: Driver) -> None:
        self.number, self.driver = number, driver
        self.loaded: dict[tuple[str, Kinds], Loaded] = {}

    @cached_property
    def context(self) -> ctypes.c_void_p:
        """The device's primary context, which all libraries share."""
        return self.driver.handle("cuDevicePrimaryCtxRetain", self.number)

    @cached_property
    def capability(self) -> tuple[int, int]:
        """The compute capability, (9, 0) say."""
        found = []
        for attribute in (MAJOR, MINOR):
            value = ctypes.c_int()
            self.driver.call("cuDeviceGetAttribute", ctypes.byref(value), attribute, self.number)
            found.append(value.value)
        return found[0], found[1]

    def launch(self, kernel: Kernel, blocks: int, arguments: tuple[Any, ...], kinds: Kinds, stream: int) -> None:
        """Start a kernel on a stream; returns at once."""
        with self.current():
            key = kernel.entry, kinds
            if key not in self.loaded:
                self.loaded[key] = Loaded(self.driver, kinds, *kernel.compiled(kinds, self.capability))
            self.loaded[key].launch(blocks, kernel.threads, arguments, stream)

    @contextmanager
    def current(self) -> Iterator[None]:
        """Makes this device the current one, and gives the caller his own back."""
        self.driver.call("cuCtxPushCurrent_v2", self.context)
        try:
            yield
        finally:
            self.driver.call("cuCtxPopCurrent_v2", ctypes.byref(ctypes.c_void_p()))


@cache
def device(number: int) -> CudaDevice:
    return CudaDevice(number, driver())


class Loaded:
    """One kernel on one device, with room for its arguments."""

    def __init__(self, driver: Driver, kinds: Kinds, entry: str, ptx: bytes) -> None:
        self.driver = driver
        self.types = [CTYPES.get(word, ctypes.c_uint64) for kind in flat(kinds) for word in words(kind)]
        self.module = driver.handle("cuModuleLoadData", ctypes.c_char_p(ptx))
        self.function = driver.handle("cuModuleGetFunction", self.module, ctypes.c_char_p(entry.encode()))

    def launch(self, blocks: int, threads: int, arguments: tuple[Any, ...], stream: int) -> None:
        given = (number for argument in flat(arguments) for number in numbers(argument))
        cells: list[Any] = [kind(number) for kind, number in zip(self.types, given, strict=True)]
        pointers = (ctypes.c_void_p * len(cells))(*(ctypes.addressof(cell) for cell in cells))
        self.driver.call(
            "cuLaunchKernel", self.function, blocks, 1, 1, threads, 1, 1, 0, ctypes.c_void_p(stream), pointers, None
        )


def flat(items: tuple[Any, ...]) -> Iterator[Any]:
    """The members of nested tuples: a tuple is passed as its members."""
    for item in items:
        if isinstance(item, tuple):
            yield from flat(item)
        else:
            yield item


def words(kind: str) -> tuple[str, ...]:
    """The kinds of the parameters that one argument takes."""
    axes = int(kind[:-1].partition("[")[2]) if kind.endswith("]") else 0
    return ("pointer", "pointer", "int64", "int64", "pointer", *("int64",) * (2 * axes)) if axes else (kind,)


def numbers(argument: Any) -> tuple[Any, ...]:
    """What is passed of one argument."""
    if argument is None:
        return (0,)
    if hasattr(argument, "words"):
        found: tuple[Any, ...] = argument.words()
        return found
    return (getattr(argument, "pointer", argument),)
