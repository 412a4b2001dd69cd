"""Losses of all pairs of a batch: time, and memory where the matrix of all pairs would take far more (4 GB in full)."""

from __future__ import annotations

import numpy as np

import numbaloss as nl
from numbaloss.bench.data import inputs
from numbaloss.bench.memory import extra_bytes

from .common import FULL

LOSSES = ["nt_xent_loss", "clip_loss", "siglip_loss", "batch_hard_triplet_loss"]
ROWS = [256, 4_096] if FULL else [256]
MANY, WIDTH = 32_768 if FULL else 8_192, 128


def call(name, rows):
    """A call of value_and_grad that reuses its buffers, compiled and run once on few rows."""
    loss = nl.get(name)
    loss.value_and_grad(*inputs(loss.definition, (600, WIDTH)))
    arrays = inputs(loss.definition, (rows, WIDTH))
    out = tuple(np.empty_like(arrays[0]) for _ in loss.definition.wrt)
    return lambda: loss.value_and_grad(*arrays, out=out if len(out) > 1 else out[0])


class Pairs:
    """One call on so many vectors of length 128."""

    params = (LOSSES, ROWS)
    param_names = ("loss", "rows")

    def setup(self, loss, rows):
        self.call = call(loss, rows)
        self.call()

    def time_value_and_grad(self, loss, rows):
        self.call()


def track_extra_bytes_of_many_rows(loss):
    return extra_bytes(call(loss, MANY))


track_extra_bytes_of_many_rows.params = [LOSSES[:2]]
track_extra_bytes_of_many_rows.param_names = ["loss"]
track_extra_bytes_of_many_rows.unit = "bytes"
track_extra_bytes_of_many_rows.timeout = 300


def peakmem_many_rows():
    """The whole process with many vectors, interpreter and compiler included."""
    call("nt_xent_loss", MANY)()
