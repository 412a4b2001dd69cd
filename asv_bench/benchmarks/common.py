"""What the benchmarks share: which losses, and arrays made once.

``NUMBALOSS_BENCH=full`` in the environment takes every loss of the registry, float64 and larger sizes, too.
"""

from __future__ import annotations

import os

import numbaloss as nl
from numbaloss.bench.asv import call, facts, inputs

__all__ = ["DTYPES", "LOSSES", "SIZES", "call", "facts", "inputs"]

FULL = os.environ.get("NUMBALOSS_BENCH", "") == "full"
FEW = ["binary_cross_entropy_with_logits", "cross_entropy", "ctc_loss_with_logits", "mse_loss"]
LOSSES = [facts.name for facts in nl.list_losses()] if FULL else FEW
DTYPES = ["float32", "float16", "float64"] if FULL else ["float32", "float16"]
SIZES = ["small", "cache", "large"] if FULL else ["small", "cache"]
