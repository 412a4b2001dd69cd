"""What the benchmarks share: which losses, and arrays made once.

``NUMBALOSS_BENCH=full`` in the environment takes every loss of the registry, both float types and larger sizes.
"""

from __future__ import annotations

import os
from functools import lru_cache

import numpy as np

import numbaloss as nl

FULL = os.environ.get("NUMBALOSS_BENCH", "") == "full"
FEW = ["binary_cross_entropy_with_logits", "cross_entropy", "ctc_loss_with_logits", "mse_loss"]
LOSSES = [facts.name for facts in nl.list_losses()] if FULL else FEW
DTYPES = ["float32", "float64"] if FULL else ["float32"]
SIZES = ["small", "cache", "large"] if FULL else ["small", "cache"]

FLAT = {"small": (1_000,), "cache": (131_072,), "large": (4_194_304,)}
STEPS = {"small": (20, 4, 10), "cache": (200, 32, 32), "large": (512, 16, 80)}
ROWS = {"small": (100, 10), "cache": (8_192, 16), "large": (8_192, 1_000)}


def facts(name):
    """What is known of a loss."""
    return nl.get(name).definition


@lru_cache(maxsize=8)
def inputs(name, size, dtype):
    """Inputs of a loss; asv runs `setup` before every timed call, so they are made once."""
    from numbaloss.bench.cases import by_row
    from numbaloss.bench.data import inputs

    known = facts(name)
    shapes = STEPS if known.structure == "sequence" else ROWS if by_row(known) else FLAT
    return tuple(inputs(known, shapes[size], np.dtype(dtype)))


@lru_cache(maxsize=8)
def call(name, size, dtype):
    """A call of value_and_grad that reuses its buffers, compiled and run once."""
    loss, arrays = nl.get(name), inputs(name, size, dtype)
    buffers = tuple(np.empty_like(arrays[0]) for _ in loss.definition.wrt)
    out = buffers[0] if len(buffers) == 1 else buffers
    loss.value_and_grad(*arrays, out=out)
    return lambda: loss.value_and_grad(*arrays, out=out)
