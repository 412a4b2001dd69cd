"""The disk cache of kernels: it hits across processes, and damage to its files costs a recompile at most."""

import errno
import json
import os

import cached_kernels
import numba
import numpy as np
import pytest

from numbaloss.compile import cache, kernel_files

SERIAL = {"name": "serial"}
PARALLEL = {"name": "parallel", "parallel": True}


@pytest.fixture(autouse=True)
def _counting_from_zero(cache_folder, monkeypatch):
    monkeypatch.setattr(cache, "statistics", kernel_files.Statistics())
    monkeypatch.setattr(kernel_files, "statistics", cache.statistics)
    monkeypatch.setattr(kernel_files, "_unmeasured", float("inf"))
    monkeypatch.setattr(kernel_files, "_touched", set())


@pytest.fixture
def twice(fresh):
    """Runs descriptions of kernels in two fresh processes, one after the other."""

    def twice(*descriptions, **environment):
        return [fresh("cached_kernels.py", json.dumps(descriptions), **environment) for _ in range(2)]

    return twice


def files(folder):
    return sorted(folder.glob("*.nlk"))


def ran(**description):
    """The value of a kernel made anew, and whether it came from the disk."""
    before = cache.statistics.hits
    value = cached_kernels.run(**description)
    return value, cache.statistics.hits > before


# --- hits


def test_second_process_loads_what_the_first_compiled(twice):
    first, second = twice(SERIAL, PARALLEL, {**SERIAL, "dtype": "float32"})
    assert first["values"] == second["values"] == [12.0, 12.0, 12.0]
    assert (first["hits"], first["misses"], first["stores"]) == (0, 3, 3)
    assert (second["hits"], second["misses"], second["stores"]) == (3, 0, 0)
    assert first["failures"] == second["failures"] == 0


def test_order_of_sets_does_not_matter(fresh):
    spec = json.dumps([{"fastmath": ["reassoc", "contract", "nsz", "arcp"]}])
    runs = [fresh("cached_kernels.py", spec, PYTHONHASHSEED=seed) for seed in ("1", "2", "3")]
    assert [run["hits"] for run in runs] == [0, 1, 1]


def test_processes_agree_on_what_every_kernel_and_primitive_is(fresh):
    """Or no process finds what another one compiled: each orders its sets by itself, and puts its objects elsewhere."""
    one, two = (fresh("digest_child.py", PYTHONHASHSEED=seed) for seed in ("1", "2"))
    assert len(one) > 500
    assert one == two


def test_recompile_flushes_only_its_own_files(cache_folder):
    kernel = cached_kernels.make(identity="one")
    kernel(np.ones(2))
    ran(identity="another")
    own = {path for path in files(cache_folder) if path.name.startswith(kernel._cache._stem)}
    assert len(own) == 1
    stores = cache.statistics.stores
    kernel.recompile()
    assert cache.statistics.stores == stores + 1
    assert len(files(cache_folder)) == 2


# --- never a wrong hit


@pytest.mark.parametrize("first", [0, 1])
def test_serial_and_parallel_twins_of_one_function_never_swap(cache_folder, first):
    twins = [{"identity": "sum"}, {"identity": "sum", "parallel": True}]
    for description in (twins[first], twins[1 - first]):
        assert ran(**description) == (12.0, False)
    for description in twins:
        kernel = cached_kernels.make(**description)
        assert kernel(np.arange(4.0)) == 12.0
        assert kernel.stats.cache_hits.total() == 1
        (result,) = kernel.overloads.values()
        # Only code with parallel regions launches threads when it is loaded.
        assert bool(result.reload_init) == ("parallel" in description)


@pytest.mark.parametrize("strict_first", [True, False])
def test_fastmath_twins_of_one_function_never_swap(strict_first):
    strict = {"body": "nans", "constant": 1.0, "identity": "nans"}
    loose = {**strict, "fastmath": ["nnan"]}
    for description in (strict, loose) if strict_first else (loose, strict):
        ran(**description)
    assert ran(**loose) == (0.0, True)
    assert ran(**strict) == (1.0, True)


def test_kernels_that_differ_in_a_constant_only_never_swap():
    for _ in range(2):
        assert ran(constant=2.0)[0] == 12.0
        assert ran(constant=3.0)[0] == 18.0
    assert cache.statistics.hits == 2


def test_other_identity_is_compiled_anew_and_the_old_one_still_hits():
    assert ran(identity="helper as it was", constant=2.0) == (12.0, False)
    assert ran(identity="helper edited", constant=5.0) == (30.0, False)
    assert ran(identity="helper as it was", constant=2.0) == (12.0, True)


def test_helpers_of_one_name_stay_apart_when_stored_by_different_processes(fresh):
    one, other = ({"body": "helper", "constant": c, "name": "helper"} for c in (1.0, 2.0))
    for description in (one, other):
        fresh("cached_kernels.py", json.dumps([description]))
    both = fresh("cached_kernels.py", json.dumps([one, other]))
    assert both["hits"] == 2
    assert both["values"] == [12.0, 24.0]


@pytest.mark.parametrize("dtypes", [("float64", "int64"), ("float64", "float32"), ("float64", "float64")])
def test_two_processes_that_store_at_the_same_moment(start, finish, fresh, cache_folder, tmp_path, dtypes):
    barrier = tmp_path / "barrier"
    barrier.mkdir()
    specs = [json.dumps([{"dtype": dtype}]) for dtype in dtypes]
    pair = [start("cached_kernels.py", spec, BARRIER=str(barrier), PARTIES="2") for spec in specs]
    for result in map(finish, pair):
        assert (result["misses"], result["stores"], result["values"]) == (1, 1, [12.0])
    assert len(list(barrier.iterdir())) == 2
    later = fresh("cached_kernels.py", json.dumps([{"dtype": dtype} for dtype in dtypes]))
    assert (later["hits"], later["failures"], later["values"]) == (2, 0, [12.0, 12.0])
    assert list(cache_folder.glob(f"*{kernel_files.TEMPORARY}")) == []


@pytest.mark.parametrize(("setting", "value"), [("SLP_VECTORIZE", 1), ("BOUNDSCHECK", 1), ("OPT", 1)])
def test_settings_that_change_the_code_are_in_the_key(monkeypatch, setting, value):
    ran()
    monkeypatch.setattr(numba.config, setting, value)
    assert ran() == (12.0, False)


def test_settings_that_cannot_change_the_code_are_not_in_the_key(monkeypatch):
    ran()
    for setting, value in [
        ("THREADING_LAYER", "workqueue"),
        ("CACHE_DIR", "/elsewhere"),
        ("NUMBA_NUM_THREADS", 1),
    ]:
        monkeypatch.setattr(numba.config, setting, value)
    assert ran() == (12.0, True)


# --- damaged files


def cut(length):
    return lambda content: content[:length]


DAMAGE = {
    "empty": cut(0),
    "one byte": cut(1),
    "magic only": cut(len(kernel_files.MAGIC)),
    "half": lambda content: content[: len(content) // 2],
    "last byte missing": cut(-1),
    "byte appended": lambda content: content + b"\0",
    "garbage": lambda content: os.urandom(len(content)),
    "garbage after the magic": lambda content: kernel_files.MAGIC + b"\xff" * 100,
    "bit flipped in the code": lambda content: content[:-100] + bytes([content[-100] ^ 1]) + content[-99:],
    "no pickle": lambda content: kernel_files.packed(key_in(content), b"not a pickle"),
    "another pickle": lambda content: kernel_files.packed(key_in(content), b"N."),
    "another key": lambda content: kernel_files.packed("key", b"payload"),
}


def key_in(content):
    start = len(kernel_files.MAGIC) + 16
    return content[start : start + int.from_bytes(content[start - 16 : start - 8], "little")].decode()


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_file_is_compiled_again_and_replaced(cache_folder, damage):
    ran()
    (path,) = files(cache_folder)
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    assert ran() == (12.0, False)
    assert cache.statistics.failures == 1
    assert cache.statistics.last_problem is not None
    assert ran() == (12.0, True)


def test_code_of_another_signature_under_the_right_key_is_refused(cache_folder):
    ran(dtype="float32")
    (other,) = files(cache_folder)
    ran(dtype="float64")
    (path,) = set(files(cache_folder)) - {other}
    content = path.read_bytes()
    payload = kernel_files.unpacked(other.read_bytes(), key_in(other.read_bytes()))
    path.write_bytes(kernel_files.packed(key_in(content), payload))
    assert ran(dtype="float64") == (12.0, False)
    assert "was asked for" in cache.statistics.last_problem


def test_a_folder_in_the_place_of_a_file(cache_folder):
    ran()
    (path,) = files(cache_folder)
    path.unlink()
    path.mkdir()
    assert ran() == (12.0, False)
    assert cache.statistics.failures == 2  # neither read nor written
    assert list(cache_folder.glob(f"*{kernel_files.TEMPORARY}")) == []


# --- disks that do not play along


def test_full_disk(cache_folder, monkeypatch):
    def full(path, mode):
        path.write_bytes(b"as far as it goes")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(kernel_files, "open", full, raising=False)
    assert ran() == (12.0, False)
    assert os.strerror(errno.ENOSPC) in cache.statistics.last_problem
    assert list(cache_folder.iterdir()) == []


def test_read_only_folder_serves_what_it_holds(cache_folder, monkeypatch):
    ran(constant=2.0)
    monkeypatch.setattr(os, "access", lambda place, mode: not mode & os.W_OK)
    monkeypatch.setattr(os, "utime", lambda path: (_ for _ in ()).throw(PermissionError("read-only")))
    assert cache.folder() is None
    assert ran(constant=2.0) == (12.0, True)
    assert ran(constant=3.0) == (18.0, False)
    assert len(files(cache_folder)) == 1
    assert "no folder can be written" in cache.statistics.last_problem


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs user ids")
def test_folder_closed_to_writing(cache_folder):
    cache_folder.mkdir(parents=True)
    cache_folder.chmod(0o500)
    assert ran() == (12.0, False)
    assert len(files(cache_folder)) == (1 if os.geteuid() == 0 else 0)  # root may write anywhere
    cache_folder.chmod(0o700)


def test_folder_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBALOSS_CACHE_DIR", str(tmp_path / "file" / "kernels"))
    assert ran() == (12.0, False)
    assert cache.folder() is None
    assert cache.size() == cache.clear() == 0


def test_folder_removed_while_in_use(cache_folder):
    ran()
    (path,) = files(cache_folder)
    path.unlink()
    cache_folder.rmdir()
    assert ran() == (12.0, False)
    assert ran() == (12.0, True)


def test_switched_off(cache_folder, monkeypatch):
    monkeypatch.setenv("NUMBALOSS_CACHE", "0")
    assert ran() == (12.0, False)
    assert not cache_folder.exists()
    assert cache.folder() is None
    assert cache.statistics.last_problem is None
