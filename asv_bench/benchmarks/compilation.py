"""Seconds to compile one kernel of each kind, with an empty cache."""

from __future__ import annotations

import subprocess
import sys

from .common import LOSSES

CHILD = """
import os, sys, tempfile
from time import perf_counter
with tempfile.TemporaryDirectory() as folder:
    os.environ["NUMBA_CACHE_DIR"] = os.environ["NUMBALOSS_CACHE_DIR"] = folder
    import numba, numpy as np, numbaloss as nl
    from numbaloss.bench.cases import shapes
    from numbaloss.bench.data import inputs
    loss = nl.get(sys.argv[1])
    arrays = inputs(loss.definition, shapes(loss.definition, "small")[0])
    numba.njit(lambda: 0)()  # Numba's own start is measured by the imports
    begin = perf_counter()
    loss.value_and_grad(*arrays)
    print(perf_counter() - begin)
"""


def track_cold_compile(loss):
    done = subprocess.run([sys.executable, "-c", CHILD, loss], capture_output=True, text=True, check=True)
    return float(done.stdout)


track_cold_compile.params = [LOSSES]
track_cold_compile.param_names = ["loss"]
track_cold_compile.unit = "s"
