"""Memory a warm call takes beyond its inputs and the gradient buffer it was given."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any


def extra_bytes(call: Callable[[], Any]) -> int:
    """The peak of what Python and NumPy allocate during one call; `call` has run before."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
