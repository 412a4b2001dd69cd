"""A loss from outside the package takes part in the benchmarks: the same numbers, and kernels kept on disk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from numbaloss.bench import accuracy, own, runner
from numbaloss.bench.cases import Case
from numbaloss.plugins.registry import builtins

CHILD = """
from numbaloss.bench import own
from numbaloss.compile.cache import statistics
for loss in own.LOSSES.values():
    print(*loss.Loss().value_and_grad([3.0], [0.0]))
print(statistics.hits, statistics.misses, statistics.failures)
"""


@pytest.mark.parametrize("name", own.LOSSES)
@pytest.mark.parametrize(("size", "shape"), [("small", (1_000,)), ("cache", (131_072,))])
def test_it_computes_what_the_built_in_one_does(name, size, shape):
    case = Case(builtins()[name].definition, size, shape)
    ours, theirs = runner.numbaloss(case), runner.prepare("own", case, 2)
    assert theirs is not None
    found, expected = (one.read(one.call()) for one in (theirs, ours))
    assert found[0] == expected[0]
    assert (found[1][0] == expected[1][0]).all()


def test_a_loss_without_a_twin_does_not_take_part():
    assert runner.prepare("own", Case(builtins()["l1_loss"].definition, "small", (1_000,)), 1) is None


def test_the_second_process_compiles_nothing(tmp_path):
    path = os.pathsep.join([str(Path(__file__).parents[2]), *(path for path in sys.path if path)])
    environment = {**os.environ, "PYTHONPATH": path, "NUMBALOSS_CACHE_DIR": str(tmp_path)}
    told = []
    for _ in range(2):
        command = [sys.executable, "-c", CHILD]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        told.append(done.stdout.split("\n")[:3])
    assert told == [["9.0 [6.]", "2.5 [1.]", "0 2 0"], ["9.0 [6.]", "2.5 [1.]", "2 0 0"]]


@pytest.mark.parametrize("name", ["jsd_loss", "tvd_loss"])
def test_errors_between_softmaxes_are_those_of_rounding(name):
    assert max(accuracy.errors(builtins()[name].definition)) < 1e-6
