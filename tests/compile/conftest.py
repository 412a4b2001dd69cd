"""What the tests of kernel compilation share: fresh processes, and a cache folder of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import numbaloss

HERE = Path(__file__).parent
ROOT = Path(numbaloss.__file__).parents[1]
sys.path.insert(0, str(HERE))  # the scripts run in fresh processes are modules to some tests, too


@pytest.fixture
def cache_folder(tmp_path, monkeypatch):
    """An empty cache folder that this process and its children use."""
    folder = tmp_path / "kernels"
    monkeypatch.setenv("NUMBALOSS_CACHE_DIR", str(folder))
    monkeypatch.delenv("NUMBALOSS_CACHE", raising=False)
    monkeypatch.delenv("NUMBALOSS_CACHE_LIMIT", raising=False)
    return folder


@pytest.fixture(scope="session")
def start():
    """Starts a script of this folder in a fresh process, with the given environment variables besides."""

    def start(script, *arguments, **environment):
        path = [str(ROOT), str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
        everything = {**os.environ, "PYTHONPATH": os.pathsep.join(path), **environment}
        command = [sys.executable, str(HERE / script), *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, env=everything, start_new_session=True, **pipes)

    return start


@pytest.fixture(scope="session")
def finish():
    """Waits for a started script; a crash fails the test, and so does a hang."""

    def finish(process, timeout=120):
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)  # its forked children, too: they are what hangs
            process.communicate()
            pytest.fail(f"{process.args[1:]} hung for {timeout} s")
        assert process.returncode == 0, f"{process.args[1:]} ended with {process.returncode}:\n{out}\n{err}"
        return json.loads(out.strip().splitlines()[-1])

    return finish


@pytest.fixture(scope="session")
def fresh(start, finish):
    """Runs a script of this folder in a fresh process and returns what it printed last, read as JSON."""
    return lambda script, *arguments, **environment: finish(start(script, *arguments, **environment))
