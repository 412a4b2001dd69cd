"""Lovasz extensions of losses of sets: the sorted counterpart of losses over regions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.arrays.casts import in_type, laid_out, put
from numbaloss.compile.twins import Twins
from numbaloss.definition import split_signature
from numbaloss.loss import Array, Loss, Need, Outcome
from numbaloss.structures.define import define
from numbaloss.structures.facts import check_facts
from numbaloss.structures.publish import publish
from numbaloss.structures.region_images import Images, flat
from numbaloss.structures.regions import COMMON, RegionLoss

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceDoor

LIMITS: dict[str, Any] = {"activation": ("softmax", "sigmoid", None, "hinge"), "classes": ("present", "all")}


def lovasz(maths: Callable[..., Any] | None = None, **facts: Any) -> Any:
    """Make a loss of a function ``(misses, alarms, size) -> value`` of sets, by the Lovasz extension.

    The function gives the loss of a set that lacks `misses` of a region's `size` positions and has `alarms` others.
    The extension sorts the errors of all positions, largest first; each counts as much as its mistake adds to the loss
    of the mistakes before it.
    """
    if maths is None:
        return lambda function: lovasz(function, **facts)
    check_facts("lovasz", maths, facts, returns="value", inputs=("input", "target"), own=(*COMMON, "classes"))
    definition = define(
        maths,
        "regions",
        parameters={**COMMON, "classes": "present", **split_signature(maths)[1]},
        inputs=("input", "target"),
        differentiable=("input",),
        target="class_or_mask",
        unit="image",
        min_ndim=2,
        hessian=False,
        limits={**LIMITS, **facts.pop("limits", {})},
        domains_when={("activation", None): {"input": "probability"}},
        **facts,
    )
    return publish(definition, SortedLoss)


class SortedLoss(RegionLoss):
    """A loss of sorted errors, one value an image."""

    of_sums = False

    def _joins(self, other: Loss) -> bool:
        return False

    def _run_on_device(self, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        from numbaloss.structures.cuda import lovasz

        return lovasz.run(self, door, inputs, sample_weight, need)

    def _run(self, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        door, images = self._images(inputs, need)
        weights = self._image_weights(sample_weight, images.count)
        self._check_labels(images)
        outcome = Outcome(door, images.input.dtype, batch=images.count)
        batch = bool(self.parameters["batch"])
        logits = images.input
        if images.whole is None:
            logits = laid_out(logits, images.dtype)
        found, given = self._map(images, logits, need)
        self._launch("spread", images, logits, found)
        groups = min(1, images.count) if batch else images.count
        values, sizes, counted = (np.zeros(groups * images.classes) for _ in range(3))
        layout = images.count, images.classes, images.positions
        labels = None if images.labels is None else self._plain(images.labels, images)
        targets = None if images.targets is None else self._plain(images.targets, images).reshape(layout)
        self._twins_of("sort", images)(
            64 * logits.size, found.reshape(layout), images.count if batch else 1, labels, targets, images.left_out,
            images.shift, 1 if images.activation == "hinge" else None, weights if batch else np.ones(images.count), (),
            values, sizes, counted,
        )
        shape = (groups, images.classes)
        values, sizes, counted = values.reshape(shape), sizes.reshape(shape), counted.reshape(shape)
        present = np.ones(shape, bool)
        present[:, : self._skipped] = False
        if self.parameters["classes"] == "present" and images.classes > 1:
            present &= sizes != 0.0
        shares = present / np.maximum(present.sum(axis=1, keepdims=True), 1)
        alive = counted.max(axis=1, initial=0.0) > 0.0
        each = alive * (np.ones(groups) * weights.any() if batch else weights)
        image_values = np.where(present, values, 0.0) * shares
        weighted = np.where(alive, image_values.sum(axis=1) * each, 0.0)
        outcome.total, outcome.denominator = float(weighted.sum()), float(each.sum())
        if need.values:
            outcome.values = (weighted[0] if batch and groups else weighted).astype(images.input.dtype)
        if need.wrt:
            scale = self._scale(outcome.denominator, outcome.batch)
            with np.errstate(invalid="ignore"):  # nothing counts: no weight times an infinite scale
                factors = np.where(each[:, None] * shares > 0.0, shares * each[:, None] * scale, 0.0)
            factors = np.broadcast_to(factors, (images.count, images.classes)).astype(images.dtype)
            self._launch("pull", images, logits, found, factors)
            outcome.gradients = (self._handed(images, found, given),)
        return outcome

    # ---- memory

    def _map(self, images: Images, logits: Array, need: Need) -> tuple[Array, Array | None]:
        """Memory for one number an entry: the caller's buffer where it can be used; and that buffer."""
        given = need.out[0] if isinstance(need.out, (tuple, list)) else need.out
        if given is not None and given.dtype == images.dtype and checks.lies_plainly(given):
            taken = (logits, *(one for one in (images.targets, images.input) if one is not None))
            if not any(np.may_share_memory(given, one) for one in taken):
                return given, given
        return np.empty(logits.shape, images.dtype), given

    def _handed(self, images: Images, found: Array, given: Array | None) -> Array:
        if given is None:
            return in_type(found, images.input.dtype)
        if not np.may_share_memory(found, given):
            put(found, given)
        return given

    def _plain(self, array: Array, images: Images) -> Array:
        dtype = array.dtype if array is images.labels else images.dtype
        return checks.kernel_argument(laid_out(array, dtype))

    def _check_labels(self, images: Images) -> None:
        if images.labels is None:
            return
        labels = images.labels.reshape(-1)
        wrong, _ = self._scanner(images.dtype)(
            labels.size, labels, images.classes + images.shift, images.ignored, None, None
        )
        if wrong:
            self._out_of_range(labels, images.classes + images.shift)

    # ---- kernels

    def _launch(self, name: str, images: Images, logits: Array, found: Array, factors: Array | None = None) -> None:
        if logits.size == 0:
            return
        layout: tuple[Any, ...] = (images.positions, images.classes)
        if factors is not None:
            layout += (factors,)
        elif images.activation != "softmax":
            layout = ()
        self._twins_of(name, images)(8 * logits.size, flat(logits), *layout, found.reshape(-1))

    def _twins_of(self, name: str, images: Images) -> Twins:
        from numbaloss.kernels.cpu import lovasz as loops
        from numbaloss.kernels.cpu import regions_elements

        key = (name, images.dtype, images.activation)
        if key not in self._kernels:
            holes: dict[str, Any] = {"narrow": images.dtype.type}
            template: Any = loops.sort_regions
            if name == "sort":
                link, _ = self._link(images.dtype, split_signature(self.definition.maths)[0])
                holes |= {"link": link, "whole": np.uint32 if images.dtype.itemsize == 4 else np.uint64}
            elif images.activation == "softmax":
                template = getattr(loops, f"{name}_softmax")
            else:
                template = getattr(loops, f"{name}_elements")
                sigmoid = images.activation == "sigmoid"
                holes["activate"] = regions_elements.logistic if sigmoid else regions_elements.given
            self._kernels[key] = Twins(template, images.dtype, self.definition.name, **holes)
        twins: Twins = self._kernels[key]
        return twins
