"""Runs CUDA kernels on the host, without a device: what makes their logic testable everywhere.

The threads of a block are greenlets that hand over only at barriers and warp operations, in a chosen order: ascending,
descending, or shuffled. Errors are: two threads at one element with no barrier between them, one of them writing (see
`races`); a barrier that not all threads reach; an access outside an array. Shared memory is poisoned with nan.

It needs the package `greenlet` (extra ``testing``), and neither a device nor a CUDA compiler.
"""

from __future__ import annotations

from numbaloss.compile.cuda.simulator.memory import Memory, Pointer
from numbaloss.compile.cuda.simulator.specialise import SimulatedSpecialiser
from numbaloss.compile.cuda.simulator.threads import ORDERS, SimulationError, launch

__all__ = ["ORDERS", "Memory", "Pointer", "SimulatedSpecialiser", "SimulationError", "launch"]
