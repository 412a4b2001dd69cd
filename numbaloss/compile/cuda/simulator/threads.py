"""The threads of a grid: who runs, who waits, and what each knows of the others."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import greenlet
import numpy as np

from numbaloss.compile.cuda.simulator.races import Knowledge, Ledger

WARP = 32
ORDERS = ("ascending", "descending", "shuffled")


class SimulationError(RuntimeError):
    """A kernel did what a device would not forgive."""


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
    """The function and the line of the kernel that called a function of the simulator, so many frames ago."""
    frame = sys._getframe(depth)
    return frame.f_code.co_name, frame.f_lineno


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
