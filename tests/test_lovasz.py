"""The Lovasz loss against Berman et al. 2018, in float64."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from test_regions import chances, drawn, masks

import numbaloss as nl


def extension(errors, wish):
    """The Lovasz extension of the Jaccard loss, set by set: algorithm 1 of the paper."""
    order = np.argsort(-errors, kind="stable")
    wish, size, before, total = wish[order], wish.sum(), 0.0, 0.0
    for k in range(len(order)):
        after = 1 - (size - wish[: k + 1].sum()) / (size + (1 - wish[: k + 1]).sum())
        total += errors[order[k]] * (after - before)
        before = after
    return total


def reference(logits, target, activation, batch, classes):
    p, (t, counts) = chances(logits, "" if activation == "hinge" else activation), masks(logits, target)
    errors = np.maximum(0, 1 - logits * (2 * t - 1)) if activation == "hinge" else np.abs(t - p)
    values = []
    for n in [slice(None)] if batch else [slice(n, n + 1) for n in range(len(logits))]:
        found = []
        for c in range(logits.shape[1]):
            kept = counts[n, c]
            wish = t[n, c][kept].astype(float)
            if classes == "all" or logits.shape[1] == 1 or wish.sum() > 0:
                found.append(extension(errors[n, c][kept], wish))
        values.append(np.mean(found) if found else 0.0)
    return np.array(values)


@settings(deadline=None, max_examples=80)
@given(
    seed=st.integers(0, 10**6),
    activation=st.sampled_from(["softmax", "sigmoid", None, "hinge"]),
    space=st.sampled_from([(), (1,), (4, 5), (2, 3, 4), (60,)]),
    classes=st.integers(1, 4),
    kind=st.sampled_from(["labels", "masks"]),
    batch=st.booleans(),
    which=st.sampled_from(["present", "all"]),
)
def test_values_and_gradients(seed, activation, space, classes, kind, batch, which):
    classes = max(2, classes) if activation == "softmax" else classes
    logits, target = drawn(seed, (2, classes, *space), kind, activation if activation != "hinge" else "sigmoid")
    options = {"activation": activation, "batch": batch, "classes": which}
    wanted = reference(logits, target, activation, batch, which)
    got = nl.lovasz_loss(logits, target, reduction="none", **options)
    np.testing.assert_allclose(np.atleast_1d(got), wanted, rtol=1e-11, atol=1e-13)
    single = nl.lovasz_loss(logits.astype(np.float32), target, reduction="none", **options)
    np.testing.assert_allclose(np.atleast_1d(single), wanted, rtol=1e-4, atol=1e-5)
    criterion = nl.LovaszLoss(reduction="sum", **options)
    value, gradient = criterion.value_and_grad(logits, target)
    np.testing.assert_allclose(value, wanted.sum(), rtol=1e-11, atol=1e-13)
    direction = np.random.default_rng(seed).standard_normal(logits.shape)
    ends = [float(criterion(logits + by * direction, target)) for by in (1e-6, -1e-6)]
    slope = (ends[0] - ends[1]) / 2e-6
    assert abs(slope - (gradient * direction).sum()) <= 1e-5 * max(1.0, abs(slope))


def test_many_positions():
    """Several digits of the counting sort, several tasks."""
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((1, 3, 130, 140)).astype(np.float32), rng.integers(0, 3, (1, 130, 140))
    p = chances(logits.astype(np.float64), "softmax").reshape(3, -1)
    wanted = []
    for c in range(3):
        wish = (labels.reshape(-1) == c).astype(float)
        errors = np.abs(wish - p[c])
        order = np.argsort(-errors, kind="stable")
        jaccard = 1 - (wish.sum() - wish[order].cumsum()) / (wish.sum() + (1 - wish[order]).cumsum())
        wanted.append((errors[order] * np.diff(jaccard, prepend=0.0)).sum())
    np.testing.assert_allclose(nl.lovasz_loss(logits, labels), np.mean(wanted), rtol=1e-5)
