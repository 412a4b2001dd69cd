"""What every CUDA template may call: open names of memory and of the launch, and sums over warps and blocks."""

from __future__ import annotations

from typing import Any

from numba import cuda, int64

ALL = 0xFFFFFFFF  # the lanes of a warp
THREADS = 256  # open name: threads of a block
WARPS = 8  # open name: warps of a block
WIDTH = 4  # open name: elements in 16 bytes


def real(value: Any) -> Any:
    """Open name: the type of the arithmetic, float32 or float64."""
    raise NotImplementedError


def load(pointer: Any, i: Any) -> Any:
    """Open name: one element, in the type of the arithmetic."""
    raise NotImplementedError


def store(pointer: Any, i: Any, value: Any) -> None:
    """Open name: write one element in the type of the memory."""
    raise NotImplementedError


def load_vector(pointer: Any, i: Any) -> Any:
    """Open name: `WIDTH` elements, from 16 aligned bytes."""
    raise NotImplementedError


def store_vector(pointer: Any, i: Any, values: Any) -> None:
    """Open name: write a tuple of `WIDTH` elements to 16 aligned bytes."""
    raise NotImplementedError


def times(x: Any, y: Any) -> Any:
    """Open name: ``x * y``, rounded on its own, where a sum that takes it must not be exacter than another one."""
    raise NotImplementedError


def fused(x: Any, y: Any, z: Any) -> Any:
    """Open name: ``x * y + z``, rounded once."""
    raise NotImplementedError


def two_to(e: Any) -> Any:
    """Open name: ``2**e`` for a whole number, 0 where that is less than a normal number."""
    raise NotImplementedError


def exponent(x: Any) -> Any:
    """Open name: the whole number e for which a positive normal number is ``m * 2**e`` with m in [1, 2)."""
    raise NotImplementedError


def vector(pointer: Any, start: Any, size: Any) -> Any:
    """Open name: memory of the type of the arithmetic as a user's function takes it."""
    raise NotImplementedError


def load_four(memory: Any, i: Any) -> Any:
    """Open name: four elements of the block's memory, which are aligned as such."""
    raise NotImplementedError


def store_four(pointer: Any, i: Any, values: Any) -> None:
    """Open name: write four numbers to scratch memory in the type of the arithmetic, 16 bytes at a time."""
    raise NotImplementedError


def first_item():  # type: ignore[no-untyped-def]
    """This thread's number in the whole grid."""
    return int64(cuda.blockIdx.x) * THREADS + cuda.threadIdx.x


def barrier():  # type: ignore[no-untyped-def]
    """Wait for all threads of the block; what they wrote before is then seen by all."""
    cuda.syncthreads()


def warp_sum(value):  # type: ignore[no-untyped-def]
    """The sum over the warp, the same bits in every lane."""
    value += cuda.shfl_xor_sync(ALL, value, 16)
    value += cuda.shfl_xor_sync(ALL, value, 8)
    value += cuda.shfl_xor_sync(ALL, value, 4)
    value += cuda.shfl_xor_sync(ALL, value, 2)
    value += cuda.shfl_xor_sync(ALL, value, 1)
    return value


def larger(one, two):  # type: ignore[no-untyped-def]
    """The larger of two numbers; nan where either is nan."""
    return one if one > two or one != one else two


def warp_max(value):  # type: ignore[no-untyped-def]
    """The largest over the warp, in every lane; nan if there is one."""
    value = larger(value, cuda.shfl_xor_sync(ALL, value, 16))
    value = larger(value, cuda.shfl_xor_sync(ALL, value, 8))
    value = larger(value, cuda.shfl_xor_sync(ALL, value, 4))
    value = larger(value, cuda.shfl_xor_sync(ALL, value, 2))
    return larger(value, cuda.shfl_xor_sync(ALL, value, 1))


def team_sum(value):  # type: ignore[no-untyped-def]
    """The sum over a team, half a warp, in each of its lanes."""
    value += cuda.shfl_xor_sync(ALL, value, 8)
    value += cuda.shfl_xor_sync(ALL, value, 4)
    value += cuda.shfl_xor_sync(ALL, value, 2)
    value += cuda.shfl_xor_sync(ALL, value, 1)
    return value


def team_max(value):  # type: ignore[no-untyped-def]
    """The largest over a team, half a warp, in each of its lanes; nan if there is one."""
    value = larger(value, cuda.shfl_xor_sync(ALL, value, 8))
    value = larger(value, cuda.shfl_xor_sync(ALL, value, 4))
    value = larger(value, cuda.shfl_xor_sync(ALL, value, 2))
    return larger(value, cuda.shfl_xor_sync(ALL, value, 1))


def ahead(one, place, two, other):  # type: ignore[no-untyped-def]
    """Whether the first of two numbers is the larger, or is as large and has the lower place; nan is above all."""
    if one != one:
        return two == two or place < other
    return one > two or (one == two and place < other)


def team_best(value, place):  # type: ignore[no-untyped-def]
    """The number of a team that is ahead of the others, and its place; in each lane."""
    for step in range(4):
        found, there = cuda.shfl_xor_sync(ALL, value, 8 >> step), cuda.shfl_xor_sync(ALL, place, 8 >> step)
        if ahead(found, there, value, place):
            value, place = found, there
    return value, place


def block_rank(flag, shared):  # type: ignore[no-untyped-def]
    """How many threads before this one have a flag of 1, and how many of the block; `shared` holds WARPS integers."""
    thread = cuda.threadIdx.x
    count = flag
    for step in range(5):
        before = cuda.shfl_up_sync(ALL, count, 1 << step)
        if thread % 32 >= 1 << step:
            count += before
    if thread % 32 == 31:
        shared[thread // 32] = count
    cuda.syncthreads()
    total, rank = int64(0), count - flag
    for warp in range(WARPS):
        if warp < thread // 32:
            rank += shared[warp]
        total += shared[warp]
    cuda.syncthreads()  # before anyone writes there again
    return rank, total


def block_sum(value, shared):  # type: ignore[no-untyped-def]
    """The sum over the block, the same bits in every thread; `shared` holds one number for each warp."""
    value = warp_sum(value)
    thread = cuda.threadIdx.x
    if thread % 32 == 0:
        shared[thread // 32] = value
    cuda.syncthreads()
    total = shared[0]
    for warp in range(1, WARPS):
        total += shared[warp]
    cuda.syncthreads()  # before anyone writes there again
    return total


def block_max(value, shared):  # type: ignore[no-untyped-def]
    """The largest over the block, in every thread; nan if there is one."""
    value = warp_max(value)
    thread = cuda.threadIdx.x
    if thread % 32 == 0:
        shared[thread // 32] = value
    cuda.syncthreads()
    highest = shared[0]
    for warp in range(1, WARPS):
        highest = larger(highest, shared[warp])
    cuda.syncthreads()
    return highest


def sum_of(partials, count, shared):  # type: ignore[no-untyped-def]
    """The sum of the blocks' partial sums, in one order for any device; in every thread."""
    total = real(0.0)
    for i in range(cuda.threadIdx.x, count, THREADS):
        total += partials[i]
    return block_sum(total, shared)


def inverse(divisor, empty):  # type: ignore[no-untyped-def]
    """What turns the gradient of a sum into that of a mean; `empty` where there is nothing to divide by."""
    return empty if divisor == 0.0 else 1.0 / divisor


def divided(scale, masses, parts, empty, shared):  # type: ignore[no-untyped-def]
    """`scale` over the sum of the blocks' `masses`; itself where these are None."""
    if masses is None:
        return scale
    return scale * inverse(sum_of(masses, parts, shared), empty)


def put_sum(value, partials, shared):  # type: ignore[no-untyped-def]
    """Writes the sum over the block to the block's place."""
    total = block_sum(value, shared)
    if cuda.threadIdx.x == 0:
        partials[cuda.blockIdx.x] = total
