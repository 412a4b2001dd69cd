"""Losses of one entry of each row on a device."""

from __future__ import annotations

from numbaloss.arrays.device import DeviceArray
from numbaloss.structures.cuda.rows import Rows


def labelled(rows: Rows) -> DeviceArray:
    """Launch the kernel; the sums of its blocks."""
    from numbaloss.kernels.cuda import picks as kernels

    call, plan = rows.call, rows.plan(plain=True)
    link, params = rows.numbers(("picked",))
    template = kernels.pick_tiles if plan.width else kernels.pick_rows
    kernel = call.kernel(template, plan, plan.threads, link=link, **plan.holes(call.storage))
    partials = call.scratch(call.blocks(rows.rows * plan.lanes, plan.threads))
    layout = () if plan.width else (rows.stride, rows.positions)
    call.door.launch(
        kernel, partials.size, rows.rows, rows.classes, rows.logits, *layout, rows.labels, rows.ignored, rows.weights,
        rows.row_weights, rows.spread, params, *rows.scaled(), rows.values, rows.gradient, partials,
    )  # fmt: skip
    return partials
