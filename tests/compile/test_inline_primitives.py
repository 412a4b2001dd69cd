"""Primitives written into their callers: the same bits as when Numba compiles them as functions."""

import os
import subprocess
import sys

import numba
import numpy as np
import pytest

from numbaloss.compile import primitives_cpu
from numbaloss.compile.bind import Specialiser
from numbaloss.compile.inline_primitives import inlined
from numbaloss.compile.primitives import PRIMITIVES

FLOATS = [np.dtype(np.float32), np.dtype(np.float64)]
BINARY = {"xlogy", "power", "copysign", "maximum", "minimum"}


def applied(function, one, two):
    """The results of a compiled function of one or two numbers."""

    def unary(x, y, out):
        for i in range(out.size):
            out[i] = function(x[i])

    def binary(x, y, out):
        for i in range(out.size):
            out[i] = function(x[i], y[i])

    out = np.empty_like(one)
    numba.njit(error_model="numpy")(binary if two is not None else unary)(one, two, out)
    return out


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", ["exp", "log1p", "tanh", "xlogy", "maximum"])
def test_inlined_and_compiled_primitives_give_equal_bits(name, dtype):
    random = np.random.default_rng(3)
    bits = random.integers(0, 256, 4000 * dtype.itemsize, dtype=np.uint8)
    x = np.concatenate([bits.view(dtype), random.normal(size=4000).astype(dtype) * 20])
    y = random.permutation(x) if name in BINARY else None
    source = primitives_cpu.source(name, dtype)
    results = [applied(function, x, y) for function in (inlined(source), Specialiser(dtype, {}).compiled(source))]
    np.testing.assert_array_equal(*(result.view(f"u{dtype.itemsize}")[~np.isnan(result)] for result in results))
    np.testing.assert_array_equal(*(np.isnan(result) for result in results))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_all_but_the_power_of_the_c_library_are_inlined(dtype):
    compiled = {name for name in PRIMITIVES if inlined(primitives_cpu.source(name, dtype)) is None}
    assert compiled == ({"power"} if dtype == np.float64 else set())


def test_functions_of_unknown_form_are_left_to_numba():
    def looped(x):
        for _ in range(3):
            x = x * x
        return x

    looped.__globals__["real"] = np.float32
    try:
        assert inlined(looped) is None
    finally:
        del looped.__globals__["real"]


def test_first_calls_import_no_linear_algebra(tmp_path):
    """Neither the compiled one nor the one from the cache; the latter none of Numba's array functions either."""
    text = """
import sys
import numpy as np
import numbaloss as nl
from numbaloss.compile import cache
nl.MSELoss().value_and_grad(np.ones(5, np.float32), np.zeros(5, np.float32))
print(cache.statistics.hits, "scipy.linalg" in sys.modules, "numba.np.arraymath" in sys.modules)
"""
    environment = {**os.environ, "NUMBALOSS_CACHE_DIR": str(tmp_path)}
    runs = [
        subprocess.run([sys.executable, "-c", text], env=environment, check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    assert [run.split() for run in runs] == [["0", "False", "True"], ["1", "False", "False"]]
