"""Checks that need SymPy: given derivatives against symbolic ones, and derived ones far from 1."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import product
from typing import Any

import numpy as np

from numbaloss.definition import Definition
from numbaloss.structures.derived import DerivedDefinition, planned
from numbaloss.testing import inputs as drawn
from numbaloss.testing import parameters as chosen
from numbaloss.testing import precise
from numbaloss.testing.basics import LossFunction, made, only_if, shown, unreduced
from numbaloss.testing.checks_accuracy import TYPES, Elements

MAGNITUDES = (1e-6, 0.01, 1.0, 10.0, 40.0, 100.0, 1e4, 1e6)
SPREAD = {
    "real": [sign * size for size in MAGNITUDES for sign in (1.0, -1.0)],
    "positive": MAGNITUDES,
    "nonnegative": MAGNITUDES,
    "probability": (1e-6, 0.01, 0.5, 0.99, 1.0 - 2.0**-20),
    "log_probability": (-1e-6, -0.01, -1.0, -40.0, -1e4),
}
SHOWN = 3  # places named in a message
TINY = {np.float32: 1.2e-38, np.float64: 1e-30}  # below, denormals or the differences' own step decide


def given(facts: Definition) -> bool:
    """Whether an elementwise loss's author gave the derivatives, and SymPy is there to derive them."""
    return facts.structure == "pointwise" and not isinstance(facts, DerivedDefinition) and bool(find_spec("sympy"))


@only_if(given)
def check_slopes_against_symbolic_ones(loss: LossFunction) -> None:
    """At fifty digits, the slopes and the curvature given by hand are those that SymPy derives from the value."""
    from numbaloss.compile.symbolic.copies import traced
    from numbaloss.compile.symbolic.derive import compiled, source
    from numbaloss.compile.symbolic.trace import DerivationError

    facts = loss.definition
    try:
        value, _ = traced(facts.maths, facts.inputs, facts.parameters)
        text = source(
            facts.maths, value, facts.inputs, facts.parameters, planned(facts), simplest=True
        )
    except DerivationError:  # not every function can be read; differences check it all the same
        return
    symbolic = precise.copied(compiled(text, facts.maths))
    for setting in chosen.sets(facts):
        formula = precise.element(facts, setting)
        keywords = precise.settings(facts, setting)
        arrays = drawn.draw(facts, rows=2, parameters=setting, salt="symbolic")
        for place in np.ndindex(arrays[0].shape):
            point = [precise.number(array[place]) for array in arrays]
            where = f"{shown(setting)}, {[float(x) for x in point]}"
            pairs = zip(_flat(formula(*point)), _flat(symbolic(*point, **keywords)), strict=True)
            for name, (got, wanted) in zip(_names(facts), pairs, strict=True):
                if name != "curvature" or facts.hessian:
                    good = abs(got - wanted) <= 1e-15 * abs(wanted) + 1e-18
                    assert good, f"{name} at {where} is {float(got)!r}, SymPy derives {float(wanted)!r}"


def _flat(results: Any) -> list[Any]:
    value, slopes, bend = results
    return [value, *(slopes if isinstance(slopes, tuple) else (slopes,)), bend]


def _names(facts: Definition) -> list[str]:
    return ["value", *(f"slope by {name}" for name in facts.differentiable), "curvature"]


@only_if(lambda facts: facts.structure == "pointwise" and isinstance(facts, DerivedDefinition))
def check_derived_forms(loss: LossFunction) -> None:
    """Derived slopes and curvatures keep their digits for inputs of any size, from 1e-6 to 1e6."""
    facts = loss.definition
    columns = [SPREAD.get(drawn.domain_name(facts, name), drawn.domain(facts, name).edges) for name in facts.inputs]
    columns = [column if k == 0 else list(column)[::5] or [1.0] for k, column in enumerate(columns)]
    unstable: list[str] = []
    for dtype in TYPES:
        points = np.array(list(product(*columns)), dtype)
        arrays = tuple(np.ascontiguousarray(column) for column in points.T)
        _, gradients = unreduced(loss, arrays)
        bends = made(loss, reduction="sum").grad_and_hess(*arrays)[1] if facts.hessian else None
        elements = Elements(facts, {}, dtype)
        for k, point in enumerate(points):
            at = f"{dict(zip(facts.inputs, map(float, point), strict=True))} in {np.dtype(dtype).name}"
            try:
                for name, gradient in zip(facts.differentiable, gradients, strict=True):
                    if not abs(gradient[k]) < TINY[dtype]:
                        elements.hold(gradient[k], point, name, f"slope by {name} at {at}")
                if bends is not None and not abs(bends[k]) < TINY[dtype]:
                    elements.hold_curvature(bends[k], point, f"curvature at {at}")
            except AssertionError as error:
                unstable.append(str(error))
    assert not unstable, (
        f"the derived form is unstable at {len(unstable)} places; return (value, slope, curvature) written so that "
        f"they keep their digits there:\n" + "\n".join(unstable[:SHOWN])
    )
