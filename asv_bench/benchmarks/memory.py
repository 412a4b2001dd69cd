"""Memory beyond the inputs and the gradient."""

from __future__ import annotations

from numbaloss.bench.memory import extra_bytes

from .common import LOSSES, call


def track_extra_bytes(loss):
    return extra_bytes(call(loss, "cache", "float32"))


track_extra_bytes.params = [LOSSES]
track_extra_bytes.param_names = ["loss"]
track_extra_bytes.unit = "bytes"


def peakmem_process():
    """The whole process, interpreter and compiler included."""
    call("mse_loss", "cache", "float32")()
