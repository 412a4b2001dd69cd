"""A definition whose author stated the value alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from types import FunctionType
from typing import Any

from numbaloss.compile.symbolic.derive import derived as derive
from numbaloss.compile.symbolic.plan import Plan
from numbaloss.definition import Definition, Interval, split_signature


class DerivedDefinition(Definition):
    """Slopes and curvature are derived when they are first needed: SymPy takes a third of a second to import."""

    @property
    def maths(self) -> FunctionType:
        """The value as stated, with derived slopes and curvature. ImportError without SymPy."""
        known = self.__dict__
        if "_maths" not in known:
            inputs, parameters = split_signature(self.stated)
            stated: Any = self.stated
            known["_maths"] = derive(stated, inputs, parameters, planned(self))
        made: FunctionType = known["_maths"]
        return made

    @maths.setter
    def maths(self, stated: FunctionType) -> None:
        self.__dict__["_stated"] = stated

    @property
    def stated(self) -> FunctionType:
        found: FunctionType = self.__dict__["_stated"]
        return found

    @property
    def derived(self) -> str | None:
        return None if self.maths is self.stated else inspect.getsource(self.maths)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_maths"}


def planned(facts: Definition) -> Plan:
    """What is derived for this loss: what its structure says, or what an elementwise loss needs."""
    given: Plan | None = facts.facts.get("plan")
    known = dict.fromkeys(facts.inputs[1:], facts.target)
    known |= {facts.inputs[0]: facts.domain, **facts.facts.get("domains", {})}
    plan = Plan(facts.differentiable, known) if given is None else given
    return replace(plan, domains={**plan.domains, **signs(facts)})


def signs(facts: Definition) -> dict[str, str]:
    """Which hyper-parameters are known to be positive, or not negative."""
    known = {}
    for name, limit in facts.limits.items():
        if isinstance(limit, Interval) and limit.bounds[0] >= 0.0:
            known[name] = "nonnegative" if limit.bounds[0] in limit else "positive"
    return known


def of_arguments(
    maths: Callable[..., Any],
    count: int = 1,
    *domains: str,
    result: str = "curved",
    moving: str = "",
) -> Plan:
    """A plan for mathematics whose first `count` arguments have slopes.

    `domains` are those of its arguments in order, the last one also of all that follow; `moving` says how the second
    argument moves with the first.
    """
    names = split_signature(maths)[0]
    places = (*domains, *domains[-1:] * len(names))
    return Plan(
        names[:count],
        dict(zip(names, places, strict=False)),
        dict.fromkeys(names[1:2], moving) if moving else {},
        result,
    )


def of_log_prob(maths: Callable[..., Any]) -> Plan:
    """A plan for mathematics of a log-probability and of one minus its probability."""
    return of_arguments(maths, 1, "log_probability", "probability", moving="one minus its exponential")
