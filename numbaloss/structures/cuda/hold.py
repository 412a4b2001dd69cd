"""How groups of lanes hold rows in registers: the open names of `kernels.cuda.spans`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numbaloss.arrays.device import DeviceArray
from numbaloss.compile.cuda import render
from numbaloss.compile.cuda.kernel import THREADS, WARP
from numbaloss.compile.cuda.memory import STORAGES

MOST_BYTES = 64  # of a row that a lane holds in registers


@dataclass(frozen=True)
class Hold:
    """How a group of lanes holds rows of one width."""

    lanes: int
    held: int  # elements of a row in each lane
    width: int  # elements read at once
    whole: bool  # whether that is all of a row

    @staticmethod
    def chosen(
        storage: str, width: int, arrays: Sequence[DeviceArray], least: int = 1, steps: Sequence[int] = ()
    ) -> Hold:
        """For rows of `width` elements of these arrays, `steps` apart, with at least so many lanes."""
        kind = STORAGES[storage]
        even = all(step % kind.width == 0 for step in (width, *steps))
        together = kind.width if even and all(one.aligned for one in arrays) else 1
        item_size = kind.real.itemsize
        runs, most = -(-width // together), MOST_BYTES // item_size // together
        few = max(least, power_above(-(-2 * runs // most)))  # lanes that hold half of what they can
        for lanes in (min(few, WARP), THREADS):
            if runs <= lanes * most:
                return Hold(lanes, together * power_above(-(-runs // lanes)), together, True)
        return Hold(THREADS, together * most, together, False)

    @property
    def holes(self) -> dict[str, Any]:
        return {
            "LANES": self.lanes, "HELD": self.held, "WIDTH": self.width, "WHOLE": self.whole,
            "pack": render.pack(self.width),
        }  # fmt: skip


def power_above(number: int) -> int:
    """The least power of two that is not below."""
    return 1 << (number - 1).bit_length()
