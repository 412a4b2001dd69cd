"""The outcomes matrix: right numbers, no abort and no hang in every situation that ends processes.

`matrix_child.py` has the situations; each runs in a fresh process, where a hang counts as a failure.
"""

import importlib.metadata
import os

import pytest

THREADS = [
    "in_python_threads",
    "beside_another_librarys_kernel",
    "in_asyncio_threads",
    "in_joblib_threads",
    "in_dask_threads",
]
FORKS = [
    "in_forked_child",
    "in_forked_child_of_launched_threads",
    "in_fork_pool",
    "in_nested_fork_pool",
    "in_fork_executor",
    "in_joblib_processes",
]
TIMEOUT = 60


def has_tbb():
    try:
        files = importlib.metadata.files("tbb") or []
    except importlib.metadata.PackageNotFoundError:
        return False
    return any("libtbb." in file.name and os.path.exists(file.locate()) for file in files)


def has_openmp():
    try:
        from numba.np.ufunc import omppool  # noqa: F401
    except ImportError:
        return False
    return True


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
LAYERS = [
    "workqueue",
    pytest.param("omp", marks=pytest.mark.skipif(not has_openmp(), reason="Numba finds no OpenMP here")),
    pytest.param("tbb", marks=pytest.mark.skipif(not has_tbb(), reason="the package tbb is not installed")),
]


@pytest.fixture(scope="session")
def shared_kernels(tmp_path_factory):
    """One cache folder for all situations: their kernels are compiled once."""
    return str(tmp_path_factory.mktemp("kernels"))


@pytest.fixture
def situation(start, shared_kernels):
    """Starts `matrix_child.py`, or `loss_child.py`, in a situation on a layer, with at least two threads."""

    def situation(name, layer, guard="guarded", script="matrix_child.py"):
        environment = {"NUMBA_THREADING_LAYER": layer, "NUMBALOSS_CACHE_DIR": shared_kernels}
        environment.update(NUMBA_NUM_THREADS="2", NUMBALOSS_PARALLEL="auto")
        return start(script, name, guard, **environment)

    return situation


# --- the matrix


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", THREADS)
def test_threads_of_others(situation, finish, name, layer):
    result = finish(situation(name, layer), TIMEOUT)
    assert result["right"]
    assert result["layer"] == layer
    if layer == "workqueue":
        assert max(result["parallel"]) == result["before"], "only the main thread may go parallel"
    else:
        assert max(result["parallel"]) > result["before"], "these layers serve every thread"


@needs_fork
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", FORKS)
def test_forked_processes_run_serially(situation, finish, name, layer):
    result = finish(situation(name, layer), TIMEOUT)
    assert result["right"]
    assert set(result["parallel"]) == {result["before"]}, "a forked process went parallel"


@needs_fork
@pytest.mark.parametrize("layer", LAYERS[:2])
def test_worker_that_imports_us_after_the_fork_runs_serially(situation, finish, layer):
    result = finish(situation("in_fork_pool_before_import", layer), TIMEOUT)
    assert result["right"]
    assert set(result["parallel"]) == {0}


def test_spawned_process_is_fresh_and_goes_parallel(situation, finish):
    result = finish(situation("in_spawn_pool", "workqueue"), TIMEOUT)
    assert result["right"]
    assert result["parallel"] == [1, 2, 3, 4]


@needs_fork
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", ["in_python_threads", "in_dask_threads", "in_forked_child", "in_nested_fork_pool"])
def test_losses_are_right_in_threads_and_forks(situation, finish, name, layer):
    result = finish(situation(name, layer, script="loss_child.py"), TIMEOUT)
    assert result["right"]
    assert result["layer"] == layer


@pytest.mark.parametrize(
    ("name", "layer"),
    [("in_python_threads", "workqueue"), pytest.param("in_forked_child", "omp", marks=LAYERS[1].marks)],
)
def test_without_the_guard_the_process_dies(situation, name, layer):
    """If this fails, Numba has become safer and rules here can go."""
    process = situation(name, layer, "unguarded")
    out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode != 0, out
    assert "oncurrent access" in err or "fork() called" in err, err
