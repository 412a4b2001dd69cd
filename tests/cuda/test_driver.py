"""How kernels reach the CUDA driver, against a driver that records what it is told."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

from numbaloss.arrays.device import DeviceArray, Table, kind_of
from numbaloss.compile.cuda.driver import TOO_NEW, CudaDevice, CudaError, Driver, Loaded


class RecordingLibrary:
    """Plays libcuda: hands out handles, and reads launched arguments through the pointers it is given."""

    def __init__(self, sizes: list[Any] | None = None, fails: dict[str, int] | None = None) -> None:
        self.calls: list[str] = []
        self.sizes, self.fails = sizes or [], fails or {}
        self.arguments: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        def function(*arguments: Any) -> int:
            self.calls.append(name)
            return self.fails.get(name, 0)

        return function

    def cuGetErrorString(self, code: int, text: Any) -> int:  # noqa: N802
        text._obj.value = b"the driver's words"
        return 0

    def cuDeviceGetAttribute(self, value: Any, attribute: int, device: int) -> int:  # noqa: N802
        value._obj.value = {75: 9, 76: 0}[attribute]
        return 0

    def cuLaunchKernel(self, *arguments: Any) -> int:  # noqa: N802
        self.calls.append("cuLaunchKernel")
        self.arguments = list(arguments)
        pointers = arguments[9]
        self.received = [kind.from_address(pointer).value for kind, pointer in zip(self.sizes, pointers, strict=True)]
        return 0


def test_arguments_arrive_in_their_types_and_tuples_as_their_members() -> None:
    array = DeviceArray(0x1234500, (4,), (1,), "float16", None)
    arguments = (7, (array, array), None, 0.5, (3, -(2**40)))
    kinds = tuple(kind_of(argument, "float32") for argument in arguments)
    assert kinds == ("int64", ("float16*", "float16*"), "none", "float32", ("int64", "int64"))
    u64, i64 = ctypes.c_uint64, ctypes.c_int64
    library = RecordingLibrary([i64, u64, u64, u64, ctypes.c_float, i64, i64])
    Loaded(Driver(library), kinds, "entry", b"ptx\0").launch(5, 256, arguments, 99)
    assert library.received == [7, 0x1234500, 0x1234500, 0, 0.5, 3, -(2**40)]
    assert library.arguments[1:8] == [5, 1, 1, 256, 1, 1, 0]
    assert library.arguments[8].value == 99


def test_a_table_arrives_with_its_shape_and_strides() -> None:
    table = Table(DeviceArray(0x1000, (5, 3), (3, 1), "float32", None))
    library = RecordingLibrary([ctypes.c_int64] * 9)
    Loaded(Driver(library), (kind_of(table, "float32"),), "entry", b"").launch(1, 32, (table,), 0)
    assert kind_of(table, "float32") == "float32[2]"
    assert library.received == [0, 0, 15, 4, 0x1000, 5, 3, 12, 4]


def test_float64_kernels_get_float64_numbers() -> None:
    library = RecordingLibrary([ctypes.c_double])
    Loaded(Driver(library), ("float64",), "entry", b"").launch(1, 32, (1 / 3,), 0)
    assert library.received == [1 / 3]


class FakeKernel:
    entry, threads = "entry", 64

    def __init__(self) -> None:
        self.compiled_for: list[Any] = []

    def compiled(self, kinds: Any, capability: Any) -> tuple[str, bytes]:
        self.compiled_for.append((kinds, capability))
        return "entry", b"ptx"


def test_a_kernel_is_loaded_once_and_launched_in_the_devices_own_context() -> None:
    library, kernel = RecordingLibrary([ctypes.c_int64]), FakeKernel()
    device = CudaDevice(1, Driver(library))
    for _ in range(2):
        device.launch(kernel, 1, (3,), ("int64",), 0)  # type: ignore[arg-type]
    assert kernel.compiled_for == [(("int64",), (9, 0))]
    steps = ["cuDevicePrimaryCtxRetain", "cuCtxPushCurrent_v2", "cuModuleLoadData", "cuModuleGetFunction"]
    launch = ["cuLaunchKernel", "cuCtxPopCurrent_v2"]
    assert library.calls == [*steps, *launch, "cuCtxPushCurrent_v2", *launch]


def test_the_callers_context_comes_back_after_an_error() -> None:
    library = RecordingLibrary(fails={"cuModuleLoadData": TOO_NEW})
    words = r"cuModuleLoadData: the driver's words \(error 222\): it is older than CUDA 13"
    with pytest.raises(CudaError, match=words):
        CudaDevice(0, Driver(library)).launch(FakeKernel(), 1, (3,), ("int64",), 0)  # type: ignore[arg-type]
    assert library.calls[-1] == "cuCtxPopCurrent_v2"


def test_numpy_integers_are_not_taken_for_floats() -> None:
    assert kind_of(int(np.int64(3)), "float32") == "int64"
