"""What must be true of every call that is right, whatever the loss. Each rule is a function of a case."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from calls import agree, along_rows, computed, floor_of, input_of, named, squares_overflow, steepest_turn, tolerance_of
from cases import BEYOND, CLASS_AXIS, Array, Case

from numbaloss.testing import inputs as drawn
from numbaloss.testing.basics import made, same_bits
from numbaloss.testing.checks_layouts import LAYOUTS
from numbaloss.testing.checks_twins import ELEMENTS, twin

READS_ALL = ("pointwise", "softmax", "distributions", "cosines", "head", "pairs", "triplets")  # every entry of a row


def shapes_and_types(case: Case) -> None:
    """Values and gradients have the first input's type; each gradient has its input's shape."""
    values, gradients = computed(case)
    dtype = case.arrays[0].dtype
    for name, gradient in zip(named(case), gradients, strict=True):
        wanted = input_of(case, name).shape
        assert np.shape(gradient) == wanted, f"gradient by {name}: shape {np.shape(gradient)}, wanted {wanted}"
        assert gradient.dtype == dtype, f"gradient by {name}: {gradient.dtype}, wanted {dtype}"
    assert values.dtype == dtype
    mean, _ = made(case.loss, **case.setting).value_and_grad(*case.arrays)
    assert np.asarray(mean).dtype == dtype
    assert np.shape(mean) == ()
    if case.arrays[0].size == 0:
        assert np.isnan(mean), f"the mean of nothing is {mean!r}"
        assert made(case.loss, on_empty="zero", **case.setting)(*case.arrays) == 0.0
        assert made(case.loss, reduction="sum", **case.setting)(*case.arrays) == 0.0


def no_nan_from_numbers(case: Case) -> None:
    """Finite inputs never give nan."""
    if not case.finite or not case.arrays[0].size or squares_overflow(case):
        return
    if case.setting.get("smooth_dr") == 0.0:
        return  # regions of nothing may be nothing over nothing
    values, gradients = computed(case)
    assert not np.isnan(values).any(), f"a value is nan: {values}"
    if case.mood in BEYOND and case.facts.structure != "pointwise":
        return  # a row's slopes may be infinity over infinity
    for name, gradient in zip(named(case), gradients, strict=True):
        assert not np.isnan(gradient).any(), f"a gradient by {name} is nan: {gradient}"


def nan_is_passed_on(case: Case) -> None:
    """A nan makes the values that read it nan, and no other: what is a number does not depend on what nan was."""
    if not any(np.isnan(case.arrays[k]).any() for k in case.floating()):
        return
    values, _ = computed(case)
    for share in (0.5, 0.25):
        clean, _ = computed(_without_nan(case, share))
        same = ~np.isnan(values)
        agree(values[same], clean[same], 5 * tolerance_of(case), f"with {share} in place of nan")
    if case.row_by_row:
        spoilt = _rows_with_nan(case, values)
        agree(values[~spoilt], clean[~spoilt], 5 * tolerance_of(case), "rows without nan")
        if case.facts.structure in READS_ALL:
            read = spoilt & ~_ignored(case, values.shape)
            assert np.isnan(values[read]).all(), f"nan went in, and out came {values}"


def _without_nan(case: Case, share: float) -> Case:
    arrays = list(case.arrays)
    for index in case.floating():
        number = -share if case.domain(index) == "log_probability" else share
        arrays[index] = np.where(np.isnan(arrays[index]), arrays[index].dtype.type(number), arrays[index])
    return case.with_arrays(tuple(arrays))


def _rows_with_nan(case: Case, values: Array) -> Array:
    """Where a value is that nan could reach."""
    spoilt = np.zeros(values.shape, bool)
    for index in case.floating():
        where = np.isnan(case.arrays[index])
        if case.facts.inputs[index] in drawn.shared(case.facts):
            spoilt |= where.any()
        elif case.facts.facts.get("unit") == "image":
            spoilt |= where.reshape(len(where), -1).any(axis=1).reshape(-1, *[1] * (values.ndim - 1))
        elif case.facts.structure == "sequence":
            spoilt |= where.any(axis=-1).any(axis=0)
        else:
            classes = case.facts.structure in CLASS_AXIS and where.ndim > 1
            spoilt |= where.any(axis=1 if classes else -1) if where.ndim > values.ndim else where
    return spoilt


def _ignored(case: Case, shape: tuple[int, ...]) -> Array:
    setting = {**case.facts.parameters, **case.setting}
    if "ignore_index" not in setting or input_of(case, "target").dtype.kind not in "iu":
        return np.zeros(shape, bool)
    return np.asarray(input_of(case, "target") == setting["ignore_index"]).reshape(shape)


def layouts_do_not_matter(case: Case, layouts: tuple[str, ...], out: str, chosen: tuple[str, ...]) -> None:
    """Strides, order, byte order: the same numbers; gradients go to buffers of any layout, some or all of them."""
    values, gradients = computed(case)
    laid = tuple(
        LAYOUTS[layout](array) if array.ndim else array for layout, array in zip(layouts, case.arrays, strict=True)
    )
    reduction = "none" if "none" in case.facts.reductions else "sum"
    criterion = made(case.loss, reduction=reduction, **case.setting)

    def hold(given: Any, what: str) -> tuple[Any, ...]:
        got, slopes = criterion.value_and_grad(*laid, wrt=chosen, out=given)
        agree(got, values, tolerance_of(case), f"values, laid out as {layouts}", floor_of(case))
        several: tuple[Any, ...] = slopes if len(chosen) > 1 else (slopes,)
        for name, slope in zip(chosen, several, strict=True):
            wanted = gradients[named(case).index(name)]
            told = f"gradient by {name}, laid out as {layouts}, {what}"
            products = 0.01 if case.facts.structure == "head" else 0.0  # BLAS rounds logits by layout, caps magnify it
            agree(slope, wanted, tolerance_of(case), told, max(products, steepest_turn(case, name)))
        return several

    plain = hold(None, "no out")
    if out in ("read-only", "other byte order"):
        return
    buffers = tuple(np.full_like(slope, 7.0) for slope in plain)
    buffers = tuple(LAYOUTS[out](buffer) if buffer.ndim else buffer for buffer in buffers)
    returned = hold(buffers if len(chosen) > 1 else buffers[0], f"out {out}")
    assert all(one is two for one, two in zip(returned, buffers, strict=True)), "another array than out came back"


def reductions_agree(case: Case, weight: Array | None) -> None:
    """Sum, mean, total and their gradients are what the unreduced values and slopes say."""
    if not case.finite:
        return
    values, gradients = computed(case, sample_weight=weight)
    total = made(case.loss, **case.setting).total(*case.arrays, sample_weight=weight)
    if "none" not in case.facts.reductions:
        _mean_is_of_total(case, weight, total)
        return
    shares = np.asarray(drawn.shares(case.facts, case.arrays, values))
    every = np.asarray(values, np.float64)
    scale = float(np.abs(every).sum())
    if not scale < float(np.finfo(values.dtype).max) / 64.0:
        return  # sums of a block, and products with weights, are of the element's type and may overflow
    tolerance = 1e-6 if values.dtype == np.float32 else 1e-12
    if case.facts.structure == "distributions":  # logarithms of probabilities are rounded to their own size
        scale += 10.0 * floor_of(case) * every.size
    bar = tolerance * scale + float(np.finfo(values.dtype).tiny) * every.size
    assert abs(total.sum - float((every * shares).sum())) <= bar, f"total {total.sum!r} of {values}"
    for reduction in ("sum", "mean"):
        divisor = {"sum": 1.0, "mean": total.denominator}[reduction]
        if divisor <= 0.0:
            continue
        wanted = float((every * (shares if reduction == "mean" else 1.0)).sum()) / divisor
        criterion = made(case.loss, reduction=reduction, **case.setting)
        value, slopes = criterion.value_and_grad(*case.arrays, sample_weight=weight, wrt=named(case))
        allowed = 2 * bar / divisor + float(np.finfo(values.dtype).tiny)
        if abs(wanted) < float(np.finfo(values.dtype).max):
            assert abs(float(value) - wanted) <= allowed, f"{reduction} {value!r}, wanted {wanted!r}"
        many = slopes if len(named(case)) > 1 else (slopes,)
        for name, slope, gradient in zip(named(case), many, gradients, strict=True):
            factors = along_rows(case, shares, gradient) if reduction == "mean" else 1.0
            wanted_slope = gradient.astype(np.float64) * factors / divisor
            differences = case.facts.structure in ("regions", "triplets")  # taken after scaling
            heaviest = 1.0 if weight is None else max(1.0, float(weight.max(initial=0.0)))
            loose, floor = (64, 10.0 * heaviest / divisor) if differences else (4, steepest_turn(case, name))
            floor = max(floor, float(np.finfo(gradient.dtype).tiny) / tolerance)  # below it few digits are left
            told = f"gradient of the {reduction} by {name}"
            slope = np.where(np.isfinite(gradient), slope, wanted_slope)  # a weighted slope may overflow, its mean not
            agree(slope, wanted_slope, loose * tolerance, told, floor)


def _mean_is_of_total(case: Case, weight: Array | None, total: Any) -> None:
    if total.denominator > 0:
        mean = float(made(case.loss, **case.setting)(*case.arrays, sample_weight=weight))
        close = abs(mean - total.mean) <= tolerance_of(case) * abs(total.mean) or not np.isfinite(total.mean)
        close |= np.isinf(mean) and abs(total.mean) > float(np.finfo(case.arrays[0].dtype).max)  # a total is float64
        assert close, f"mean {mean!r}, but the total's is {total.mean!r}"


def rows_are_by_themselves(case: Case, times: int) -> None:
    """The rows of a case, many times over, have the values and slopes that they have alone."""
    if not case.row_by_row or case.single or not case.finite or not case.batch:
        return
    again = _again(case, times)
    few, slopes = computed(case)
    values, gradients = computed(case.rows(again))
    agree(values, few[again], tolerance_of(case), "the same rows again", floor_of(case))
    for name, slope, gradient in zip(named(case), slopes, gradients, strict=True):
        if name not in drawn.shared(case.facts):
            index = case.facts.inputs.index(name)
            again_here = (*[slice(None)] * drawn.batch_axis(case.facts, slope, index), again)
            agree(gradient, slope[again_here], tolerance_of(case), f"gradient by {name} of the same rows again")


def _again(case: Case, times: int) -> Array:
    """The numbers of all rows, so many times over, or so often that a kernel has several blocks."""
    return np.tile(np.arange(case.batch or 0), min(times, 1 + ELEMENTS // max(1, case.arrays[0].size)))


def threads_do_not_matter(case: Case, times: int) -> None:
    """The parallel twins of all kernels give the bits of the serial ones, of a few rows and of many."""
    if not case.single and case.batch and case.facts.structure != "tiles":
        case = case.rows(_again(case, times))
    with twin(parallel=False):
        alone, slopes = computed(case)
    with twin(parallel=True):
        values, gradients = computed(case)
    same_bits(values, alone, "threads change the values")
    for name, one, two in zip(named(case), gradients, slopes, strict=True):
        same_bits(one, two, f"threads change the gradient by {name}")


def halves_are_rounded_singles(case: Case, dtype: Any) -> None:
    """float16 and bfloat16: what float32 gives of the same numbers, rounded once."""
    with np.errstate(over="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        small = tuple(array.astype(dtype) if array.dtype.kind not in "iu" else array for array in case.arrays)
        single = tuple(array.astype(np.float32) if array.dtype.kind not in "iu" else array for array in small)
    values, gradients = computed(case.with_arrays(single))
    with np.errstate(over="ignore"):
        got, slopes = computed(case.with_arrays(small))
        for what, one, two in zip(("value", *named(case)), (got, *slopes), (values, *gradients), strict=True):
            one, two = np.asarray(one), np.asarray(two)
            wanted = two.astype(dtype)
            assert one.dtype == np.dtype(dtype)
            same = (one == wanted) | ((one != one) & (wanted != wanted))
            # half way between two, to which the single may have been rounded itself
            with np.errstate(invalid="ignore"):
                halfway = np.abs(one - np.float64(two)) == np.abs(wanted - np.float64(two))
            same |= halfway & np.isfinite(two)
            assert same.all(), f"{what} in {np.dtype(dtype)}: {one[~same][:3]}, wanted {wanted[~same][:3]}"


PLAIN = (shapes_and_types, no_nan_from_numbers, nan_is_passed_on)
