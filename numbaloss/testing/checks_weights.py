"""Checks of weights: those of samples, and those that belong to the loss."""

from __future__ import annotations

import numpy as np

from numbaloss.testing import inputs as drawn
from numbaloss.testing.basics import (
    Array,
    LossFunction,
    close,
    differentiable,
    made,
    only_if,
    raises,
    separable,
    unreduced,
)


def _weights(facts, count: int) -> Array:  # type: ignore[no-untyped-def]
    return drawn.generator(facts, "weights").uniform(0.25, 2.0, count)


def check_sample_weight_multiplies(loss: LossFunction) -> None:
    """A weight for each row multiplies its value, gradient and Hessian; the mean divides by what the totals say."""
    facts = loss.definition
    first = facts.wrt[:1]
    for kind in drawn.kinds(facts)[:1]:
        arrays = drawn.draw(facts, kind=kind, rows=6, salt="weights")
        weights = _weights(facts, 6)
        weights[2] = 0.0
        sums = made(loss, reduction="sum")
        values, gradients = unreduced(loss, arrays)
        slopes = gradients[0]
        wide = weights.reshape(-1, *[1] * (values.ndim - 1))
        tall = drawn.along(facts, weights, slopes)
        share = drawn.shares(facts, arrays, values)
        factor = weights if "row_divisor" not in facts.facts else weights * share
        weighed, products = unreduced(loss, arrays, sample_weight=weights)
        close(weighed, values * wide, 1e-14, f"{kind}: values", 1e-300)
        for name, product, one in zip(differentiable(facts, arrays), products, gradients, strict=True):
            if separable(facts) and name not in drawn.shared(facts):
                close(product, one * drawn.along(facts, weights, one), 1e-13, f"{kind}: gradients", 1e-300)
        total = made(loss).total(*arrays, sample_weight=weights)
        ones = made(loss).total(*arrays)
        close(total.sum, float((values * wide * share).sum()), 1e-13, f"{kind}: sum")
        if separable(facts):
            portion = weights.sum() / len(weights)
            close(total.denominator, ones.denominator * portion, 1e-13, f"{kind}: denominator")
        mean, gradient = made(loss).value_and_grad(*arrays, wrt=first, sample_weight=weights)
        close(mean, total.mean, 1e-13, f"{kind}: mean")
        of_sum = slopes * drawn.along(facts, factor, slopes) if separable(facts) else products[0]
        close(gradient, of_sum / total.denominator, 1e-13, f"{kind}: gradient of the mean", 1e-300)
        close(made(loss)(*arrays, sample_weight=weights), mean, 1e-13, f"{kind}: mean alone")
        if facts.hessian:
            _, bends = sums.grad_and_hess(*arrays)
            _, weighed = sums.grad_and_hess(*arrays, sample_weight=weights)
            close(weighed, bends * tall, 1e-13, f"{kind}: Hessian", 1e-300)


@only_if(separable)
def check_integer_weight_repeats(loss: LossFunction) -> None:
    """A row of weight k is k rows: in the sum, the mean, and the gradient; one of weight 0 is none."""
    facts = loss.definition
    arrays = drawn.draw(facts, rows=6, salt="weights")
    weights = np.array([1, 3, 0, 2, 1, 2])
    repeated = drawn.rows_of(facts, arrays, np.repeat(np.arange(6), weights))
    for reduction in ("mean", "sum"):
        criterion = made(loss, reduction=reduction)
        value, gradient = criterion.value_and_grad(*arrays, wrt=facts.wrt[:1], sample_weight=weights)
        wanted, slopes = criterion.value_and_grad(*repeated, wrt=facts.wrt[:1])
        close(value, wanted, 1e-13, f"{reduction}: value")
        starts = np.concatenate([[0], np.cumsum(weights)])[:-1]
        for row, (start, count) in enumerate(zip(starts, weights, strict=True)):
            (same,) = drawn.rows_of(facts, (slopes,), slice(start, start + count))
            summed = same.sum(axis=drawn.batch_axis(facts, slopes))
            (got,) = drawn.rows_of(facts, (gradient,), row)
            close(got, summed, 1e-12, f"{reduction}: gradient of row {row}", 1e-15)


def check_zero_weights(loss: LossFunction) -> None:
    """All weights zero is the mean of nothing; a list of weights is taken."""
    facts = loss.definition
    arrays = drawn.draw(facts, rows=3, salt="weights")
    for on_empty, wanted in (("nan", np.nan), ("zero", 0.0)):
        criterion = made(loss, on_empty=on_empty)
        close(criterion(*arrays, sample_weight=np.zeros(3)), wanted, 0.0, f"on_empty={on_empty!r}")
    close(made(loss)(*arrays, sample_weight=[2.0, 2.0, 2.0]), made(loss)(*arrays), 1e-13, "weights that are all 2")


@only_if(lambda facts: facts.structure == "pointwise" and not facts.facts.get("class_mean"))
def check_element_weights(loss: LossFunction) -> None:
    """A sample weight may have the input's shape."""
    facts = loss.definition
    arrays = drawn.draw(facts, rows=3, salt="weights")
    weights = _weights(facts, arrays[0].size).reshape(arrays[0].shape)
    values, _ = unreduced(loss, arrays)
    close(unreduced(loss, arrays, weights)[0], values * weights, 1e-14, "values", 1e-300)
    close(made(loss)(*arrays, sample_weight=weights), (values * weights).sum() / weights.sum(), 1e-13, "mean")


@only_if(lambda facts: facts.weight in ("sum", "count") and not facts.facts.get("class_mean"))
def check_weight_argument_of_elements(loss: LossFunction) -> None:
    """The loss's own weight multiplies elements and is broadcast; the mean divides by their sum or number."""
    facts = loss.definition
    arrays = drawn.draw(facts, rows=3, salt="weights")
    values, _ = unreduced(loss, arrays)
    for shape in (arrays[0].shape, arrays[0].shape[1:], (1,)):
        weights = _weights(facts, int(np.prod(shape))).reshape(shape)
        wide = np.broadcast_to(weights, values.shape)
        divisor = wide.sum() if facts.weight == "sum" else values.size
        close(made(loss, weight=weights)(*arrays), (values * wide).sum() / divisor, 1e-13, f"weight of shape {shape}")
        got, _ = unreduced(loss, arrays, weight=weights)
        close(got, values * wide, 1e-14, f"values, weight of shape {shape}", 1e-300)


@only_if(lambda facts: facts.weight == "class")
def check_class_weights(loss: LossFunction) -> None:
    """Class weights multiply rows by their label's weight; the mean divides by their sum unless stated otherwise."""
    facts = loss.definition
    arrays = drawn.draw(facts, rows=7, salt="weights")
    labels, first = arrays[facts.inputs.index("target")], facts.wrt[:1]
    weights = _weights(facts, drawn.classes_of(facts, arrays))
    values, slopes = made(loss, reduction="none").value_and_grad(*arrays, wrt=first)
    factor = weights[labels]
    weighed, gradient = made(loss, reduction="none", weight=weights).value_and_grad(*arrays, wrt=first)
    close(weighed, values * factor, 1e-14, "values")
    close(gradient, slopes * factor[:, None], 1e-13, "gradients", 1e-300)
    counted = np.ones(7) if facts.facts.get("denominator") == "count" else factor
    total = made(loss, weight=weights).total(*arrays)
    close(total.denominator, counted.sum(), 1e-13, "denominator")
    close(made(loss, weight=weights)(*arrays), (values * factor).sum() / counted.sum(), 1e-13, "mean")
    both = made(loss, weight=weights).total(*arrays, sample_weight=np.arange(7.0))
    close(both.sum, (values * factor * np.arange(7.0)).sum(), 1e-13, "sum with sample weights, too")
    close(both.denominator, (counted * np.arange(7.0)).sum(), 1e-13, "denominator with sample weights, too")
    fewer = made(loss, weight=weights[:-1])
    raises(lambda: fewer(*arrays), ValueError, "weight", what="a weight for all classes but one")
