"""Weighted sums of losses: ``0.7 * nl.CrossEntropyLoss() + 0.3 * nl.FocalLoss()``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.arrays import device_door
from numbaloss.arrays.casts import laid_out, put
from numbaloss.arrays.numpy import computed_dtype
from numbaloss.loss import Loss, Need, Outcome
from numbaloss.terms import Terms
from numbaloss.total import Total

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceDoor


class Mix(Terms):
    """A weighted sum of losses over the same inputs.

    Terms whose mathematics can be joined (elementwise losses of the same inputs; softmax losses with the same weights,
    labels and reduction) become one kernel that reads memory once. Losses over regions share their sweeps, also with a
    softmax loss of the same labels or, under a sigmoid, an elementwise loss of the same masks. The others are computed
    one after another.
    """

    def __init__(self, terms: Iterable[tuple[float, Loss]]) -> None:
        self.terms = tuple((float(factor), loss) for factor, loss in terms)
        names = {loss.definition.inputs for _, loss in self.terms}
        if len(names) > 1:
            raise TypeError(f"only losses of the same inputs can be mixed, got {sorted(names)}")
        reductions = {loss.reduction for _, loss in self.terms}
        if "none" in reductions and len(reductions) > 1:
            raise TypeError(f"losses whose reduction is 'none' mix with their like alone, got {sorted(reductions)}")
        units = {loss.definition.facts.get("unit") for _, loss in self.terms if loss.reduction == "none"}
        if len(units) > 1:
            raise TypeError(f"the unreduced values of these losses belong to different things: {self!r}")
        self._groups = self._grouped()
        self._fused = tuple(_one(group) for group in self._groups)

    def _grouped(self) -> list[list[tuple[float, Loss]]]:
        """The terms, those that can share a pass over memory together."""
        groups: list[list[tuple[float, Loss]]] = []
        for term in self.terms:
            for group in groups:
                if all(loss._joins(term[1]) or term[1]._joins(loss) for _, loss in group):
                    group.append(term)
                    break
            else:
                groups.append([term])
        return groups

    def __call__(self, *inputs: Any, sample_weight: Any = None, **named: Any) -> Any:
        """The weighted sum of the losses."""
        door = device_door((*inputs, *named.values()))
        if door is not None:
            parts = [loss(*inputs, sample_weight=sample_weight, **named) for _, loss in self._fused]
            return self._combined(door, parts)
        values = [factor * loss(*inputs, sample_weight=sample_weight, **named) for factor, loss in self._fused]
        return _typed(sum(values[1:], start=values[0]), values[0])

    def value_and_grad(
        self,
        *inputs: Any,
        sample_weight: Any = None,
        out: Any = None,
        wrt: Sequence[str] | None = None,
        components: bool = False,
        **named: Any,
    ) -> Any:
        """The weighted sum of the losses and its gradient; `out` as in `Loss.value_and_grad`.

        With ``components=True`` a third item: what `components` gives, from the same pass where the parts share one.
        """
        door = device_door((*inputs, *named.values()))
        if door is not None:
            return self._slopes_on_device(door, inputs, sample_weight, out, wrt, components, named)
        others = self._fused[1:]
        given = out if isinstance(out, (tuple, list)) else (out,)
        in_place = others and any(np.may_share_memory(_host(one), _host(two)) for one in given for two in inputs)
        found: list[list[Any]] = []
        value: Any = None
        gradient: Any = None
        for group, (factor, loss) in zip(self._groups, self._fused, strict=True):
            buffer = None if gradient is not None or in_place else out
            if components:
                need = Need(total=True, values=loss.reduction == "none", wrt=loss._wanted(wrt), out=buffer, parts=True)
                outcome = loss._outcome(loss._bound(inputs, named), sample_weight, need)
                more, slope = loss._value_and_gradients(outcome)
                found.append(self._values(group, outcome, inputs, sample_weight, named))
            else:
                keywords = {"sample_weight": sample_weight, "wrt": wrt, **named}
                more, slope = loss.value_and_grad(*inputs, out=buffer, **keywords)
            if gradient is None:
                value, gradient = factor * more, slope
                _scale(gradient, factor)
            else:
                value = value + factor * more
                _add(gradient, slope, factor)
        if in_place:
            for array, one in zip(given, gradient if isinstance(gradient, tuple) else (gradient,), strict=True):
                array[...] = one
            gradient = tuple(given) if isinstance(gradient, tuple) else given[0]
        return (value, gradient, self._by_name(found)) if components else (value, gradient)

    def grad_and_hess(self, *inputs: Any, sample_weight: Any = None, **named: Any) -> tuple[Any, Any]:
        """Gradient and diagonal Hessian of the weighted sum."""
        door = device_door((*inputs, *named.values()))
        if door is not None:
            both = [loss.grad_and_hess(*inputs, sample_weight=sample_weight, **named) for _, loss in self._fused]
            return self._combined(door, [one for one, _ in both]), self._combined(door, [two for _, two in both])
        parts = [
            (factor, *loss.grad_and_hess(*inputs, sample_weight=sample_weight, **named)) for factor, loss in self._fused
        ]
        factor, gradient, curvature = parts[0]
        _scale(gradient, factor)
        _scale(curvature, factor)
        for factor, slope, bend in parts[1:]:
            _add(gradient, slope, factor)
            _add(curvature, bend, factor)
        return gradient, curvature

    # ---- on a device

    def _combined(self, door: DeviceDoor, parts: Sequence[Any]) -> Any:
        """The weighted sum of arrays that the terms gave."""
        return door.combined([factor for factor, _ in self._fused], parts)

    def _slopes_on_device(
        self,
        door: DeviceDoor,
        inputs: tuple[Any, ...],
        sample_weight: Any,
        out: Any,
        wrt: Sequence[str] | None,
        components: bool,
        named: dict[str, Any],
    ) -> Any:
        """`value_and_grad`: every term in its own pass, then their weighted sums, the gradients' into `out`."""
        factors = [factor for factor, _ in self._fused]
        values, slopes, found = [], [], []
        for group, (_, loss) in zip(self._groups, self._fused, strict=True):
            wanted = loss._wanted(wrt)
            need = Need(total=True, values=loss.reduction == "none", wrt=wanted, parts=components)
            outcome = loss._outcome(loss._bound(inputs, named), sample_weight, need)
            value, slope = loss._value_and_gradients(outcome)
            values.append(value)
            slopes.append(slope if isinstance(slope, tuple) else (slope,))
            if components:
                found.append(self._values(group, outcome, inputs, sample_weight, named))
        buffers = Need(wrt=wanted, out=out).buffers(repr(self))
        gradients = tuple(
            door.combined(factors, parts, buffer)
            for parts, buffer in zip(zip(*slopes, strict=True), buffers, strict=True)
        )
        value, gradient = door.combined(factors, values), gradients if len(gradients) > 1 else gradients[0]
        return (value, gradient, self._by_name(found)) if components else (value, gradient)

    # ---- sums and parts

    def total(self, *inputs: Any, sample_weight: Any = None, **named: Any) -> Total:
        """Sum and denominator of the mean; ValueError where the terms divide by different things."""
        totals: list[tuple[float, Total]] = []
        for group, (factor, loss) in zip(self._groups, self._fused, strict=True):
            outcome = self._passed(loss, inputs, sample_weight, named)
            if outcome.parts:
                totals += [(own, one._total(part)) for (own, one), part in zip(group, outcome.parts, strict=True)]
            else:
                totals.append((factor, loss._total(outcome)))
        denominators = {total.denominator for _, total in totals}
        if len(denominators) > 1:
            raise ValueError(
                f"the parts of {self!r} divide by different denominators {sorted(denominators)}, so they have no "
                "total; take the totals of the parts by components(..., totals=True)"
            )
        return Total(
            sum(factor * total.sum for factor, total in totals), denominators.pop(), self.terms[0][1].on_empty
        )

    def components(self, *inputs: Any, sample_weight: Any = None, totals: bool = False, **named: Any) -> dict[str, Any]:
        """Each part by name, before its factor: values, or with ``totals=True`` sums and denominators.

        Parts that share the sums of one pass cost that one pass. `value_and_grad` gives them along with the gradient.
        """
        found = []
        for group, (_, loss) in zip(self._groups, self._fused, strict=True):
            shared = len(group) > 1 and group[0][1].reduction != "none"
            outcome = self._passed(loss, inputs, sample_weight, named) if shared else None
            found.append(self._values(group, outcome, inputs, sample_weight, named, totals))
        return self._by_name(found)

    def _passed(self, loss: Loss, inputs: tuple[Any, ...], sample_weight: Any, named: dict[str, Any]) -> Outcome:
        return loss._outcome(loss._bound(inputs, named), sample_weight, Need(total=True, parts=True))

    def _values(
        self,
        group: list[tuple[float, Loss]],
        outcome: Outcome | None,
        inputs: tuple[Any, ...],
        sample_weight: Any,
        named: dict[str, Any],
        totals: bool = False,
    ) -> list[Any]:
        """The value (or total) of each term of a group, from the group's pass if that holds them."""
        parts = () if outcome is None else (outcome,) if len(group) == 1 else outcome.parts
        if parts:
            of = zip(group, parts, strict=True)
            return [loss._total(part) if totals else loss._value(part) for (_, loss), part in of]
        calls = [loss.total if totals else loss for _, loss in group]
        return [call(*inputs, sample_weight=sample_weight, **named) for call in calls]

    def _by_name(self, found: list[list[Any]]) -> dict[str, Any]:
        """The terms' values in the order of the terms, each under its loss's name."""
        places = {
            id(term): value
            for group, values in zip(self._groups, found, strict=True)
            for term, value in zip(group, values, strict=True)
        }
        named: dict[str, Any] = {}
        for term in self.terms:
            first = term[1].definition.name
            name, count = first, 2
            while name in named:
                name, count = f"{first}_{count}", count + 1
            named[name] = places[id(term)]
        return named

    @property
    def definition(self) -> Any:
        """The facts of the one loss the mix was joined into; AttributeError where it was not."""
        if len(self._fused) != 1:
            raise AttributeError("this mix is computed in several passes and has no single definition")
        return self._fused[0][1].definition

    @property
    def _summands(self) -> tuple[tuple[float, Loss], ...]:
        return self.terms

    def __repr__(self) -> str:
        signed = (f"{'-' if factor < 0.0 else '+'} {_short(abs(factor))} * {loss!r}" for factor, loss in self.terms)
        text = " ".join(signed)
        return f"-{text[2:]}" if text.startswith("-") else text.removeprefix("+ ")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mix) and self.terms == other.terms

    def __hash__(self) -> int:
        return hash(self.terms)

    def __reduce__(self) -> Any:
        return Mix, (self.terms,)


def _one(group: list[tuple[float, Loss]]) -> tuple[float, Loss]:
    """One loss for the terms of a group, made by one that can take all others into its kernel."""
    if len(group) == 1:
        return group[0]
    leader = next(loss for _, loss in group if all(loss is other or loss._joins(other) for _, other in group))
    return 1.0, leader._joined(group)


def _short(number: float) -> str:
    """A number that reads back as itself, with no more digits than that takes."""
    text = f"{number:g}"
    return text if float(text) == number else repr(number)


def _host(array: Any) -> Any:
    return array if isinstance(array, np.ndarray) else np.empty(0)


def _typed(value: Any, like: Any) -> Any:
    return like.dtype.type(value) if isinstance(value, float) and hasattr(like, "dtype") else value


def _scale(gradients: Any, factor: float) -> None:
    if factor != 1.0:
        for gradient in gradients if isinstance(gradients, tuple) else (gradients,):
            dtype = computed_dtype(gradient.dtype)
            if gradient.dtype == dtype:
                gradient *= dtype.type(factor)
            else:
                put(laid_out(gradient, dtype) * dtype.type(factor), gradient)


def _add(gradients: Any, slopes: Any, factor: float) -> None:
    pairs = zip(gradients, slopes, strict=True) if isinstance(gradients, tuple) else [(gradients, slopes)]
    for gradient, slope in pairs:
        dtype = computed_dtype(gradient.dtype)
        if gradient.dtype == dtype:
            gradient += slope if factor == 1.0 else slope * dtype.type(factor)
        else:
            put(laid_out(gradient, dtype) + laid_out(slope, dtype) * dtype.type(factor), gradient)
