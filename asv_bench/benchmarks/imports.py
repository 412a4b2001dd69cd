"""Time of the import and of the first call in a fresh process, with an empty and with a filled cache."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

FIRST_CALL = """
import numpy as np
import numbaloss as nl
nl.mse_loss(np.zeros(1000, np.float32), np.zeros(1000, np.float32))
"""
EMPTY_CACHE = """
import os, tempfile
os.environ["NUMBA_CACHE_DIR"] = os.environ["NUMBALOSS_CACHE_DIR"] = tempfile.mkdtemp()
"""


def timeraw_import():
    return "import numbaloss"


def timeraw_first_call_cold():
    return EMPTY_CACHE + FIRST_CALL


def timeraw_first_call_cached():
    return FIRST_CALL


@cache
def filled():
    """Fill the kernel cache, once; a user's own first call did it before."""
    subprocess.run([sys.executable, "-c", FIRST_CALL], check=True)


def fill():
    filled()


timeraw_first_call_cached.setup = fill  # asv looks at its arguments, which a cached function does not show
