"""Decides for each call whether the serial or the parallel twin of a kernel runs.

Parallel Numba kernels can end the process. On the ``workqueue`` layer two Python threads at once abort it;
on ``omp`` a forked child that runs one is killed, its own child hangs, and loading or compiling one is
enough to arm that. And on short arrays starting threads costs more than the work. Serial twins are safe
everywhere, so the parallel one runs only when nothing speaks against it, and is not even loaded before.

Numba's settings are the user's and stay as they are. Environment variable ``NUMBALOSS_PARALLEL``: ``auto``
(default); ``0``: always serial; ``1``: parallel for any size, on ``omp`` also between matrix products, and
on ``workqueue`` also off the main thread, which is safe only if no other library runs parallel Numba
kernels at the same time.

This module imports only the standard library, so that ``import numbaloss`` can afford it: a fork is
noticed only if it happens after the import.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")

# Element-operations from which threads pay (on 2 cores omp and tbb overtake serial at about 1e4).
SMALL = 16_384.0
SMALL_WORKQUEUE = 200_000.0
NEVER = float("inf")


class _PerThread(threading.local):
    serial_depth = 0  # how many `serial_only` blocks this thread is in
    products_depth = 0  # how many `between_products` blocks
    limit: int | None = None  # from `set_num_threads`


_per_thread = _PerThread()
_busy = threading.Lock()  # held while a parallel kernel runs on workqueue
_mode = "auto"
least = SMALL  # work below it runs serially; NEVER in forked children, when switched off or without threads
_layer: str | None = None  # Numba's threading layer, once launched
_crowded = True  # whether OpenMP's threads and those of NumPy's BLAS are in each other's way
_forked = False
_reason: str | None = None  # why everything is serial


def run(serial: Callable[..., Result], parallel: Callable[..., Result], work: float, *args: Any) -> Result:
    """Call one of two twins on `args`: `parallel` when it is safe and worth it, else `serial`.

    `work` counts element-operations: elements times their rough cost, an addition or a product being 1.
    Dispatchers can be passed as they are: what is not called is neither compiled nor loaded.
    """
    if work < least or not _allowed(work):
        return serial(*args)
    if _layer == "workqueue":
        lock = _busy  # a fork renews the global one
        if not lock.acquire(blocking=False):  # waiting would be slower than serial work
            return serial(*args)
        try:
            return _masked(parallel, args)
        finally:
            lock.release()
    return _masked(parallel, args)


class serial_only:  # noqa: N801  (a context manager, used like a function)
    """While the block lasts, kernels called from this thread run serially.

    For code that another library's threads call: FFI handlers, boosting objectives, Dask tasks. Blocks may
    nest.
    """

    def __enter__(self) -> None:
        _per_thread.serial_depth += 1

    def __exit__(self, *exception: object) -> None:
        _per_thread.serial_depth -= 1


class between_products:  # noqa: N801
    """While the block lasts, this thread calls kernels and NumPy's matrix products in turn.

    On OpenMP the kernels then run serially: its threads, once idle, spin for milliseconds on the cores that the threads
    of NumPy's BLAS are to use, which was 10 to 20 times slower than either alone. Not if the environment keeps them
    from spinning, ``OMP_WAIT_POLICY=passive``, or the BLAS from having threads, ``OPENBLAS_NUM_THREADS=1``.
    """

    def __enter__(self) -> None:
        _per_thread.products_depth += 1

    def __exit__(self, *exception: object) -> None:
        _per_thread.products_depth -= 1


def set_num_threads(count: int | None) -> None:
    """Let this library's kernels use at most `count` threads when called from the current Python thread.

    None lifts the limit. Numba's own limit (``NUMBA_NUM_THREADS``, ``numba.set_num_threads``) holds
    besides, and is left as it is for the user's own kernels. Raises ValueError unless `count` is an
    integer of at least 1 or None.
    """
    if count is not None and (type(count) is not int or count < 1):
        raise ValueError(f"count must be an integer of at least 1 or None, got {count!r}")
    _per_thread.limit = count


def get_num_threads() -> int:
    """How many threads a large call from the current Python thread would use; 1 where it would run serially.

    Launches Numba's threads if nothing else has.
    """
    if least == NEVER or not _allowed(NEVER):
        return 1
    import numba

    return min(int(numba.get_num_threads()), _per_thread.limit or sys.maxsize)


def describe() -> dict[str, object]:
    """The state of threading, for ``numbaloss doctor``; launches nothing."""
    layer, reason = _layer, _reason
    if _layer == "workqueue" and reason is None:
        reason = "workqueue serves only the main thread and one kernel at a time; tbb or omp would serve all"
    return {
        "mode": _mode,
        "layer": layer,
        "threads": None if layer is None else get_num_threads(),
        "limit": _per_thread.limit,
        "least_work": least,
        "forked": _forked,
        "serial_only": _per_thread.serial_depth > 0,
        "reason": reason,
    }


def preload_tbb() -> bool:
    """Load the TBB of ``pip install tbb``, which Numba does not find by itself; it becomes Numba's layer.

    True if it was loaded. Call it before anything runs in parallel: later it has no effect and answers False.
    Never done unasked, since it decides the layer of the user's own kernels too.
    """
    import ctypes
    import importlib.metadata

    if _layer is not None or _launched_by_others():
        return False
    try:
        files = importlib.metadata.files("tbb") or []
        names = ("libtbb.so.12", "libtbb.12.dylib", "tbb12.dll")
        for file in files:
            if file.name in names:
                ctypes.CDLL(os.path.realpath(file.locate()), mode=ctypes.RTLD_GLOBAL)
                return True
    except (importlib.metadata.PackageNotFoundError, OSError):
        return False
    return False


def _allowed(work: float) -> bool:
    """Whether this call may run in parallel, and is large enough for the layer."""
    if _per_thread.serial_depth or _per_thread.limit == 1:
        return False
    if _layer is None:
        _launch()
    if work < least or least == NEVER:
        return False
    if _per_thread.products_depth and _layer == "omp" and _crowded and _mode != "1":
        return False
    if _layer == "workqueue" and _mode != "1" and threading.get_ident() != threading.main_thread().ident:
        return False  # another library's kernel may be running, which the lock cannot know
    import numba

    return bool(numba.get_num_threads() > 1)


def _masked(parallel: Callable[..., Result], args: tuple[Any, ...]) -> Result:
    limit = _per_thread.limit
    if limit is None:
        return parallel(*args)
    import numba

    before = numba.get_num_threads()
    if before <= limit:
        return parallel(*args)
    numba.set_num_threads(limit)  # Numba's mask belongs to the calling thread alone
    try:
        return parallel(*args)
    finally:
        numba.set_num_threads(before)


def _launch() -> None:
    """Let Numba launch its threads and learn which layer it took; without one all is serial for good."""
    global _layer, least
    try:
        import numba

        numba.get_num_threads()
        layer = str(numba.threading_layer())  # type: ignore[attr-defined]
    except Exception as error:  # no usable layer, an unknown name in NUMBA_THREADING_LAYER, a failed import
        _serial_for_good(f"Numba could not launch threads: {error}")
        return
    if layer == "workqueue" and _mode != "1" and not _forked:
        least = max(least, SMALL_WORKQUEUE)
    _layer = layer


def _serial_for_good(reason: str) -> None:
    global least, _reason
    least, _reason = NEVER, reason


def _after_fork_in_child() -> None:
    # Also where Numba had no threads: another library may have used the same OpenMP before the fork.
    global _forked, _busy
    _forked = True
    _busy = threading.Lock()  # the old one may be held by a thread that does not exist here
    _serial_for_good("this process was forked; OpenMP threads do not survive that")


def _launched_by_others() -> bool:
    parallel = sys.modules.get("numba.np.ufunc.parallel")
    return bool(getattr(parallel, "_is_initialized", False))


def _start() -> None:
    """Read the environment, and find out whether this process was forked before the import."""
    global _mode, least, _crowded
    _mode = os.environ.get("NUMBALOSS_PARALLEL", "").strip().lower() or "auto"
    passive = os.environ.get("OMP_WAIT_POLICY", "").strip().lower() == "passive"
    _crowded = not passive and "1" not in map(os.environ.get, ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"))
    if _mode == "0":
        _serial_for_good("NUMBALOSS_PARALLEL=0")
    elif _mode == "1":
        least = 0.0
    elif _mode != "auto":
        _serial_for_good(f"NUMBALOSS_PARALLEL must be auto, 0 or 1, got {_mode!r}")
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None and _launched_by_others():
        _after_fork_in_child()  # a worker that already has threads has perhaps inherited them
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork_in_child)


_start()
