"""Runs kernels under Numba's own cache (`cache=True`) in a fresh process; prints JSON.

First argument: what is shown, see `test_numba_cache`; the others belong to it.
"""

import json
import os
import sys
import time
from pathlib import Path

import numba
import numpy as np
from numba.core import caching
from numba.extending import register_jitable


def difference_squared(p, t):
    return (p - t) * (p - t)


def distance(p, t):
    return abs(p - t)


def kernel_of(scalar, name=None, parallel=False):
    def kernel(p, t, out):
        for i in numba.prange(p.size):
            out[i] = scalar(p[i], t[i])

    if name:
        kernel.__qualname__ = name
    return numba.njit(parallel=parallel, cache=True)(kernel)


def report(kernel, dtype="float64"):
    """The value for p = 5, t = 2 and how often Numba's cache hit."""
    p, t = np.array([5], dtype), np.array([2], dtype)
    out = np.zeros(1, dtype)
    kernel(p, t, out)
    return {"value": float(out[0]), "hits": sum(kernel.stats.cache_hits.values())}


def closure_over_a_dispatcher():
    return report(kernel_of(numba.njit(difference_squared)))


def helper_in_another_file():
    import edited_helper  # written by the test

    return report(kernel_of(register_jitable(edited_helper.scalar)))


def two_kernels_of_one_name(which, unique):
    scalars = {"squared": difference_squared, "distance": distance}
    chosen = which.split("+")
    kernels = [
        kernel_of(register_jitable(scalars[name]), name if unique == "unique" else None) for name in chosen
    ]
    if len(kernels) == 1:
        return report(kernels[0])
    first, second = kernels

    @numba.njit
    def both(p, t, out):
        first(p, t, out[:1])
        second(p, t, out[1:])

    out = np.zeros(2)
    both(np.array([5.0]), np.array([2.0]), out)
    return {"values": out.tolist()}


def race(dtype, folder):
    """Saves its index before the other party and its data after it ("float64"), or the other way round."""
    events, first = Path(folder), dtype == "float64"
    save_index, save_data = caching.IndexDataCacheFile._save_index, caching.IndexDataCacheFile._save_data

    def wait_for(*names):
        deadline = time.monotonic() + 60
        while not all((events / name).exists() for name in names) and time.monotonic() < deadline:
            time.sleep(0.005)

    def slow_index(self, overloads):
        (events / f"ready {dtype}").touch()
        wait_for("ready float64", "ready int64", *([] if first else ["index float64"]))
        save_index(self, overloads)
        (events / f"index {dtype}").touch()

    def slow_data(self, name, data):
        wait_for("index int64", *(["data int64"] if first else []))
        save_data(self, name, data)
        (events / f"data {dtype}").touch()

    caching.IndexDataCacheFile._save_index = slow_index
    caching.IndexDataCacheFile._save_data = slow_data
    return report(kernel_of(register_jitable(difference_squared)), dtype)


def after_the_race(dtype):
    try:
        return report(kernel_of(register_jitable(difference_squared)), dtype)
    except TypeError as error:
        return {"value": str(error)}


if __name__ == "__main__":
    sys.path.append(os.environ.get("EXTRA_PATH", ""))
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
