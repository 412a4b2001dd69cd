"""Losses of cosines to one prototype a class, on a device: those of softmax, with another logit for the label."""

from __future__ import annotations

from typing import Any

from numbaloss.arrays.device import DeviceArray
from numbaloss.compile import render
from numbaloss.structures.cosines import CosineLoss, negative_log
from numbaloss.structures.cuda.rows import Rows
from numbaloss.structures.cuda.softmax import of_labels


def labelled(loss: CosineLoss, rows: Rows) -> DeviceArray:
    """Launch the kernel; the sums of its blocks."""
    from numbaloss.kernels.cuda import cosines as kernels

    shift, moves = loss._shift()
    steepness, smoothing = float(loss.parameters["scale"]), float(loss.parameters["label_smoothing"])
    scale, *rest = rows.scaled()
    holes: dict[str, Any] = {
        "shift": shift,
        "link": render.link(negative_log, ("log_prob", "rest"), ()),
        "logit_of": kernels.logit_of,
        "own_logit_of": kernels.own_logit_of,
    }
    params = (*(float(move) for move in moves), steepness)
    return of_labels(rows, (smoothing or None, None, None), params, (scale * steepness, *rest), **holes)
