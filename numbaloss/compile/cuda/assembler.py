"""What NVIDIA's assembler makes of a kernel's PTX: registers, spills, memory accesses; no device is needed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

REGISTERS = 65536  # of one multiprocessor, which a block's threads share


@dataclass(frozen=True)
class Assembled:
    """Facts on one kernel, as the assembler and the PTX state them."""

    entry: str
    registers: int
    spilled: int  # bytes
    stack: int  # bytes
    shared: int  # bytes
    ptx: str

    @property
    def doubles(self) -> int:
        """Instructions of float64 arithmetic or memory."""
        return len(re.findall(r"\.f64\b", self.ptx))

    @property
    def wide_loads(self) -> int:
        return len(re.findall(r"ld\.global\S*\.v(?:4\.[fub]32|2\.[fub]64)", self.ptx))

    @property
    def wide_stores(self) -> int:
        return len(re.findall(r"st\.global\S*\.v(?:4\.[fub]32|2\.[fub]64)", self.ptx))


@cache
def ptxas() -> str | None:
    """The assembler: on the path, in the usual folder, or in NVIDIA's Python packages."""
    places = ["/usr/local/cuda/bin"]
    for entry in sys.path:
        places += map(str, Path(entry or ".").glob("nvidia/cu*/bin"))
    return shutil.which("ptxas") or shutil.which("ptxas", path=":".join(places))


def assembled(entry: str, ptx: bytes, architecture: str) -> Assembled:
    """Assemble one kernel; RuntimeError with the assembler's words where it refuses."""
    program = ptxas()
    if program is None:
        raise RuntimeError("no ptxas found: install the CUDA toolkit, or pip install nvidia-cuda-nvcc")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "kernel.ptx"
        source.write_bytes(ptx)
        done = subprocess.run(
            [program, "-v", f"-arch={architecture}", str(source), "-o", str(source.with_suffix(".cubin"))],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"ptxas refuses {entry} for {architecture}: {done.stderr[:2000]}")
    said = done.stderr + done.stdout

    def most(pattern: str) -> int:
        return max(map(int, re.findall(pattern, said)), default=0)

    return Assembled(
        entry,
        registers=most(r"Used (\d+) registers"),
        spilled=most(r"(\d+) bytes spill stores") + most(r"(\d+) bytes spill loads"),
        stack=most(r"(\d+) bytes stack frame"),
        shared=most(r"(\d+) bytes smem"),
        ptx=ptx.decode(),
    )
