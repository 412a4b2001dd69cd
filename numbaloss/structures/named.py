"""A mix under a name of its own: a loss like any other, which a plugin can register."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from types import FunctionType
from typing import Any

from numbaloss.definition import Interval, camel_case
from numbaloss.mix import Mix
from numbaloss.structures.publish import publish


def named_mix(name: str, mix: Mix, doc: str = "", **limits: str) -> Callable[..., Any]:
    """Make one loss function of a mix: its factors and its parts' hyper-parameters become the loss's own.

    Parameters
    ----------
    name : str
        The loss's name, such as ``"blend_loss"``; give the result the same name in your module, so that it can be
        pickled.
    mix : Mix
        A mix that is one kernel: of elementwise losses, or of softmax losses with the same labels, without weights.
    doc : str
        The docstring.
    **limits
        Intervals of hyper-parameters, such as ``factor_0="[0, inf)"``.

    Returns
    -------
    function
        With the class at its attribute ``Loss``; the factors are ``factor_0``, ``factor_1``, ..., the hyper-parameters
        of the parts have the part's number behind their names.

    Examples
    --------
    >>> import numbaloss as nl
    >>> blend_loss = nl.named_mix("blend_loss", 0.5 * nl.MSELoss() + 2.0 * nl.HuberLoss(delta=3.0))
    >>> blend_loss.Loss(factor_1=1.0)
    BlendLoss(factor_1=1.0)
    >>> float(blend_loss([2.0], [0.0]))
    6.0
    """
    if not name.isidentifier():
        raise ValueError(f"{name!r} is not a name for a loss")
    given: Any = mix
    if not isinstance(given, Mix) or len(mix._fused) != 1 or len(mix.terms) < 2:
        raise TypeError(f"{name}: only a mix of losses that are joined into one kernel can have a name, got {mix!r}")
    loss = mix._fused[0][1]
    if loss.definition.structure == "regions":
        raise TypeError(f"{name}: a mix with losses over regions gets its name by nl.fused_regions, got {mix!r}")
    if loss.weight is not None:
        raise TypeError(f"{name}: the parts of a mix with a name have no weight")
    facts = loss.definition
    stated: Any = facts.stated
    defaults = {**facts.parameters, **loss.parameters}
    maths = FunctionType(stated.__code__, stated.__globals__, name)
    maths.__defaults__ = tuple(defaults[one] for one in _keywords(stated))
    maths.__doc__ = doc or f"The mix {mix!r}."
    maths.__module__ = sys._getframe(1).f_globals.get("__name__", "__main__")
    definition = replace(
        facts,
        maths=maths,
        parameters=defaults,
        class_name=camel_case(name),
        limits={**facts.limits, **{one: Interval(text) for one, text in limits.items()}},
    )
    return publish(definition, type(loss).__bases__[0])


def _keywords(function: FunctionType) -> tuple[str, ...]:
    code = function.__code__
    return code.co_varnames[code.co_argcount - len(function.__defaults__ or ()) : code.co_argcount]
