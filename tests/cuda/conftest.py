"""What the CUDA tests need, and what they say where it is missing."""

from __future__ import annotations

import ctypes

import pytest

from numbaloss.compile.cuda.assembler import ptxas
from numbaloss.compile.cuda.kernel import NoCudaError, toolchain


@pytest.fixture(scope="session")
def compiler() -> None:
    """Skips, with the reason, where kernels cannot be compiled."""
    try:
        toolchain()
    except NoCudaError as error:
        pytest.skip(f"no CUDA compiler: {error}")
    from numba.cuda.cudadrv import nvvm

    if not nvvm.is_available():
        pytest.skip("no CUDA compiler: libNVVM was not found; install the CUDA toolkit")
    if ptxas() is None:
        pytest.skip("no CUDA assembler: ptxas was not found")


@pytest.fixture(scope="session")
def cuda_device() -> None:
    """Skips, with the reason, where there is no device."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        pytest.skip(f"no CUDA device: {error}")
    if driver.cuInit(0):
        pytest.skip("no CUDA device: the driver finds none")
