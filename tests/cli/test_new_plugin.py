"""`numbaloss new-plugin` writes a package that installs, is found, and passes its own tests."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from run_command import ROOT, run


def installed(source: Path, site: Path, cache: Path) -> dict[str, str]:
    """Install a package from its folder with pip, without network; the environment of a process that sees it."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*command, "--target", str(site), str(source)], check=True, capture_output=True, text=True)
    path = os.pathsep.join([str(site), str(ROOT), *(path for path in sys.path if path)])
    return {**os.environ, "PYTHONPATH": path, "NUMBALOSS_CACHE_DIR": str(cache)}


def test_the_package_passes_its_own_tests(tmp_path):
    assert run("new-plugin", "time-series", "--in", str(tmp_path)).exit_code == 0
    package = tmp_path / "numbaloss-time-series"
    environment = installed(package, tmp_path / "site", tmp_path / "cache")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=package,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "passed" in done.stdout
    told = subprocess.run(
        [sys.executable, "-m", "numbaloss", "plugins", "--json"], env=environment, capture_output=True, text=True
    ).stdout
    assert '"numbaloss-time-series"' in told
    assert '"time_series_loss"' in told


def test_what_is_written(tmp_path):
    options = ("--in", str(tmp_path), "--license", "BSD-3-Clause", "--author", "A. B.")
    told = run("new-plugin", "numbaloss-robust", *options)
    assert "pip install -e '.[test]'" in told.stdout
    package = tmp_path / "numbaloss-robust"
    written = sorted(str(path.relative_to(package)) for path in package.rglob("*") if path.is_file())
    assert written == [
        ".github/workflows/test.yml",
        ".gitignore",
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "src/numbaloss_robust/__init__.py",
        "tests/test_losses.py",
    ]
    facts = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    assert facts["name"] == "numbaloss-robust"
    assert facts["license"] == "BSD-3-Clause"
    assert facts["entry-points"] == {"numbaloss": {"robust": "numbaloss_robust"}}
    assert "A. B." in (package / "LICENSE").read_text()
    assert "$" not in (package / "src/numbaloss_robust/__init__.py").read_text()
    assert "${{ matrix.python }}" in (package / ".github/workflows/test.yml").read_text()


def test_without_a_license(tmp_path):
    run("new-plugin", "robust", "--in", str(tmp_path), "--license", "none")
    package = tmp_path / "numbaloss-robust"
    assert not (package / "LICENSE").exists()
    assert "Private :: Do Not Upload" in (package / "pyproject.toml").read_text()


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "numbaloss-robust").mkdir()
    told = run("new-plugin", "robust", "--in", str(tmp_path))
    assert told.exit_code == 2
    assert "exists already; nothing was written" in told.stderr
    assert list((tmp_path / "numbaloss-robust").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Robust", "is no name for a plugin"),
        ("two words", "is no name for a plugin"),
        ("a--b", "is no name for a plugin"),
        ("../robust", "is no name for a plugin"),
        ("class", "is no name for a plugin"),
        ("", "is no name for a plugin"),
        ("huber", "numbaloss has a loss called 'huber_loss' itself"),
        ("cross-entropy", "numbaloss has a loss called 'cross_entropy' itself"),
    ],
)
def test_names_that_will_not_do(name, message, tmp_path):
    told = run("new-plugin", name, "--in", str(tmp_path))
    assert told.exit_code == 2
    assert message in told.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_license(tmp_path):
    told = run("new-plugin", "robust", "--in", str(tmp_path), "--license", "GPL")
    assert told.exit_code == 2
    assert "--license GPL: choose one of MIT, BSD-3-Clause, none" in told.stderr
