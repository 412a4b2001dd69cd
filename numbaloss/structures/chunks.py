"""Arrays of one shape, some elements at a time, where kernels cannot read them as they lie."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from numbaloss.arrays.casts import put, staged_in
from numbaloss.arrays.numpy import lies_plainly
from numbaloss.loss import Array
from numbaloss.structures.overlap import overlaps

CHUNK = 1 << 17  # elements at a time
LARGEST = 4 * CHUNK  # of rows whose number is a multiple of a kernel's block only then


def chunks(arrays: Sequence[Array], count: int, dtype: np.dtype[Any]) -> Iterator[list[Array]]:
    """Contiguous vectors of the arrays' elements, in one order for all; the first `count` are read, the rest written.

    They are of the arrays' own types where kernels convert those to `dtype`, else of that.
    """
    rows = _rows_at_a_time(arrays, count)
    return _by_rows(arrays, rows, dtype) if rows else _by_iterator(arrays, count, dtype)


def _rows_at_a_time(arrays: Sequence[Array], count: int) -> int:
    """How many rows are a chunk, if all arrays lie plainly but for weights of the columns or of the rows; else 0.

    Chunks are multiples of the blocks that kernels sum by: where they begin changes the float64 sum of those alone.
    """
    from numbaloss.kernels.cpu.pointwise import BLOCK

    shape = arrays[0].shape
    plain = [lies_plainly(array) for array in arrays]
    spread = [array for array, lies in zip(arrays, plain, strict=True) if not lies]
    if len(shape) < 2 or not spread or not all(plain[count:]):
        return 0
    if not all(_same_rows(array) or not any(array.strides[1:]) for array in spread):
        return 0
    width: int = math.prod(shape[1:])
    least: int = BLOCK // math.gcd(BLOCK, width)
    if least * width > LARGEST or overlaps(arrays[:count], arrays[count:]):
        return 0
    return max(1, CHUNK // (least * width)) * least


def _same_rows(array: Array) -> bool:
    return array.strides[0] == 0


def _by_rows(arrays: Sequence[Array], rows: int, dtype: np.dtype[Any]) -> Iterator[list[Array]]:
    """Parts of the arrays themselves; weights are spread, those of the columns once for all."""
    total, *rest = arrays[0].shape
    room: dict[int, Array] = {}
    for k, array in enumerate(arrays):
        if not array.flags.c_contiguous:
            room[k] = np.empty((min(rows, total), *rest), dtype)
            if _same_rows(array):
                put(array[:1], room[k])
    for low in range(0, total, rows):
        high = min(low + rows, total)
        given = []
        for k, array in enumerate(arrays):
            if k in room:
                part = room[k][: high - low]
                if not _same_rows(array):
                    put(array[low:high], part)
            else:
                part = array[low:high]
            given.append(part.reshape(-1))
        yield given


def _by_iterator(arrays: Sequence[Array], count: int, dtype: np.dtype[Any]) -> Iterator[list[Array]]:
    """What NumPy's iterator lays out: strides, types and byte order any."""
    flags: Any = [["readonly", "contig", "aligned", "nbo"]] * count
    flags += [["writeonly", "contig", "aligned", "nbo"]] * (len(arrays) - count)
    with np.nditer(
        arrays,
        ["external_loop", "buffered", "delay_bufalloc", "copy_if_overlap"],
        flags,
        op_dtypes=[staged_in(array.dtype, dtype) for array in arrays],
        casting="unsafe",
        order="K",
        buffersize=CHUNK,
    ) as iterator:
        iterator.reset()
        yield from iterator
