"""Softmax losses on a device."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbaloss.arrays.device import DeviceArray
from numbaloss.structures.cuda.call import Call
from numbaloss.structures.cuda.rows import Rows
from numbaloss.structures.softmax import ARGUMENTS, SoftmaxLoss


def labelled(loss: SoftmaxLoss, rows: Rows) -> DeviceArray:
    """Launch the kernel for class labels; the sums of its blocks."""
    link, params = rows.numbers(ARGUMENTS)
    return of_labels(rows, extras(loss), params, rows.scaled(), link=link)


def of_labels(
    rows: Rows, extra: tuple[Any, ...], params: tuple[float, ...], scaled: tuple[Any, ...], **holes: Any
) -> DeviceArray:
    """The same with the `extras`, the numbers and the open names given."""
    from numbaloss.kernels.cuda import softmax_labels as kernels

    smoothing, _, softcap = extra
    plain = rows.curvature is None and smoothing is None and softcap is None
    call, plan = rows.call, rows.plan(tiles=rows.curvature is None, plain=plain)
    way = "twice" if plan.again else "kept"
    holes |= {name: getattr(kernels, f"{name}_{way}") for name in ("survey", "derive")}
    template = kernels.label_tiles if plan.width else kernels.label_rows
    kernel = call.kernel(template, plan, plan.threads, **holes, **lowest(call), **plan.holes(call.storage))
    partials = call.scratch(call.blocks(rows.rows * plan.lanes, plan.threads))
    weight_sum = None if smoothing is None else weight_total(rows)
    layout = () if plan.width else (rows.stride, rows.positions)
    call.door.launch(
        kernel, partials.size, rows.rows, rows.classes, rows.logits, *layout, rows.labels, rows.ignored, rows.weights,
        weight_sum, rows.row_weights, rows.spread, *extra, params, *scaled, rows.values, rows.gradient,
        *(() if plan.width else (rows.curvature,)), partials,
    )  # fmt: skip
    return partials


def distributed(loss: SoftmaxLoss, rows: Rows) -> DeviceArray:
    """Launch the kernel for a probability of every class; the sums of its blocks."""
    from numbaloss.kernels.cuda import softmax_probabilities as kernels

    call, plan = rows.call, rows.plan(tiles=rows.curvature is None, arrays=2)
    link, params = rows.numbers(ARGUMENTS)
    template = kernels.probability_tiles if plan.width else kernels.probability_rows
    kernel = call.kernel(template, plan, plan.threads, link=link, **lowest(call), **plan.holes(call.storage))
    partials = call.scratch(call.blocks(rows.rows * plan.lanes, plan.threads))
    layout = () if plan.width else (rows.stride, rows.positions)
    call.door.launch(
        kernel, partials.size, rows.rows, rows.classes, rows.logits, rows.targets, *layout, rows.weights,
        rows.row_weights, rows.spread, *extras(loss), params, *rows.scaled(), rows.values, rows.gradient,
        *(() if plan.width else (rows.curvature,)), rows.target_gradient, partials,
    )  # fmt: skip
    return partials


def lowest(call: Call) -> dict[str, float]:
    """The open name for the smallest finite number."""
    return {"LOWEST": float(np.finfo(call.real).min)}


def extras(loss: Any) -> tuple[Any, ...]:
    """Smoothing, z-loss and soft cap; None where there is nothing to do."""
    return tuple(None if value is None else float(value) for value in loss._extras(np.dtype(np.float64)))


def weight_total(rows: Rows) -> float:
    """The sum of the weights of all classes."""
    weight = rows.call.loss.weight
    return float(rows.classes) if weight is None else float(np.sum(weight, dtype=np.float64))
