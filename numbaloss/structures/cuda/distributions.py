"""Losses between the softmaxes of two arrays of logits, on a device."""

from __future__ import annotations

from numbaloss.arrays.device import DeviceArray
from numbaloss.structures.cuda.rows import Rows
from numbaloss.structures.cuda.softmax import lowest
from numbaloss.structures.distributions import anchors_of


def distributed(rows: Rows) -> DeviceArray:
    """Launch the kernel; the sums of its blocks."""
    from numbaloss.kernels.cuda.distributions import pair_rows

    call, plan = rows.call, rows.plan(tiles=False, arrays=4)  # two, with much to be computed of each class
    link, params = rows.numbers(("log_p", "log_q"))
    kernel = call.kernel(pair_rows, plan, plan.threads, link=link, **lowest(call), **plan.holes(call.storage))
    partials = call.scratch(call.blocks(rows.rows * plan.lanes, plan.threads))
    temperature = float(call.loss.parameters.get("temperature", 1.0))
    anchor1, anchor2 = anchors_of(call.loss.definition, call.need)
    call.door.launch(
        kernel, partials.size, rows.rows, rows.classes, rows.logits, rows.targets, rows.stride, rows.positions,
        rows.row_weights, rows.spread, temperature, anchor1, anchor2, params, *rows.scaled(), rows.values,
        rows.gradient, rows.target_gradient, partials,
    )  # fmt: skip
    return partials
