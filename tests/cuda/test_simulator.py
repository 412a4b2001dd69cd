"""The simulator finds what a device would not forgive: its own tests, with kernels that are wrong on purpose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import cuda

from numbaloss.compile.cuda.kernel import Kernel
from numbaloss.compile.cuda.memory import STORAGES
from numbaloss.compile.cuda.simulator import ORDERS, Pointer, SimulationError, launch
from numbaloss.kernels.cuda.device import (
    WARPS,
    WIDTH,
    block_max,
    block_sum,
    load,
    load_vector,
    real,
    store,
    store_vector,
    warp_sum,
)


def run(
    template: Callable[..., Any], *arguments: Any, order: str = "ascending", storage: str = "float32", blocks: int = 1
) -> None:
    kernel = Kernel(template, storage, "test", threads=64)
    given = [Pointer(one) if isinstance(one, np.ndarray) else one for one in arguments]
    launch(kernel.plain, blocks, 64, given, order)


def reversing(source, target):
    shared = cuda.shared.array(64, real)
    thread = cuda.threadIdx.x
    shared[thread] = source[thread]
    cuda.syncthreads()
    target[thread] = shared[63 - thread]


def reversing_without_barrier(source, target):
    shared = cuda.shared.array(64, real)
    thread = cuda.threadIdx.x
    shared[thread] = source[thread]
    target[thread] = shared[63 - thread]


@pytest.mark.parametrize("order", ORDERS)
def test_a_barrier_makes_every_order_right(order: str) -> None:
    source, target = np.arange(64, dtype=np.float32), np.zeros(64, np.float32)
    run(reversing, source, target, order=order)
    np.testing.assert_array_equal(target, source[::-1])


@pytest.mark.parametrize("order", ORDERS)
def test_without_it_there_is_a_race_in_every_order(order: str) -> None:
    with pytest.raises(SimulationError, match=r"race in shared memory: thread .*reversing_without_barrier, line"):
        run(reversing_without_barrier, np.arange(64, dtype=np.float32), np.zeros(64, np.float32), order=order)


def turned(target):
    """Each thread writes where its neighbour in the warp has read."""
    thread = cuda.threadIdx.x
    value = target[thread]
    cuda.syncwarp()
    target[thread ^ 1] = value


def turned_after_a_sum(target):
    thread = cuda.threadIdx.x
    value = warp_sum(target[thread])
    target[thread ^ 1] = value


def turned_over_warps(target):
    thread = cuda.threadIdx.x
    value = target[thread]
    cuda.syncwarp()
    target[63 - thread] = value


def passed_on(target):
    """The last thread hears of the first one's number by way of a third."""
    thread = cuda.threadIdx.x
    if thread == 0:
        target[0] = 7.0
    if thread < 32:
        cuda.syncwarp()
    cuda.syncthreads()
    if thread == 63:
        target[1] = target[0]


def same_number(target):
    target[0] = 1.0


def first_wins(target):
    if cuda.threadIdx.x == 0:
        target[0] = 1.0


def next_block(target):
    if cuda.threadIdx.x == 0:
        target[cuda.blockIdx.x] = target[1 - cuda.blockIdx.x]


def test_a_barrier_of_a_warp_orders_its_lanes() -> None:
    target = np.arange(64, dtype=np.float32)
    run(turned, target)
    np.testing.assert_array_equal(target, np.arange(64) ^ 1)


def test_order_is_passed_on() -> None:
    target = np.zeros(2, np.float32)
    run(passed_on, target)
    assert target[1] == 7.0


@pytest.mark.parametrize(
    ("template", "blocks", "message"),
    [
        (turned_after_a_sum, 1, "race in memory: thread 0 writes what thread 1 read"),
        (turned_over_warps, 1, "race in memory: thread 0 writes what thread 63 read"),
        (same_number, 1, "race in memory: thread 1 writes what thread 0 wrote"),
        (first_wins, 2, "race in memory: thread 0 writes what block 0 or an earlier one accessed"),
        (next_block, 2, "race in memory: thread 0 reads what block 0 wrote"),
    ],
)
def test_races(template: Callable[..., Any], blocks: int, message: str) -> None:
    with pytest.raises(SimulationError, match=message):
        run(template, np.zeros(64, np.float32), blocks=blocks)


def sums(source, target):
    shared = cuda.shared.array(WARPS, real)
    thread = cuda.threadIdx.x
    total = block_sum(source[thread], shared)
    highest = block_max(source[thread], shared)
    target[thread] = total
    target[64 + thread] = highest
    target[128 + thread] = warp_sum(source[thread])


@pytest.mark.parametrize("order", ORDERS)
def test_sums_and_maxima_reach_every_thread(order: str) -> None:
    source, target = np.random.default_rng(0).normal(size=64).astype(np.float32), np.zeros(192, np.float32)
    run(sums, source, target, order=order)
    assert (target[:64] == target[0]).all()
    np.testing.assert_allclose(target[0], source.sum(), rtol=1e-6)
    assert (target[64:128] == source.max()).all()
    np.testing.assert_allclose(target[128:160], source[:32].sum(), rtol=1e-6)
    np.testing.assert_allclose(target[160:], source[32:].sum(), rtol=1e-6)


def test_a_maximum_with_nan_is_nan() -> None:
    source, target = np.zeros(64, np.float32), np.zeros(192, np.float32)
    source[37] = np.nan
    run(sums, source, target)
    assert np.isnan(target[64:128]).all()


def half_waits(target):
    if cuda.threadIdx.x < 32:
        cuda.syncthreads()


def two_barriers(target):
    if cuda.threadIdx.x < 32:
        cuda.syncthreads()
    else:
        cuda.syncthreads()


def half_a_warp(target):
    if cuda.threadIdx.x % 32 < 16:
        warp_sum(1.0)


def past_the_end(target):
    target[cuda.threadIdx.x] = 1.0


def before_the_start(target):
    target[cuda.threadIdx.x] = target[cuda.threadIdx.x - 1]


def past_shared_memory(target):
    shared = cuda.shared.array(8, real)
    shared[cuda.threadIdx.x] = 0.0


def misaligned(target):
    store_vector(target, 1, load_vector(target, 0))


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (half_waits, "different barriers, or some have ended"),
        (two_barriers, "different barriers"),
        (half_a_warp, "not all threads of the warp reach"),
        (past_the_end, "access to element 16 of an array of 16"),
        (before_the_start, "access to element -1 of an array of 16"),
        (past_shared_memory, r"access to element 8 of memory of shape \(8,\)"),
        (misaligned, "16-byte access to element 1, which is not aligned"),
    ],
)
def test_what_a_device_would_not_forgive(template: Callable[..., Any], message: str) -> None:
    room = np.zeros(32, np.float32)
    start = -room.__array_interface__["data"][0] % 16 // 4
    with pytest.raises(SimulationError, match=message):
        run(template, room[start : start + 16])


def copies(source, target):
    thread = cuda.threadIdx.x
    if thread * WIDTH < 16:
        store_vector(target, thread * WIDTH, load_vector(source, thread * WIDTH))
    if thread == 63:
        store(target, 16, load(source, 16))


@pytest.mark.parametrize("storage", STORAGES)
def test_memory_keeps_every_kind_of_number(storage: str) -> None:
    numbers = np.array([0.0, -0.0, 1.5, -2.25, np.inf, -np.inf, np.nan, 3.0e-5, *range(9)], np.float32)
    if storage == "bfloat16":
        source = (numbers.view(np.uint32) >> 16).astype(np.uint16)
    else:
        source = numbers.astype(STORAGES[storage].bits)
    aligned = [aligned_copy(source), aligned_copy(np.zeros_like(source))]
    run(copies, *aligned, storage=storage)
    if storage == "bfloat16":
        assert (aligned[1][~np.isnan(numbers)] == source[~np.isnan(numbers)]).all()
        assert aligned[1][6] & 0x7FFF > 0x7F80
    else:
        np.testing.assert_array_equal(aligned[1], source)


def aligned_copy(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    room = np.zeros(array.nbytes + 16, np.uint8)
    start = -room.__array_interface__["data"][0] % 16
    made = room[start : start + array.nbytes].view(array.dtype)
    made[...] = array
    return made


def rounds(target):
    if cuda.threadIdx.x == 0:
        store(target, 0, 1.00390625)  # halfway between two bfloat16 numbers: to the even one
        store(target, 1, 1.01171875)
        store(target, 2, 3.4e38)


def test_bfloat16_rounds_to_nearest_even() -> None:
    target = np.zeros(3, np.uint16)
    run(rounds, target, storage="bfloat16")
    assert target.tolist() == [0x3F80, 0x3F82, 0x7F80]
