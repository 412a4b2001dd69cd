"""Small kernels with our disk cache; as a script, runs the kernels named by its argument in a fresh process.

Argument: a JSON list of keyword arguments to `run`. Prints a JSON object: values, and what the cache did.
With BARRIER=folder and PARTIES=n in the environment, each process waits before it puts its file in place
until n processes are ready to do the same.
"""

import json
import os
import sys
import time
from pathlib import Path

import numba
import numpy as np

from numbaloss.compile import cache, kernel_files

# Too long to be inlined, so that the kernel calls its helper through a linker symbol.
BULK = "".join(
    f"        if s > {1e6 + i}: s = np.sin(s) * np.exp(s + {i}) + np.log(s - {i}) + x[k % {i + 1}]\n"
    for i in range(60)
)
SOURCES = {
    "sum": "    for i in prange(x.size):\n        s += {constant} * x[i]\n",
    "nans": "    for i in range(x.size):\n        s += {constant} if x[i] != x[i] else 0.0\n",
    "helper": "    for k in range(x.size):\n        s += {constant} * x[k]\n" + BULK,
}


def function(body, constant, name):
    text = "def kernel(x):\n    s = 0.0\n" + SOURCES[body].format(constant=constant) + "    return s\n"
    scope = {"__name__": __name__, "prange": numba.prange, "np": np}
    exec(compile(text, "<kernel>", "exec"), scope)
    scope["kernel"].__qualname__ = name
    return scope["kernel"]


def calling(helper):
    def kernel(x):
        return helper(x) + helper(x[1:])

    return kernel


def make(body="sum", constant=2.0, name="kernel", identity=None, **options):
    """A fresh dispatcher with the disk cache; its identity says the body and the constant unless given."""
    made = function(body, constant, name)
    if body == "helper":
        made = calling(numba.njit(made))
    if "fastmath" in options:
        options["fastmath"] = set(options["fastmath"])
    dispatcher = numba.njit(**options)(made)
    cache.attach(dispatcher, identity or f"{body} {constant}")
    return dispatcher


def run(dtype="float64", **description):
    """Call a fresh kernel on 0, 1, nan (floats) or 0, 1, 2, 3."""
    x = np.arange(4, dtype=dtype)
    if description.get("body") == "nans":
        x[2] = np.nan
    return float(make(**description)(x))


def wait_before_replacing(folder, parties):
    replace = os.replace

    def patient(source, target):
        (folder / str(os.getpid())).touch()
        deadline = time.monotonic() + 60
        while len(list(folder.iterdir())) < parties and time.monotonic() < deadline:
            time.sleep(0.005)
        replace(source, target)

    os.replace = patient


if __name__ == "__main__":
    if "BARRIER" in os.environ:
        wait_before_replacing(Path(os.environ["BARRIER"]), int(os.environ["PARTIES"]))
    values = [run(**description) for description in json.loads(sys.argv[1])]
    print(json.dumps({"values": values, "folder": str(kernel_files.folder()), **vars(cache.statistics)}))
