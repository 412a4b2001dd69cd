"""The object a user holds: a loss with its hyper-parameters and its reduction."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from numbaloss.arrays import device_door, door
from numbaloss.definition import Definition
from numbaloss.terms import Terms
from numbaloss.total import OnEmpty, Total, mean

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceDoor
    from numbaloss.arrays.numpy import NumPyDoor

Array = np.ndarray[Any, Any]
ON_EMPTY = ("nan", "zero")
ARGUMENTS = ("reduction", "on_empty", "weight", "parameters")  # attributes of a loss, beside its hyper-parameters


@dataclass(frozen=True)
class Need:
    """What one call wants computed."""

    values: bool = False
    total: bool = False
    wrt: tuple[str, ...] = ()
    hessian: bool = False
    out: Any = None
    parts: bool = False  # of a joined loss: those of its terms, too

    def buffers(self, loss: str) -> tuple[Any, ...]:
        """The caller's buffer for each gradient, None where he gives none; ValueError unless each has its own."""
        if self.out is None:
            return (None,) * len(self.wrt)
        given = tuple(self.out) if isinstance(self.out, (tuple, list)) else (self.out,)
        own = [id(buffer) for buffer in given if buffer is not None]
        if len(given) != len(self.wrt) or len(set(own)) < len(own):
            raise ValueError(f"{loss}: out must be one buffer for each of the gradients {self.wrt}, got {len(given)}")
        return given


@dataclass
class Outcome:
    """What a structure computed: unreduced values, or their float64 sum with its denominator; derivatives."""

    door: NumPyDoor
    dtype: np.dtype[Any]
    total: float = 0.0
    denominator: float = 0.0
    batch: int = 0
    share: float = 1.0  # of an element in its row's value, where rows are averaged over classes
    values: Any = None
    gradients: tuple[Any, ...] = ()
    curvature: Any = None
    parts: tuple[Outcome, ...] = ()  # of the terms of a joined loss, where one pass gives them

    def summed(self) -> tuple[float, float]:
        """The sum and the denominator of the mean."""
        return self.total, self.denominator

    def number(self, loss: Loss) -> float:
        """What the reduction makes of the sum."""
        if loss.reduction == "sum":
            return self.total
        divisor = float(self.batch) if loss.reduction == "batchmean" else self.denominator
        return mean(self.total, divisor, loss.on_empty)

    def reduced(self, loss: Loss) -> Any:
        """The number handed to the user."""
        return self.door.scalar(self.number(loss), self.dtype)


class Loss(Terms):
    """Base of all losses; a structure's subclass computes, this class reduces, combines and compares.

    A subclass with a method ``forward(self, input, target)`` is an elementwise loss: `forward` gives the value of one
    element (the derivatives are derived with SymPy, see `numbaloss.pointwise`) and may call elementwise losses. Plain
    attributes are its hyper-parameters; the facts that `pointwise` takes stand in the class's own line.

    >>> import numbaloss as nl
    >>> class PullLoss(nl.Loss, limits={"pull": "[0, 1]"}):
    ...     pull = 0.5
    ...     def forward(self, input, target):
    ...         return self.pull * nl.mse_loss(input, target) + (1 - self.pull) * nl.l1_loss(input, target)
    >>> float(PullLoss(pull=0.25)([3.0], [1.0]))
    2.5
    """

    definition: ClassVar[Definition]
    function: ClassVar[Callable[..., Any]]

    def __init_subclass__(cls, **facts: Any) -> None:
        super().__init_subclass__()
        if "forward" in cls.__dict__:
            from numbaloss.structures.classes import adopt

            adopt(cls, facts)
        elif facts:
            raise TypeError(f"{cls.__name__} states {', '.join(facts)} but has no forward(self, input, target)")

    def __init__(
        self, *, weight: Any = None, reduction: str = "mean", on_empty: OnEmpty = "nan", **parameters: Any
    ) -> None:
        if not hasattr(type(self), "definition"):
            raise TypeError(f"{type(self).__name__} has no forward(self, input, target): nothing says what it computes")
        facts = self.definition
        if reduction not in facts.reductions:
            raise ValueError(f"{facts.name}: reduction must be one of {facts.reductions}, got {reduction!r}")
        if on_empty not in ON_EMPTY:
            raise ValueError(f"{facts.name}: on_empty must be one of {ON_EMPTY}, got {on_empty!r}")
        if weight is not None and facts.weight is None:
            raise TypeError(f"{facts.name} takes no weight; weigh elements or rows by sample_weight in the call")
        self.reduction = reduction
        self.on_empty = on_empty
        self.parameters = facts.checked(parameters)
        self.weight = self._checked_weight(weight)
        self._kernels: dict[Any, Any] = {}  # those used so far, by what tells them apart

    if not TYPE_CHECKING:  # else a type checker would let any misspelt attribute pass

        def __getattr__(self, name: str) -> Any:
            """A hyper-parameter by its name."""
            parameters = self.__dict__.get("parameters", {})
            if name in parameters:
                return parameters[name]
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

        def __setattr__(self, name: str, value: Any) -> None:
            """Arguments stay as they were given: kernels are bound to them, and equal losses have equal hashes."""
            made = self.__dict__
            if name in made.get("parameters", ()) or (name in ARGUMENTS and name in made):
                raise AttributeError(
                    f"{self.definition.name}: {name} cannot be changed once a loss is made; "
                    f"make another, {type(self).__name__}({name}={_shown(value)})"
                )
            super().__setattr__(name, value)

    def _checked_weight(self, weight: Any) -> Array | None:
        raise NotImplementedError

    _quick_when = False  # whether this loss, with its arguments, has a quick way

    def _quick(self, inputs: tuple[Any, ...], out: Any) -> tuple[Any, Any] | None:
        """`value_and_grad` of the most common call with as little Python as can be; None where it does not apply."""
        raise NotImplementedError

    def _run(self, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        """Compute what `need` says; each computational structure does it its own way."""
        raise NotImplementedError

    def _run_on_device(self, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        """The same for arrays in a device's memory."""
        raise TypeError(f"{self.definition.name} has no kernels for CUDA devices")

    def _outcome(self, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        """Compute where the arrays are."""
        try:
            door = device_door(inputs)
        except TypeError as error:
            raise TypeError(f"{self.definition.name}: {error}") from None
        if door is None:
            return self._run(inputs, sample_weight, need)
        return self._run_on_device(door, inputs, sample_weight, need)

    # ---- what a user calls

    def __call__(self, *inputs: Any, sample_weight: Any = None, **named: Any) -> Any:
        """The loss: a number, or with ``reduction="none"`` an array; the same kind of array as the input."""
        unreduced = self.reduction == "none"
        need = Need(values=unreduced, total=not unreduced)
        return self._value(self._outcome(self._bound(inputs, named), sample_weight, need))

    def value_and_grad(
        self, *inputs: Any, sample_weight: Any = None, out: Any = None, wrt: Sequence[str] | None = None, **named: Any
    ) -> tuple[Any, Any]:
        """The loss and its gradient in one pass over memory.

        The gradient is that of the returned number (with ``reduction="none"``: of the sum of the returned values),
        has the shape of the input it belongs to and the dtype of the first, and is written to `out` when given (the
        input itself is allowed: it is then overwritten). `wrt` names the inputs to differentiate by; several give a
        tuple.
        """
        if sample_weight is None and wrt is None and not named and self._quick_when:
            quick = self._quick(inputs, out)
            if quick is not None:
                return quick
        unreduced = self.reduction == "none"
        need = Need(values=unreduced, total=not unreduced, wrt=self._wanted(wrt), out=out)
        return self._value_and_gradients(self._outcome(self._bound(inputs, named), sample_weight, need))

    def _value_and_gradients(self, outcome: Outcome) -> tuple[Any, Any]:
        gradients = tuple(outcome.door.result(gradient) for gradient in outcome.gradients)
        return self._value(outcome), gradients[0] if len(gradients) == 1 else gradients

    def grad_and_hess(self, *inputs: Any, sample_weight: Any = None, **named: Any) -> tuple[Any, Any]:
        """The gradient and the diagonal of the Hessian by the first input, both of the input's shape."""
        if not self.definition.hessian:
            raise TypeError(f"{self.definition.name} has no Hessian")
        need = Need(wrt=self.definition.differentiable[:1], hessian=True)
        outcome = self._outcome(self._bound(inputs, named), sample_weight, need)
        assert outcome.curvature is not None
        return outcome.door.result(outcome.gradients[0]), outcome.door.result(outcome.curvature)

    def total(self, *inputs: Any, sample_weight: Any = None, **named: Any) -> Total:
        """Sum and denominator of the mean, in float64: totals of batches add up to the exact mean over all of them."""
        return self._total(self._outcome(self._bound(inputs, named), sample_weight, Need(total=True)))

    def _total(self, outcome: Outcome) -> Total:
        total, denominator = outcome.summed()
        return Total(total, float(outcome.batch) if self.reduction == "batchmean" else denominator, self.on_empty)

    # ---- helpers of the above

    def _bound(self, inputs: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """The arrays in the order the mathematics takes them."""
        names = self.definition.inputs
        if len(inputs) == len(names) and not named:
            return inputs
        try:
            bound = inspect.Signature(
                [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
            ).bind(*inputs, **named)
        except TypeError as error:
            hint = "; hyper-parameters are given by keyword" if len(inputs) > len(names) else ""
            made_with = (*self.definition.parameters, *ARGUMENTS)
            if (wrong := next((name for name in named if name in made_with), None)) is not None:
                hint = f"; it belongs where the loss is made: {type(self).__name__}({wrong}=...)"
            raise TypeError(f"{self.definition.name}({', '.join(names)}): {error}{hint}") from None
        return tuple(bound.arguments[name] for name in names)

    def _door(self, inputs: tuple[Any, ...]) -> NumPyDoor:
        return door(inputs, self.definition.inputs, self.definition.name)

    def _wanted(self, wrt: Sequence[str] | None) -> tuple[str, ...]:
        facts = self.definition
        if wrt is None:
            return facts.wrt
        names = (wrt,) if isinstance(wrt, str) else tuple(wrt)
        for name in names:
            if name not in facts.differentiable:
                raise ValueError(f"{facts.name}: wrt can name {facts.differentiable}, got {name!r}")
        return tuple(name for name in facts.differentiable if name in names)

    def _scale(self, denominator: float, batch: int) -> float:
        """What turns the gradient of the sum into that of the reduced value."""
        divisor = {"mean": denominator, "batchmean": float(batch)}.get(self.reduction, 1.0)
        if divisor == 0.0:
            return 0.0 if self.on_empty == "zero" else np.inf
        return 1.0 / divisor

    def _value(self, outcome: Outcome) -> Any:
        if self.reduction == "none":
            assert outcome.values is not None
            return outcome.door.result(outcome.values)
        return outcome.reduced(self)

    # ---- mixes

    def _joins(self, other: Loss) -> bool:
        """Whether this loss can take `other` into one kernel with it."""
        return False

    def _joined(self, terms: Sequence[tuple[float, Loss]]) -> Loss:
        """The one loss that computes the weighted sum of these terms, which it joins."""
        raise NotImplementedError

    @property
    def _summands(self) -> tuple[tuple[float, Loss], ...]:
        return ((1.0, self),)

    # ---- an object among others

    def _arguments(self) -> dict[str, Any]:
        """The constructor's arguments that differ from their defaults."""
        defaults = {"reduction": "mean", "on_empty": "nan", "weight": None, **self.definition.parameters}
        given = {**self.parameters, "weight": self.weight, "reduction": self.reduction, "on_empty": self.on_empty}
        return {name: value for name, value in given.items() if not same(value, defaults[name])}

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={_shown(value)}" for name, value in self._arguments().items())
        return f"{type(self).__name__}({arguments})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Loss) or type(self) is not type(other):
            return NotImplemented
        mine, theirs = self._arguments(), other._arguments()
        return mine.keys() == theirs.keys() and all(same(mine[name], theirs[name]) for name in mine)

    def __hash__(self) -> int:
        return hash((type(self).__name__, tuple(sorted((k, str(v)) for k, v in self._arguments().items()))))

    def __reduce__(self) -> Any:
        return _rebuilt, (type(self).function, self._arguments())


def _rebuilt(function: Any, arguments: dict[str, Any]) -> Loss:
    made: Loss = function.Loss(**arguments)
    return made


def same(one: Any, two: Any) -> bool:
    """Whether two arguments are equal, arrays included."""
    if isinstance(one, np.ndarray) or isinstance(two, np.ndarray):
        return one is not None and two is not None and np.array_equal(one, two)
    return type(one) is type(two) and bool(one == two)


def _shown(value: Any) -> str:
    return repr(value.tolist()) if isinstance(value, np.ndarray) else repr(value)
