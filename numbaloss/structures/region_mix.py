"""Several losses of the same regions, and a loss of their rows or elements, computed in the same two sweeps.

That one is the rider: a softmax loss of the same labels where regions are of a softmax, an elementwise loss of the same
targets where they are of sigmoids or of probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from numbaloss.arrays.casts import in_type
from numbaloss.definition import Definition, split_signature
from numbaloss.loss import Array, Loss, Need, Outcome
from numbaloss.structures.define import define
from numbaloss.structures.facts import check_facts
from numbaloss.structures.hyperparameters import hyperparameters
from numbaloss.structures.join import Terms
from numbaloss.structures.pointwise import PointwiseLoss
from numbaloss.structures.publish import publish
from numbaloss.structures.region_images import Images, Rider
from numbaloss.structures.regions import RegionLoss
from numbaloss.structures.softmax import ARGUMENTS, EXTRAS, SoftmaxLoss

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceDoor

WEIGHT = "One weight for each class, multiplying its regions and the rows of that label; as in each of the parts."


def fused_regions(*parts: Callable[..., Any], **facts: Any) -> Any:
    """Make a loss of a function of other losses' values, ``(first, second, hyper=default) -> (value, (slope, ...))``.

    `parts` are losses over regions, and at most one softmax loss of class labels, in the order of the arguments; the
    slopes are the derivatives by each. One softmax and one gradient serve all. The hyper-parameters of the parts become
    the loss's own, those of one name being one.
    """

    def decorate(maths: Callable[..., Any]) -> Callable[..., Any]:
        kinds = [part.Loss for part in parts]  # type: ignore[attr-defined]
        riders = [kind for kind in kinds if not issubclass(kind, RegionLoss)]
        if riders == kinds or len(riders) > 1 or not all(issubclass(kind, SoftmaxLoss) for kind in riders):
            wanted, got = "losses over regions and at most one softmax loss", [part.__name__ for part in parts]
            raise TypeError(f"{maths.__name__}: the parts must be {wanted}, got {', '.join(got)}")
        found = [part.definition for part in parts]  # type: ignore[attr-defined]
        values, hyper = split_signature(maths)
        names = tuple(name for part in found for name in part.parameters)
        slopes = tuple(f"slope by {name}" for name in values)
        check_facts("fused_regions", maths, facts, returns=("value", slopes), inputs=("input", "target"), own=names)
        parameters: dict[str, Any] = {}
        limits: dict[str, Any] = dict(facts.pop("limits", {}))
        for part in found:
            own = {name: value for name, value in part.parameters.items() if name not in (*EXTRAS, "activation")}
            parameters.update(own)
            limits.update({name: limit for name, limit in part.limits.items() if name in own})
        definition = define(
            maths,
            "regions",
            parameters={**parameters, **hyper},
            inputs=("input", "target"),
            differentiable=("input",),
            target="class" if any(part.target == "class" for part in found) else "class_or_mask",
            weight="region",
            weight_doc=WEIGHT,
            unit="image",
            min_ndim=2,
            reductions=("mean", "sum"),
            hessian=False,
            limits=limits,
            parts=tuple(zip(values, parts, strict=True)),
            **facts,
        )
        return publish(definition, FusedLoss)

    return decorate


class Sharing(Loss):
    """A function of the values of losses over the same regions."""

    _regions: tuple[RegionLoss, ...]
    _riding: SoftmaxLoss | PointwiseLoss | None
    _order: tuple[Loss, ...]  # all of them, as the function takes them

    def _share(self, losses: Sequence[Loss]) -> None:
        self._order = tuple(losses)
        self._regions = tuple(loss for loss in losses if isinstance(loss, RegionLoss))
        self._riding = next((loss for loss in losses if isinstance(loss, (SoftmaxLoss, PointwiseLoss))), None)

    def _rides(self, labelled: bool) -> bool:
        """Whether the rider can share the sweeps: one of rows those over labels, one of elements those over masks."""
        return self._riding is None or isinstance(self._riding, SoftmaxLoss) == labelled

    def _combined(self, values: list[float]) -> tuple[float, Sequence[float]]:
        """The value of the function and its slopes, at the parts' values."""
        raise NotImplementedError

    def _checked_weight(self, weight: Any) -> Array | None:
        return None if weight is None else self._regions[0]._checked_weight(weight)

    def _combination(self) -> tuple[Any, tuple[float, ...], Any]:
        """The function, the numbers among its hyper-parameters, and where each of these comes from (see `render`)."""
        raise NotImplementedError

    def _run_on_device(self, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        from numbaloss.structures.cuda import region_mix

        return region_mix.run(self, door, inputs, sample_weight, need)

    @np.errstate(all="ignore")  # nan and infinity come through the sums as through the kernels
    def _run(self, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        lead = self._regions[0]
        door, images = lead._images(inputs, need)
        weights = lead._image_weights(sample_weight, images.count)
        if not self._rides(images.labels is not None):
            return self._one_by_one(inputs, images, weights, need)
        rider = self._rider(images)
        sums = images.sums(rider)
        lead._no_wrong_labels(images, sums)
        blank = Outcome(door, images.input.dtype, batch=images.count)
        outcomes, found = [], {}
        for loss in self._order:
            if isinstance(loss, RegionLoss):
                found[id(loss)] = regions = loss._regions(sums.classes, weights)
                total, denominator = regions.total, regions.denominator
            else:
                total, denominator = weights.dot(sums.ridden).tolist()
            outcomes.append(Outcome(door, blank.dtype, total, denominator, images.count))
        factors = self._finished(blank, outcomes, weights)
        if need.wrt:
            both = np.zeros((2, images.count, images.classes))
            pulls = np.zeros(images.count)
            for loss, outcome, factor in zip(self._order, outcomes, factors, strict=True):
                scale = factor * loss._scale(outcome.denominator, outcome.batch) if factor else 0.0
                if isinstance(loss, RegionLoss):
                    loss._add_slopes(found[id(loss)], weights, scale, both)
                elif outcome.denominator or isinstance(loss, PointwiseLoss):
                    pulls = weights * scale
            blank.gradients = (images.gradient(need, both, rider, pulls),)
        return blank

    def _finished(self, outcome: Outcome, parts: list[Outcome], weights: Array) -> Sequence[float]:
        """Fill in what the parts give together; the slopes by their values."""
        values = [part.number(loss) for loss, part in zip(self._order, parts, strict=True)]
        value, factors = self._combined(values)
        outcome.parts = tuple(parts)
        images = math.fsum(weights.tolist()) if any(part.denominator for part in parts) else 0.0
        outcome.denominator = images
        outcome.total = value * images if images and self.reduction == "mean" else value
        return factors

    def _one_by_one(self, inputs: tuple[Any, ...], images: Images, weights: Array, need: Need) -> Outcome:
        """For targets that the rider takes otherwise: a softmax loss masks, as distributions, which need other sums."""
        lead, dtype = self._regions[0], images.input.dtype
        computed = in_type(images.input, images.dtype)  # a half is rounded once
        parts = [loss._run((computed, inputs[1]), weights, Need(total=True, wrt=need.wrt)) for loss in self._order]
        outcome = Outcome(lead._door(inputs), dtype, batch=images.count)
        factors = self._finished(outcome, parts, weights)
        if need.wrt:
            gradient = sum(part.gradients[0] * images.dtype.type(k) for part, k in zip(parts, factors, strict=True))
            given = need.out[0] if isinstance(need.out, (tuple, list)) else need.out
            if given is None:
                gradient = np.asarray(gradient, dtype)
            else:
                given[...] = gradient
                gradient = given
            outcome.gradients = (gradient,)
        return outcome

    def _rider(self, images: Images) -> Rider | None:
        loss, dtype = self._riding, images.dtype
        if loss is None:
            return None
        weights = loss._class_weights(dtype, images.classes) if isinstance(loss, SoftmaxLoss) else None
        key = ("rider", dtype)
        if key not in self._kernels:
            self._kernels[key] = loss._link(dtype, ARGUMENTS) if isinstance(loss, SoftmaxLoss) else loss._link(dtype)
        link, params = self._kernels[key]
        return Rider(link, params, weights)


class FusedLoss(Sharing):
    """A published function of losses' values."""

    def __init__(self, **arguments: Any) -> None:
        self._build(arguments)
        super().__init__(**arguments)
        self._hyper = {name: self.parameters[name] for name in split_signature(self.definition.maths)[1]}

    def _build(self, arguments: dict[str, Any]) -> None:
        """The parts, with their share of the arguments."""
        weight, skips = arguments.get("weight"), arguments.get("include_background") is False
        common = {name: arguments[name] for name in ("reduction", "on_empty") if name in arguments}
        losses = []
        for _, part in self.definition.facts["parts"]:
            own = {name: value for name, value in arguments.items() if name in part.definition.parameters}
            whole = issubclass(part.Loss, RegionLoss) and skips and weight is not None
            losses.append(part.Loss(**own, **common, weight=np.asarray(weight)[1:] if whole else weight))
        self._share(losses)

    def _run(self, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        try:
            return super()._run(inputs, sample_weight, need)
        except (TypeError, ValueError) as error:
            raise self._named(error) from None

    def _run_on_device(self, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        try:
            return super()._run_on_device(door, inputs, sample_weight, need)
        except (TypeError, ValueError) as error:
            raise self._named(error) from None

    def _named(self, error: Exception) -> Exception:
        """An error of a part, which checks the arguments, with the name of this loss: they were given to it."""
        for loss in self._order:
            if str(error).startswith(f"{loss.definition.name}:"):
                return type(error)(str(error).replace(loss.definition.name, self.definition.name, 1))
        return error

    def _combination(self) -> tuple[Any, tuple[float, ...], Any]:
        sources, numbers = hyperparameters(self)
        return self.definition.maths, tuple(map(float, numbers)), sources

    def _combined(self, values: list[float]) -> tuple[float, Sequence[float]]:
        value, slopes = self.definition.maths(*values, **self._hyper)
        return float(value), slopes


def mix(*values):  # type: ignore[no-untyped-def]
    """A weighted sum of losses."""
    raise NotImplementedError


class JoinedRegions(Sharing):
    """A weighted sum of losses, as a mix makes it."""

    definition: ClassVar[Definition] = Definition(
        maths=mix,
        structure="regions",
        inputs=("input", "target"),
        parameters={},
        target="class_or_mask",
        differentiable=("input",),
        wrt=("input",),
        task="mix",
        class_name="MixedLoss",
        reductions=("mean", "sum"),
        hessian=False,
        facts={"unit": "image", "min_ndim": 2},
    )

    def __init__(self, terms: Terms) -> None:
        first = terms[0][1]
        super().__init__(reduction=first.reduction, on_empty=first.on_empty)
        self._terms = tuple(terms)
        riders = [(factor, loss) for factor, loss in terms if not isinstance(loss, RegionLoss)]
        if len(riders) > 1:  # their values come together only
            kept = [(factor, loss) for factor, loss in terms if isinstance(loss, RegionLoss)]
            terms = [*kept, (1.0, riders[0][1]._joined(riders))]
        self._factors = [factor for factor, _ in terms]
        self._share([loss for _, loss in terms])

    def _combined(self, values: list[float]) -> tuple[float, Sequence[float]]:
        return sum(factor * value for factor, value in zip(self._factors, values, strict=True)), self._factors

    def _combination(self) -> tuple[Any, tuple[float, ...], Any]:
        return None, tuple(map(float, self._factors)), ()

    def _outcome(self, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        outcome = super()._outcome(inputs, sample_weight, need)
        if need.parts and len(self._order) < len(self._terms):
            known = {id(loss): part for loss, part in zip(self._order, outcome.parts, strict=True)}
            outcome.parts = tuple(
                known[id(loss)] if id(loss) in known else loss._outcome(inputs, sample_weight, Need(total=True))
                for _, loss in self._terms
            )
        return outcome
