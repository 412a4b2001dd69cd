"""Checks of gradients and Hessians: by finite differences of the values, and of the mathematics at fifty digits."""

from __future__ import annotations

import numpy as np

from numbaloss.testing import inputs as drawn
from numbaloss.testing import parameters as chosen
from numbaloss.testing import precise
from numbaloss.testing.basics import (
    Array,
    LossFunction,
    as_tuple,
    close,
    differentiable,
    made,
    only_if,
    shown,
    unreduced,
)

STEP = 1e-5
ROWS = 4


def differences(function, arrays: tuple[Array, ...], index: int) -> Array:  # type: ignore[no-untyped-def]
    """Central differences of `function` (a number, or an array) by each element of one of its arguments."""
    moved = [array.copy() for array in arrays]
    slopes = []
    for place in np.ndindex(arrays[index].shape):
        centre = arrays[index][place]
        step = STEP * max(1.0, abs(float(centre)) * 0.1)
        step = min(step, abs(float(centre)) * 1e-3) if centre != 0.0 else step
        ends = []
        for by in (step, -step):
            moved[index][place] = centre + by
            ends.append((np.asarray(function(*moved)), moved[index][place]))
        moved[index][place] = centre
        slopes.append((ends[0][0] - ends[1][0]) / (ends[0][1] - ends[1][1]))
    return np.array(slopes).reshape(arrays[index].shape + slopes[0].shape)


@only_if(lambda facts: "gradient_of" not in facts.facts)
def check_gradient_by_differences(loss: LossFunction) -> None:
    """The gradient by every differentiable input is what central differences of the values say, in float64."""
    facts = loss.definition
    for kind in drawn.kinds(facts):
        for setting in chosen.two_sets(facts, kind):
            setting |= facts.facts.get("derivative", {})
            rows = 2 if kind == "wide" else ROWS
            arrays = drawn.draw(facts, kind=kind, rows=rows, parameters=setting, salt="differences")
            names = differentiable(facts, arrays)
            criterion = made(loss, reduction="none", **setting)

            def total(*moved: Array) -> float:
                return float(np.sum(criterion.value_and_grad(*moved, wrt=names)[0]))  # noqa: B023

            _, gradients = unreduced(loss, arrays, **setting)
            for name, gradient in zip(names, gradients, strict=True):
                wanted = differences(total, arrays, facts.inputs.index(name))
                scale = float(np.max(np.abs(wanted)))
                close(gradient, wanted, 1e-6, f"{kind}, {shown(setting)}: gradient by {name}", 1e-7 + 1e-6 * scale)


@only_if(lambda facts: facts.hessian)
def check_hessian_by_differences(loss: LossFunction) -> None:
    """The diagonal of the Hessian is what central differences of the gradient say, in float64."""
    facts = loss.definition
    index = facts.inputs.index(facts.differentiable[0])
    for kind in drawn.kinds(facts):
        rows = 2 if kind == "wide" else ROWS
        arrays = drawn.draw(facts, kind=kind, rows=rows, salt="differences")
        criterion = made(loss, reduction="sum")
        gradient, hessian = criterion.grad_and_hess(*arrays)
        both = differences(lambda *moved: criterion.grad_and_hess(*moved)[0], arrays, index)  # noqa: B023
        size = gradient.size
        wanted = np.diagonal(both.reshape(size, size)).reshape(gradient.shape)
        scale = float(np.max(np.abs(wanted)))
        close(hessian, wanted, 1e-6, f"{kind}: diagonal of the Hessian", 1e-7 + 1e-6 * scale)


@only_if(lambda facts: facts.hessian)
def check_hessian_is_scaled_as_the_gradient(loss: LossFunction) -> None:
    """The gradient that comes with a Hessian is the gradient that comes with the value, in every reduction."""
    facts = loss.definition
    arrays = drawn.draw(facts, salt="differences")
    sums, bends = made(loss, reduction="sum").grad_and_hess(*arrays)
    for reduction in facts.reductions:
        criterion = made(loss, reduction=reduction)
        gradient, hessian = criterion.grad_and_hess(*arrays)
        if reduction != "none" and facts.wrt[:1] == facts.differentiable[:1]:
            gradients = criterion.value_and_grad(*arrays, wrt=facts.wrt[:1])[1]
            close(gradient, gradients, 1e-13, f"{reduction}: gradient", 1e-15)
        factor = _factor(gradient, sums)
        close(hessian, bends * factor, 1e-13, f"{reduction}: Hessian against the gradient's scale", 1e-15)


def _factor(one: Array, two: Array) -> float:
    place = np.unravel_index(int(np.argmax(np.abs(two))), two.shape)
    return float(one[place] / two[place]) if two[place] != 0.0 else 1.0


@only_if(lambda facts: facts.structure == "pointwise")
def check_slopes_of_elements(loss: LossFunction) -> None:
    """At fifty digits, slopes and curvature in the mathematics are the derivatives of its value; all parameter sets."""
    facts = loss.definition
    for setting in chosen.sets(facts):
        arrays = drawn.draw(facts, rows=3, parameters=setting, salt="mathematics")
        formula = precise.element(facts, setting)
        for place in np.ndindex(arrays[0].shape):
            point = [precise.number(array[place]) for array in arrays]
            _, slopes, bend = formula(*point)
            where = f"{shown(setting)}, {[float(x) for x in point]}"
            given = as_tuple(slopes)
            assert len(given) == len(facts.differentiable), f"{len(given)} slopes for {facts.differentiable}"
            for name, slope in zip(facts.differentiable, given, strict=True):
                index = facts.inputs.index(name)
                wanted = precise.slope(lambda *x: formula(*x)[0], point, index)  # noqa: B023
                _agree(slope, wanted, f"slope by {name} at {where}")
            if facts.hessian:
                index = facts.inputs.index(facts.differentiable[0])
                wanted = precise.curvature(lambda *x: formula(*x)[0], point, index)  # noqa: B023
                _agree(bend, wanted, f"curvature at {where}")


@only_if(lambda facts: facts.structure == "softmax")
def check_slopes_of_rows(loss: LossFunction) -> None:
    """At fifty digits, slope and curvature in the mathematics are derivatives of its value by the log-probability."""
    facts = loss.definition
    maths = precise.copied(facts.maths)
    for setting in chosen.sets(facts):
        keywords = precise.settings(facts, setting)
        keywords.pop("ignore_index", None)
        for log_prob in (-30.0, -3.0, -0.7, -0.01, -1e-9):
            point = [precise.number(log_prob)]

            def value(x, keywords=keywords):  # type: ignore[no-untyped-def]
                return maths(x, -precise.mp.expm1(x), **keywords)[0]

            _, slope, bend = maths(*point, -precise.mp.expm1(*point), **keywords)
            where = f"{shown(setting)}, log_prob = {log_prob}"
            _agree(slope, precise.slope(value, point, 0), f"slope at {where}")
            _agree(bend, precise.curvature(value, point, 0), f"curvature at {where}")


@only_if(lambda facts: facts.structure == "tiles")
def check_slopes_of_gaps(loss: LossFunction) -> None:
    """At fifty digits, the slope in the mathematics is the derivative of its value by the gap."""
    facts = loss.definition
    maths = precise.copied(facts.maths)
    for setting in chosen.sets(facts):
        keywords = precise.settings(facts, setting)
        for gap in (-30.0, -3.0, -0.25, 0.125, 2.0, 40.0):
            point = [precise.number(gap)]
            wanted = precise.slope(lambda x: maths(x, **keywords)[0], point, 0)  # noqa: B023
            _agree(maths(*point, **keywords)[1], wanted, f"slope at {shown(setting)}, gap = {gap}")


def _agree(got: precise.Number, wanted: precise.Number, what: str) -> None:
    # Mathematics may be written for float64: a series cut where the rest is below its last place is exact.
    assert abs(got - wanted) <= 1e-15 * abs(wanted) + 1e-18, f"{what} is {float(got)!r}, wanted {float(wanted)!r}"
