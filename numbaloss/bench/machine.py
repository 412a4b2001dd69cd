"""The machine and the versions that a measurement holds for."""

from __future__ import annotations

import os
import platform
from pathlib import Path

# What times depend on in the environment: how these variables' names begin.
SETTINGS = ("OMP_", "OPENBLAS_", "MKL_", "NUMBA_NUM_THREADS", "NUMBA_THREADING_LAYER", "NUMBALOSS_PARALLEL")


def describe() -> dict[str, str]:
    """Processor, cores, load, versions, settings, and the threads numbaloss uses; launches numba's threads."""
    import numba
    import numpy

    import numbaloss
    from numbaloss.compile import threads

    count = threads.get_num_threads()
    settings = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith(SETTINGS)]
    return {
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "load": ", ".join(f"{load:.1f}" for load in os.getloadavg()) if hasattr(os, "getloadavg") else "0",
        "versions": f"numbaloss {numbaloss.__version__}, numba {numba.__version__}, numpy {numpy.__version__}",
        "threads": f"{count} ({threads.describe()['layer']})",
        "settings": " ".join(settings) or "none",
    }


def processor() -> str:
    """The model name of the processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        return platform.processor() or "unknown processor"  # not Linux
    return platform.processor() or "unknown processor"
