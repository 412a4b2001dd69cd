"""Calls a pair of twins through `threads.run` in one of the situations that end processes; prints JSON.

Arguments: the situation, and "guarded" or "unguarded" (the parallel twin called outright, to show that
the situation is dangerous). Prints {"right": whether every value was right, "parallel": how many calls of
its process had gone parallel after each call, "before": that number in the parent before, "layer": ...}.
Nothing of numbaloss is imported before it is needed: one situation is about importing it late.
"""

import json
import os
import sys

import numba
import numpy as np

SIZE = 400_000  # above both thresholds
X = np.ones(SIZE)
GUARDED = len(sys.argv) < 3 or sys.argv[2] == "guarded"
_twins = []
_parallel_calls = [0]


def total(x):
    s = 0.0
    for i in numba.prange(x.size):
        s += 2.0 * x[i]
    return s


def twins():
    if not _twins:
        from numbaloss.compile import cache

        for options in ({}, {"parallel": True}):
            kernel = numba.njit(nogil=True, **options)(total)
            cache.attach(kernel, "total")
            _twins.append(kernel)
    return _twins


def call(_=None):
    """One call; whether its value was right, and how many calls of this process went parallel so far."""
    from numbaloss.compile import threads

    serial, parallel = twins()

    def counted(x):
        _parallel_calls[0] += 1
        return parallel(x)

    value = threads.run(serial, counted, float(X.size), X) if GUARDED else counted(X)
    return value == 2.0 * SIZE, _parallel_calls[0]


def in_python_threads():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(call, range(200)))


def beside_another_librarys_kernel():
    from concurrent.futures import ThreadPoolExecutor

    other = numba.njit(nogil=True, parallel=True)(total)
    other(X)
    with ThreadPoolExecutor(2) as pool:
        results = [pool.submit(call) for _ in range(100)]
        while not all(result.done() for result in results):
            other(X)
    return [result.result() for result in results]


def in_asyncio_threads():
    import asyncio

    async def main():
        return await asyncio.gather(*(asyncio.to_thread(call) for _ in range(50)))

    return asyncio.run(main())


def in_joblib_threads():
    import joblib

    return joblib.Parallel(8, backend="threading")(joblib.delayed(call)(k) for k in range(100))


def in_joblib_processes():
    import joblib

    return joblib.Parallel(2, backend="multiprocessing")(joblib.delayed(call)(k) for k in range(4))


def in_dask_threads():
    import dask

    tasks = [dask.delayed(call)(k) for k in range(100)]
    return list(dask.compute(*tasks, scheduler="threads", num_workers=8))


def in_forked_child():
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writing, json.dumps([call(), call()]).encode())
        os._exit(0)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    assert status == 0, f"the child ended with status {status}"
    return json.loads(os.read(reading, 1000))


def pool_of(method, processes=2):
    import multiprocessing

    with multiprocessing.get_context(method).Pool(processes) as pool:
        return pool.map(call, range(4))


def in_fork_pool():
    return pool_of("fork")


def in_spawn_pool():
    return pool_of("spawn", 1)


def _pool_into(queue):
    queue.put(pool_of("fork"))


def in_nested_fork_pool():
    import multiprocessing

    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=_pool_into, args=(queue,))
    process.start()
    results = queue.get(timeout=50)
    process.join()
    return results


def in_fork_executor():
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
        return list(pool.map(call, range(4)))


def in_fork_pool_before_import():
    numba.njit(parallel=True)(total)(X)
    assert not any(name.startswith("numbaloss") for name in sys.modules)
    return pool_of("fork")


def in_forked_child_of_launched_threads():
    numba.get_num_threads()
    return in_forked_child()


if __name__ == "__main__":
    situation = sys.argv[1]
    if numba.config.THREADING_LAYER == "tbb":
        from numbaloss.compile import threads

        assert threads.preload_tbb()
    if situation == "in_forked_child_of_launched_threads":
        import numbaloss.compile.threads  # noqa: F401  (as `import numbaloss` does)
    elif situation != "in_fork_pool_before_import":
        armed, count = call()
        assert armed
        assert count == 1, "the parent's own call was to run in parallel"
    before = _parallel_calls[0]
    results = globals()[situation]()
    right = all(correct for correct, _ in results)
    layer = numba.threading_layer()
    counts = [count for _, count in results]
    print(json.dumps({"right": right, "parallel": counts, "before": before, "layer": layer}))
