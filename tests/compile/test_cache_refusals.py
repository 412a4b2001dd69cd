"""What the disk cache must not store, and a Numba whose inside has changed: calls go on without the cache."""

import ctypes

import cached_kernels
import numba
import numpy as np
import pytest
from numba.core.compiler import CompileResult
from numba.core.dispatcher import _FunctionCompiler

from numbaloss.compile import cache, kernel_files

X = np.arange(4.0)
increment = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(lambda x: x + 1.0)


@pytest.fixture(autouse=True)
def statistics(cache_folder, monkeypatch):
    fresh = kernel_files.Statistics()
    monkeypatch.setattr(cache, "statistics", fresh)
    monkeypatch.setattr(kernel_files, "statistics", fresh)
    return fresh


def attached(function, **options):
    dispatcher = numba.njit(**options)(function)
    cache.attach(dispatcher, function.__qualname__)
    return dispatcher


def test_addresses_of_this_process_are_not_stored(cache_folder, statistics):
    address = increment
    assert attached(lambda x: address(x))(1.0) == 2.0
    assert "addresses of this process" in statistics.last_problem
    assert not list(cache_folder.iterdir())


def test_functions_as_arguments_are_not_stored(cache_folder, statistics):
    inner = numba.njit(lambda x: x + 1.0)
    assert attached(lambda f, x: f(x))(inner, 1.0) == 2.0
    assert "known only by its address" in statistics.last_problem
    assert not cache_folder.exists() or not list(cache_folder.iterdir())


def test_functions_of_no_module_are_not_stored(cache_folder, statistics):
    scope = {}
    exec("def f(x):\n    return x + 1.0\n", scope)
    assert attached(scope["f"])(1.0) == 2.0
    assert "cannot be imported" in statistics.last_problem
    assert not list(cache_folder.iterdir())


def test_plain_function_in_place_of_a_dispatcher_is_left_alone(statistics):
    def plain(x):
        return x

    cache.attach(plain, "plain")
    assert not hasattr(plain, "_cache")
    assert "no _cache" in statistics.last_problem


def test_disabled_cache_neither_loads_nor_stores(cache_folder, statistics):
    kernel = cached_kernels.make()
    kernel._cache.disable()
    assert kernel(X) == 12.0
    assert not cache_folder.exists()
    assert (statistics.hits, statistics.misses) == (0, 0)
    kernel._cache.enable()
    kernel.recompile()
    assert len(list(cache_folder.iterdir())) == 1
    assert kernel.stats.cache_path == str(cache_folder)


def changed(*args, **kwargs):
    raise TypeError("changed in this version of Numba")


@pytest.mark.parametrize("name", ["_rebuild", "_reduce"])
def test_changed_form_of_results_costs_the_cache_only(monkeypatch, statistics, name):
    if name == "_rebuild":
        cached_kernels.run()
    monkeypatch.setattr(CompileResult, name, changed)
    assert cached_kernels.run() == 12.0
    assert "changed in this version of Numba" in statistics.last_problem


def test_changed_codegen_costs_the_cache_only(monkeypatch, statistics):
    codegen = type(cached_kernels.make().targetctx.codegen())
    monkeypatch.setattr(codegen, "magic_tuple", changed)
    assert cached_kernels.run() == 12.0
    assert statistics.failures == 2
    assert statistics.stores == 0


def test_changed_numbering_of_symbols_means_no_cache(monkeypatch, cache_folder, statistics):
    monkeypatch.delattr("numba.core.bytecode.FunctionIdentity._unique_ids")
    cache.attach(kernel := numba.njit(lambda x: x), "changed")
    assert "numbers its symbols in another way" in statistics.last_problem
    assert not isinstance(kernel._cache, cache.KernelCache)


def test_failed_compilation_raises_and_restores_the_numbering(monkeypatch):
    from numba.core.bytecode import FunctionIdentity

    numbers = FunctionIdentity._unique_ids
    monkeypatch.setattr(_FunctionCompiler, "compile", changed)
    with pytest.raises(TypeError, match="changed in this version"):
        cached_kernels.run()
    assert FunctionIdentity._unique_ids is numbers


def test_interruption_is_not_swallowed(monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(kernel_files, "find", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cached_kernels.run()


def test_describe_tells_folder_room_and_counts(cache_folder):
    cached_kernels.run()
    described = cache.describe()
    assert described["folder"] == str(cache_folder)
    assert described["bytes"] == cache.size() > 0
    assert (described["misses"], described["stores"], described["failures"]) == (1, 1, 0)
