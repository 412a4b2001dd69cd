"""What is to be derived from a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Plan:
    """By which arguments a value is differentiated, what is known of them, and how the derived function returns it.

    `domains` says where arguments lie, and of hyper-parameters whether they are "positive" or "nonnegative"; `moving`
    which argument is a function of the first one (see `algebra.RATES`). `result` is "curved": value, slopes (a tuple
    if there are several) and curvature; "grouped": the same without curvature; "flat": the value and each slope.
    """

    by: tuple[str, ...]
    domains: Mapping[str, str] = field(default_factory=dict)
    moving: Mapping[str, str] = field(default_factory=dict)
    result: str = "curved"

    def __str__(self) -> str:
        return f"{self.result} by {self.by}, {sorted(self.domains.items())}, {sorted(self.moving.items())}"
