"""Losses of all pairs of vectors on a device: sweeps over tiles of cosines, of which none stays in memory.

What they take besides the gradients is bounded, whatever the number N of vectors: up to 16 MiB of slopes (32 in
float64; at least 64 rows of N), 8 of parts of their products, 1 of what blocks found about rows, and ten numbers a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from numbaloss.arrays.device import DeviceArray
from numbaloss.compile import render
from numbaloss.compile.cuda.kernel import WARP, Kernel, common
from numbaloss.kernels.cuda.product import TILE
from numbaloss.structures.cuda.call import Call, Mass
from numbaloss.structures.cuda.product import SCRATCH, Factor, filled, multiplied, splits, up
from numbaloss.structures.cuda.vectors import Vectors


@dataclass
class Pairs:
    """One direction: vectors, what they are compared with, and who belongs to whom."""

    call: Call
    rows: Vectors
    columns: Vectors
    scale: DeviceArray  # one number
    labels: tuple[DeviceArray, int, int] | None = None
    bias: DeviceArray | None = None

    @property
    def turned(self) -> Pairs:
        return Pairs(self.call, self.columns, self.rows, self.scale, self.labels, self.bias)

    @property
    def splits(self) -> int:
        return splits(self.rows.count, self.columns.count)

    @property
    def sides(self) -> tuple[Any, ...]:
        """How kernels that sweep over all rows take them."""
        rows, columns = self.rows, self.columns
        return rows.factor.argument, rows.count, columns.factor.argument, columns.count, rows.width, self.scale

    @cached_property
    def fills(self) -> dict[str, Any]:
        return filled(self.rows.factor, self.columns.factor)

    def kernel(self, template: Any, linked: bool = False) -> Kernel:
        """A sweep of the losses of this kind, or one that calls the mathematics of this loss."""
        loss: Any = self.call.loss
        facts = loss.definition
        holes = {**self.fills, "INCLUSIVE": facts.facts["rivals"] == "others"}
        holes["PER_PAIR"] = facts.facts["per"] == "pair"
        if not linked:
            return common(template, self.call.storage, **holes)
        link = render.link(facts.maths, ("gap",), loss._hyper[0])
        return self.call.kernel(template, tuple(self.fills.values()), link=link, **holes)

    @cached_property
    def params(self) -> tuple[float, ...]:
        loss: Any = self.call.loss
        return tuple(float(number) for number in loss._hyper[1])

    def chunk(self, whole: bool) -> int:
        """How many rows are dealt with at a time: all, or as many as there is memory for slopes."""
        return self.rows.count if whole else max(TILE, SCRATCH // max(1, self.pitch) // TILE * TILE)

    @property
    def pitch(self) -> int:
        """The length of a line of slopes: that of aligned vectors."""
        return up(self.columns.count, 4) * 4

    def chunks(self, size: int) -> Iterator[tuple[int, int, int]]:
        """The number, the first row and the end of each chunk."""
        for number, first in enumerate(range(0, self.rows.count, max(1, size))):
            yield number, first, min(first + size, self.rows.count)

    def project(self, slopes: DeviceArray, first: int, end: int, share: float, mass: Mass, out: DeviceArray) -> None:
        """Launch what makes of slopes by the scores of some rows the gradient by their vectors."""
        from numbaloss.kernels.cuda.vectors import project

        call, rows, columns = self.call, self.rows, self.columns
        left = Factor(slopes, end - first, self.pitch)
        partials, parts = multiplied(
            call, left, end - first, columns.factor.transposed(), columns.width, columns.count
        )
        call.door.launch(
            common(project, call.storage, LANES=WARP), call.blocks((end - first) * WARP), first, end, rows.width,
            partials, parts, rows.array, rows.rates, self.scale, share, mass.partials, mass.parts, 0.0, out,
        )


def factor_of(call: Call, mass: Mass, batch: int) -> tuple[float, Mass]:
    """What slopes are multiplied by, and the sums they are divided by; where these are 0, nothing pulls."""
    if call.loss.reduction == "mean" and mass.partials is not None:
        return 1.0, mass
    return (call.loss._scale(mass.known, batch) if mass.known or mass.partials is not None else 0.0), Mass()
