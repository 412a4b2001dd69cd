"""Where kernel files lie, who may put them there, and how much room they take."""

import os
import stat
import sys
import tempfile
import time

import pytest

from numbaloss.compile import kernel_files

needs_user_ids = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="folders are checked by user ids")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME decides on Linux")


@pytest.fixture(autouse=True)
def statistics(monkeypatch):
    fresh = kernel_files.Statistics()
    monkeypatch.setattr(kernel_files, "statistics", fresh)
    monkeypatch.setattr(kernel_files, "_unmeasured", float("inf"))
    monkeypatch.setattr(kernel_files, "_touched", set())
    return fresh


@pytest.fixture
def no_home(tmp_path, monkeypatch):
    """No home that can be written, and a temporary directory of our own; the folder to be found there."""
    monkeypatch.delenv("NUMBALOSS_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", os.devnull)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"numbaloss-{os.geteuid()}"


@pytest.fixture
def user_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("NUMBALOSS_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / "caches" / "numbaloss"


@linux_only
def test_default_folder_is_the_users_and_private(user_folder):
    assert kernel_files.folder() == user_folder
    assert stat.S_IMODE(user_folder.stat().st_mode) == 0o700


@linux_only
def test_user_folder_that_everyone_may_write_is_not_used(user_folder, statistics):
    user_folder.mkdir(parents=True)
    user_folder.chmod(0o777)
    assert user_folder not in kernel_files.folders()
    assert "everyone may write" in statistics.last_problem


@linux_only
def test_user_folder_of_someone_else_is_not_used(user_folder, monkeypatch):
    user_folder.mkdir(parents=True)
    own = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    if own != 0:  # what root owns, root may fill
        assert user_folder not in kernel_files.folders()


@needs_user_ids
def test_without_a_home_a_private_temporary_folder_is_used(no_home):
    assert kernel_files.folder() == no_home
    assert stat.S_IMODE(no_home.stat().st_mode) == 0o700
    assert kernel_files.put("a.nlk", "key", b"payload")
    assert kernel_files.find("a.nlk", "key") == b"payload"


@needs_user_ids
@pytest.mark.parametrize("trap", ["open to others", "link", "file"])
def test_temporary_folder_prepared_by_someone_else_is_not_used(no_home, tmp_path, statistics, trap):
    if trap == "open to others":
        no_home.mkdir()
        no_home.chmod(0o755)
    elif trap == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        no_home.symlink_to(tmp_path / "elsewhere")
    else:
        no_home.touch()
    assert kernel_files.folder() is None
    assert "not a private folder" in statistics.last_problem
    assert not kernel_files.put("a.nlk", "key", b"payload")


@needs_user_ids
def test_temporary_folder_of_another_user_is_not_used(no_home, monkeypatch):
    no_home.mkdir(mode=0o700)
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    no_home.rename(no_home.with_name(f"numbaloss-{other}"))
    assert kernel_files.folder() is None


def test_file_tells_its_key_and_refuses_any_other():
    content = kernel_files.packed("key", b"payload")
    assert kernel_files.unpacked(content, "key") == b"payload"
    with pytest.raises(ValueError, match="another key"):
        kernel_files.unpacked(content, "kez")


def test_clear_and_size_count_our_files_only(cache_folder):
    for name in ("a.nlk", "b.nlk"):
        kernel_files.put(name, "key", b"payload")
    (cache_folder / "README").write_text("not a kernel")
    assert kernel_files.size() == 2 * len(kernel_files.packed("key", b"payload"))
    assert kernel_files.clear() == 2
    assert [path.name for path in cache_folder.iterdir()] == ["README"]


def test_beyond_the_limit_the_longest_unused_go(cache_folder, monkeypatch):
    monkeypatch.setenv("NUMBALOSS_CACHE_LIMIT", "1")
    past = time.time() - 1e6
    for k in range(5):
        kernel_files.put(f"{k}.nlk", "key", bytes(180_000))
        os.utime(cache_folder / f"{k}.nlk", (past + k, past + k))
    assert kernel_files.find("0.nlk", "key") is not None  # used: now the youngest
    kernel_files.put("5.nlk", "key", bytes(180_000))
    assert sorted(path.name for path in cache_folder.iterdir()) == ["0.nlk", "3.nlk", "4.nlk", "5.nlk"]


def test_below_the_limit_nothing_goes(cache_folder):
    for k in range(5):
        kernel_files.put(f"{k}.nlk", "key", bytes(1000))
    assert len(list(cache_folder.iterdir())) == 5


def test_limit_that_is_no_number_is_reported_and_the_default_taken(monkeypatch, statistics):
    monkeypatch.setenv("NUMBALOSS_CACHE_LIMIT", "much")
    assert kernel_files.limit() == 512 * 2**20
    assert "NUMBALOSS_CACHE_LIMIT" in statistics.last_problem


def test_remains_of_killed_processes_go_after_an_hour(cache_folder):
    cache_folder.mkdir(parents=True)
    old, new = (cache_folder / f"{name}{kernel_files.TEMPORARY}" for name in ("old", "new"))
    old.touch()
    new.touch()
    os.utime(old, (0, 0))
    kernel_files.put("a.nlk", "key", b"payload")
    assert not old.exists()
    assert new.exists()
