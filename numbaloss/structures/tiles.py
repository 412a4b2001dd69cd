"""Losses of all pairs of vectors: a few tiles of the matrix of their cosines are in memory at a time, never all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numbaloss.definition import Interval, split_signature
from numbaloss.structures.define import define
from numbaloss.structures.derived import of_arguments
from numbaloss.structures.facts import check_facts
from numbaloss.structures.publish import publish
from numbaloss.structures.tile_matches import MatchLoss, SingleLoss
from numbaloss.structures.tile_rivals import GroupLoss


def batch_pairs(
    maths: Callable[..., Any] | None = None, *, rivals: str | None = "negatives", per: str = "pair", **facts: Any
) -> Any:
    """Make a loss of a function ``(gap, hyper=default) -> (value, slope)`` of each pair that belongs together.

    Vectors are compared by the cosine over `temperature`, their *score*. The gap of a pair is the logarithm of the sum
    of the exponentials of its rivals' scores, minus its own score: by how much the rivals are above it.

    `rivals` says who they are, as seen by a vector: its ``"negatives"``, or all ``"others"``, the pair itself among
    them. With ``None`` every pair stands for itself: a positive one has its score's negative for a gap, a negative one
    its score. `per` says what counts in the mean: each ``"pair"``, or each ``"anchor"``, a vector that has positives
    and whose value is the mean over them.

    By default positives are the embeddings of one label; the loss takes ``(embeddings, labels)``. With
    ``matched=("image", "text")`` it takes two arrays with these names and a ``logit_scale`` in place of the
    temperature; row `i` of one belongs to row `i` of the other, and the value is the mean over both directions. Without
    rivals there is one direction, and a ``logit_bias`` is added to all scores.
    """
    if maths is None:
        return lambda function: batch_pairs(function, rivals=rivals, per=per, **facts)
    matched = facts.pop("matched", None)
    names = matched or ("embeddings", "labels")
    check_facts("batch_pairs", maths, facts, returns=("value", "slope"), inputs=names, alone=True)
    if rivals not in ("negatives", "others", None) or per not in ("pair", "anchor"):
        raise ValueError("batch_pairs: rivals is 'negatives', 'others' or None, and per is 'pair' or 'anchor'")
    if rivals is None and matched is None:
        raise ValueError("batch_pairs: rivals=None needs two matched inputs")
    inputs = ("embeddings", "labels")
    domains = {}
    if matched is not None:
        inputs = (*matched, "logit_scale", *(("logit_bias",) if rivals is None else ()))
        domains = {"logit_scale": "positive", "logit_bias": "real", matched[1]: "real"}
    limits = {"temperature": Interval("(0, inf)")} if "temperature" in split_signature(maths)[1] else {}
    definition = define(
        maths,
        "tiles",
        inputs=inputs,
        differentiable=inputs if matched else ("embeddings",),
        wrt=matched or ("embeddings",),
        parameters=split_signature(maths)[1],
        target="real" if matched else "group",
        unit="row",
        separable=False,
        hessian=False,
        rivals=rivals,
        per=per,
        domains=domains,
        numbers=inputs[2:],
        limits={**limits, **facts.pop("limits", {})},
        plan=of_arguments(maths, 1, "real", result="flat"),
        **facts,
    )
    return publish(definition, SingleLoss if rivals is None else MatchLoss if matched else GroupLoss)
