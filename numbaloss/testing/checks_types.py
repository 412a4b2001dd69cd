"""Checks of element types: what goes in comes out, and half precision is computed in float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbaloss.testing import inputs as drawn
from numbaloss.testing.basics import (
    Array,
    LossFunction,
    close,
    labels_of,
    made,
    only_if,
    same_bits,
    unreduced,
    with_labels,
)


def _half_types() -> list[np.dtype[Any]]:
    """float16, and bfloat16 where ml_dtypes is installed (NumPy has none of its own)."""
    try:
        from ml_dtypes import bfloat16
    except ImportError:
        return [np.dtype(np.float16)]
    return [np.dtype(np.float16), np.dtype(bfloat16)]


def _as(arrays: tuple[Array, ...], dtype: Any) -> tuple[Array, ...]:
    return tuple(array if array.dtype.kind in "iu" else array.astype(dtype) for array in arrays)


def check_type_is_kept(loss: LossFunction) -> None:
    """float32 gives float32 and float64 gives float64: values, numbers, gradients and Hessians."""
    facts = loss.definition
    for dtype in (np.float32, np.float64):
        arrays = drawn.draw(facts, rows=4, dtype=dtype, salt="types")
        criterion = made(loss)
        value, gradient = criterion.value_and_grad(*arrays, wrt=facts.wrt[:1])
        values, gradients = unreduced(loss, arrays)
        found = {"mean": criterion(*arrays), "mean with gradient": value, "gradient of the mean": gradient}
        found |= {"values": values, "gradient": gradients[0]}
        if facts.hessian:
            found["Hessian"] = criterion.grad_and_hess(*arrays)[1]
        for what, array in found.items():
            assert array.dtype == dtype, f"{np.dtype(dtype)}: the {what} is {array.dtype}"


def check_half_precision(loss: LossFunction) -> None:
    """float16 and bfloat16 in and out; the numbers are those of float32, rounded once."""
    facts = loss.definition
    first = facts.wrt[:1]
    for dtype in _half_types():
        small = _as(drawn.draw(facts, rows=4, dtype=np.float32, salt="types"), dtype)
        single = _as(small, np.float32)
        value, gradient = made(loss).value_and_grad(*small, wrt=first)
        wanted, slopes = made(loss).value_and_grad(*single, wrt=first)
        same_bits(value, np.asarray(wanted).astype(dtype), f"{dtype}: mean")
        same_bits(gradient, slopes.astype(dtype), f"{dtype}: gradient of the mean")
        values, gradients = unreduced(loss, small)
        wide, several = unreduced(loss, single)
        same_bits(values, wide.astype(dtype), f"{dtype}: values")
        for one, two in zip(gradients, several, strict=True):
            same_bits(one, two.astype(dtype), f"{dtype}: gradient")


@only_if(lambda facts: facts.structure == "pointwise")
def check_mean_of_many_halves(loss: LossFunction) -> None:
    """The mean of many float16 values does not overflow or stall: the sum is not kept in float16."""
    facts = loss.definition
    few = _as(drawn.draw(facts, rows=2, dtype=np.float32, salt="types"), np.float16)
    many = tuple(np.tile(array, (1500, 1)) for array in few)
    criterion = made(loss)
    close(criterion(*many), criterion(*few), 2e-3, "mean of the same 8 elements 1500 times over")


def check_whole_targets(loss: LossFunction) -> None:
    """Targets that are whole numbers may come as integers or booleans."""
    facts = loss.definition
    for index, name in enumerate(facts.inputs):
        if name in facts.wrt or facts.structure != "pointwise" or not drawn.domain(facts, name).whole:
            continue
        arrays = drawn.draw(facts, rows=4, salt="types")
        wanted, slopes = unreduced(loss, arrays)
        mean = made(loss)(*arrays)
        types = [np.int8, np.int32, np.int64, *([] if arrays[index].min() < 0 else [np.uint8, np.uint64])]
        for dtype in types:
            given = (*arrays[:index], arrays[index].astype(dtype), *arrays[index + 1 :])
            what = f"{name} as {np.dtype(dtype)}"
            same_bits(made(loss)(*given), mean, f"{what}: mean")
            if name not in facts.differentiable:
                value, gradients = unreduced(loss, given)
                same_bits(value, wanted, f"{what}: values")
                same_bits(gradients[0], slopes[0], f"{what}: gradient")


LABELLED = ("class", "class_or_distribution", "class_or_mask", "class_list", "group")


@only_if(lambda facts: facts.target in LABELLED)
def check_label_types(loss: LossFunction) -> None:
    """Class labels may be of any integer type and byte order."""
    facts = loss.definition
    arrays = drawn.draw(facts, rows=4, salt="types")
    logits, labels = arrays[0], arrays[facts.inputs.index(labels_of(facts))]
    wanted, slopes = unreduced(loss, arrays)
    types: list[Any] = ["int32", "uint8", ">i8"] if labels.min() >= 0 else ["int32", "int8", ">i8"]
    if labels.min() >= 0:
        types.append("uint64")
    for dtype in types:
        value, gradient = unreduced(loss, with_labels(facts, arrays, logits, labels.astype(dtype)))
        same_bits(value, wanted, f"labels of type {dtype}: values")
        same_bits(gradient[0], slopes[0], f"labels of type {dtype}: gradient")
    given = with_labels(facts, arrays, logits, labels.tolist())
    same_bits(unreduced(loss, given)[0], wanted, "labels as a list")
