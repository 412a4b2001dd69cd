"""Checks against the same kernels run as ordinary Python."""

from __future__ import annotations

import numpy as np

from numbaloss.testing.basics import LossFunction, close
from numbaloss.testing.plain import computed, without_compiler


def check_without_compiler(loss: LossFunction) -> None:
    """Under ``NUMBA_DISABLE_JIT=1`` the loss computes what it computes compiled, in float64, to 13 digits."""
    try:
        wanted = without_compiler(loss)
    except LookupError:
        return  # a loss made in an interactive session exists in no other process
    compiled = computed(loss)
    assert compiled.keys() == wanted.keys(), f"without the compiler: {', '.join(wanted)}"
    for name, numbers in compiled.items():
        scale = float(np.max(np.abs(numbers), initial=0.0))
        close(numbers, wanted[name], 1e-13, f"compiled against plain Python, {name}", 1e-14 * scale)
