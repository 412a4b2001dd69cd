"""One row of a class axis, shared by the lanes of a group, and how a lane reads and writes its elements.

Rows lie one after the other, `stride` elements apart (`positions` is None), or side by side as planes of `positions`
elements, one plane a class. A lane takes `RUN` neighbouring classes at a time, and keeps `VECTORS` such runs in
registers: the whole row, or one part of it after the other. Rows that do not all begin where 16 bytes can be read at
once are `SHIFTED`: runs begin there, the first and last ones in part outside of the row.
"""

from __future__ import annotations

from typing import Any

from numba import cuda, int32, int64

from numbaloss.kernels.cuda.device import THREADS, WIDTH, load, store
from numbaloss.kernels.cuda.group import LANES, lane

RUN = 1  # open name: classes that a lane takes together, 1 or WIDTH
VECTORS = 1  # open name: runs that a lane keeps
HELD = 1  # open name: elements in a lane's registers, VECTORS * RUN
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
    """The class that this lane's first run begins with, in a row that begins at `at`; the next: LANES * RUN further."""
    if SHIFTED:
        return lane() * RUN - at % RUN
    return int64(lane()) * RUN


def within(step, low, room):  # type: ignore[no-untyped-def]
    """Whether the class `step` after the lane's first one belongs to the row.

    The row begins `low` after that class (which matters if `SHIFTED`), and ends `room` after it.
    """
    if SHIFTED:
        return int32(step) < room and int32(step) >= low
    return int32(step) < room


def owns(c, at):  # type: ignore[no-untyped-def]
    """Whether class `c` falls to this lane."""
    return (c - first_run(at)) // RUN % LANES == 0


def take_run(pointer, start, step, low, room, positions, held, k):  # type: ignore[no-untyped-def]
    """Reads the run `step` classes after `start`, where the lane's first one lies, into ``held[k:]``.

    `low` and `room` are as in `within`. What is outside of the row stays as it is.
    """
    if SHIFTED and (int32(step) < low or int32(step + RUN) > room):
        for w in range(RUN):
            if within(step + w, low, room):
                held[k + w] = fetch(pointer, start + (step + w))
    elif int32(step) < room:
        take(pointer, start + along(step, positions), held, k)


def take_part(pointer, start, low, room, positions, held):  # type: ignore[no-untyped-def]
    """Reads as many runs as a lane keeps."""
    for v in range(VECTORS):
        take_run(pointer, start, v * (LANES * RUN), low, room, positions, held, v * RUN)


def put_run(pointer, start, step, low, room, positions, held, k):  # type: ignore[no-untyped-def]
    """Writes that run; nothing for None."""
    if pointer is not None:
        if SHIFTED and (int32(step) < low or int32(step + RUN) > room):
            for w in range(RUN):
                if within(step + w, low, room):
                    place(pointer, start + (step + w), held[k + w])
        elif int32(step) < room:
            put(pointer, start + along(step, positions), held, k)


def fill(value, classes, to, positions, held, output):  # type: ignore[no-untyped-def]
    """Writes the same number to every class of a row; nothing for None."""
    if output is not None:
        for w in range(RUN):
            held[w] = value
        for c in range(first_run(to), classes, LANES * RUN):
            put_run(output, to + along(c, positions), 0, int32(-c), int32(classes - c), positions, held, 0)


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
