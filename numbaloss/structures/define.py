"""A definition from a decorated function and the facts given with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numbaloss.compile.symbolic.derive import may_state_value_alone, states_value_alone
from numbaloss.definition import Definition, Interval, camel_case, split_signature
from numbaloss.structures.derived import DerivedDefinition


def define(maths: Callable[..., Any], structure: str, **given: Any) -> Definition:
    """A definition with what can be told from the function's signature and place filled in.

    `plan` says how derivatives are derived where the function gives its value alone; elementwise ones need none.

    Raises TypeError or ValueError for a default that is no hyper-parameter's value, or outside its own limits.
    """
    inputs, parameters = split_signature(maths)
    known = {name: given.pop(name) for name in tuple(given) if name in Definition.__dataclass_fields__}
    differentiable = known.pop("differentiable", inputs[:1])
    limits = {name: Interval(text) if isinstance(text, str) else text for name, text in known.pop("limits", {}).items()}
    plan = given.get("plan")
    if plan is None:
        alone = structure == "pointwise" and may_state_value_alone(maths)
    else:
        alone = states_value_alone(maths, len(inputs))
    made = (DerivedDefinition if alone else Definition)(
        maths=maths,
        structure=structure,
        inputs=known.pop("inputs", inputs),
        parameters=known.pop("parameters", parameters),
        differentiable=differentiable,
        wrt=known.pop("wrt", differentiable[:1]),
        task=known.pop("task", (maths.__module__ or "__main__").rpartition(".")[2]),
        class_name=known.pop("class_name", camel_case(maths.__name__)),
        target=known.pop("target", "real"),
        limits=limits,
        facts=given,
        **known,
    )
    made.checked({})
    return made
