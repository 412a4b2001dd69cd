"""Compiled values and gradients against references stated independently, extreme inputs included.

Elements: at most 4 ulp beyond the effect of an ulp of each input. Rows: at most 1e-6 relative in float32, beyond
the same effect; 2e-15 in float64.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import references

from numbaloss.plugins.registry import builtins
from numbaloss.testing import inputs as drawn
from numbaloss.testing.basics import differentiable, unreduced
from numbaloss.testing.checks_accuracy import scale_of
from numbaloss.testing.exact import effect, excess
from numbaloss.testing.precise import mp, number

DIGITS = 450  # the slope of a soft cap is 1e-290 at a logit of 1e4
ULP = 4.0
RELATIVE = {"float32": 1e-6, "float64": 2e-15}
ELEMENTS = [name for name, loss in builtins().items() if loss.definition.structure == "pointwise"]
ROWS = [  # the others: tests/test_ctc.py, test_head.py, test_contrastive.py, test_regions.py
    name
    for name, loss in builtins().items()
    if loss.definition.structure not in ("pointwise", "sequence", "head", "tiles", "regions")
]

REAL = [1e-30, -1e-8, 1e-3, -0.6, 1.7, -7.3, 17.5, -38.0, 95.0, -1e4, 1e15, -1e30]
POINTS = {
    "real": REAL,
    "sign": [-1.0, 1.0],
    "probability": [1e-30, 1e-12, 1e-7, 0.03, 0.3, 0.5, 0.97, 1.0 - 1e-7],
    "log_probability": [-1e4, -90.0, -3.1, -0.2, -1e-7, -1e-30],
    "positive": [1e-5, 0.3, 1.0, 17.0, 1e4, 1e10],
    "nonnegative": [0.0, 1e-30, 1e-5, 0.3, 1.0, 17.0, 1e10],
    "count": [0.0, 2.0, 7.0, 1e6],
}
# an exponential beyond the range of any float needs more digits than there are to see the rest
FIRST = {"poisson_nll_loss": {"real": [1e-30, -1e-8, 1e-3, -0.6, 1.7, -7.3, 17.5, -38.0, 80.0, -1e4]}}
TARGETS = {"real": [0.0, 1e-30, -0.7, 3.2, -1e4, 1e30], "probability": [0.0, 1e-7, 0.3, 0.5, 1.0]}
SETTINGS = {
    "smooth_l1_loss": [{"beta": 0.0625}, {"beta": 0.0}],
    "huber_loss": [{"delta": 2.5}],
    "pseudo_huber_loss": [{"delta": 0.125}],
    "fair_loss": [{"c": 0.125}],
    "wing_loss": [{"width": 0.5, "curvature": 4.0}],
    "cosine_embedding_loss": [{"margin": -0.25}],
    "cosine_similarity_loss": [{"eps": 2.0}],
    "contrastive_loss": [{"margin": 30.0}],
    "triplet_margin_loss": [{"p": 1.0}, {"p": 1.5, "margin": 0.25}, {"p": 3.0, "eps": 0.0625}, {"swap": True}],
    "triplet_margin_with_distance_loss": [
        {"distance_function": name, "swap": True} for name in ("manhattan", "chebyshev", "squared_euclidean", "cosine")
    ],
    "quantile_loss": [{"quantile": 0.875}],
    "expectile_loss": [{"expectile": 0.125}],
    "poisson_nll_loss": [{"log_input": False}, {"full": True}],
    "gaussian_nll_loss": [{"full": True}],
    "binary_cross_entropy_with_logits": [{"pos_weight": 3.0}],
    "sigmoid_focal_loss": [{"alpha": -1.0}, {"gamma": 0.5}, {"gamma": 0.0}],
    "margin_ranking_loss": [{"margin": 0.5}],
    "kl_div": [{"log_target": True}],
    "cross_entropy": [{"label_smoothing": 0.125}, {"z_loss": 0.0625}, {"softcap": 30.0}],
    "focal_loss": [{"gamma": 0.5}],
    "poly_loss": [{"epsilon": -0.5}],
    "generalized_cross_entropy": [{"q": 0.25}],
    "arcface_loss": [{"easy_margin": True, "margin": 0.25}, {"label_smoothing": 0.125, "scale": 16.0}],
    "cosface_loss": [{"margin": 0.5, "label_smoothing": 0.125}],
    "multi_margin_loss": [{"p": 2, "margin": 0.5}],
    "kl_div_with_logits": [{"temperature": 4.0}],
    "jsd_loss": [{"beta": 0.25, "temperature": 2.0}],
}


def cases(names):
    return [
        pytest.param(name, setting, dtype, id="-".join([name, *map(str, setting), dtype]))
        for name in names
        for setting in [{}, *SETTINGS.get(name, [])]
        for dtype in ("float32", "float64")
    ]


def precisely(setting, facts, dtype):
    """The hyper-parameters of a setting and the defaults, as the numbers that the kernel gets."""
    every = {**facts.parameters, **setting}
    every.pop("ignore_index", None)
    return {name: number(np.dtype(dtype).type(v)) if type(v) is float else v for name, v in every.items()}


def one_sided(function, point, index, sign):
    x = point[index]
    step = sign * (abs(x) if x != 0 else mp.one) * mp.mpf(10) ** -45
    moved = list(point)
    moved[index] = x + step
    return (function(*moved) - function(*point)) / step


def slope_of(function, index):
    """The derivative by argument `index`; nan where the slopes of the two sides differ: at a kink, or an edge."""

    def slope(*point):
        with mp.workdps(DIGITS):
            left, right = (one_sided(function, point, index, sign) for sign in (-1, 1))
            smooth = mp.isfinite(left) and mp.isfinite(right)
            smooth = smooth and abs(left - right) <= mp.mpf(10) ** -20 * max(abs(left), abs(right))
            return (left + right) / 2 if smooth else mp.nan

    return slope


def test_every_builtin_has_a_reference():
    assert [name for name in (*ELEMENTS, *ROWS) if not hasattr(references, name)] == []


@pytest.mark.parametrize(("name", "setting", "dtype"), cases(ELEMENTS))
def test_elements(name, setting, dtype):
    loss = builtins()[name]
    facts = loss.definition
    domains = [drawn.domain_name(facts, one, setting) for one in facts.inputs]
    first = {**POINTS, **FIRST.get(name, {})}[domains[0]]
    lists = [first, *(TARGETS.get(domain, POINTS[domain]) for domain in domains[1:])]
    columns = [np.array(column, dtype).reshape(-1, 1) for column in zip(*product(*lists), strict=True)]
    values, gradients = unreduced(loss, tuple(columns), **setting)
    keywords = precisely(setting, facts, dtype)
    movable = [k for k, domain in enumerate(domains) if domain not in ("sign", "count")]

    def value(*point):
        with mp.workdps(DIGITS):
            return getattr(references, name)(*point, **keywords)

    bar, bad = facts.facts.get("ulp", ULP), []
    for k in range(len(columns[0])):
        point = [number(column[k, 0]) for column in columns]
        wanted = [("value", values.reshape(-1)[k], value)]
        for one, gradient in zip(facts.differentiable, gradients, strict=True):
            documented = references.SLOPES.get((name, one))
            function = slope_of(value, facts.inputs.index(one))
            if documented is not None:
                function = lambda *p, d=documented: d(*p, **keywords)  # noqa: E731
            wanted.append((f"slope by {one}", gradient[k, 0], function))
        for what, got, function in wanted:
            exact = function(*point)
            if mp.isnan(exact) and what != "value":
                continue  # a kink: which slope is taken there is documented, and tested with torch
            error = excess(got, exact, mp.zero, dtype)
            if error > bar:
                error = excess(got, exact, effect(function, point, dtype, movable), dtype)
            if not error <= bar:
                bad.append(f"{what} at {[float(x) for x in point]}: {got!r}, wanted {float(exact)!r}: {error:.3g} ulp")
    assert not bad, f"{len(bad)} bad:\n" + "\n".join(bad[:12])


def row_inputs(facts, dtype):
    """Rows of every temper: ordinary, confident, hopeless, far from 0, all alike."""
    rng = np.random.default_rng(7)
    ordinary = rng.standard_normal((4, 5))
    tempers = [3 * ordinary, 40 * ordinary, 1e4 * ordinary, ordinary + 1e4, 1e-30 * ordinary, 0 * ordinary]
    if facts.domain == "log_probability":
        tempers = [-abs(logits) for logits in tempers]
    if facts.domain == "cosine":
        tempers = [np.tanh(ordinary), np.cos(40 * ordinary), 0.5 + 1e-4 * ordinary, 0.999 - 1e-3 * abs(ordinary)]
    logits = np.concatenate(tempers).astype(dtype)
    if facts.structure == "distributions":
        logits = np.concatenate([*tempers[:4], 1e-3 * ordinary, tempers[5]]).astype(dtype)
        return [(logits, np.roll(logits, 1, axis=0)), (logits, logits + ordinary[:1].astype(dtype))]
    if facts.target == "class_list":
        listed = np.array([[2, 0, -1, 1, 1], [4, -1, 0, 0, 0], [0, 1, 2, 3, 4], [-1, 0, 0, 0, 0]])
        return [(logits, np.tile(listed, (6, 1)))]
    if "rows" in facts.facts:  # embeddings: far apart, and nearly the same
        if facts.structure == "triplets":  # the eps that is added to differences hides tiny embeddings
            logits = np.concatenate([*tempers[:4], tempers[5]]).astype(dtype)
        near = (logits * (1 + 1e-3 * np.roll(ordinary, 1)[:1])).astype(dtype)
        others = [(np.roll(logits, 1, axis=0), np.roll(logits, 2, axis=0)), (near, np.roll(near, 1, axis=0))]
        signs = -1 if facts.target == "sign" else 0
        if facts.facts["per_row"]:
            return [(logits, one, np.full(len(logits), label)) for one, _ in others for label in (1, signs)]
        return [(logits, *pair)[: len(facts.inputs)] for pair in others]
    confident = logits.argmax(axis=1)
    found = [(logits, confident), (logits, logits.argmin(axis=1))]
    if facts.target == "class_or_distribution":
        shares = rng.uniform(0.1, 1.0, logits.shape)
        found.append((logits, (shares / shares.sum(axis=1, keepdims=True)).astype(dtype)))
    return found


@pytest.mark.parametrize(("name", "setting", "dtype"), cases(ROWS))
def test_rows(name, setting, dtype):
    loss = builtins()[name]
    facts = loss.definition
    keywords = precisely(setting, facts, dtype)
    bad = []
    for arrays in row_inputs(facts, dtype):
        values, gradients = unreduced(loss, arrays, **setting)
        by = [facts.inputs.index(one) for one in differentiable(facts, arrays)]
        soft = [k for k, array in enumerate(arrays) if array.dtype.kind == "f"]
        for n in range(len(arrays[0])):
            fixed = [
                int(a[n]) if a.ndim == 1 else tuple(map(int, a[n])) if a.dtype.kind == "i" else None for a in arrays
            ]
            flat = [number(x) for k in soft for x in arrays[k][n]]
            width = arrays[0].shape[1]

            def value(*point, fixed=fixed, width=width):
                parts, left = [], list(point)
                for part in fixed:
                    parts.append(left[:width] if part is None else part)
                    left = left[width:] if part is None else left
                with mp.workdps(DIGITS):
                    return getattr(references, name)(*parts, **keywords)

            # two distributions that nearly agree: the value is precise to what an ulp of a log-probability does to it
            paired = facts.structure == "distributions"
            floor = max(float(abs(gradient[n]).max()) for gradient in gradients) if paired else 0.0
            if setting.get("distance_function") == "cosine":  # the difference of two numbers near 1
                floor = 1.0
            wanted = [("value", values[n], value, floor)]
            for argument, gradient in zip(by, gradients, strict=True):
                # slopes by logits of cross-entropy keep their own digits, others those of the row's largest
                own = name == "cross_entropy" and arrays[1].ndim == 1 and not setting
                largest = 0.0 if own else scale_of(facts, gradient[n], values[n])
                wanted += [
                    (
                        f"slope {c} by {facts.inputs[argument]}",
                        gradient[n, c],
                        slope_of(value, argument * width + c),
                        largest,
                    )
                    for c in range(width)
                ]
            for what, got, function, scale in wanted:
                exact = function(*flat)
                if mp.isnan(exact) and what != "value":
                    continue  # a kink
                bar = RELATIVE[dtype] * max(abs(float(exact)), float(scale)) + float(np.finfo(dtype).tiny)
                error = abs(float(number(got) - exact))
                if not error <= bar:
                    error -= float(effect(function, flat, dtype))
                if not error <= bar:
                    bad.append(
                        f"{what} of {arrays[0][n]}, {fixed}: {got!r}, wanted {float(exact)!r}, {error / bar:.3g} bars"
                    )
    assert not bad, f"{len(bad)} bad:\n" + "\n".join(bad[:12])
