"""The bars: how much faster, smaller and more exact than its peers this library promises to be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from numbaloss.bench.cases import Case, by_row


@dataclass(frozen=True)
class Bar:
    """One promise: at least `least` times a peer's speed (its time over ours), and what would be splendid."""

    peer: str
    least: float
    splendid: float


CROSS_ENTROPY = (Bar("torch", 6.0, 10.0), Bar("compile", 3.0, 5.0), Bar("jax", 1.8, 3.0))
HEAVY = (Bar("torch", 4.0, 10.0), Bar("compile", 1.0, 1.5), Bar("jax", 1.0, 1.5))
OTHER = (Bar("torch", 2.0, 4.0), Bar("compile", 1.0, 1.5), Bar("jax", 1.0, 1.5))
POINTWISE = (Bar("bare", 0.8, 0.95),)
HESSIAN = (Bar("sklearn", 1.5, 3.0),)
SMALL = (Bar("torch", 4.0, 10.0),)

HEAVY_LOSSES = (
    "focal_loss", "sigmoid_focal_loss", "multilabel_soft_margin_loss", "triplet_margin_loss",
    "triplet_margin_with_distance_loss", "nt_xent_loss",
)  # fmt: skip
CROSS_ENTROPY_SHAPES = ((65_536, 10), (8_192, 1_000), (2_048, 32_000))

MOST_EXTRA_MEMORY = 0.01  # of the input's bytes, beyond the gradient
SCRATCH = 1 << 16  # bytes of fixed scratch memory that do not count against it
TILES = 1 << 23  # the same where all pairs of rows are compared: the tiles
MOST_ULP = 4.0  # pointwise, float32
MOST_RELATIVE = 1e-6  # rows, float32
MOST_RELATIVE_SUM = 4e-6  # gradients that are sums over rows, which may cancel


def bars(case: Case) -> tuple[Bar, ...]:
    """The promises on speed that hold for this case."""
    name = case.facts.name
    if case.hessian:
        return HESSIAN
    if case.size == "small":
        return SMALL
    if name == "cross_entropy" and case.shape in CROSS_ENTROPY_SHAPES and not case.soft:
        return CROSS_ENTROPY
    memory = POINTWISE if case.size == "large" and not by_row(case.facts) else ()
    heavy = name in HEAVY_LOSSES or case.facts.structure == "regions"
    return (HEAVY if heavy else OTHER) + memory


def verdict(
    case: Case, ratios: Mapping[str, float], memory: float | None, error: float | None
) -> tuple[str, list[str]]:
    """``"splendid"``, ``"met"`` or ``"missed"``, and the promises missed; ``"unmeasured"`` where no peer took part."""
    held = [bar for bar in bars(case) if bar.peer in ratios]
    missed = [f"{bar.peer} {ratios[bar.peer]:.2f} < {bar.least:g}" for bar in held if ratios[bar.peer] < bar.least]
    bounded = case.facts.structure == "head"  # by an argument of the call
    scratch = TILES if case.facts.structure == "tiles" else SCRATCH
    if memory is not None and not bounded and memory > MOST_EXTRA_MEMORY + scratch / (4 * math.prod(case.shape)):
        missed.append(f"memory {memory:.1%}")
    limit = error_limit(case)
    if error is not None and not error <= limit:
        missed.append(f"error {error:.2g} > {limit:g}")
    if missed:
        return "missed", missed
    if not held:
        return "unmeasured", []
    return ("splendid" if all(ratios[bar.peer] >= bar.splendid for bar in held) else "met"), []


def error_limit(case: Case) -> float:
    if case.facts.structure == "head":
        return MOST_RELATIVE_SUM
    return MOST_RELATIVE if case.facts.structure != "pointwise" else MOST_ULP
