"""The losses of the package: numbaloss's suite, their minimisers, and the worked example on a real series."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numbaloss_anomaly import LOSSES, band_loss, envelope_loss

import numbaloss as nl
from numbaloss.testing import parametrize_loss_checks

EXAMPLE = Path(__file__).parents[1] / "examples" / "el_nino.py"


@parametrize_loss_checks(LOSSES)
def test_conformance(loss, check):
    check(loss)


@pytest.mark.parametrize(("below", "above"), [(0.05, 0.1), (0.25, 0.25), (0.01, 0.4)])
def test_the_best_envelope_is_a_pair_of_quantiles(below, above):
    target = np.sort(np.random.default_rng(0).normal(size=2001))
    criterion = envelope_loss.Loss(below=below, above=above)

    def total(lower, upper):
        return criterion(np.full(2001, lower), target, np.full(2001, upper))

    lower, upper = np.quantile(target, [below, 1.0 - above])
    best = total(lower, upper)
    for moved in (0.05, -0.05):
        assert total(lower + moved, upper) > best
        assert total(lower, upper + moved) > best


def test_the_envelope_is_two_quantile_losses():
    """Up to the sides' shares: each curve is a quantile, and nothing ties the two together."""
    rng = np.random.default_rng(1)
    lower, target, upper = rng.normal(size=(3, 50))
    low = nl.quantile_loss(lower, target, quantile=0.05, reduction="none") / 0.05
    high = nl.quantile_loss(upper, target, quantile=0.9, reduction="none") / 0.1
    got = envelope_loss(lower, target, upper, below=0.05, above=0.1, reduction="none")
    np.testing.assert_allclose(got, low + high, rtol=1e-12)


def test_a_band_leaves_its_inside_alone_and_weighs_its_sides():
    expected, width = np.zeros(5), np.full(5, 2.0)
    observed = np.array([0.0, 1.9, -1.9, 4.0, -4.0])
    got = band_loss(expected, observed, width, below=3.0, above=1.0, reduction="none")
    np.testing.assert_allclose(got, [0.0, 0.0, 0.0, 0.5, 1.5])
    _, slope = band_loss.Loss(below=3.0, reduction="sum").value_and_grad(expected, observed, width)
    np.testing.assert_allclose(slope, [0.0, 0.0, 0.0, -0.5, 1.5])


def test_far_out_one_observation_pulls_no_harder_than_at_the_knee():
    _, slope = band_loss.Loss(knee=0.5, reduction="sum").value_and_grad([0.0] * 3, [1.5, 15.0, 1e6], [1.0] * 3)
    np.testing.assert_allclose(slope, -0.5)


def test_the_plugin_is_found():
    (plugin,) = [plugin for plugin in nl.load_plugins() if plugin.distribution == "numbaloss-anomaly"]
    assert plugin.status == "active", plugin.reason
    assert plugin.losses == ("band_loss", "envelope_loss")


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("el_nino", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_finds_the_great_el_ninos(example):
    """The four strongest of the century are warm events, the two strongest of them have the highest scores."""
    said = []
    result = example.found(said.append)
    warm = [row for row in result["rows"] if row[2] == "warm"]
    for start in ("1957", "1972", "1982", "1997"):
        assert start in [row[0][:4] for row in warm]
    strongest = sorted(result["rows"], key=lambda row: row[3])[-2:]
    assert [row[0][:4] for row in strongest] == ["1982", "1997"]
    assert abs(np.mean(result["target"] < result["lower"]) - example.BELOW) < 0.01
    assert abs(np.mean(result["target"] > result["upper"]) - example.ABOVE) < 0.01
    assert "envelope loss" in said[0]


def test_the_example_runs_as_a_script_and_draws(tmp_path):
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), "--plot", str(tmp_path / "plot.png")], capture_output=True, text=True, check=True
    )
    assert "1997-05 to 1998-07" in done.stdout
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
