"""The machine and the versions that a measurement holds for."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def describe() -> dict[str, str]:
    """Processor, cores, load, versions, and the threads numbaloss uses; launches numba's threads."""
    import numba
    import numpy

    import numbaloss
    from numbaloss.compile import threads

    count = threads.get_num_threads()
    return {
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "load": ", ".join(f"{load:.1f}" for load in os.getloadavg()) if hasattr(os, "getloadavg") else "0",
        "versions": f"numbaloss {numbaloss.__version__}, numba {numba.__version__}, numpy {numpy.__version__}",
        "threads": f"{count} ({threads.describe()['layer']})",
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
