"""Contrastive losses of a whole batch: what belongs together should be nearer than all the rest."""

from __future__ import annotations

from numbaloss.compile.primitives import sigmoid, softplus
from numbaloss.structures.tiles import tiles


@tiles(rivals="negatives", per="pair", class_name="NTXentLoss")
def nt_xent_loss(gap, temperature=0.07):
    return softplus(gap), sigmoid(gap)


@tiles(rivals="others", per="anchor")
def sup_con_loss(gap, temperature=0.1):
    return gap, 1.0


@tiles(rivals="negatives", per="anchor", matched=("image", "text"))
def clip_loss(gap):
    return softplus(gap), sigmoid(gap)


@tiles(rivals=None, per="anchor", matched=("image", "text"))
def siglip_loss(gap):
    return softplus(gap), sigmoid(gap)
