"""Checks of hyper-parameters that may be arrays, and of those that change nothing at their neutral value."""

from __future__ import annotations

import numpy as np

from numbaloss.testing import inputs as drawn
from numbaloss.testing import parameters as chosen
from numbaloss.testing.basics import LossFunction, close, made, only_if, same_bits, tolerance


@only_if(lambda facts: bool(facts.arrays))
def check_array_parameters(loss: LossFunction) -> None:
    """A hyper-parameter given as an array is, for each entry of the last axis, the number there."""
    facts = loss.definition
    arrays = drawn.draw(facts, rows=4, salt="parameters")
    width = arrays[0].shape[-1]
    for name in facts.arrays:
        inside = [value for value in (*chosen.others(facts, name), facts.parameters[name]) if value is not None]
        entries = [float(inside[k % len(inside)]) for k in range(width)]
        values, gradient = made(loss, reduction="none", **{name: entries}).value_and_grad(*arrays)
        for k, entry in enumerate(entries):
            column = tuple(np.ascontiguousarray(array[:, k]) for array in arrays)
            wanted, slope = made(loss, reduction="none", **{name: entry}).value_and_grad(*column)
            close(values[:, k], wanted, 1e-14, f"{name}={entries}: values of column {k}", 1e-300)
            close(gradient[:, k], slope, 1e-14, f"{name}={entries}: gradient of column {k}", 1e-300)
        criterion = made(loss, **{name: entries})
        assert eval(repr(criterion), {loss.Loss.__name__: loss.Loss}) == criterion, f"{criterion!r} is another loss"


def check_settings_compute(loss: LossFunction) -> None:
    """Every valid hyper-parameter gives finite values and gradients of float32, near those of float64."""
    facts = loss.definition
    for setting in chosen.sets(facts):
        if any(isinstance(value, (bool, str)) or name in facts.static for name, value in setting.items()):
            continue  # compiled in: checked at fifty digits, without a kernel for each
        if facts.structure == "softmax" and not all(facts.parameters[name] for name in setting):
            continue  # what is off by default is compiled in when it is on
        small = drawn.draw(facts, rows=4, dtype=np.float32, parameters=setting, salt="parameters")
        large = tuple(array if array.dtype.kind in "iu" else array.astype(np.float64) for array in small)
        first = facts.wrt[:1]
        value, gradient = made(loss, **setting).value_and_grad(*small, wrt=first)
        wanted, slopes = made(loss, **setting).value_and_grad(*large, wrt=first)
        assert np.isfinite(value), f"{setting}: the value is {value!r}"
        assert np.isfinite(gradient).all(), f"{setting}: the gradient is not finite"
        scale = float(np.max(np.abs(slopes)))
        close(value, wanted, 8 * tolerance(np.float32), f"{setting}: value")
        close(gradient, slopes, 8 * tolerance(np.float32), f"{setting}: gradient", 8 * tolerance(np.float32) * scale)


@only_if(lambda facts: bool(facts.facts.get("vector")))
def check_target_without_the_last_axis(loss: LossFunction) -> None:
    """With several values of its vector hyper-parameter, a target may lack the last axis."""
    facts = loss.definition
    name = facts.facts["vector"]
    input, target = drawn.draw(facts, rows=4, salt="parameters")
    criterion = made(loss, reduction="none", **{name: [0.125, 0.25, 0.5, 0.75]})
    lifted = np.repeat(target[:, :1], input.shape[1], axis=1)
    same_bits(criterion(input, target[:, 0].copy()), criterion(input, lifted), "values")
