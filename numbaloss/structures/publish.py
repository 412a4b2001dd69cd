"""Makes the public function and the public class of a loss from its definition."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from numbaloss.definition import Definition
from numbaloss.loss import Loss

COMMON = """
{ignore}{weight}reduction : {{{reductions}}}
    What is returned: every value, their mean, or their sum{batchmean}.
sample_weight : array, optional
    Multiplies each {unit}; the mean then divides by the sum of the weights it used.
on_empty : {{"nan", "zero"}}
    The mean of nothing (no rows, or only ignored ones).

Returns
-------
number or array
    In the type of the first input; with ``reduction="none"`` an array of one value for each {one}.

Raises
------
TypeError, ValueError
    Before anything is computed: a wrong kind of array, shapes that differ, {labels}a hyper-parameter outside its
    interval.
"""

IGNORE = """\
ignore_index : int
    A label of this number takes no part: neither in the value nor in the gradient, nor in the denominator.
"""
# What an elementwise loss's own weight does, by what the mean divides by.
WEIGHT = {
    "sum": "Multiplies each element, broadcast from the right; the mean divides by the sum of the weights.",
    "count": "Multiplies each element, broadcast from the right; does not enter the denominator.",
}


def publish(definition: Definition, base: type[Loss]) -> Callable[..., Any]:
    """The function users call; its class is at ``function.Loss``, its facts at ``function.definition``."""
    names = definition.inputs

    def function(*inputs: Any, sample_weight: Any = None, **arguments: Any) -> Any:
        named = {name: arguments.pop(name) for name in names if name in arguments}
        return _made(made, arguments)(*inputs, sample_weight=sample_weight, **named)

    function.__name__ = function.__qualname__ = definition.name
    function.__module__ = definition.stated.__module__ or "__main__"
    function.__doc__ = documentation(definition)
    defaults = {**definition.parameters, **common_arguments(definition)}
    optional = definition.facts.get("optional", ())
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=None if name in optional else inspect.Parameter.empty,
        )
        for name in names
    ]
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default) for name, default in defaults.items()
    ]
    constructor = [parameter for parameter in parameters if parameter.name not in (*names, "sample_weight")]
    attributes = {
        "definition": definition,
        "function": staticmethod(function),
        "__doc__": function.__doc__,
        "__module__": function.__module__,
        "__signature__": inspect.Signature(constructor),
    }
    keywords = [parameter.name for parameter in constructor]

    def new(cls: type[Loss], *positional: Any, **_arguments: Any) -> Loss:
        if positional:
            raise TypeError(
                f"{cls.__name__} takes hyper-parameters by keyword, {', '.join(keywords)}; arrays come with the call: "
                f"{cls.__name__}(...)({', '.join(names)})"
            )
        return object.__new__(cls)

    attributes["__new__"] = new
    made = type(definition.class_name, (base,), attributes)
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.definition = definition  # type: ignore[attr-defined]
    function.Loss = made  # type: ignore[attr-defined]
    return function


def common_arguments(definition: Definition) -> dict[str, Any]:
    """The keywords every loss takes, with their defaults."""
    weight = {} if definition.weight is None else {"weight": None}
    return {**weight, "reduction": "mean", "sample_weight": None, "on_empty": "nan"}


def documentation(definition: Definition) -> str:
    """The mathematics' docstring, its parameters followed by those every loss takes."""
    weight = definition.facts.get("weight_doc", WEIGHT.get(definition.weight or "", ""))
    ignore = IGNORE if "ignore_index" in definition.parameters and "ignore_index :" not in definition.doc else ""
    common = COMMON.format(
        ignore=ignore,
        weight=f"weight : array, optional\n    {weight}\n" if definition.weight else "",
        reductions=", ".join(f'"{name}"' for name in definition.reductions),
        batchmean=", or their sum over the number of rows" if "batchmean" in definition.reductions else "",
        unit=definition.facts.get("unit", "element (the input's shape) or each row (its leading dimensions)"),
        one=definition.facts.get("one", definition.facts.get("unit", "element")),
        labels="a label out of range, " if definition.target.startswith("class") else "",
    ).strip()
    before, marker, after = definition.doc.partition("\nReferences\n----------")
    return f"{before.rstrip()}\n{common}\n{marker}{after}\n"


def _made(loss: type[Loss], arguments: dict[str, Any]) -> Loss:
    """The loss object for these arguments, remembered where they can be (arrays cannot)."""
    try:
        keys = tuple((name, type(value), value) for name, value in arguments.items())
        return _remembered(loss, keys)  # type: ignore[arg-type]  # a class is hashable, whatever its objects are
    except TypeError:  # an unhashable argument, or a wrong one: the constructor says which
        return loss(**arguments)


@lru_cache(maxsize=256)
def _remembered(loss: type[Loss], arguments: tuple[tuple[str, type, Any], ...]) -> Loss:
    return loss(**{name: value for name, _, value in arguments})
