"""The value of one row at fifty digits and more, for each structure whose losses are computed row by row.

Only what a structure does around a loss's mathematics is said here (the log-softmax, the sum over classes); the
mathematics is the loss's own. A new structure is one entry in `ROWS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from numbaloss.definition import Definition, split_signature
from numbaloss.testing import precise_embeddings, units
from numbaloss.testing.precise import Number, copied, mp, number, settings

Row = Callable[..., Number]  # one argument for each input of the loss: a list of numbers, or a label
Weights = Sequence[float] | None


def row(facts: Definition, parameters: Mapping[str, Any], dtype: Any = np.float64, weights: Weights = None) -> Row:
    """The unreduced value of one row, as a function of its part of each input."""
    return ROWS[facts.structure](facts, settings(facts, parameters, dtype), weights)


def row_of_slopes(
    facts: Definition, parameters: Mapping[str, Any], dtype: Any, weights: Weights = None
) -> Callable[[Sequence[Any]], Row]:
    """For the parts of one row, the function whose derivatives there are its gradient: mostly that of its value."""
    given = facts.facts.get("gradient_of")
    if given is None:
        value = row(facts, parameters, dtype, weights)
        return lambda parts: value
    function, keywords = copied(given), settings(facts, parameters, dtype)
    return lambda parts: units.held_at(facts, function, keywords, parts)


def log_softmax(logits: Sequence[Number]) -> list[Number]:
    """The logarithms of the probabilities that the logits stand for."""
    highest = max(logits)
    normaliser = highest + mp.log(mp.fsum(mp.exp(logit - highest) for logit in logits))
    return [logit - normaliser for logit in logits]


def softmax(facts: Definition, keywords: dict[str, Any], weights: Weights) -> Row:
    """``w_y f(log p_y, 1 - p_y)``, its expectation over a distribution; smoothing, z-loss and soft cap."""
    maths, ignored = copied(facts.maths), keywords.pop("ignore_index", None)
    smoothing, z_loss, softcap = (keywords.get(name) or 0 for name in ("label_smoothing", "z_loss", "softcap"))

    def value(logits: Sequence[Number], target: Any) -> Number:
        labelled = isinstance(target, int)
        if labelled and target == ignored:
            return mp.zero
        capped = [softcap * mp.tanh(logit / softcap) for logit in logits] if softcap else list(logits)
        log_probs = log_softmax(capped)
        normaliser = capped[0] - log_probs[0]
        shares = [mp.mpf(k == target) for k in range(len(capped))] if labelled else target
        total = z_loss * normaliser * normaliser
        for log_prob, weight, share in zip(log_probs, _each(weights, len(capped)), shares, strict=True):
            if share != 0:
                total += (1 - smoothing) * weight * share * maths(log_prob, -mp.expm1(log_prob), **keywords)[0]
            if smoothing:
                total -= smoothing / len(capped) * weight * log_prob
        return total

    return value


def cosines(facts: Definition, keywords: dict[str, Any], weights: Weights) -> Row:
    """Cross-entropy of the scaled cosines, the label's moved."""
    maths, angle = copied(facts.maths), facts.facts["angle"]
    scale, smoothing, ignored = (keywords.pop(name) for name in ("scale", "label_smoothing", "ignore_index"))
    turned = () if angle is None else (mp.cos(keywords[angle]), mp.sin(keywords[angle]))

    def value(entries: Sequence[Number], label: int) -> Number:
        if label == ignored:
            return mp.zero
        moved = list(entries)
        moved[label] = maths(entries[label], *turned, **keywords)[0]
        log_probs = log_softmax([scale * entry for entry in moved])
        even = mp.fsum(w * log_prob for w, log_prob in zip(_each(weights, len(moved)), log_probs, strict=True))
        own = _each(weights, len(moved))[label] * log_probs[label]
        return -(1 - smoothing) * own - smoothing / len(moved) * even

    return value


def head(facts: Definition, keywords: dict[str, Any], weights: Weights) -> Row:
    """`softmax` of a linear layer's output; the layer's weight comes as one list, class by class."""
    keywords.pop("chunk_bytes")
    of_logits = softmax(facts, keywords, weights)

    def value(
        hidden: Sequence[Number], matrix: Sequence[Number], target: Any, bias: Sequence[Number]
    ) -> Number:
        width = len(hidden)
        rows = [matrix[k * width : (k + 1) * width] for k in range(len(bias))]
        products = [mp.fsum(x * y for x, y in zip(hidden, row, strict=True)) for row in rows]
        return of_logits([product + offset for product, offset in zip(products, bias, strict=True)], target)

    return value


def pick(facts: Definition, keywords: dict[str, Any], weights: Weights) -> Row:
    """``w_y f(x_y)``."""
    maths, ignored = copied(facts.maths), keywords.pop("ignore_index", None)

    def value(entries: Sequence[Number], label: int) -> Number:
        if label == ignored:
            return mp.zero
        return _each(weights, len(entries))[label] * maths(entries[label], **keywords)[0]

    return value


def margins(facts: Definition, keywords: dict[str, Any], weights: Weights) -> Row:
    """The mean over classes of ``w_y f(wrong - right)``, summed over the right classes; or that of the hardest."""
    maths = copied(facts.maths)

    def value(scores: Sequence[Number], target: Any) -> Number:
        right = [target] if isinstance(target, int) else _listed(target)
        if facts.facts["hardest"]:
            gaps = [score - scores[target] for other, score in enumerate(scores) if other != target]
            return _each(weights, len(scores))[target] * maths(max(gaps), **keywords)[0] if gaps else mp.zero
        total = mp.zero
        for label in right:
            weight = _each(weights, len(scores))[label]
            for other, score in enumerate(scores):
                if other not in right:
                    total += weight * maths(score - scores[label], **keywords)[0]
        return total / len(scores)

    return value


def distributions(facts: Definition, keywords: dict[str, Any], weights: Weights) -> Row:
    """``T^2`` times the sum over classes of ``f(log p, log q)``."""
    maths = copied(facts.maths)
    heat = keywords.get("temperature", mp.one)

    def value(student: Sequence[Number], teacher: Sequence[Number]) -> Number:
        both = zip(*(log_softmax([logit / heat for logit in logits]) for logits in (student, teacher)), strict=True)
        return heat * heat * mp.fsum(maths(log_p, log_q, **keywords)[0] for log_p, log_q in both)

    return value


def sequence(facts: Definition, keywords: dict[str, Any], weights: Weights) -> Row:
    """``f(log P, 1 - P)``, P the sum over all paths of the product of their probabilities."""
    own = split_signature(facts.maths)[1]
    maths, blank = copied(facts.maths), keywords["blank"]
    logits = facts.inputs[0] == "logits"

    def value(line: Sequence[Number], labels: Sequence[int], length: int, count: int, classes: int) -> Number:
        steps = [list(line[k * classes : (k + 1) * classes]) for k in range(length)]
        chances = [[mp.exp(x) for x in (log_softmax(step) if logits else step)] for step in steps]
        states = [blank]
        for label in labels[:count]:
            states += [label, blank]
        reached = [mp.one] + [mp.zero] * len(states)  # before the first step: as if a blank had just been
        for t, chance in enumerate(chances):
            moved = []
            for s, symbol in enumerate(states):
                total = reached[s] + (reached[s - 1] if s > 0 else 0)
                if s > 1 and symbol not in (blank, states[s - 2]) and t > 0:
                    total += reached[s - 2]
                moved.append(total * chance[symbol])
            reached = moved
        whole = mp.fsum(reached[max(0, len(states) - 2) : len(states)])
        if whole == 0:
            return mp.zero if keywords["zero_infinity"] else mp.inf
        return maths(mp.log(whole), 1 - whole, **{name: keywords[name] for name in own})[0]

    return value


def kernel(facts: Definition, keywords: dict[str, Any], weights: Weights) -> Row:
    """What the author's function returns."""
    return units.value_of(facts, copied(facts.maths), keywords)


def _each(weights: Weights, classes: int) -> list[Number]:
    return [mp.one] * classes if weights is None else [number(weight) for weight in weights]


def _listed(target: Sequence[int]) -> list[int]:
    found = []
    for label in target:
        if label < 0:
            break
        found.append(int(label))
    return found


ROWS: dict[str, Callable[[Definition, dict[str, Any], Weights], Row]] = {
    "softmax": softmax,
    "cosines": cosines,
    "head": head,
    "pick": pick,
    "margins": margins,
    "distributions": distributions,
    "pairs": precise_embeddings.pairs,
    "triplets": precise_embeddings.triplets,
    "sequence": sequence,
    "kernel": kernel,
}
