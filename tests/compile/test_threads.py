"""Which twin of a kernel runs: the rules one by one, and the environment variables."""

import json
import os
import subprocess
import sys
import threading
import timeit
from pathlib import Path

import numba
import pytest

from numbaloss.compile import threads

HUGE = 1e12
TIMEOUT = 60


def has_openmp():
    try:
        from numba.np.ufunc import omppool  # noqa: F401
    except ImportError:
        return False
    return True


# --- the rules, one by one


@pytest.fixture
def state(monkeypatch):
    """The module's state, to be changed at will; the layer is `omp` with threads to spare."""
    monkeypatch.setattr(threads, "_layer", "omp")
    monkeypatch.setattr(threads, "least", threads.SMALL)
    monkeypatch.setattr(threads, "_mode", "auto")
    monkeypatch.setattr(threads, "_reason", None)
    monkeypatch.setattr(threads, "_busy", threading.Lock())
    monkeypatch.setattr(numba, "get_num_threads", lambda: 4)
    return monkeypatch


def chosen(work=HUGE):
    return threads.run(lambda: "serial", lambda: "parallel", work)


def chosen_in_a_thread(work=HUGE):
    seen = []
    thread = threading.Thread(target=lambda: seen.append(chosen(work)))
    thread.start()
    thread.join()
    return seen[0]


def test_arguments_and_result_pass_through(state):
    for work in (1.0, HUGE):
        assert threads.run(lambda *a: ("serial", a), lambda *a: ("parallel", a), work, 1, None)[1] == (
            1,
            None,
        )


@pytest.mark.parametrize(("layer", "least"), [("omp", 16_384), ("tbb", 16_384), ("workqueue", 200_000)])
def test_parallel_from_the_layers_threshold_on(state, layer, least):
    state.setattr(threads, "_layer", None)
    state.setattr(numba, "threading_layer", lambda: layer)
    assert chosen() == "parallel"
    assert threads.describe()["layer"] == layer
    assert (chosen(least - 1), chosen(least)) == ("serial", "parallel")


def test_first_call_between_the_thresholds_of_two_layers(state):
    state.setattr(threads, "_layer", None)
    state.setattr(numba, "threading_layer", lambda: "workqueue")
    assert chosen(20_000) == "serial"


def test_serial_only_holds_for_its_thread_and_may_nest(state):
    with threads.serial_only():
        with threads.serial_only():
            assert chosen() == "serial"
        assert chosen() == "serial"
        assert threads.describe()["serial_only"] is True
        assert chosen_in_a_thread() == "parallel"
    assert chosen() == "parallel"


def test_serial_only_ends_with_an_exception(state):
    with pytest.raises(KeyError), threads.serial_only():
        raise KeyError
    assert chosen() == "parallel"


def test_between_matrix_products_threads_of_openmp_would_spin(state):
    state.setattr(threads, "_crowded", True)
    with threads.between_products():
        assert chosen() == "serial"
        assert chosen_in_a_thread() == "parallel"
        for name, value in (("_layer", "tbb"), ("_crowded", False), ("_mode", "1")):
            with state.context() as changed:
                changed.setattr(threads, name, value)
                assert chosen() == "parallel"
    assert chosen() == "parallel"


def test_one_numba_thread_is_serial(state):
    state.setattr(numba, "get_num_threads", lambda: 1)
    assert chosen() == "serial"


def test_workqueue_lock_taken_is_serial_and_free_again_after_errors(state):
    state.setattr(threads, "_layer", "workqueue")

    def failing():
        assert chosen() == "serial"  # nested: the lock is taken
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        threads.run(failing, failing, HUGE)
    assert chosen() == "parallel"


def test_workqueue_off_the_main_thread_is_serial_unless_asked_for(state):
    state.setattr(threads, "_layer", "workqueue")
    assert chosen_in_a_thread() == "serial"
    state.setattr(threads, "_mode", "1")
    assert chosen_in_a_thread() == "parallel"


def test_own_limit_of_one_is_serial_in_this_thread_only(state):
    threads.set_num_threads(1)
    try:
        assert (chosen(), chosen_in_a_thread()) == ("serial", "parallel")
        assert threads.get_num_threads() == 1
    finally:
        threads.set_num_threads(None)
    assert chosen() == "parallel"
    assert threads.get_num_threads() == 4


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "2"])
def test_own_limit_must_be_a_positive_integer(count):
    with pytest.raises(ValueError, match="count must be an integer of at least 1 or None, got"):
        threads.set_num_threads(count)


def test_deciding_on_small_work_is_cheap():
    def twin(a, b):
        return a

    def seconds(statement):
        return min(timeit.repeat(statement, number=20_000, repeat=9)) / 20_000

    overhead = seconds(lambda: threads.run(twin, twin, 100.0, 1, 2)) - seconds(lambda: twin(1, 2))
    assert overhead < 1e-6, "the aim is 0.2 µs; the margin is for busy machines"


# --- the environment


def printed(code, **environment):
    """What a fresh process prints, read as JSON."""
    lines = "import json, sys\nfrom numbaloss.compile import threads\n" + code
    everything = {**os.environ, "PYTHONPATH": str(Path(threads.__file__).parents[2]), **environment}
    run = subprocess.run(
        [sys.executable, "-c", lines], env=everything, capture_output=True, text=True, timeout=TIMEOUT
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


CHOSEN = "choice = threads.run(lambda: 'serial', lambda: 'parallel', {work})\n"


def test_import_and_small_work_load_no_numba():
    code = CHOSEN.format(work=100) + "threads.describe()\nprint(json.dumps(['numba' in sys.modules, choice]))"
    assert printed(code) == [False, "serial"]


@pytest.mark.parametrize(
    ("mode", "work", "choice", "reason"),
    [
        ("0", HUGE, "serial", "NUMBALOSS_PARALLEL=0"),
        ("1", 1, "parallel", None),
        ("auto", 1, "serial", None),
        ("", HUGE, "parallel", None),
        ("yes", HUGE, "serial", "NUMBALOSS_PARALLEL must be auto, 0 or 1, got 'yes'"),
    ],
)
def test_mode(mode, work, choice, reason):
    code = CHOSEN.format(work=work) + "print(json.dumps([choice, threads.describe()['reason']]))"
    layer = "omp" if has_openmp() else "workqueue"
    choice_made, why = printed(
        code, NUMBALOSS_PARALLEL=mode, NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="2"
    )
    assert choice_made == choice
    if layer == "omp":
        assert why == reason


def test_without_a_layer_everything_is_serial_and_the_reason_told():
    code = CHOSEN.format(work=HUGE) + "print(json.dumps([choice, threads.describe()]))"
    choice, described = printed(code, NUMBA_THREADING_LAYER="nonsense")
    assert choice == "serial"
    assert described["layer"] is None
    assert "nonsense" in described["reason"]


def test_own_limit_masks_numbas_threads_during_the_call_only():
    code = (
        "import numba\n"
        "def seen(limit):\n"
        "    threads.set_num_threads(limit)\n"
        "    inside = threads.run(lambda: 1, numba.get_num_threads, 1e12)\n"
        "    return [inside, threads.get_num_threads(), numba.get_num_threads()]\n"
        "rows = [seen(None), seen(2), seen(8)]\n"
        "numba.set_num_threads(3)\n"
        "print(json.dumps(rows + [seen(None), seen(2), seen(8)]))"
    )
    assert printed(code, NUMBA_NUM_THREADS="4") == [
        [4, 4, 4],
        [2, 2, 4],
        [4, 4, 4],
        [3, 3, 3],
        [2, 2, 3],
        [3, 3, 3],
    ]


def test_preload_tbb_comes_too_late_once_threads_run():
    code = "import numba\nnumba.get_num_threads()\nprint(json.dumps(threads.preload_tbb()))"
    assert printed(code) is False
