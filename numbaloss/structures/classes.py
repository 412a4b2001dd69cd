"""Losses written as classes: ``class MyLoss(nl.Loss)`` with a `forward` of one element."""

from __future__ import annotations

import inspect
import re
from collections import namedtuple
from types import FunctionType
from typing import Any

from numbaloss.compile import render
from numbaloss.loss import Loss
from numbaloss.structures.define import define
from numbaloss.structures.facts import STANDARD, check_facts
from numbaloss.structures.pointwise import PointwiseLoss
from numbaloss.structures.publish import publish


def adopt(cls: type[Loss], facts: dict[str, Any]) -> None:
    """Make an elementwise loss of a class whose body has a `forward`; its other attributes are hyper-parameters.

    Raises TypeError for a class that does not fit.
    """
    forward = cls.__dict__["forward"]
    if not isinstance(forward, FunctionType):
        raise TypeError(f"{cls.__name__}: forward must be an ordinary method, forward(self, input, target)")
    if "__init__" in cls.__dict__:
        raise TypeError(
            f"{cls.__name__}: a loss has no __init__ of its own; state hyper-parameters as attributes with their "
            "defaults, such as scale = 1.0, and read them as self.scale"
        )
    inputs = list(inspect.signature(forward).parameters)[1:]
    parameters = {
        name: value
        for name, value in cls.__dict__.items()
        if not name.startswith("_") and isinstance(value, (bool, int, float, str))
    }
    for name in parameters:
        delattr(cls, name)  # an object's own value must not be hidden by the default
    defaults = {name: float(value) if type(value) is int else value for name, value in parameters.items()}
    maths = _function(snake_case(cls.__name__), forward, inputs, defaults)
    maths.__doc__, maths.__module__ = cls.__doc__, cls.__module__
    check_facts("pointwise", maths, facts, returns=STANDARD, alone=True)
    definition = define(maths, "pointwise", class_name=cls.__name__, **facts)
    function: Any = publish(definition, PointwiseLoss)
    function.Loss, twin = cls, function.Loss
    cls.definition, cls.function, cls.__doc__ = definition, staticmethod(function), twin.__doc__
    cls.__signature__ = twin.__signature__  # type: ignore[attr-defined]
    cls.__reduce__ = _reduced  # type: ignore[method-assign, assignment]
    cls.__bases__ = tuple(PointwiseLoss if base is Loss else base for base in cls.__bases__)


def _function(name: str, forward: FunctionType, inputs: list[str], parameters: dict[str, Any]) -> FunctionType:
    """`forward` as a function of its inputs and hyper-parameters; `self` holds the latter."""
    arguments = ", ".join([*inputs, *(f"{parameter}={value!r}" for parameter, value in parameters.items())])
    text = f"def {name}({arguments}):\n    return forward(attributes({', '.join(parameters)}), {', '.join(inputs)})\n"
    return render.function(text, forward=forward, attributes=namedtuple("attributes", parameters))


def _reduced(loss: Loss) -> Any:
    return _rebuilt, (type(loss), loss._arguments())


def _rebuilt(cls: type[Loss], arguments: dict[str, Any]) -> Loss:
    return cls(**arguments)


def snake_case(name: str) -> str:
    """``CauchyLoss`` -> ``cauchy_loss``; ``DiceCELoss`` -> ``dice_ce_loss``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
