"""What stands in for the module `cuda` inside a simulated kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numbaloss.compile.cuda.simulator.memory import Memory, SharedMemory, poisoned
from numbaloss.compile.cuda.simulator.threads import WARP, Place, caller, current, wait


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
