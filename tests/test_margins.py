"""Losses of labels: tiles and rows give the same, labels out of range do no harm."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numbaloss as nl
from numbaloss.structures import margins

SCORES = st.sampled_from([-np.inf, -2.0, -1.0, 0.0, 0.5, 1.0, 3.0, 1e30, np.inf, np.nan])


def along_rows(monkeypatch, loss):
    """The same loss, with every row on its own."""
    monkeypatch.setattr(margins, "FEW", 0)
    return type(loss)(**loss.parameters, weight=loss.weight, reduction=loss.reduction)


def both(name, scores, labels, **options):
    """Values, gradients and Hessians, by tiles and along the rows."""
    with pytest.MonkeyPatch.context() as patch:
        loss = nl.get(name, reduction="none", weight=options.pop("weight", None))
        tiles = loss.grad_and_hess(scores, labels, **options), loss(scores, labels, **options)
        rows = along_rows(patch, loss)
        return tiles, (rows.grad_and_hess(scores, labels, **options), rows(scores, labels, **options))


@pytest.mark.parametrize("name", ["multi_margin_loss", "categorical_hinge_loss"])
@pytest.mark.parametrize(("rows", "classes"), [(1, 1), (1, 5), (127, 2), (129, 3), (1500, 10), (300, 48)])
def test_tiles_and_rows_agree(name, rows, classes):
    rng = np.random.default_rng(rows)
    scores = rng.standard_normal((rows, classes))
    labels = rng.integers(0, classes, rows)
    weights = {"weight": rng.uniform(0.5, 2.0, classes), "sample_weight": rng.uniform(0.0, 2.0, rows)}
    tolerance = 1e-14
    for options in ({}, weights):
        ((slopes, bends), values), ((wanted, bent), values_wanted) = both(name, scores, labels, **options)
        np.testing.assert_allclose(values, values_wanted, rtol=tolerance)
        np.testing.assert_allclose(slopes, wanted, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(bends, bent, rtol=tolerance, atol=tolerance)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 7), st.integers(1, 12))
def test_they_agree_about_ties_infinities_and_nan(data, classes, rows):
    row = st.lists(SCORES, min_size=classes, max_size=classes)
    scores = np.array(data.draw(st.lists(row, min_size=rows, max_size=rows)))
    labels = np.array(data.draw(st.lists(st.integers(0, classes - 1), min_size=rows, max_size=rows)))
    for name in ("multi_margin_loss", "categorical_hinge_loss"):
        ((slopes, _), values), ((wanted, _), values_wanted) = both(name, scores, labels)
        np.testing.assert_allclose(values, values_wanted, rtol=1e-14)
        np.testing.assert_allclose(slopes, wanted, rtol=1e-14)


@pytest.mark.parametrize("classes", [5, 200])
@pytest.mark.parametrize("name", ["multi_margin_loss", "categorical_hinge_loss", "nll_loss"])
def test_the_lowest_whole_number_is_no_label(name, classes):
    """It stands for "ignored" where nothing is; a kernel would write far outside of its memory."""
    labels = np.array([0, 1, np.iinfo(np.int64).min, 3])
    told = rf"target\[2\] is -9223372036854775808, but labels must be in 0 ... {classes - 1}"
    for way in ({}, {"wrt": ("input",)}):
        with pytest.raises(ValueError, match=told):
            nl.get(name).value_and_grad(np.zeros((4, classes)), labels, **way)
