"""Checks of losses over regions: against sums at fifty digits, and of the mathematics' slopes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from numbaloss.definition import Definition, split_signature
from numbaloss.testing import inputs as drawn
from numbaloss.testing import parameters as chosen
from numbaloss.testing import precise
from numbaloss.testing.basics import Array, LossFunction, only_if, shown, unreduced
from numbaloss.testing.precise import Number, mp, number

RELATIVE = {np.float32: 1e-6, np.float64: 1e-14}  # of a value; of a slope, see `Exact.image`
Image = tuple[list[Number], list[list[Number]], list[Number]]  # values, slopes by class and position, their scales
STRUCTURAL = ("activation", "include_background", "batch", "ignore_index", "squared_pred", "w_type")


def of_sums(facts: Definition) -> bool:
    """Whether a loss is stated as a function of the sums of its regions."""
    return facts.structure == "regions" and split_signature(facts.maths)[0][:3] == ("tp", "fp", "fn")


class Exact:
    """Values and gradient of one image, in arbitrary precision."""

    def __init__(self, facts: Definition, setting: dict[str, Any], dtype: Any) -> None:
        every = precise.settings(facts, setting, np.float64)  # what is done with the sums is done in float64
        self.structural = {name: every.pop(name) for name in STRUCTURAL if name in every}
        self.maths, self.keywords, self.dtype = precise.copied(facts.maths), every, dtype
        for name in ("squared_pred", "w_type"):
            if name in self.structural:
                self.keywords[name] = None
        self.wants_tn = "tn" in split_signature(facts.maths)[0]

    def image(self, logits: Array, target: Array) -> Image:
        """(values, gradient[class][position], scale[position]) of an image (C, positions) and labels or masks.

        The scale is what slopes of a position are precise to: the largest slope by the sums, times how far the least
        certain chance is from 0 and 1: slopes by a chance are differences of those.
        """
        activation, squared = self.structural["activation"], bool(self.structural.get("squared_pred"))
        ignored, classes = self.structural["ignore_index"], len(logits)
        columns = [[number(x) for x in column] for column in logits.T]
        masks = target.ndim == 2
        given = [target[k] if masks else target for k in range(classes)]
        wish = [[number(w) if masks else mp.mpf(int(k == w)) for w in row] for k, row in enumerate(given)]
        keep = [[w != ignored for w in row] for row in given]
        chance = [list(row) for row in zip(*(_chances(column, activation) for column in columns), strict=True)]
        sums = []
        for p, t, k in zip(chance, wish, keep, strict=True):
            used = [(x, y) for x, y, z in zip(p, t, k, strict=True) if z]
            tp = mp.fsum(x * y for x, y in used)
            predicted = mp.fsum(x * x if squared else x for x, _ in used)
            present = mp.fsum(y * y if squared else y for _, y in used)
            fp, fn = predicted - tp, present - tp
            sums.append((tp, fp, fn, len(used) - tp - fp - fn))
        first = 0 if self.structural["include_background"] else 1
        values, slopes = self._finished(sums[first:], first)
        gradient, scales = [], []
        for r, column in enumerate(columns):
            by_chance = [
                _by_chance(slopes[k], chance[k][r], wish[k][r], squared) if keep[k][r] else mp.zero
                for k in range(classes)
            ]
            gradient.append(_by_logits(column, [row[r] for row in chance], by_chance, activation))
            loose = mp.one if activation is None else max(row[r] * (1 - row[r]) for row in chance)
            scales.append(loose * max(abs(by_tp) + abs(by_fp) + abs(by_fn) for by_tp, by_fp, by_fn in slopes))
        return values, [list(row) for row in zip(*gradient, strict=True)], scales

    def _finished(self, sums: Sequence[Any], first: int) -> tuple[list[Number], list[Any]]:
        nothing = [(mp.zero,) * 3] * first
        if "w_type" not in self.structural:
            found = [self._one(one) for one in sums]
            return [value for value, _ in found], nothing + [slopes for _, slopes in found]
        power = {"square": 2, "simple": 1, "uniform": 0}[self.structural["w_type"]]
        sizes = [tp + fn for tp, _, fn, _ in sums]
        shares = [size**-power if size else None for size in sizes]
        largest = max((share for share in shares if share is not None), default=mp.zero)
        shares = [largest if share is None else share for share in shares]
        if power == 0:
            shares = [mp.one] * len(sums)
        value, slopes = self._one([mp.fsum(w * s[j] for w, s in zip(shares, sums, strict=True)) for j in range(4)])
        return [value], nothing + [tuple(w * slope for slope in slopes) for w in shares]

    def _one(self, sums: Sequence[Number]) -> tuple[Number, tuple[Number, ...]]:
        value, slopes = self.maths(*(sums if self.wants_tn else sums[:3]), **self.keywords)
        rest = slopes[3] if self.wants_tn else mp.zero
        return value, tuple(slope - rest for slope in slopes[:3])


def _chances(column: Sequence[Number], activation: str | None) -> list[Number]:
    if activation is None:
        return list(column)
    if activation == "sigmoid":
        return [1 / (1 + mp.exp(-x)) for x in column]
    highest = max(column)
    terms = [mp.exp(x - highest) for x in column]
    return [term / mp.fsum(terms) for term in terms]


def _by_chance(slopes: tuple[Number, ...], chance: Number, wish: Number, squared: bool) -> Number:
    by_tp, by_fp, by_fn = slopes
    predicted = 2 * chance if squared else mp.one
    return by_tp * wish + by_fp * (predicted - wish) - by_fn * wish


def _by_logits(
    column: Sequence[Number], chance: Sequence[Number], slopes: Sequence[Number], activation: str | None
) -> list[Number]:
    if activation is None:
        return list(slopes)
    if activation == "sigmoid":
        return [slope * p * (1 - p) for slope, p in zip(slopes, chance, strict=True)]
    mean = mp.fsum(p * slope for p, slope in zip(chance, slopes, strict=True))
    return [p * (slope - mean) for slope, p in zip(slopes, chance, strict=True)]


def _settings(facts: Definition) -> Iterator[dict[str, Any]]:
    yield {}
    for name in ("activation", "squared_pred", "w_type", "jaccard", "include_background"):
        for value in chosen.others(facts, name) if name in facts.parameters else ():
            yield {name: value}


@only_if(of_sums)
def check_exact_regions(loss: LossFunction) -> None:
    """Values and gradients are right to 1e-6 (float32) and 1e-14 (float64), also where chances are nearly 0 or 1."""
    facts = loss.definition
    for dtype in (np.float32, np.float64):
        for setting in _settings(facts):
            exact = Exact(facts, setting, dtype)
            for kind in drawn.kinds(facts)[:2]:
                for factor in (1.0, 8.0) if setting.get("activation", "") is not None else (1.0,):
                    scores, target = drawn.draw(facts, kind=kind, rows=2, dtype=dtype, parameters=setting, salt="rows")
                    scores = (scores * dtype(factor)).astype(dtype)
                    values, (gradient,) = unreduced(loss, (scores, target), **setting)
                    for n in range(2):
                        flat = scores[n].reshape(scores.shape[1], -1)
                        wishes = target[n].reshape(-1) if target.ndim < scores.ndim else target[n].reshape(flat.shape)
                        where = f"{np.dtype(dtype).name}, {kind}, {shown(setting)}, times {factor:g}, image {n}"
                        got = gradient[n].reshape(flat.shape)
                        hold_image(values[n], got, exact.image(flat, wishes), RELATIVE[dtype], where)


def hold_image(values: Array, got: Array, exact: Image, bar: float, where: str) -> None:
    """Assert that an image's values and its gradient (C, positions) are what `Exact.image` gives."""
    right, slopes, scales = exact
    for one, two in zip(np.atleast_1d(values), right, strict=True):
        if np.isnan(one) and mp.isnan(two):  # nothing over nothing
            continue
        error = abs(number(one) - two)
        assert error <= bar * max(abs(two), mp.mpf(bar)), f"value, {where} is {float(one)!r}, wanted {float(two)!r}"
    tiny = float(np.finfo(got.dtype).tiny)
    for r in range(got.shape[1]):
        for k in range(got.shape[0]):
            if np.isnan(got[k, r]) and mp.isnan(slopes[k][r]):
                continue
            error = abs(number(got[k, r]) - slopes[k][r])
            allowed = 2 * bar * scales[r] + tiny
            assert error <= allowed, (
                f"slope by class {k} at position {r}, {where} is {float(got[k, r])!r}, "
                f"wanted {float(slopes[k][r])!r}: {float(error):.3g} too far, {float(allowed):.3g} allowed"
            )


@only_if(of_sums)
def check_slopes_of_regions(loss: LossFunction) -> None:
    """At fifty digits, the slopes in the mathematics are the derivatives of its value by the sums."""
    facts = loss.definition
    maths, names = precise.copied(facts.maths), split_signature(facts.maths)[0]
    for setting in chosen.sets(facts):
        keywords = {k: v for k, v in precise.settings(facts, setting).items() if k in split_signature(facts.maths)[1]}
        for point in ((3.0, 2.0, 1.5, 9.0), (0.0, 0.25, 4.0, 11.0), (7.0, 1e-6, 2e-7, 5.0), (0.0, 3.0, 0.5, 20.0)):
            sums = [number(x) for x in point[: len(names)]]
            _, slopes = maths(*sums, **keywords)
            for index, slope in enumerate(slopes):
                wanted = precise.slope(lambda *x: maths(*x, **keywords)[0], sums, index)  # noqa: B023
                close = abs(slope - wanted) <= 1e-15 * abs(wanted) + 1e-18
                assert close, f"{shown(setting)}: slope by {names[index]} at {point} is {slope}, wanted {wanted}"
