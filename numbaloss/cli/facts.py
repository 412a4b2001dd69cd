"""The facts on a loss in words."""

from __future__ import annotations

from typing import Any

from numbaloss.definition import Definition

TARGETS = {
    "real": "real numbers",
    "sign": "−1 or 1",
    "binary": "0 or 1",
    "probability": "probabilities, 0 … 1",
    "log_probability": "log-probabilities",
    "positive": "positive numbers",
    "nonnegative": "numbers from 0",
    "count": "counts",
    "class": "class labels",
    "class_list": "lists of class labels",
    "class_or_distribution": "class labels or probabilities",
    "class_or_mask": "class labels or masks",
}
BRIEFLY = {
    "real": "real",
    "sign": "−1, 1",
    "probability": "probabilities",
    "positive": "above 0",
    "nonnegative": "from 0",
    "class": "classes",
    "class_list": "lists of classes",
    "class_or_distribution": "classes, probabilities",
    "class_or_mask": "classes, masks",
}


def briefly(kind: str) -> str:
    """A kind of target in a table."""
    return BRIEFLY.get(kind, words(kind))


def words(kind: str) -> str:
    """A kind of target or domain as a reader says it."""
    return TARGETS.get(kind, kind.replace("_", " "))


def as_data(facts: Definition) -> dict[str, Any]:
    """The facts as plain data, for JSON."""
    return {
        "name": facts.name,
        "class": facts.class_name,
        "summary": facts.summary,
        "task": facts.task,
        "structure": facts.structure,
        "package": facts.distribution,
        "inputs": list(facts.inputs),
        "target": facts.target,
        "domain": facts.domain,
        "differentiable": list(facts.differentiable),
        "default_gradients": list(facts.wrt),
        "hessian": facts.hessian,
        "convex": facts.convex,
        "weight": facts.weight,
        "reductions": list(facts.reductions),
        "parameters": {
            name: {"default": default, "limits": limits(facts, name)} for name, default in facts.parameters.items()
        },
    }


def limits(facts: Definition, name: str) -> str | list[Any] | None:
    """Where a hyper-parameter may lie: an interval as text, a list of choices, or None for anywhere."""
    limit = facts.limits.get(name)
    return list(limit) if isinstance(limit, tuple) else (None if limit is None else str(limit))
