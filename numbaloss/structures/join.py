"""Joins the mathematics of several losses into one: their weighted sum, computed in one kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from numbaloss.compile import render
from numbaloss.definition import Definition, split_signature
from numbaloss.loss import Loss
from numbaloss.structures.publish import publish

Terms = Sequence[tuple[float, Loss]]


def joined(terms: Terms, arguments: tuple[str, ...], base: type[Loss], shared: dict[str, Any]) -> Loss:
    """One loss of class `base` whose mathematics, called on `arguments`, is the weighted sum of the terms'.

    `shared` holds the hyper-parameters that all terms have in common and the mathematics does not take.
    """
    definitions = tuple(loss.definition for _, loss in terms)
    function = _joined(definitions, arguments, base, tuple(shared.items()))  # type: ignore[arg-type]  # hashable
    values: dict[str, Any] = dict(shared)
    for k, (factor, loss) in enumerate(terms):
        values[f"factor_{k}"] = factor
        for name in split_signature(loss.definition.stated)[1]:
            values[f"{name}_{k}"] = loss.parameters[name]
    first = terms[0][1]
    made: Loss = function.Loss(  # type: ignore[attr-defined]
        weight=first.weight, reduction=first.reduction, on_empty=first.on_empty, **values
    )
    return made


@lru_cache(maxsize=256)
def _joined(
    definitions: tuple[Definition, ...], arguments: tuple[str, ...], base: type[Loss], shared: tuple[Any, ...]
) -> Callable[..., Any]:
    """The loss function of a weighted sum; remembered, so that its kernels are compiled once."""
    first = definitions[0]
    common = tuple(name for name in first.differentiable if all(name in facts.differentiable for facts in definitions))
    parameters: dict[str, Any] = {}
    static, arrays, limits, calls = [], [], {}, []
    for k, facts in enumerate(definitions):
        own = split_signature(facts.stated)[1]
        parameters.update({f"factor_{k}": 1.0, **{f"{name}_{k}": default for name, default in own.items()}})
        static += [f"{name}_{k}" for name in own if name in facts.static]
        arrays += [f"{name}_{k}" for name in own if name in facts.arrays]
        limits.update({f"{name}_{k}": limit for name, limit in facts.limits.items() if name in own})
        names = ", ".join([*arguments, *(f"{name}_{k}" for name in own)])
        calls.append(f"    value_{k}, slopes_{k}, bend_{k} = loss_{k}({names})\n")
    count = range(len(definitions))
    slopes = [_weighted([_slope(k, definitions[k], name) for k in count]) for name in common]
    result = ", ".join(
        [
            _weighted([f"value_{k}" for k in count]),
            slopes[0] if len(slopes) == 1 else f"({', '.join(slopes)})",
            _weighted([f"bend_{k}" for k in count]),
        ]
    )
    text = f"def mix({', '.join([*arguments, *parameters])}):\n{''.join(calls)}    return {result}\n"
    maths = render.function(text, **{f"loss_{k}": facts.maths for k, facts in enumerate(definitions)})
    maths.__defaults__ = tuple(parameters.values())
    maths.__doc__ = "A weighted sum of losses."
    definition = Definition(
        maths=maths,
        structure=first.structure,
        inputs=first.inputs,
        parameters={**dict(shared), **parameters},
        target=next((facts.target for facts in definitions if facts.target == "class"), first.target),
        domain=first.domain,
        differentiable=common,
        wrt=tuple(name for name in first.wrt if name in common),
        task="mix",
        class_name="MixedLoss",
        limits=limits,
        static=tuple(static),
        arrays=tuple(arrays),
        weight=first.weight,
        hessian=all(facts.hessian for facts in definitions),
        facts=first.facts,
    )
    return publish(definition, base)


def _weighted(parts: list[str]) -> str:
    return " + ".join(f"factor_{k} * {part}" for k, part in enumerate(parts))


def _slope(k: int, facts: Definition, name: str) -> str:
    """Where term `k` has its slope by input `name`."""
    return f"slopes_{k}[{facts.differentiable.index(name)}]" if _many(facts) else f"slopes_{k}"


def _many(facts: Definition) -> bool:
    return facts.structure == "pointwise" and len(facts.differentiable) > 1
