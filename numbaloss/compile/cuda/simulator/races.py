"""Finds races in simulated kernels: threads at one element, one of them writing, with no barrier between them.

What a thread does between two barriers is a stretch, and a thread's stretches are numbered. At a barrier each thread
comes to know what the others had done; two accesses are in order if the later thread knows the earlier one's stretch.
Whether they are does not depend on the order in which the simulator runs the threads, and where all are, no order
changes a result. Warp shuffles order nothing ("Warp Shuffle Functions" in the CUDA C++ Programming Guide); nothing
orders two blocks of a launch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(slots=True)
class Element:
    """Who has written an element of memory last, who has read it since, and in which stretches of theirs."""

    block: int
    writer: int = -1
    written: int = 0
    readers: dict[int, int] = field(default_factory=dict)
    abroad: bool = False  # read by earlier blocks too


class Knowledge:
    """The last stretch of each thread of a block that each of them knows of; of its own, the present one."""

    def __init__(self, block: int, threads: int) -> None:
        self.block = block
        self.table = np.eye(threads, dtype=np.int64)
        self.of: list[list[int]] = self.table.tolist()

    def share(self, threads: list[int]) -> None:
        """A barrier of some threads: each knows all that any of them knew, and begins a stretch."""
        together = self.table[threads].max(axis=0)
        for thread in threads:
            self.table[thread] = together
            self.table[thread, thread] += 1
            self.of[thread] = self.table[thread].tolist()


class Ledger:
    """The elements of memory that have been accessed."""

    def __init__(self) -> None:
        self.elements: dict[int, Element] = {}

    def read(self, address: int, thread: int, knowledge: Knowledge) -> str:
        """Note a read; says what it races with, if it does."""
        known = knowledge.of[thread]
        element = self.elements.get(address)
        if element is None:
            element = self.elements[address] = Element(knowledge.block)
        elif element.block != knowledge.block:
            if element.writer >= 0:
                return f"reads what block {element.block} wrote"
            element.block, element.abroad = knowledge.block, True
            element.readers.clear()
        elif element.writer >= 0 and element.written > known[element.writer]:
            return f"reads what thread {element.writer} wrote"
        element.readers[thread] = known[thread]
        return ""

    def write(self, address: int, thread: int, knowledge: Knowledge) -> str:
        """Note a write; says what it races with, if it does."""
        known = knowledge.of[thread]
        element = self.elements.get(address)
        if element is None:
            self.elements[address] = Element(knowledge.block, thread, known[thread])
            return ""
        if element.block != knowledge.block or element.abroad:
            return f"writes what block {element.block} or an earlier one accessed"
        if element.writer >= 0 and element.written > known[element.writer]:
            return f"writes what thread {element.writer} wrote"
        for reader, stretch in element.readers.items():
            if stretch > known[reader]:
                return f"writes what thread {reader} read"
        element.writer, element.written = thread, known[thread]
        element.readers.clear()
        return ""
