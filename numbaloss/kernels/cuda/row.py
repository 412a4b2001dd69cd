"""One row of a class axis, shared by the lanes of a group, and how a lane reads and writes its elements.

Rows lie one after the other, `stride` elements apart (`positions` is None), or side by side as planes of `positions`
elements, one plane a class. A lane takes `RUN` neighbouring classes at a time. It keeps all of its classes in
registers where they are at most `VECTORS` runs; rows too long for that are read once more (`VECTORS` is 0). Rows that
do not all begin where 16 bytes can be read at once are `SHIFTED`: runs begin there, the first and last ones in part
outside of the row.
"""

from __future__ import annotations

from typing import Any

from numba import cuda, int64

from numbaloss.kernels.cuda.device import THREADS, WIDTH, load, store
from numbaloss.kernels.cuda.group import LANES, lane

RUN = 1  # open name: classes that a lane takes together, 1 or WIDTH
VECTORS = 1  # open name: runs that a lane keeps
HELD = 1  # open name: elements in a lane's registers, VECTORS * RUN, or RUN where nothing is kept
SHIFTED = False  # open name: whether runs are moved to where 16 bytes can be read at once
TILE = 1  # open name: elements of shared memory for `THREADS` whole rows


def take(pointer: Any, i: Any, held: Any, k: Any) -> None:
    """Open name: reads a run from element `i` on into ``held[k:]``."""
    raise NotImplementedError


def put(pointer: Any, i: Any, held: Any, k: Any) -> None:
    """Open name: writes a run from element `i` on, what ``held[k:]`` holds."""
    raise NotImplementedError


def fetch(pointer: Any, i: Any) -> Any:
    """Open name: one element of a row."""
    raise NotImplementedError


def place(pointer: Any, i: Any, value: Any) -> None:
    """Open name: writes one element of a row."""
    raise NotImplementedError


def take_wide(pointer: Any, i: Any, held: Any, k: Any) -> None:
    """Open name: reads WIDTH elements of device memory from element `i` on into ``held[k:]``."""
    raise NotImplementedError


def put_wide(pointer: Any, i: Any, held: Any, k: Any) -> None:
    """Open name: writes WIDTH elements to device memory."""
    raise NotImplementedError


def begin(row, stride, positions):  # type: ignore[no-untyped-def]
    """Where a row begins."""
    if positions is None:
        return row * stride
    return row // positions * stride + row % positions


def along(c, positions):  # type: ignore[no-untyped-def]
    """How far class `c` is from the beginning of its row."""
    if positions is None:
        return c
    return c * positions


def first_run(at):  # type: ignore[no-untyped-def]
    """The class that this lane's first run begins with, in a row that begins at `at`; the next is LANES * RUN further."""
    if SHIFTED:
        return lane() * RUN - at % RUN
    return int64(lane()) * RUN


def within(step, low, room):  # type: ignore[no-untyped-def]
    """Whether the class `step` after a run's first belongs to the row: that run begins `low` before the row (if it is
    `SHIFTED`) and `room` before its end."""
    if SHIFTED:
        return step < room and step >= low
    return step < room


def owns(c, at):  # type: ignore[no-untyped-def]
    """Whether class `c` falls to this lane."""
    return (c - first_run(at)) // RUN % LANES == 0


def take_run(pointer, at, c, classes, positions, held, k):  # type: ignore[no-untyped-def]
    """Reads the run that begins with class `c` into ``held[k:]``; what is outside of the row stays as it is."""
    if SHIFTED and (c < 0 or c + RUN > classes):
        for w in range(RUN):
            if c + w >= 0 and c + w < classes:
                held[k + w] = fetch(pointer, at + (c + w))
    elif c < classes:
        take(pointer, at + along(c, positions), held, k)


def put_run(pointer, at, c, classes, positions, held, k):  # type: ignore[no-untyped-def]
    """Writes the run that begins with class `c`."""
    if SHIFTED and (c < 0 or c + RUN > classes):
        for w in range(RUN):
            if c + w >= 0 and c + w < classes:
                place(pointer, at + (c + w), held[k + w])
    elif c < classes:
        put(pointer, at + along(c, positions), held, k)


def fill(value, classes, to, positions, held, output):  # type: ignore[no-untyped-def]
    """Writes the same number to every class of a row; nothing for None."""
    if output is not None:
        for w in range(RUN):
            held[w] = value
        for c in range(first_run(to), classes, LANES * RUN):
            put_run(output, to, c, classes, positions, held, 0)


def weight_of(row, weights, row_weights, spread, label):  # type: ignore[no-untyped-def]
    """The product of the weights of a row: of its class, and its own, which `spread` rows have in common."""
    weight = 1.0
    if weights is not None:
        weight = weights[label]
    if row_weights is not None:
        weight = weight * row_weights[row // spread]
    return weight


# ---- many small rows at once: they pass through shared memory, so that neighbouring threads read neighbouring memory


def apart(i):  # type: ignore[no-untyped-def]
    """Where element `i` lies in shared memory: rows of 2, 4, 8 ... elements would else fall on the same banks."""
    return i + i // 32


def take_shared(tile, i, held, k):  # type: ignore[no-untyped-def]
    """`take` from shared memory."""
    held[k] = tile[apart(i)]


def put_shared(tile, i, held, k):  # type: ignore[no-untyped-def]
    """`put` to shared memory."""
    tile[apart(i)] = held[k]


def fetch_shared(tile, i):  # type: ignore[no-untyped-def]
    return tile[apart(i)]


def place_shared(tile, i, value):  # type: ignore[no-untyped-def]
    tile[apart(i)] = value


def bring(source, origin, n, tile, strip):  # type: ignore[no-untyped-def]
    """Copies `n` elements of device memory from `origin` on into shared memory."""
    i = cuda.threadIdx.x * WIDTH
    while i + WIDTH <= n:
        take_wide(source, origin + i, strip, 0)
        for w in range(WIDTH):
            tile[apart(i + w)] = strip[w]
        i += THREADS * WIDTH
    while i < n:  # the last elements, by the one thread that they fall to
        tile[apart(i)] = load(source, origin + i)
        i += 1
    cuda.syncthreads()


def send(tile, n, target, origin, strip):  # type: ignore[no-untyped-def]
    """Copies `n` elements of shared memory to device memory; nothing for None."""
    cuda.syncthreads()
    if target is not None:
        i = cuda.threadIdx.x * WIDTH
        while i + WIDTH <= n:
            for w in range(WIDTH):
                strip[w] = tile[apart(i + w)]
            put_wide(target, origin + i, strip, 0)
            i += THREADS * WIDTH
        while i < n:
            store(target, origin + i, tile[apart(i)])
            i += 1
    cuda.syncthreads()  # before anyone writes to the tile again
