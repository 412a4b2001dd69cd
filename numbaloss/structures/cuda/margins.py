"""Losses of the margin of one right class on a device."""

from __future__ import annotations

from numbaloss.arrays.device import DeviceArray
from numbaloss.structures.cuda.rows import Rows


def labelled(rows: Rows) -> DeviceArray:
    """Launch the kernel; the sums of its blocks."""
    from numbaloss.kernels.cuda.margins import margin_rows

    call, plan = rows.call, rows.plan(tiles=False)
    link, params = rows.numbers(("gap",))
    kernel = call.kernel(margin_rows, plan, plan.threads, link=link, **plan.holes(call.storage))
    partials = call.scratch(call.blocks(rows.rows * plan.lanes, plan.threads))
    call.door.launch(
        kernel, partials.size, rows.rows, rows.classes, rows.logits, rows.stride, rows.labels, rows.weights,
        rows.row_weights, rows.spread, params, *rows.scaled(), rows.values, rows.gradient, rows.curvature, partials,
    )  # fmt: skip
    return partials
