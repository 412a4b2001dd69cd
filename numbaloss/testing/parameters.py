"""Valid hyper-parameters for any loss, from their defaults and limits."""

from __future__ import annotations

import math
from typing import Any

from numbaloss.definition import Definition, Interval


def others(facts: Definition, name: str) -> list[Any]:
    """Values of one hyper-parameter besides its default: the edges that belong to it, then points inside.

    All are exact in float32, so that every precision computes with the same number. Empty for integers, whose meaning
    (a label, an exponent) cannot be told. The fact `settings` of a loss overrides them.
    """
    default, limit = facts.parameters[name], facts.limits.get(name)
    if name in (given := facts.facts.get("settings", {})):
        return list(given[name])
    if isinstance(default, bool):
        return [not default]
    if isinstance(limit, tuple):
        return [value for value in limit if value != default]
    if isinstance(default, (int, str)) or (default is None and limit is None):
        return []
    found = _edges(limit) + _inside(limit) if isinstance(limit, Interval) else [float(default) + 0.75, -0.5]
    return [value for value in found if value != default]


def _edges(limit: Interval) -> list[float]:
    return [bound for bound in limit.bounds if math.isfinite(bound) and bound in limit]


def _inside(limit: Interval) -> list[float]:
    low, high = limit.bounds
    if math.isfinite(low) and math.isfinite(high):
        return [low + 0.375 * (high - low), low + 0.8125 * (high - low)]
    if math.isfinite(low):
        return [low + 0.625, low + 3.0]
    if math.isfinite(high):
        return [high - 0.625, high - 3.0]
    return [0.75, -1.5]


def outside(facts: Definition, name: str) -> list[Any]:
    """Values of one hyper-parameter that its limits forbid."""
    limit = facts.limits.get(name)
    if isinstance(limit, tuple):
        return ["no such word"]
    if not isinstance(limit, Interval):
        return []
    low, high = limit.bounds
    near = [low - 1.0, high + 1.0] + [bound for bound in (low, high) if bound not in limit]
    return [value for value in near if math.isfinite(value) and value not in limit]


def changed(facts: Definition) -> dict[str, Any]:
    """Every hyper-parameter at once at a value inside its limits that is not the default."""
    return {name: found[-1] for name in facts.parameters if (found := others(facts, name))}


def sets(facts: Definition) -> list[dict[str, Any]]:
    """The defaults, each hyper-parameter changed alone, and all changed at once."""
    alone = [{name: value} for name in facts.parameters for value in others(facts, name)]
    together = [changed(facts)] if len(facts.parameters) > 1 else []
    return [{}, *alone, *together]


def two_sets(facts: Definition, kind: str = "") -> list[dict[str, Any]]:
    """The defaults, and all changed at once, for checks that compile a kernel for each; only the defaults for the
    rarer kinds of input, whose kernels are slow to compile."""
    changes = changed(facts) if kind not in ("wide", "planes") else {}
    return [{}, *([changes] if changes else [])]
