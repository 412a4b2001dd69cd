"""Memory beyond the inputs and the gradient."""

from __future__ import annotations

import numpy as np

import numbaloss as nl
from numbaloss.bench.memory import extra_bytes

from .common import LOSSES, call


def track_extra_bytes(loss):
    return extra_bytes(call(loss, "cache", "float32"))


track_extra_bytes.params = [LOSSES]
track_extra_bytes.param_names = ["loss"]
track_extra_bytes.unit = "bytes"


class SegmentationMemory:
    """Dice + cross-entropy of a batch of images: memory beyond the gradient; torch's composition beside it."""

    params = (["numbaloss", "torch"],)
    param_names = ("library",)
    shape = (8, 4, 256, 256)

    def setup(self, library):
        random = np.random.default_rng(0)
        self.logits = random.standard_normal(self.shape, np.float32)
        self.labels = random.integers(0, self.shape[1], (self.shape[0], *self.shape[2:]))
        if library == "torch":
            self.call = self._torch()
        else:
            criterion, out = nl.get("dice_ce_loss"), np.empty_like(self.logits)
            self.call = lambda: criterion.value_and_grad(self.logits, self.labels, out=out)

    def _torch(self):
        try:
            import torch

            from numbaloss.bench.peers_torch import dice_ce_loss
        except ImportError:
            raise NotImplementedError from None  # asv then skips it
        logits, labels = torch.from_numpy(self.logits).requires_grad_(), torch.from_numpy(self.labels)
        return lambda: torch.autograd.grad(dice_ce_loss(logits, labels), logits)

    def peakmem_dice_ce(self, library):
        self.call()


def track_extra_over_segmentation():
    """What Dice + cross-entropy of images allocates beyond the gradient, as a share of the input."""
    images = SegmentationMemory()
    images.setup("numbaloss")
    images.call()
    return extra_bytes(images.call) / images.logits.nbytes


def peakmem_process():
    """The whole process, interpreter and compiler included."""
    call("mse_loss", "cache", "float32")()
