"""Weighted sums on a device, for mixes of losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numbaloss.arrays.device import DeviceDoor
from numbaloss.compile.cuda.kernel import THREADS
from numbaloss.structures.cuda.call import MOST_BLOCKS, common


def combined(door: DeviceDoor, factors: Sequence[float], parts: Sequence[Any], out: Any = None) -> Any:
    """``sum of factors[k] * parts[k]``, in `out` where that is given, else in the first part's memory."""
    from numbaloss.kernels.cuda.combine import combine

    if out is None and len(parts) == 1 and factors[0] == 1.0:
        return parts[0]
    views = [door.view(part) for part in parts]
    target = views[0] if out is None else door.view(out)
    blocks = max(1, min(MOST_BLOCKS, -(-target.size // THREADS)))
    door.launch(common(combine, target.kind), blocks, target.size, tuple(views), tuple(map(float, factors)), target)
    return door.result(target)
