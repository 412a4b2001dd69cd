"""What can be scaled, added and subtracted: a loss, or a weighted sum of losses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numbaloss.loss import Loss
    from numbaloss.mix import Mix


class Terms:
    """The operators of losses and mixes; all of them give a `Mix`."""

    __array_ufunc__ = None  # an array of NumPy's, or one of its numbers, leaves its product with a loss to the loss

    @property
    def _summands(self) -> tuple[tuple[float, Loss], ...]:
        """The losses and their factors."""
        raise NotImplementedError

    def __mul__(self, factor: float) -> Mix:
        if not hasattr(factor, "__float__"):
            return NotImplemented
        by = float(factor)
        return _mixed((by * own, loss) for own, loss in self._summands)

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Mix:
        if not hasattr(divisor, "__float__"):
            return NotImplemented
        by = float(divisor)
        return _mixed((own / by, loss) for own, loss in self._summands)

    def __neg__(self) -> Mix:
        return self * -1.0

    def __add__(self, other: Any) -> Mix:
        return _mixed((*self._summands, *other._summands)) if isinstance(other, Terms) else NotImplemented

    def __radd__(self, other: Any) -> Mix:
        """Zero is what ``sum`` begins with."""
        return _mixed(self._summands) if isinstance(other, (int, float)) and other == 0 else NotImplemented

    def __sub__(self, other: Any) -> Mix:
        return self + -other if isinstance(other, Terms) else NotImplemented


def _mixed(terms: Iterable[tuple[float, Loss]]) -> Mix:
    from numbaloss.mix import Mix

    return Mix(terms)
