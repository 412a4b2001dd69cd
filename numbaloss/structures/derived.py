"""A definition whose author stated the value alone."""

from __future__ import annotations

import inspect
from types import FunctionType
from typing import Any

from numbaloss.compile.symbolic.derive import derived as derive
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
            known["_maths"] = derive(stated, inputs, parameters, self.differentiable, domains(self))
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


def domains(facts: Definition) -> dict[str, str]:
    """In which domain each input lies, and which hyper-parameters are known to be positive, or not negative."""
    known = dict.fromkeys(facts.inputs[1:], facts.target)
    known |= {facts.inputs[0]: facts.domain, **facts.facts.get("domains", {})}
    for name, limit in facts.limits.items():
        if isinstance(limit, Interval) and limit.bounds[0] >= 0.0:
            known[name] = "nonnegative" if limit.bounds[0] in limit else "positive"
    return known
