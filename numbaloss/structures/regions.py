"""Losses of how well regions overlap: one value for each class of each image, from a few sums over its positions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.compile import render
from numbaloss.compile.twins import Twins
from numbaloss.definition import Interval, split_signature
from numbaloss.loss import Array, Loss, Need, Outcome
from numbaloss.structures.define import define
from numbaloss.structures.derived import of_arguments
from numbaloss.structures.facts import check_facts
from numbaloss.structures.hyperparameters import hyperparameters
from numbaloss.structures.join import Terms
from numbaloss.structures.pointwise import PointwiseLoss
from numbaloss.structures.publish import publish
from numbaloss.structures.region_images import Images, Sums
from numbaloss.structures.rows import RowLoss
from numbaloss.structures.softmax import EXTRAS, SoftmaxLoss

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceDoor

COMMON: dict[str, Any] = {"activation": "softmax", "include_background": True, "batch": False, "ignore_index": -100}
STRUCTURAL = ("squared_pred", "w_type")  # hyper-parameters dealt with here, not by the mathematics
LIMITS: dict[str, Any] = {"activation": ("softmax", "sigmoid", None), "w_type": ("square", "simple", "uniform")}
WEIGHT = "One weight for each class that counts, multiplying its values; does not enter the denominator."
DOUBLE = np.dtype(np.float64)


def regions(maths: Callable[..., Any] | None = None, **facts: Any) -> Any:
    """Make a loss of a function ``(tp, fp, fn, hyper=default) -> (value, (slope_tp, slope_fp, slope_fn))``.

    It is called on the sums over one region, a class of one image: true positives ``sum p t``, false positives
    ``sum p (1 - t)`` and false negatives ``sum (1 - p) t``, each exact where it is tiny, and gives the region's loss
    and its slopes by each. A fourth argument `tn` stands for the true negatives, ``sum (1 - p) (1 - t)``. With a
    hyper-parameter called `squared_pred`, sums of squares take the place of ``sum p`` and ``sum t``; with one called
    `w_type`, the sums of an image's classes are first added up, each class by what the size of its target says.
    """
    if maths is None:
        return lambda function: regions(function, **facts)
    slopes = tuple(f"slope_{name}" for name in split_signature(maths)[0])
    names = ("input", "target")
    returns = ("value", slopes)
    check_facts("regions", maths, facts, returns=returns, inputs=names, own=tuple(COMMON), alone=True)
    _, hyper = split_signature(maths)
    limits = {**LIMITS, "smooth_nr": Interval("[0, inf)"), "smooth_dr": Interval("[0, inf)"), **facts.pop("limits", {})}
    parameters = {**COMMON, **hyper}
    definition = define(
        maths,
        "regions",
        parameters=parameters,
        inputs=("input", "target"),
        differentiable=("input",),
        target="class_or_mask",
        weight=None if "w_type" in hyper else "region",
        weight_doc=WEIGHT,
        unit="image",
        one="region",
        min_ndim=2,
        hessian=False,
        limits={name: limit for name, limit in limits.items() if name in parameters},
        domains_when={("activation", None): {"input": "probability"}},
        plan=of_arguments(maths, 4, "nonnegative", result="grouped"),
        **facts,
    )
    return publish(definition, RegionLoss)


@dataclass
class Regions:
    """The values of all regions, and how they enter the total."""

    values: Array  # (N or 1, E), float64, weighted; a region of nothing is 0, whatever its formula gives
    factors: Array  # of the same shape: what they were weighted by
    slopes: Array  # (N or 1, E, 3): of the values by the sums
    shares: Array | None  # (N or 1, C): by what each class entered the sums of a pool
    total: float
    denominator: float


class RegionLoss(RowLoss):
    """A loss of the overlap of regions."""

    of_sums = True  # and of nothing else, so that others can be made of the same sums

    # ---- arguments

    def _images(self, inputs: tuple[Any, ...], need: Need) -> tuple[Any, Images]:
        """The checked arguments; raises before anything is computed."""
        door, name = self._door(inputs), self.definition.name
        logits, target = (door.view(array) for array in inputs)
        logits = checks.network_output(name, "input", logits, inputs[0])
        self._check_classes(logits.shape)
        self._check_out(need, logits)
        dtype = checks.computed_dtype(logits.dtype)
        labels, masks = self._targets(logits, target)
        return door, Images(
            logits, dtype, labels, masks, int(self.parameters["ignore_index"]),
            self.parameters["activation"], bool(self.parameters.get("squared_pred")), self._kernels,
        )

    def _check_classes(self, shape: tuple[int, ...]) -> None:
        """Raise unless an input of this shape has classes as these hyper-parameters want them."""
        name, activation = self.definition.name, self.parameters["activation"]
        if len(shape) < 2 or shape[1] == 0:
            raise ValueError(f"{name}: input needs the axes (N, C, ...), got shape {shape}")
        classes = shape[1]
        if activation == "softmax" and classes == 1:
            raise ValueError(f"{name}: the softmax of a single class is 1; for a binary input use activation='sigmoid'")
        if classes == 1 and not self.parameters["include_background"]:
            raise ValueError(f"{name}: include_background=False leaves nothing of an input of one class")
        if self.weight is not None and self.weight.size != classes - self._skipped:
            raise ValueError(
                f"{name}: weight has {self.weight.size} entries for {classes - self._skipped} classes that count"
            )

    def _no_target(self, wanted: tuple[int, ...], shape: tuple[int, ...], found: str) -> str:
        """What is wrong with a target that is neither labels nor masks."""
        return (
            f"{self.definition.name}: target must be integer class labels of shape {wanted} or masks of the input's "
            f"shape {shape}, got {found}"
        )

    def _targets(self, logits: Array, target: Array) -> tuple[Array | None, Array | None]:
        """Class labels (N, positions), or masks as the input."""
        name, wanted = self.definition.name, (logits.shape[0], *logits.shape[2:])
        if target.shape == wanted and target.ndim < logits.ndim:
            labels = self._flat_labels(target, max(2, logits.shape[1]))
            return labels.reshape(wanted[0], target.size // max(1, wanted[0])), None
        checks.numeric(name, "target", target)
        if target.shape != logits.shape:
            raise ValueError(self._no_target(wanted, logits.shape, checks.describe(target)))
        return None, target

    @property
    def _skipped(self) -> int:
        """Classes left out in front."""
        return 0 if self.parameters["include_background"] else 1

    def _image_weights(self, sample_weight: Any, count: int) -> Array:
        return checks.unit_weights(self.definition.name, sample_weight, (count,), "image")

    def _no_wrong_labels(self, images: Images, sums: Sums) -> None:
        if sums.wrong:
            assert images.labels is not None
            self._out_of_range(images.labels.reshape(-1), images.classes + images.shift)

    # ---- one call

    def _run_on_device(self, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        from numbaloss.structures.cuda import regions

        return regions.run(self, door, inputs, sample_weight, need)

    @np.errstate(all="ignore")  # nan and infinity come through the sums as through the kernels
    def _run(self, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        door, images = self._images(inputs, need)
        weights = self._image_weights(sample_weight, images.count)
        sums = images.sums()
        self._no_wrong_labels(images, sums)
        found = self._regions(sums.classes, weights)
        outcome = Outcome(door, images.input.dtype, batch=images.count, denominator=found.denominator)
        outcome.total = found.total
        if need.values:
            outcome.values = (found.values[0] if self.parameters["batch"] else found.values).astype(images.input.dtype)
        if need.wrt:
            both = np.zeros((2, images.count, images.classes))
            self._add_slopes(found, weights, self._scale(outcome.denominator, outcome.batch), both)
            outcome.gradients = (images.gradient(need, both),)
        return outcome

    def _regions(self, sums: Array, weights: Array) -> Regions:
        """Values and slopes of all regions, from the sums (N, C, 4) of each class of each image."""
        if self.parameters["batch"]:
            sums, weights = np.einsum("n,nck->ck", weights, sums)[None], np.ones(1)
        used, skipped, shares = sums, self._skipped, None
        if "w_type" in self.parameters:
            used, skipped = sums[:, skipped:], 0
            shares = _shares(used[:, :, 0] + used[:, :, 2], self.parameters["w_type"])
            used = np.einsum("nc,nck->nk", shares, used)[:, None]
        shape = used.shape[0], used.shape[1] - skipped
        values, factors, slopes = np.empty(shape), np.empty(shape), np.empty((*shape, 3))
        each = None if self.weight is None else checks.kernel_argument(self.weight.astype(np.float64))
        twins, params = self._finisher()
        total, mass = twins(0, sums, used, skipped, weights, each, params, values, factors, slopes)
        return Regions(values, factors, slopes, shares, total, mass * shape[1])

    def _add_slopes(self, found: Regions, weights: Array, scale: float, both: Array) -> None:
        """Add what each class's chance is worth where its target is 0, and where it is 1: (2, N, C)."""
        from numbaloss.kernels.cpu.regions_finish import spread

        if "spread" not in self._kernels:
            self._kernels["spread"] = Twins(spread, DOUBLE, "regions")
        of_images = weights if self.parameters["batch"] else None
        self._kernels["spread"](0, found.slopes, found.factors, found.shares, of_images, scale, self._skipped, both)

    # ---- mixes

    def _joins(self, other: Loss) -> bool:
        mine, theirs = self.parameters, other.parameters
        if self.reduction == "none" or (self.reduction, self.on_empty) != (other.reduction, other.on_empty):
            return False
        if isinstance(other, RegionLoss):
            if not other.of_sums:
                return False
            shared = ("activation", "ignore_index", "squared_pred")
            return all((mine.get(name) or False) == (theirs.get(name) or False) for name in shared)
        if mine["activation"] != "softmax":
            plain = isinstance(other, PointwiseLoss) and other.plain and not other._vectors
            return plain and other.definition.inputs == self.definition.inputs
        return (
            isinstance(other, SoftmaxLoss)
            and mine["ignore_index"] == theirs["ignore_index"]
            and not any(theirs.get(name) for name in EXTRAS)
        )

    def _joined(self, terms: Terms) -> Loss:
        from numbaloss.structures.region_mix import JoinedRegions

        return JoinedRegions(terms)

    # ---- the loss's own kernel

    def _finisher(self) -> tuple[Twins, tuple[Any, ...]]:
        """The kernel that makes values of sums, and its hyper-parameters."""
        key = "finish"
        if key not in self._kernels:
            from numbaloss.kernels.cpu.regions_finish import finish

            names = split_signature(self.definition.maths)[0]
            sources, numbers = hyperparameters(self, STRUCTURAL)
            link = render.region(self.definition.maths, names, sources)
            self._kernels[key] = Twins(finish, DOUBLE, self.definition.name, link=link), numbers
        found: tuple[Twins, tuple[Any, ...]] = self._kernels[key]
        return found


def _shares(sizes: Array, w_type: str) -> Array:
    """By what each class enters its image's pool, from the size of its target; one of nothing as the largest other."""
    if w_type == "uniform":
        return np.ones(sizes.shape)
    shares = 1.0 / (sizes * sizes if w_type == "square" else sizes)
    finite = np.where(np.isinf(shares), 0.0, shares)
    return np.where(np.isinf(shares), finite.max(axis=1, keepdims=True), shares)
