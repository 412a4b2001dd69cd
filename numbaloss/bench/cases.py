"""What is measured: the losses of the registry, each at its sizes, and where peers have one, its Hessian."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from numbaloss.bench import data
from numbaloss.definition import Definition
from numbaloss.loss import Loss

SIZES = ("small", "cache", "large")
# By layout of the input: sizes of one call. "cache" fits the second-level cache of one core, "large" does not.
Shapes = Mapping[str, list[tuple[int, ...]]]
FLAT: Shapes = {"small": [(1_000,)], "cache": [(131_072,)], "large": [(4_194_304,)]}
TABLE: Shapes = {"small": [(100, 10)], "cache": [(4_096, 32)], "large": [(65_536, 64)]}
ROWS: Shapes = {"small": [(100, 10)], "cache": [(8_192, 16)], "large": [(65_536, 10), (8_192, 1_000)]}
EMBEDDINGS: Shapes = {
    "small": [(100, 10)],
    "cache": [(2_048, 16), (256, 128)],
    "large": [(65_536, 16), (8_192, 128), (2_048, 1_024)],
}
# (T, N, C): time steps, sequences, classes.
STEPS: Shapes = {"small": [(20, 4, 10)], "cache": [(200, 32, 32)], "large": [(512, 16, 80), (150, 8, 4_096)]}
# A loss whose sizes the bars name. (8, 21, 256, 256) is a batch of images to segment.
SHAPES: dict[str, Shapes] = {
    "cross_entropy": {
        **ROWS,
        "cache": [(8_192, 16), (1_024, 128)],
        "large": [(65_536, 10), (8_192, 1_000), (2_048, 32_000), (8, 21, 256, 256)],
    },
    # (rows, features, classes) of a linear layer and what follows
    "linear_cross_entropy": {
        "small": [(100, 32, 10)],
        "cache": [(512, 64, 1_000)],
        "large": [(8_192, 256, 4_096), (2_048, 512, 32_000)],
    },
}
# Images to segment: (N, C, height, width).
IMAGES: Shapes = {"small": [(1, 4, 16, 16)], "cache": [(2, 4, 96, 96)], "large": [(8, 4, 256, 256), (2, 21, 256, 256)]}
BATCHES: Shapes = {"small": [(256, 128)], "cache": [(1_024, 128)], "large": [(4_096, 128)]}  # vectors, all compared
UNITS: Shapes = {"small": [(256,)], "cache": [(4_096,)], "large": [(262_144,)]}  # of a kernel of its author's
BY_STRUCTURE = {
    "sequence": STEPS, "regions": IMAGES, "tiles": BATCHES, "pairs": EMBEDDINGS, "triplets": EMBEDDINGS, "kernel": UNITS
}  # fmt: skip
SOFT_SHAPE = (8_192, 1_000)  # cross-entropy with probabilities for targets


@dataclass(frozen=True, eq=False)
class Case:
    """One loss at one size: one line of the table."""

    facts: Definition
    size: str
    shape: tuple[int, ...]
    hessian: bool = False
    soft: bool = False

    @property
    def label(self) -> str:
        note = " (grad_and_hess)" if self.hessian else " (probabilities)" if self.soft else ""
        return self.facts.name + note

    @property
    def shape_label(self) -> str:
        return "x".join(map(str, self.shape))

    def inputs(self) -> list[np.ndarray[Any, Any]]:
        """The arrays, the same for all contestants: nobody may write to them."""
        return list(_inputs(self))

    def loss(self) -> Loss:
        """The loss with its default hyper-parameters; grad_and_hess is per element, as boosting wants it."""
        from numbaloss.plugins.registry import get

        return get(self.facts.name, reduction="sum" if self.hessian else "mean")

    @property
    def reads(self) -> int:
        """Arrays of the input's size that are read."""
        labels = sum(data.is_labels(self.facts, name) for name in self.facts.inputs)
        return len(self.facts.inputs) - (0 if self.soft else labels)

    @property
    def writes(self) -> int:
        """Arrays of the input's size that are written."""
        return 2 if self.hessian else len(self.facts.wrt)

    @cached_property
    def traffic(self) -> int:
        """Bytes that must cross the memory bus at least: what is read and written once."""
        arrays = dict(zip(self.facts.inputs, self.inputs(), strict=True))
        written = [self.facts.inputs[0]] * 2 if self.hessian else self.facts.wrt
        return sum(array.nbytes for array in arrays.values()) + sum(arrays[name].nbytes for name in written)


@lru_cache(maxsize=1)
def _inputs(case: Case) -> tuple[np.ndarray[Any, Any], ...]:
    return tuple(data.inputs(case.facts, case.shape, np.float32, case.soft))


def by_row(facts: Definition) -> bool:
    """Whether the loss has one value a row."""
    return facts.facts.get("unit") == "row" or any(data.is_labels(facts, name) for name in facts.inputs)


def shapes(facts: Definition, size: str) -> list[tuple[int, ...]]:
    """The shapes a loss is measured at."""
    if facts.structure in BY_STRUCTURE:
        return BY_STRUCTURE[facts.structure][size]
    if not by_row(facts):
        return FLAT[size]
    return SHAPES.get(facts.name, TABLE if facts.structure == "pointwise" else ROWS)[size]


def select(names: Iterable[str], sizes: Iterable[str], hessians: Iterable[str]) -> list[Case]:
    """The cases of these losses (all if none are named) at these sizes: classes of size, or shapes as ``65536x10``.

    `hessians` names the losses of which some peer has the Hessian. LookupError for an unknown loss, ValueError for
    a size no loss is measured at.
    """
    from numbaloss.plugins.registry import function, list_losses

    chosen = [function(name).definition for name in names] or list_losses()  # type: ignore[attr-defined]
    wanted = set(sizes)
    cases = [case for facts in chosen if data.known(facts) for case in _cases(facts, facts.name in set(hessians))]
    kept = [case for case in cases if wanted & {case.size, case.shape_label}]
    unmet = wanted - {case.size for case in cases} - {case.shape_label for case in cases}
    if unmet:
        offered = ", ".join(dict.fromkeys([*SIZES, *(case.shape_label for case in cases)]))
        raise ValueError(f"no loss is measured at size {sorted(unmet)[0]!r}; there are {offered}")
    return kept


def _cases(facts: Definition, hessian: bool) -> Iterable[Case]:
    for size in SIZES:
        for shape in shapes(facts, size):
            yield Case(facts, size, shape)
    if facts.name == "cross_entropy":
        yield Case(facts, "large", SOFT_SHAPE, soft=True)
    if hessian:
        for size in ("cache", "large"):
            for shape in shapes(facts, size)[:2]:
                yield Case(facts, size, shape, hessian=True)
