"""Runs CUDA kernels on the host, without a device: what makes their logic testable everywhere.

The threads of a block are greenlets that hand over only at barriers and warp operations, in a chosen order: ascending,
descending, or shuffled. Errors are: two threads at one element with no barrier between them, one of them writing (see
`races`); a barrier that not all threads reach; an access outside an array. Shared memory is poisoned with nan.

It needs the package `greenlet` (extra ``testing``), and neither a device nor a CUDA compiler.
"""

from __future__ import annotations

import random
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import greenlet
import numpy as np

from numbaloss.compile.bind import Specialiser
from numbaloss.compile.cuda.races import Knowledge, Ledger
from numbaloss.compile.primitives import PRIMITIVES

WARP = 32
ORDERS = ("ascending", "descending", "shuffled")


class SimulationError(RuntimeError):
    """A kernel did what a device would not forgive."""


class Pointer:
    """Device memory as a kernel sees it, with its bounds."""

    def __init__(self, cells: np.ndarray[Any, Any]) -> None:
        self.cells = cells
        self.start = cells.__array_interface__["data"][0]

    def __getitem__(self, i: Any) -> Any:
        place = self.checked(i)
        current().reads(self.start + place * self.cells.itemsize)
        return self.cells[place]

    def __setitem__(self, i: Any, value: Any) -> None:
        place = self.checked(i)
        current().writes(self.start + place * self.cells.itemsize)
        self.cells[place] = value

    def checked(self, i: Any) -> int:
        if not 0 <= i < self.cells.size:
            raise SimulationError(f"access to element {i} of an array of {self.cells.size}")
        return int(i)

    @property
    def size(self) -> int:
        return int(self.cells.size)

    def part(self, start: int, size: int) -> Pointer:
        """The memory of `size` elements."""
        if size:
            self.checked(start), self.checked(start + size - 1)
        return Pointer(self.cells[start : start + size])

    def check_aligned(self, i: int, width: int) -> None:
        address = self.cells.__array_interface__["data"][0] + int(i) * self.cells.itemsize
        if address % 16 or width * self.cells.itemsize != 16:
            raise SimulationError(f"16-byte access to element {i}, which is not aligned")

    def read(self, i: Any, storage: str) -> Any:
        """An element in the type of the arithmetic."""
        bits = self[i]
        if storage == "bfloat16":
            return np.uint32(int(bits) << 16).view(np.float32)
        return bits if storage == "float64" else np.float32(bits)

    def write(self, i: Any, value: Any, storage: str) -> None:
        if storage == "bfloat16":
            word = int(np.float32(value).view(np.uint32))
            rounded = 0x7FFF if np.isnan(value) else (word + 0x7FFF + ((word >> 16) & 1)) >> 16
            self[i] = np.uint16(rounded)
        else:
            self[i] = value


@dataclass
class Place:
    """A three-dimensional index or extent."""

    x: int
    y: int = 1
    z: int = 1


@dataclass
class Block:
    """One block of threads and its shared memory."""

    index: Place
    grid: Place
    threads: int
    memory: Ledger  # of the whole launch
    own: Ledger = field(default_factory=Ledger)  # of shared memory
    shared: dict[Any, Any] = field(default_factory=dict)
    slots: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.knowledge = Knowledge(self.index.x, self.threads)


class Wait(NamedTuple):
    """What a thread waits for: all threads of a scope ("block", or a mask of the warp's lanes) at one site."""

    scope: Any
    site: Any
    orders: bool  # whether what was written before is seen by all after


class Thread(greenlet.greenlet):  # type: ignore[misc]
    """One CUDA thread."""

    block: Block
    number: int
    waits: Wait | None = None

    def reads(self, address: int) -> None:
        """Of device memory."""
        self.check("", self.block.memory.read(address, self.number, self.block.knowledge))

    def writes(self, address: int) -> None:
        self.check("", self.block.memory.write(address, self.number, self.block.knowledge))

    def reads_shared(self, address: int) -> None:
        self.check("shared ", self.block.own.read(address, self.number, self.block.knowledge))

    def writes_shared(self, address: int) -> None:
        self.check("shared ", self.block.own.write(address, self.number, self.block.knowledge))

    def check(self, kind: str, clash: str) -> None:
        if clash:
            name, line = caller(4)
            raise SimulationError(
                f"race in {kind}memory: thread {self.number} {clash} with no barrier between, in {name}, line {line}"
            )


def current() -> Thread:
    thread: Thread = greenlet.getcurrent()
    return thread


def wait(scope: Any, site: Any, orders: bool) -> None:
    """Hand over until every thread of the scope has come here."""
    thread = current()
    thread.waits = Wait(scope, site, orders)
    thread.parent.switch()
    thread.waits = None


def caller(depth: int = 2) -> tuple[str, int]:
    """The function and the line of the kernel that called a function of this module."""
    frame = sys._getframe(depth)
    return frame.f_code.co_name, frame.f_lineno


class Shared:
    """Stands in for `cuda.shared`."""

    def array(self, shape: Any, dtype: Any, alignment: int = 0) -> Any:
        memory, site = current().block.shared, caller()
        if site not in memory:
            memory[site] = SharedMemory(poisoned(shape, dtype))
        return memory[site]


class Local:
    """Stands in for `cuda.local`."""

    def array(self, shape: Any, dtype: Any) -> Any:
        return Memory(poisoned(shape, dtype))


def poisoned(shape: Any, dtype: Any) -> np.ndarray[Any, Any]:
    """Memory nobody has written to: nan, or a number no index may be."""
    kind = np.dtype(dtype)
    return np.full(shape, np.nan if kind.kind == "f" else np.iinfo(kind).max, kind)


class Memory:
    """Local memory, or an array with its shape: a device does not take index -1 for the last element."""

    def __init__(self, cells: np.ndarray[Any, Any]) -> None:
        self.cells = cells
        self.axes = list(zip(cells.shape, cells.strides, strict=True))

    def __getitem__(self, index: Any) -> Any:
        self.offset(index)
        found = self.cells[index]
        return Memory(found) if isinstance(found, np.ndarray) else found

    def __setitem__(self, index: Any, value: Any) -> None:
        self.offset(index)
        self.cells[index] = value

    def __len__(self) -> int:
        return len(self.cells)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    @property
    def ndim(self) -> int:
        return self.cells.ndim

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.cells.shape)

    @property
    def size(self) -> int:
        return self.cells.size

    def offset(self, index: Any) -> int:
        """How far an element is from the first, in bytes; the element is there."""
        given = index if isinstance(index, tuple) else (index,)
        if len(given) > len(self.axes):
            raise SimulationError(f"access to element {index} of memory of shape {self.shape}")
        total = 0
        for i, (length, step) in zip(given, self.axes, strict=False):
            if isinstance(i, slice):
                i = 0  # of a part of the memory; its elements are looked at on their own
            elif not 0 <= i < length:
                raise SimulationError(f"access to element {index} of memory of shape {self.shape}")
            total += i * step
        return total


class SharedMemory(Memory):
    """Memory that a block's threads share."""

    def __init__(self, cells: np.ndarray[Any, Any]) -> None:
        super().__init__(cells)
        self.start = cells.__array_interface__["data"][0]

    def __getitem__(self, index: Any) -> Any:
        address = self.start + self.offset(index)
        found = self.cells[index]
        if isinstance(found, np.ndarray):
            return SharedMemory(found)
        current().reads_shared(address)
        return found

    def __setitem__(self, index: Any, value: Any) -> None:
        current().writes_shared(self.start + self.offset(index))
        self.cells[index] = value


class Cuda:
    """Stands in for the module `cuda` inside a kernel."""

    shared, local = Shared(), Local()
    threadIdx = property(lambda self: Place(current().number))  # noqa: N815
    blockIdx = property(lambda self: current().block.index)  # noqa: N815
    gridDim = property(lambda self: current().block.grid)  # noqa: N815

    def syncthreads(self) -> None:
        wait("block", caller(), orders=True)

    def syncwarp(self, mask: int = 0xFFFFFFFF) -> None:
        wait(int(mask), caller(), orders=True)

    def shfl_xor_sync(self, mask: int, value: Any, flip: int) -> Any:
        """The value of the thread of the warp whose number differs in the bits of `flip`."""
        return self.exchanged(mask, value, lambda lane: lane ^ flip)

    def shfl_up_sync(self, mask: int, value: Any, distance: int) -> Any:
        return self.exchanged(mask, value, lambda lane: lane - distance if lane >= distance else lane)

    def exchanged(self, mask: int, value: Any, source: Callable[[int], int]) -> Any:
        thread, site = current(), caller(3)
        slots, first = thread.block.slots, thread.number - thread.number % WARP
        slots[thread.number] = value
        wait(int(mask), site, orders=False)
        received = slots.get(first + source(thread.number % WARP), value)
        wait(int(mask), (site, "received"), orders=False)
        return received


CUDA = Cuda()


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


def launch(
    kernel: Callable[..., Any], blocks: int, threads: int, arguments: Sequence[Any], order: str = "ascending"
) -> None:
    """Run a bound kernel over a grid, block after block; arrays among the arguments are pointers."""
    grid, memory, source = Place(blocks), Ledger(), random.Random(0)

    def ordered(items: Sequence[Any]) -> Sequence[Any]:
        if order == "shuffled":
            return source.sample(items, len(items))
        return items[::-1] if order == "descending" else items

    def body() -> None:
        with np.errstate(all="ignore"):  # of each greenlet's own
            kernel(*arguments)

    for index in ordered(range(blocks)):
        run_block(Block(Place(index), grid, threads, memory), body, ordered)


def run_block(block: Block, body: Callable[[], None], ordered: Callable[[Sequence[Any]], Sequence[Any]]) -> None:
    """Switch among a block's threads until all have ended."""
    threads = []
    for number in range(block.threads):
        thread = Thread(body)
        thread.block, thread.number = block, number
        threads.append(thread)
    while threads:
        advance(threads, ordered)
        threads = [thread for thread in threads if not thread.dead]
        waits = {thread.waits for thread in threads}
        if any(wait is None or wait.scope != "block" for wait in waits):
            raise SimulationError(f"deadlock; threads wait at {sorted(map(str, waits))}")
        if len(waits) > 1 or 0 < len(threads) < block.threads:
            raise SimulationError(f"threads wait at different barriers, or some have ended: {sorted(map(str, waits))}")
        release(block, threads)


def advance(threads: list[Thread], ordered: Callable[[Sequence[Any]], Sequence[Any]]) -> None:
    """Run threads until all of them have ended or wait for the block."""
    while True:
        for thread in ordered(threads):
            if thread.waits is None and not thread.dead:
                thread.switch()
        if not release_warps([thread for thread in threads if not thread.dead]):
            return


def release_warps(threads: list[Thread]) -> bool:
    """Let go the threads whose warp operation is complete; whether there were any."""
    released = False
    for warp in warps(threads):
        lanes = min(WARP, warp[0].block.threads)
        for mask in sorted({thread.waits.scope for thread in warp if thread.waits and thread.waits.scope != "block"}):
            group = [thread for thread in warp if mask >> thread.number % WARP & 1]
            sites = {thread.waits for thread in group}
            if len(sites) == 1 and (wait := next(iter(sites))) is not None and wait.scope == mask:
                if len(group) < (mask & ((1 << lanes) - 1)).bit_count():
                    raise SimulationError(f"a warp operation that not all threads of the warp reach: {wait.site}")
                release(warp[0].block, group)
                released = True
    return released


def release(block: Block, threads: list[Thread]) -> None:
    """Let threads go on that have all come to one place."""
    if threads and threads[0].waits and threads[0].waits.orders:
        block.knowledge.share([thread.number for thread in threads])
    for thread in threads:
        thread.waits = None


def warps(threads: list[Thread]) -> Iterator[list[Thread]]:
    """The running threads, warp by warp."""
    groups: dict[int, list[Thread]] = {}
    for thread in threads:
        groups.setdefault(thread.number // WARP, []).append(thread)
    yield from groups.values()
