"""Checks of reductions: one set of values, and everything that is made of them."""

from __future__ import annotations

import numpy as np

from numbaloss.testing import inputs as drawn
from numbaloss.testing.basics import (
    LossFunction,
    as_tuple,
    close,
    differentiable,
    made,
    only_if,
    same_bits,
    separable,
    tolerance,
    unreduced,
    with_labels,
)

TYPES = (np.float32, np.float64)


def check_value_and_gradient_in_one_pass(loss: LossFunction) -> None:
    """The value that comes with the gradient is the value alone, and both are the total's mean."""
    facts = loss.definition
    for dtype in TYPES:
        arrays = drawn.draw(facts, rows=9, dtype=dtype, edges=False, salt="reductions")
        criterion = made(loss)
        value = criterion(*arrays)
        beside, _ = criterion.value_and_grad(*arrays)
        total = criterion.total(*arrays)
        assert value.dtype == dtype == beside.dtype, f"{np.dtype(dtype)} gave {value.dtype} and {beside.dtype}"
        close(beside, value, tolerance(dtype), "value with the gradient against value alone")
        close(total.mean, value, tolerance(dtype), "mean of the total against value")


def check_reductions(loss: LossFunction) -> None:
    """Sum, mean and batchmean are those of the values; the gradient is scaled as the value is."""
    facts = loss.definition
    arrays = drawn.draw(facts, rows=9, salt="reductions")
    values = made(loss, reduction="none")(*arrays)
    beside, gradients = unreduced(loss, arrays)
    close(beside, values, 1e-14, "values with the gradient against values alone", 1e-300)
    of_sum = dict(zip(differentiable(facts, arrays), gradients, strict=True))
    total = made(loss).total(*arrays)
    shares = drawn.shares(facts, arrays, values)
    close(total.sum, (values * shares).sum(), 1e-13, "sum of the total")
    for reduction in facts.reductions:
        if reduction == "none":
            continue
        divisor = {"mean": total.denominator, "batchmean": float(len(arrays[0]))}.get(reduction, 1.0)
        value, found = made(loss, reduction=reduction).value_and_grad(*arrays)
        share = shares if reduction == "mean" else np.ones_like(shares)
        close(value, (values * share).sum() / divisor, 1e-13, f"{reduction}: value")
        for name, got in zip(facts.wrt, as_tuple(found), strict=True):
            wanted = of_sum[name] if "row_divisor" not in facts.facts else of_sum[name] * drawn.along(facts, share, got)
            close(got, wanted / divisor, 1e-13, f"{reduction}: gradient by {name}", 1e-300)


@only_if(separable)
def check_totals_add(loss: LossFunction) -> None:
    """The totals of uneven batches add up to the total of all, and its mean is the loss of all."""
    facts = loss.definition
    arrays = drawn.draw(facts, rows=9, edges=True, salt="reductions")
    arrays = _finite(loss, arrays)
    criterion = made(loss)
    cuts = (slice(0, 4), slice(4, 5), slice(5, 9))
    parts = [criterion.total(*drawn.rows_of(facts, arrays, cut)) for cut in cuts]
    added = sum(parts[1:], start=parts[0])
    whole = criterion.total(*arrays)
    close(added.sum, whole.sum, 1e-13, "sum of the batches' sums")
    close(added.denominator, whole.denominator, 1e-13, "sum of the batches' denominators")
    close(added.mean, criterion(*arrays), 1e-13, "mean over the batches")


def _finite(loss: LossFunction, arrays):  # type: ignore[no-untyped-def]
    """The rows with a finite loss: a certain wrong prediction may cost an infinity."""
    values, _ = unreduced(loss, arrays)
    good = np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    return drawn.rows_of(loss.definition, arrays, good)


@only_if(separable)
def check_one_row(loss: LossFunction) -> None:
    """A batch of one row has the value and gradient that the row has among others."""
    facts = loss.definition
    for kind in drawn.kinds(facts):
        arrays = drawn.draw(facts, kind=kind, rows=3, salt="reductions")
        values, gradients = unreduced(loss, arrays)
        for row in range(3):
            this = slice(row, row + 1)
            one, slopes = unreduced(loss, drawn.rows_of(facts, arrays, this))
            close(one, values[this], 1e-14, f"{kind}: value of row {row} alone", 1e-300)
            for name, slope, gradient in zip(differentiable(facts, arrays), slopes, gradients, strict=True):
                if name in drawn.shared(facts):
                    continue
                (part,) = drawn.rows_of(facts, (gradient,), this)
                close(slope, part, 1e-14, f"{kind}: gradient of row {row} alone", 1e-300)


@only_if(lambda facts: separable(facts) and facts.facts.get("min_ndim", 1) < 2)
def check_no_batch_axis(loss: LossFunction) -> None:
    """A single row, or a single number for an elementwise loss, gives a value without that axis."""
    facts = loss.definition
    arrays = drawn.draw(facts, rows=1, salt="reductions")
    if facts.structure == "pointwise" and not facts.facts.get("class_mean"):
        one = tuple(array[0, 0] for array in arrays)
        wrapped = tuple(array[0, :1] for array in arrays)
    else:
        one, wrapped = drawn.rows_of(facts, arrays, 0), arrays
    for reduction in ("none", "mean", "sum"):
        criterion = made(loss, reduction=reduction)
        first = differentiable(facts, one) if reduction == "none" else facts.wrt
        value, gradients = criterion.value_and_grad(*one, wrt=first)
        wanted, slopes = criterion.value_and_grad(*wrapped, wrt=first)
        gradient, slope = (both[0] if isinstance(both, tuple) else both for both in (gradients, slopes))
        assert np.shape(value) == (), f"{reduction}: the value has shape {np.shape(value)}"
        shape = np.shape(one[facts.inputs.index(first[0])])
        assert np.shape(gradient) == shape, f"{reduction}: the gradient has shape {np.shape(gradient)}, wanted {shape}"
        same_bits(np.asarray(value).reshape(-1), np.asarray(wanted).reshape(-1), f"{reduction}: value")
        same_bits(np.asarray(gradient).reshape(-1), slope.reshape(-1), f"{reduction}: gradient")


def check_empty(loss: LossFunction) -> None:
    """No rows: an empty array, a sum of 0, a mean that is nan or, if asked, 0; gradients of the input's shape."""
    facts = loss.definition
    for kind in drawn.kinds(facts):
        arrays = drawn.rows_of(facts, drawn.draw(facts, kind=kind, rows=2, salt="reductions"), slice(0))
        wanted = {"mean": {"nan": np.nan, "zero": 0.0}, "sum": {"nan": 0.0, "zero": 0.0}}
        for reduction in ("mean", "sum"):
            for on_empty in ("nan", "zero"):
                criterion = made(loss, reduction=reduction, on_empty=on_empty)
                value, gradient = criterion.value_and_grad(*arrays, wrt=facts.wrt[:1])
                what = f"{kind}, {reduction} of nothing, on_empty={on_empty!r}"
                close([value, criterion(*arrays)], [wanted[reduction][on_empty]] * 2, 0.0, what)
                assert gradient.shape == arrays[0].shape, f"{what}: gradient of shape {gradient.shape}"
                total = criterion.total(*arrays)
                assert (total.sum, total.denominator) == (0.0, 0.0), f"{what}: {total}"
        values, _ = unreduced(loss, arrays)
        assert values.size == 0, f"{kind}: the values of no rows have shape {values.shape}"
        assert len(values) == 0, f"{kind}: the values of no rows have shape {values.shape}"
        if facts.hessian:
            _, bend = made(loss).grad_and_hess(*arrays)
            assert bend.shape == arrays[0].shape, f"{kind}: Hessian of shape {bend.shape}"


@only_if(lambda facts: "ignore_index" in facts.parameters)
def check_ignored_rows(loss: LossFunction) -> None:
    """Ignored rows cost nothing, have no gradient whatever they hold, and do not count in the mean."""
    facts = loss.definition
    first = facts.wrt[:1]
    for kind in [kind for kind in drawn.kinds(facts) if kind in ("labels", "planes", "images")]:
        arrays = drawn.draw(facts, kind=kind, rows=6, salt="reductions")
        logits, labels = arrays[0], arrays[facts.inputs.index("target")]
        for ignored in (-100, 0, -1):
            left_out = labels.copy()
            left_out[labels == ignored] = 1
            left_out[[1, 4]] = ignored
            spoilt = logits.copy()
            spoilt[[1, 4]] = np.nan
            kept = [0, 2, 3, 5]
            fewer = with_labels(facts, arrays, logits[kept], left_out[kept])
            wanted, slope = made(loss).value_and_grad(*fewer, wrt=first)
            criterion = made(loss, ignore_index=ignored)
            what = f"{kind}, ignore_index={ignored}"
            for scores in (logits, spoilt):
                given = with_labels(facts, arrays, scores, left_out)
                value, gradient = criterion.value_and_grad(*given, wrt=first)
                close(value, wanted, 1e-14, f"{what}: value")
                close(gradient[kept], slope, 1e-14, f"{what}: gradient of the rows that count", 1e-300)
                assert not np.any(gradient[[1, 4]]), f"{what}: an ignored row has a gradient"
                values, _ = unreduced(loss, given, ignore_index=ignored)
                assert not np.any(values[[1, 4]]), f"{what}: an ignored row has a value"
                denominator = criterion.total(*fewer).denominator
                if facts.facts.get("unit") == "row":
                    assert denominator == left_out[kept].size, f"{what}: denominator without ignored rows"
                assert criterion.total(*given).denominator == denominator, f"{what}: denominator"
        nothing = np.full_like(labels, -100)
        for on_empty, expected in (("nan", np.nan), ("zero", 0.0)):
            criterion = made(loss, on_empty=on_empty)
            value, gradient = criterion.value_and_grad(*with_labels(facts, arrays, logits, nothing), wrt=first)
            close(value, expected, 0.0, f"{kind}: only ignored rows, on_empty={on_empty!r}")
            assert not np.any(gradient), f"{kind}: only ignored rows, but a gradient"
