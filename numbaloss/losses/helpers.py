"""Small pieces of mathematics that several losses share."""

from __future__ import annotations

from typing import Any

from numbaloss.compile.primitives import copysign


def sign(x: Any) -> Any:
    """-1, 0 or 1; nan of nan."""
    return copysign(1.0, x) if abs(x) > 0.0 else x


def times(weight: Any, value: Any) -> Any:
    """``weight * value``, where a weight of zero counts nothing: 0 times infinity is 0."""
    return 0.0 if weight == 0.0 else weight * value
