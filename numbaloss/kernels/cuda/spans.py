"""Rows that the lanes of a group hold in registers: a whole row, or, where rows are long, one span of it after another.

A lane holds `HELD` elements, in runs of `WIDTH` that lie side by side, as 16 bytes are read. What it holds beyond the
end of a row means nothing.
"""

from __future__ import annotations

from typing import Any

from numbaloss.kernels.cuda.device import WIDTH, load, load_vector, store, store_vector
from numbaloss.kernels.cuda.group import LANES, lane

HELD = 4  # open name: elements that a lane holds, a multiple of WIDTH
WHOLE = True  # open name: whether a group holds a whole row, which is then read once


def pack(values: Any, k: Any) -> Any:
    """Open name: the tuple of `WIDTH` values from `k` on."""
    raise NotImplementedError


def spans(width):  # type: ignore[no-untyped-def]
    """How many spans a row has."""
    return 1 if WHOLE else (width + LANES * HELD - 1) // (LANES * HELD)


def column(span, k):  # type: ignore[no-untyped-def]
    """Where in its row the element lies that this lane holds as its number `k`."""
    return ((span * (HELD // WIDTH) + k // WIDTH) * LANES + lane()) * WIDTH + k % WIDTH


def fetch(source, start, span, width, held):  # type: ignore[no-untyped-def]
    """Read this lane's elements of a span of the row that begins at `start`."""
    if WIDTH == 1:
        for k in range(HELD):
            place = column(span, k)
            if place < width:
                held[k] = load(source, start + place)
    else:
        for v in range(HELD // WIDTH):
            place = column(span, v * WIDTH)
            if place < width:
                values = load_vector(source, start + place)
                for k in range(WIDTH):
                    held[v * WIDTH + k] = values[k]


def write(target, start, span, width, held):  # type: ignore[no-untyped-def]
    """Write this lane's elements of a span."""
    if WIDTH == 1:
        for k in range(HELD):
            place = column(span, k)
            if place < width:
                store(target, start + place, held[k])
    else:
        for v in range(HELD // WIDTH):
            place = column(span, v * WIDTH)
            if place < width:
                store_vector(target, start + place, pack(held, v * WIDTH))
