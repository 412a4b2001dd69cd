"""Losses of the margins of the right classes on a device."""

from __future__ import annotations

from typing import Any

from numbaloss.arrays.device import DeviceArray
from numbaloss.structures.cuda.rows import Plan, Rows


def labelled(rows: Rows) -> DeviceArray:
    """Launch the kernel for one right class a row; the sums of its blocks."""
    from numbaloss.kernels.cuda.margins import hardest_row, margin_row, margin_rows

    hardest = rows.call.loss.definition.facts["hardest"]
    pairs = 1 if hardest else rows.classes
    against = hardest_row if hardest else margin_row
    return launched(rows, margin_rows, rows.plan(tiles=False), rows.labels, rows.weights, pairs, against=against)


def listed(rows: Rows) -> DeviceArray:
    """The same for a list of right classes; ValueError for more classes than a block can keep."""
    from numbaloss.kernels.cuda.margins import set_rows

    plan = rows.plan(tiles=False, arrays=2)
    if plan.again:
        raise ValueError(
            f"{rows.call.name}: on a CUDA device rows of {rows.classes} classes are too long; compute on the host"
        )
    return launched(rows, set_rows, plan, rows.labels)


def launched(rows: Rows, template: Any, plan: Plan, *labels: Any, **holes: Any) -> DeviceArray:
    """Launch one of these kernels."""
    call = rows.call
    link, params = rows.numbers(("gap",))
    kernel = call.kernel(template, plan, plan.threads, link=link, **plan.holes(call.storage), **holes)
    partials = call.scratch(call.blocks(rows.rows * plan.lanes, plan.threads))
    call.door.launch(
        kernel, partials.size, rows.rows, rows.classes, rows.logits, rows.stride, *labels, rows.row_weights,
        rows.spread, params, *rows.scaled(), rows.values, rows.gradient, rows.curvature, partials,
    )  # fmt: skip
    return partials
