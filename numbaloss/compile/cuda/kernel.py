"""Binds a CUDA template to the mathematics of one loss, and compiles it to PTX, with or without a device.

The binding is that of the CPU (`compile.bind`): copies of plain functions, open names filled, literals typed. What
differs is what a primitive means, that memory is reached through `memory`, and that helpers become device functions.
For the simulator the very same copies stay plain Python.
"""

from __future__ import annotations

import hashlib
import re
import threading
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

from numbaloss.compile import kernel_files
from numbaloss.compile.bind import Specialiser
from numbaloss.compile.cuda import primitives
from numbaloss.compile.cuda.arithmetic import operations
from numbaloss.compile.cuda.memory import STORAGES, accessors
from numbaloss.compile.cuda.unroll import written_out
from numbaloss.compile.digest import digest
from numbaloss.compile.primitives import PRIMITIVES

Function = Callable[..., Any]
Kinds = tuple[Any, ...]  # of a kernel's arguments: "float32*", "float32[2]", "int64", "none", or a tuple of such

WARP = 32
THREADS = 256  # of a block, unless a kernel asks for another number
MOST_BLOCKS = 2048  # of a grid: enough for any device of today, and the same for all, so that sums have the same bits
_COMPILING = threading.Lock()


class Kernel:
    """One template with the mathematics it calls, for one storage type; compiled for each signature and device.

    `holes` give the template's open names their meaning. It may also read `real` (the type of the arithmetic),
    `THREADS`, `WARPS`, `WIDTH` (elements in 16 bytes) and the functions of `memory` and `arithmetic`.
    """

    def __init__(self, template: Function, storage: str, label: str, threads: int = THREADS, **holes: Any) -> None:
        self.template, self.label, self.threads = template, label, threads
        self.storage = STORAGES[storage]
        self.holes = {
            "THREADS": threads,
            "WARPS": threads // WARP,
            "WIDTH": self.storage.width,
            **accessors(storage),
            **operations(storage),
            **holes,
        }

    @cached_property
    def plain(self) -> Function:
        """The bound kernel as an ordinary function, for the simulator."""
        from numbaloss.compile.cuda.simulator import SimulatedSpecialiser

        return SimulatedSpecialiser(self.storage.real, self.holes).copy(self.template)

    @cached_property
    def copy(self) -> types.FunctionType:
        """The bound kernel for the compiler."""
        return DeviceSpecialiser(self.storage.real, self.holes).copy(self.template)

    @cached_property
    def content(self) -> str:
        """The digest of all that the kernel computes with."""
        return digest(self.copy)

    @cached_property
    def entry(self) -> str:
        """The kernel's name on the device, which tells it from every other."""
        name = f"{self.template.__name__}_{self.label}_{self.storage.name}_{self.threads}_{self.content[:16]}"
        return re.sub(r"\W", "_", name)

    def compiled(self, kinds: Kinds, capability: tuple[int, int]) -> tuple[str, bytes]:
        """The entry's name and the PTX for arguments of these kinds, from the disk or compiled and stored there."""
        cuda = toolchain()
        key = f"ptx {self.entry} {self.content} {kinds} {capability} {versions()}"
        name = f"{self.entry[:80]}-{hashlib.sha256(key.encode()).hexdigest()[:24]}.nlk"
        stored = kernel_files.find(name, key)
        kernel_files.statistics.hits += stored is not None
        kernel_files.statistics.misses += stored is None
        if stored is None:
            with _COMPILING, told_capability(capability):
                text, _ = cuda.compile(self.copy, signature(kinds), cc=capability, device=False, abi="numba")
            stored = renamed(text if isinstance(text, str) else text.decode(), self.entry, self.threads).encode()
            kernel_files.statistics.stores += kernel_files.put(name, key, stored)
        return self.entry, stored


@cache
def common(template: Function, storage: str, **holes: Any) -> Kernel:
    """A kernel that is the same for every loss."""
    return Kernel(template, storage, "common", **holes)


def grid(items: int, threads: int = THREADS) -> int:
    """Blocks for a thread for each item, up to the most that a grid has."""
    return max(1, min(MOST_BLOCKS, -(-items // threads)))


class DeviceSpecialiser(Specialiser):
    """Copies functions for one dtype on a CUDA device: helpers become device functions."""

    shortcuts: Mapping[str, Any] = {}

    def __init__(self, dtype: np.dtype[Any], holes: Mapping[str, Any]) -> None:
        import numba.types

        super().__init__(dtype, {**holes, "real": getattr(numba.types, dtype.name)})

    def copy(self, function: Function) -> types.FunctionType:
        if isinstance(function, types.FunctionType) and hasattr(function, "unrolled"):
            function = written_out(function, self.holes)
        return super().copy(function)

    def rebound(self, name: str, value: Any) -> Any:
        value = self.holes.get(name, value)
        if type(value) is float:
            return self.dtype.type(value)
        return self.compiled(value) if isinstance(value, types.FunctionType) else value

    def compiled(self, function: Function) -> Function:
        if function not in self.done:
            name = function.__name__
            if PRIMITIVES.get(name) is function:
                self.done[function] = self.compiled(getattr(primitives, f"cuda_{name}"))
            else:
                self.done[function] = self.jitted(self.copy(function))
        return self.done[function]

    def jitted(self, copy: types.FunctionType) -> Function:
        device_function: Function = toolchain().jit(device=True)(copy)
        return device_function


# ---- the compiler


class NoCudaError(RuntimeError):
    """CUDA kernels cannot be compiled or run here; the message says what is missing."""


@cache
def toolchain() -> Any:
    """The module `numba.cuda` of NVIDIA's package; NoCudaError that names the remedy where there is none."""
    if not hasattr(np, "row_stack"):  # NumPy 2.5 removed the name, and numba-cuda reads it as it compiles
        np.row_stack = np.vstack
    try:
        import _numba_cuda_redirector  # noqa: F401  # else run by a .pth file only
    except ImportError:
        raise NoCudaError("CUDA kernels need numba-cuda: pip install 'numbaloss[cuda]'") from None
    from numba import cuda

    if getattr(cuda, "implementation", "") != "NVIDIA":
        raise NoCudaError(
            "numba.cuda was imported before numba-cuda could take its place, so it is Numba's own, which is no longer "
            "maintained: import numbaloss before it, or reinstall numba-cuda so that its .pth file is read"
        )
    return cuda


@cache
def versions() -> str:
    """What the PTX depends on besides its source."""
    import numba
    import numba_cuda

    return f"numba {numba.__version__} numba-cuda {numba_cuda.__version__} numpy {np.__version__}"


@contextmanager
def told_capability(capability: tuple[int, int]) -> Iterator[None]:
    """The compiler asks the current device what it compiles for; here it is told, so that none is needed."""
    from numba.cuda import dispatcher

    asked = dispatcher.get_current_device
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=capability)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        dispatcher.get_current_device = asked


def renamed(ptx: str, entry: str, threads: int) -> str:
    """The PTX with a short entry name and without Numba's environment object, which only a host needs.

    Large blocks are given no more registers than a multiprocessor has. (Their size, `.maxntid`, would say the same, but
    the assembler then keeps numbers in memory only to run more blocks at a time.)
    """
    found = re.search(r"\.visible \.entry (\w+)\(", ptx)
    assert found is not None
    lines = [line for line in ptx.rstrip("\0").splitlines() if "NumbaEnv" not in line]
    text = "\n".join(lines).replace(found.group(1), entry) + "\n"
    return text if threads <= 256 else text.replace("\n)\n{", f"\n)\n.maxnreg {65536 // threads}\n{{", 1)


def signature(kinds: Kinds) -> Any:
    from numba import types

    return types.void(*(numba_type(kind) for kind in kinds))


def numba_type(kind: Any) -> Any:
    """Numba's type for one kind of argument: arrays are bare pointers, or come with so many lengths of axes."""
    from numba import types

    if isinstance(kind, tuple):
        return types.Tuple([numba_type(item) for item in kind])
    if kind == "none":
        return types.none
    if kind.endswith("]"):
        element, _, axes = kind[:-1].partition("[")
        return types.Array(numba_type(element), int(axes), "C")
    if kind.endswith("*"):
        return types.CPointer(numba_type(kind[:-1]))
    return getattr(types, kind)
