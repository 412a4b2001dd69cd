"""Several losses of the same regions on a device, and a loss of their rows: `structures.region_mix`'s twin.

A loss of their elements, which rides along on the host, takes a pass of its own here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numbaloss.arrays.device import DeviceArray, DeviceDoor
from numbaloss.loss import Need
from numbaloss.structures.cuda.call import Call, DeviceOutcome, copied
from numbaloss.structures.cuda.region_images import DeviceImages, Rider, images_of
from numbaloss.structures.cuda.regions import Middle
from numbaloss.structures.pointwise import PointwiseLoss
from numbaloss.structures.region_mix import Sharing
from numbaloss.structures.regions import RegionLoss
from numbaloss.structures.softmax import ARGUMENTS, SoftmaxLoss


def run(loss: Sharing, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> DeviceOutcome:
    """The two sweeps of a single loss, with what all parts need in them."""
    call, lead = Call(loss, door, need), loss._regions[0]
    images = images_of(call, lead, inputs)
    weights = call.unit_weights(sample_weight, (images.count,), "image")
    for region in loss._regions:
        region._check_classes(images.shape)
    riding = loss._riding
    if isinstance(riding, PointwiseLoss) or not loss._rides(images.labels is not None):
        return one_by_one(loss, call, images, inputs, sample_weight)
    rider = None if riding is None else rider_of(call, riding, images)
    middle = Middle(call, images, weights, images.sums(rider), len(loss._order))
    for part, one in enumerate(loss._order):
        if isinstance(one, RegionLoss):
            middle.region(one, part)
        else:
            middle.rows(part)
    outcome = together(loss, middle)
    if need.wrt:
        outcome.gradients = (images.gradient(middle.outside, middle.inside, rider, middle.pulls),)
    return outcome


def rider_of(call: Call, row: SoftmaxLoss, images: DeviceImages) -> Rider:
    """The row loss as the sweeps take it along."""
    link, params = row._link(call.real, ARGUMENTS)
    weights = None
    if row.weight is not None:
        row._check_weight_of(images.classes)
        weights = Call(row, call.door, call.need, call.storage).constant("weight", row.weight)
    return Rider(link, tuple(map(float, params)), weights)


def together(loss: Sharing, middle: Middle) -> DeviceOutcome:
    """What the parts give together, and the slopes by it."""
    numbers = middle.doubles(middle.parts) if middle.call.need.parts else None
    row = next((part for part, one in enumerate(loss._order) if isinstance(one, SoftmaxLoss)), -1)
    outcome = middle.combined(*loss._combination(), row=row, numbers=numbers)
    if numbers is not None:
        outcome.parts = tuple(part_of(middle, part, numbers) for part in range(middle.parts))
    return outcome


def part_of(middle: Middle, part: int, numbers: DeviceArray) -> DeviceOutcome:
    """The outcome of one part."""
    call = middle.call
    outcome = DeviceOutcome(call.door, call.real, batch=middle.images.count)  # type: ignore[arg-type]
    outcome.sums, outcome.value = middle.own[part], call.door.empty((), call.storage)
    place = numbers.pointer + part * numbers.item_size
    copied(call, replace(numbers, pointer=place, shape=(), strides=()), outcome.value)
    return outcome


def one_by_one(
    loss: Sharing, call: Call, images: DeviceImages, inputs: tuple[Any, ...], sample_weight: Any
) -> DeviceOutcome:
    """For a rider that needs other sums: a softmax loss of distributions, an elementwise loss."""
    from numbaloss.kernels.cuda.regions_finish import add_up, take

    door, need = call.door, call.need
    alone = Need(total=True, wrt=need.wrt)
    found: list[Any] = [one._run_on_device(door, inputs, sample_weight, alone) for one in loss._order]
    weights = call.unit_weights(sample_weight, (images.count,), "image")
    middle = Middle(call, images, weights, call.scratch(0), len(found))
    for part, one in enumerate(found):
        middle.own[part] = one.sums
        door.launch(middle.kernel(take), 1, part, one.sums, middle.outcomes)
    factors = call.scratch(len(found))
    outcome = middle.combined(*loss._combination(), row=-1, factors=factors)
    if need.wrt:
        gradient = images.buffers[0]
        size, terms = gradient.size, tuple(one.gradients[0] for one in found)
        kernel = call.kernel(add_up, len(found), TERMS=len(found))
        door.launch(kernel, call.blocks(size), size, terms, factors, gradient)
        outcome.gradients = (gradient,)
    return outcome
