"""Weights of a mix that change: by the step of training, or learnt with the model.

>>> import numbaloss as nl
>>> from numbaloss.weighting import Cosine, Linear, Uncertainty
>>> loss = Linear(1.0, 0.0, steps=100) * nl.L1Loss() + Cosine(0.0, 1.0, steps=100) * nl.MSELoss()
>>> loss.at(50)
0.5 * L1Loss() + 0.5 * MSELoss()
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from numbaloss.loss import Loss
from numbaloss.mix import Mix
from numbaloss.terms import Terms

Array = np.ndarray[Any, Any]

__all__ = ["Constant", "Cosine", "Linear", "Schedule", "Scheduled", "Uncertainty"]


class Schedule:
    """A number for each step; times a loss, it is a term of a `Scheduled` mix."""

    def __call__(self, step: int) -> float:
        """The number at a step, counted from 0."""
        raise NotImplementedError

    def __mul__(self, loss: Any) -> Scheduled:
        return Scheduled([(self, loss)]) if isinstance(loss, Loss) else NotImplemented

    __rmul__ = __mul__


@dataclass(frozen=True)
class Constant(Schedule):
    """The same number at every step."""

    value: float

    def __call__(self, step: int) -> float:
        return float(self.value)


@dataclass(frozen=True)
class _Ramp(Schedule):
    start: float
    end: float
    steps: int

    def __post_init__(self) -> None:
        if type(self.steps) is not int or self.steps < 1:
            raise ValueError(f"steps must be a whole number from 1, got {self.steps!r}")
        for name in ("start", "end"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name} must be a finite number, got {getattr(self, name)!r}")

    def _share(self, step: int) -> float:
        return min(max(step / self.steps, 0.0), 1.0)


@dataclass(frozen=True)
class Linear(_Ramp):
    """From `start` at step 0 in a straight line to `end` at step `steps`, and `end` from there on.

    >>> [Linear(1.0, 0.0, steps=4)(step) for step in (0, 1, 4, 9)]
    [1.0, 0.75, 0.0, 0.0]
    """

    def __call__(self, step: int) -> float:
        share = self._share(step)
        return (1.0 - share) * self.start + share * self.end


@dataclass(frozen=True)
class Cosine(_Ramp):
    """From `start` at step 0 along half a cosine to `end` at step `steps`, and `end` from there on.

    Slow at both ends (I. Loshchilov, F. Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, 2017).

    >>> [round(Cosine(1.0, 0.0, steps=4)(step), 4) for step in (0, 1, 2, 4)]
    [1.0, 0.8536, 0.5, 0.0]
    """

    def __call__(self, step: int) -> float:
        share = 0.5 + 0.5 * math.sin(math.pi * (self._share(step) - 0.5))  # of the sine: exact at both ends and halfway
        return (1.0 - share) * self.start + share * self.end


class Scheduled:
    """A mix whose factors follow schedules: `schedule * loss + ...`.

    `step` says where training is, and is the caller's to advance (``loss.step += 1``); calls are those of `mix`, the
    `Mix` of that step. Changing factors compiles nothing: they are arguments of the kernel.
    """

    def __init__(self, terms: Iterable[tuple[Schedule | float, Loss]], step: int = 0) -> None:
        self.terms = tuple((one if isinstance(one, Schedule) else Constant(float(one)), loss) for one, loss in terms)
        self.step = step
        self._made: tuple[int, Mix] | None = None

    def at(self, step: int) -> Mix:
        """The mix of one step."""
        return Mix((schedule(step), loss) for schedule, loss in self.terms)

    @property
    def mix(self) -> Mix:
        """The mix of the present step."""
        if self._made is None or self._made[0] != self.step:
            self._made = self.step, self.at(self.step)
        return self._made[1]

    def __call__(self, *inputs: Any, **keywords: Any) -> Any:
        """The weighted sum at the present step."""
        return self.mix(*inputs, **keywords)

    def value_and_grad(self, *inputs: Any, **keywords: Any) -> Any:
        """The weighted sum at the present step and its gradient; arguments as `Mix.value_and_grad`."""
        return self.mix.value_and_grad(*inputs, **keywords)

    def grad_and_hess(self, *inputs: Any, **keywords: Any) -> tuple[Any, Any]:
        """Gradient and diagonal Hessian at the present step."""
        return self.mix.grad_and_hess(*inputs, **keywords)

    def components(self, *inputs: Any, **keywords: Any) -> dict[str, Any]:
        """Each part by name, before its factor."""
        return self.mix.components(*inputs, **keywords)

    def __add__(self, other: Any) -> Scheduled:
        more = _terms_of(other)
        return NotImplemented if more is None else Scheduled([*self.terms, *more], self.step)

    def __radd__(self, other: Any) -> Scheduled:
        before = () if isinstance(other, int) and other == 0 else _terms_of(other)  # ``sum`` begins with 0
        return NotImplemented if before is None else Scheduled([*before, *self.terms], self.step)

    def __repr__(self) -> str:
        return " + ".join(f"{schedule!r} * {loss!r}" for schedule, loss in self.terms)


def _terms_of(other: Any) -> Sequence[tuple[Schedule | float, Loss]] | None:
    """What can be added to a scheduled mix, as its terms."""
    if isinstance(other, Scheduled):
        return other.terms
    return other._summands if isinstance(other, Terms) else None


class Uncertainty:
    r"""Losses weighed by uncertainties that are learnt with the model.

    .. math:: L = \sum_i \left(c_i e^{-s_i} L_i + \tfrac12 s_i\right), \qquad s_i = \log \sigma_i^2

    A loss that stays large gets a large variance, hence a small weight, and pays half its logarithm for that. `mix`
    gives the parts and their constants :math:`c_i`: 1/2 for the likelihood of a Gaussian (squared error), 1 for that of
    a softmax. The log-variances are an array for the caller's optimiser to update in place.

    Parameters
    ----------
    mix : Mix or sequence of float
        The losses of the same inputs, or, for tasks that have inputs of their own, the constants alone: then `weigh`
        takes the values of the losses.
    log_variances : sequence of float, optional
        Where to start; 0 for each loss.

    References
    ----------
    A. Kendall, Y. Gal, R. Cipolla, Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry and
    Semantics, 2018.

    Examples
    --------
    >>> import numbaloss as nl
    >>> loss = Uncertainty(0.5 * nl.MSELoss() + 1.0 * nl.L1Loss())
    >>> value, gradient, by_log_variances = loss.value_and_grads([2.0], [0.0])
    >>> float(value), gradient, by_log_variances
    (4.0, array([3.]), array([-1.5, -1.5]))
    >>> loss.log_variances -= 0.1 * by_log_variances
    >>> loss.factors.round(4)
    array([0.4304, 0.8607])
    """

    def __init__(self, mix: Mix | Sequence[float], log_variances: Sequence[float] | None = None) -> None:
        terms = mix.terms if isinstance(mix, Mix) else ()
        self.losses = tuple(loss for _, loss in terms)
        self.constants = np.array([factor for factor, _ in terms] if terms else mix, dtype=np.float64)
        if self.constants.ndim != 1 or not self.constants.size or not (self.constants > 0.0).all():
            raise ValueError(f"wanted losses with constants above 0, got {mix!r}")
        if any(loss.reduction == "none" for loss in self.losses):
            raise ValueError(f"uncertainties weigh losses that are one number each; {mix!r} has reduction='none'")
        start = np.zeros_like(self.constants) if log_variances is None else np.array(log_variances, dtype=np.float64)
        if start.shape != self.constants.shape:
            count = self.constants.size
            raise ValueError(f"log_variances must have one number for each of {count} losses, got {log_variances}")
        self.log_variances: Array = start

    @property
    def factors(self) -> Array:
        """What each loss is multiplied by at present."""
        made: Array = self.constants * np.exp(-self.log_variances)
        return made

    @property
    def mix(self) -> Mix:
        """The losses with their present factors."""
        if not self.losses:
            raise TypeError("these uncertainties weigh values of losses with inputs of their own; call weigh(values)")
        return Mix(zip(self.factors.tolist(), self.losses, strict=True))

    def weigh(self, values: Sequence[float]) -> tuple[float, Array, Array]:
        """The total of losses' values, and its gradients by the values (the `factors`) and by the log-variances."""
        given = np.array([float(value) for value in values])
        if given.shape != self.constants.shape:
            raise ValueError(f"wanted the values of {self.constants.size} losses, got {given.size}")
        factors = self.factors
        total = float(factors @ given + 0.5 * self.log_variances.sum())
        return total, factors, 0.5 - factors * given

    def __call__(self, *inputs: Any, **keywords: Any) -> Any:
        """The total."""
        value = self.mix(*inputs, **keywords)
        return value + type(value)(0.5 * self.log_variances.sum())

    def value_and_grad(self, *inputs: Any, **keywords: Any) -> tuple[Any, Any]:
        """The total and its gradient by the inputs; arguments as `Mix.value_and_grad`."""
        value, gradient = self.mix.value_and_grad(*inputs, **keywords)
        return value + type(value)(0.5 * self.log_variances.sum()), gradient

    def value_and_grads(
        self, *inputs: Any, sample_weight: Any = None, out: Any = None, wrt: Any = None, **named: Any
    ) -> tuple[Any, Any, Array]:
        """The total, its gradient by the inputs, and its gradient by the log-variances."""
        # before the gradient, which may overwrite an input
        parts = self.mix.components(*inputs, sample_weight=sample_weight, **named)
        value, gradient = self.value_and_grad(*inputs, sample_weight=sample_weight, out=out, wrt=wrt, **named)
        return value, gradient, self.weigh(list(parts.values()))[2]

    def __repr__(self) -> str:
        shown = " + ".join(f"{c:g} * {loss!r}" for c, loss in zip(self.constants, self.losses, strict=False))
        return f"Uncertainty({shown or self.constants.tolist()}, log_variances={self.log_variances.tolist()})"
