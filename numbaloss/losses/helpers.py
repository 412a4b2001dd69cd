"""Small pieces of mathematics that several losses share."""

from __future__ import annotations

from typing import Any

from numbaloss.compile.primitives import copysign, decay


def sign(x: Any) -> Any:
    """-1, 0 or 1; nan of nan."""
    return copysign(1.0, x) if abs(x) > 0.0 else x


def chances(logit: Any) -> tuple[Any, Any]:
    """``(sigmoid(logit), sigmoid(-logit))`` from one exponential and one division, both to the last digits."""
    fall = decay(logit)
    share = 1.0 / (1.0 + fall)
    rest = fall * share
    plus = logit > 0.0
    return share if plus else rest, rest if plus else share


def times(weight: Any, value: Any) -> Any:
    """``weight * value``, where a weight of zero counts nothing: 0 times infinity is 0."""
    return 0.0 if weight == 0.0 else weight * value
