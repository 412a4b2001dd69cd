"""What Numba's own disk cache does wrong: the reasons for ours. If a test fails, Numba has changed."""

import pytest


@pytest.fixture
def shown(fresh, tmp_path):
    """Runs `numba_cache_child.py` in a fresh process with a Numba cache of this test."""
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "numba"), "PYTHONDONTWRITEBYTECODE": "1"}
    return lambda *arguments, **more: fresh("numba_cache_child.py", *arguments, **environment, **more)


def test_closure_over_a_dispatcher_never_hits_and_grows_the_cache(shown, tmp_path):
    for run in (1, 2):
        assert shown("closure_over_a_dispatcher") == {"value": 9.0, "hits": 0}
        assert len(list((tmp_path / "numba").rglob("*.nbc"))) == run


def test_edited_helper_in_another_file_is_not_noticed(shown, tmp_path):
    helper = tmp_path / "edited_helper.py"
    helper.write_text("def scalar(p, t):\n    return 1.0 * (p - t)\n")
    assert shown("helper_in_another_file", EXTRA_PATH=str(tmp_path)) == {"value": 3.0, "hits": 0}
    helper.write_text("def scalar(p, t):\n    return 10.0 * (p - t)\n")
    assert shown("helper_in_another_file", EXTRA_PATH=str(tmp_path)) == {"value": 3.0, "hits": 1}


@pytest.mark.parametrize(("names", "values"), [("same", [9.0, 9.0]), ("unique", [9.0, 3.0])])
def test_stored_kernels_of_one_name_call_each_other(shown, names, values):
    assert shown("two_kernels_of_one_name", "squared", names)["value"] == 9.0
    assert shown("two_kernels_of_one_name", "distance", names)["value"] == 3.0
    assert shown("two_kernels_of_one_name", "squared+distance", names)["values"] == values


def test_two_processes_cross_index_and_data(start, finish, shown, tmp_path):
    events = tmp_path / "events"
    events.mkdir()
    cache = str(tmp_path / "numba")
    script = "numba_cache_child.py"
    pair = [start(script, "race", dtype, events, NUMBA_CACHE_DIR=cache) for dtype in ("float64", "int64")]
    assert [finish(process)["value"] for process in pair] == [9.0, 9.0]
    assert shown("after_the_race", "int64")["value"] != 9.0
