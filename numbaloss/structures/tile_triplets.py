"""Losses of triplets that a batch holds: an anchor, a vector of its label and one of another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.compile.threads import between_products
from numbaloss.definition import split_signature
from numbaloss.loss import Array, Need, Outcome
from numbaloss.structures.define import define
from numbaloss.structures.derived import of_arguments
from numbaloss.structures.facts import check_facts
from numbaloss.structures.publish import publish
from numbaloss.structures.tile_pairs import TILE, TileLoss
from numbaloss.structures.vectors import Vectors, gathered, groups, handed, labels_of, restored

if TYPE_CHECKING:
    from numbaloss.arrays.device import DeviceDoor

ELEMENTS = 1 << 20  # distances in memory at a time


def batch_triplets(maths: Callable[..., Any] | None = None, *, mining: str = "hardest", **facts: Any) -> Any:
    """Make a loss of a function ``(gap, hyper=default) -> (value, slope)`` of a triplet of embeddings.

    The gap is the Euclidean distance from the anchor to a vector of its label, minus that to a vector of another.
    `mining` says which triplets count: with ``"hardest"``, for each anchor the one of the farthest vector of its label
    and the nearest of the others; with ``"all"``, every triplet, and the mean is over those whose value is above 0.
    The loss takes ``(embeddings, labels)``; what is not a loss of triplets has a value of 0.
    """
    if maths is None:
        return lambda function: batch_triplets(function, mining=mining, **facts)
    check_facts("batch_triplets", maths, facts, returns=("value", "slope"), inputs=("embeddings", "labels"), alone=True)
    if mining not in ("hardest", "all"):
        raise ValueError(f"batch_triplets: mining is 'hardest' or 'all', got {mining!r}")
    definition = define(
        maths,
        "tiles",
        inputs=("embeddings", "labels"),
        differentiable=("embeddings",),
        parameters=split_signature(maths)[1],
        target="group",
        unit="row",
        separable=False,
        hessian=False,
        mining=mining,
        numbers=(),
        plan=of_arguments(maths, 1, "real", result="flat"),
        **facts,
    )
    return publish(definition, TripletLoss)


class TripletLoss(TileLoss):
    """Strips of distances: those of some anchors to all vectors."""

    def _run_on_device(self, door: DeviceDoor, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        from numbaloss.structures.cuda import tile_triplets

        return tile_triplets.run(self, door, inputs, sample_weight, need)

    def _run(self, inputs: tuple[Any, ...], sample_weight: Any, need: Need) -> Outcome:
        door = self._door(inputs)
        embeddings = self._vectors(door, "embeddings", inputs[0])
        count = len(embeddings)
        labels = labels_of(self.definition.name, door.view(inputs[1]), count)
        out = self._buffers(need, {"embeddings": embeddings}).get("embeddings")
        outcome = Outcome(door, embeddings.dtype, batch=count)
        with between_products(), np.errstate(all="ignore"):
            order, low, high = groups(labels)
            weights = self._row_weights(sample_weight, count, order)
            vectors = Vectors(embeddings, checks.computed_dtype(embeddings.dtype), order, TILE, unit=False)
            gradient, copy_to = None, None
            if need.wrt:
                gradient, copy_to = gathered(out, embeddings.shape, vectors.dtype, (embeddings,))
            values, exist, active = self._mined(vectors, low, high, weights, gradient)
            denominator = float((weights * active).sum())
            factor = self._finish(outcome, need, weights, order, values, denominator)
            if denominator == 0.0 and (weights * exist).any():
                outcome.denominator = float(np.nextafter(0.0, 1.0))  # none is active: a mean of 0
            if gradient is not None:
                gradient *= vectors.dtype.type(factor)
                if order is not None:
                    restored(gradient, order)
                outcome.gradients = (handed(gradient, copy_to, embeddings.dtype),)
        return outcome

    def _mined(
        self, vectors: Vectors, low: Array, high: Array, weights: Array, gradient: Array | None
    ) -> tuple[Array, Array, Array]:
        """For each anchor: its value, how many triplets it has and how many count; adds the gradient up."""
        from numbaloss.kernels.cpu import tile_triplets as kernels

        count, dtype = vectors.count, vectors.dtype
        measure = self._twins(kernels.distances, dtype)
        hardest = self.definition.facts["mining"] == "hardest"
        mine = self._twins(kernels.hardest if hardest else kernels.everyone, dtype, linked=True)
        params = self._params(dtype)
        values, exist, active = np.zeros(count), np.zeros(count), np.zeros(count)
        step = max(1, min(TILE, max(16, ELEMENTS // max(count, 1)), count))
        room, tile = np.empty((step, count), dtype), np.empty(step * min(TILE, count), dtype)
        squares, scales = vectors.squares(), weights.astype(dtype)
        for first in range(0, count, step):
            strip = room[: min(step, count - first)]
            anchors = vectors.block(first, first + len(strip))
            for start in range(0, count, TILE):
                others = vectors.block(start, min(start + TILE, count), slot=1)
                products = tile[: strip.shape[0] * len(others)].reshape(len(strip), len(others))
                np.matmul(anchors, others.T, out=products)
                measure(8 * products.size, products, anchors, others, squares, first, start, strip)
            pairs = 1 if hardest else int((high - low)[first : first + len(strip)].max())
            mine(
                4 * strip.size * pairs, strip, low, high, first, scales, params, values, exist, active,
                None if gradient is None else True,
            )
            if gradient is not None:
                spread(strip, anchors, vectors, first, gradient)
        return values, exist, active


def spread(factors: Array, anchors: Array, vectors: Vectors, first: int, gradient: Array) -> None:
    """Add what the factors of the differences between anchors and all vectors make of the gradient."""
    mine = gradient[first : first + len(factors)]
    mine += factors.sum(axis=1, keepdims=True) * anchors
    for start in range(0, vectors.count, TILE):
        others = vectors.block(start, min(start + TILE, vectors.count), slot=1)
        part = factors[:, start : start + TILE]
        mine -= part @ others
        theirs = gradient[start : start + TILE]
        theirs += part.sum(axis=0)[:, None] * others
        theirs -= part.T @ anchors
