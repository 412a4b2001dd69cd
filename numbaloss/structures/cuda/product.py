"""Products of matrices on a device: their factors, and the launches that make and add them up.

All products are by a kernel of our own, `kernels.cuda.product`: those of the array libraries differ in the last bits
from library to library and from device to device, and would need a matrix of all pairs in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from numbaloss.arrays.device import DeviceArray
from numbaloss.compile.cuda.kernel import common
from numbaloss.compile.cuda.memory import STORAGES, accessors
from numbaloss.kernels.cuda import product as kernels
from numbaloss.kernels.cuda.product import STEP, TILE
from numbaloss.structures.cuda.call import Call

SPREAD = 512  # blocks from which a device of today is busy; work is split further up to that many
SHARE = 256  # least terms of a part of a sum
SCRATCH = 1 << 22  # elements of slopes that are in memory at a time

single = cache(kernels.single)


@dataclass(frozen=True)
class Factor:
    """A matrix as a factor; `across`: transposed."""

    memory: DeviceArray  # contiguous
    lines: int
    length: int
    pitch: int = 0  # from one line to the next, if not `length`
    rates: DeviceArray | None = None  # that lines are multiplied by
    centre: DeviceArray | None = None  # that is taken off every line
    across: bool = False

    @property
    def argument(self) -> tuple[Any, ...]:
        """The factor as kernels take it."""
        return self.memory, self.pitch or self.length, self.lines, self.length, self.rates, self.centre

    @property
    def fill(self) -> Callable[..., Any]:
        """What brings a part of it into a block's memory: 16 bytes at a time where the lines allow that."""
        width, read = STORAGES[self.memory.kind].width, accessors(self.memory.kind)
        way = kernels.across if self.across else kernels.along
        if self.memory.aligned and (self.pitch or self.length) % width == 0 and self.length % width == 0:
            return way(read["load_vector"], width)
        return way(single(read["load"]), 1)

    def transposed(self) -> Factor:
        return Factor(self.memory, self.lines, self.length, self.pitch, self.rates, self.centre, not self.across)


def up(count: int, unit: int) -> int:
    """How many units hold `count`."""
    return -(-count // unit)


def splits(rows: int, columns: int) -> int:
    """How many blocks share the tiles of one line of tiles."""
    return max(1, min(up(columns, TILE), SPREAD // max(1, up(rows, TILE))))


def grid(rows: int, columns: int) -> int:
    """The blocks of a sweep over all tiles."""
    return up(rows, TILE) * splits(rows, columns)


def filled(left: Factor, right: Factor, gain: Any = kernels.times) -> dict[str, Any]:
    """The open names of a kernel that makes tiles of a product."""
    return {"fill_left": left.fill, "fill_right": right.fill, "gain": gain}


def multiplied(
    call: Call, left: Factor, rows: int, right: Factor, columns: int, terms: int, bias: DeviceArray | None = None,
    target: DeviceArray | None = None, begun: bool = False,
) -> tuple[DeviceArray, int]:  # fmt: skip
    """Launch ``left @ right.T + bias``: its sums over parts of the terms, and how many parts there are.

    A single part is written to `target` if that is given, or added if it was `begun`.
    """
    tiles = up(rows, TILE) * up(columns, TILE)
    parts = max(1, min(up(terms, SHARE), SPREAD // max(1, tiles)))
    share = max(1, up(up(terms, parts), STEP)) * STEP
    parts = max(1, up(terms, share))
    direct = target is not None and parts == 1
    partials = target if target is not None and direct else call.scratch(parts, rows, columns)
    if tiles:
        kernel = common(kernels.multiply, call.storage, **filled(left, right))
        call.door.launch(
            kernel, tiles * parts, left.argument, rows, right.argument, columns, terms, share, bias,
            int(begun and direct), partials,
        )
    return partials, parts


def added(
    call: Call, target: DeviceArray, left: Factor, rows: int, right: Factor, columns: int, terms: int,
    begun: bool = False, bias: DeviceArray | None = None,
) -> None:  # fmt: skip
    """Launch what makes `target` the product, in the type of the arithmetic, or adds that if it was `begun`."""
    partials, parts = multiplied(call, left, rows, right, columns, terms, bias, target, begun)
    if partials is not target and target.size:
        kernel = common(kernels.accumulate, call.storage)
        call.door.launch(kernel, call.blocks(target.size), target.size, partials, parts, int(begun), target)


def part(array: DeviceArray, first: int, end: int) -> DeviceArray:
    """Some of the lines of a contiguous array."""
    step = array.strides[0] * array.item_size
    return replace(array, pointer=array.pointer + first * step, shape=(end - first, *array.shape[1:]))
