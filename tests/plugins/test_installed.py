"""Plugins that pip really installed, in an environment of their own: every broken kind at once, and what is left."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from fake_site import GOOD
from test_loader import BROKEN

ROOT = Path(__file__).parents[2]
TWINS = "[numbaloss]\na = test_twins\na = test_twins\n"
VALUE_ALONE = """
import numbaloss as nl

@nl.pointwise(limits={"scale": "(0, inf)"})
def easy_loss(input, target, scale=1.0):
    '''Value alone.'''
    return scale * abs(input - target) ** 3

blend_loss = nl.named_mix("blend_loss", 0.5 * nl.MSELoss() + 2.0 * nl.L1Loss())

@nl.hookimpl
def register_losses(register):
    register(easy_loss)
    register(blend_loss)
"""


def wheel(folder: Path, distribution: str, source: str, version: str = "1.0", points: str = "") -> Path:
    """A wheel with one module, as a build backend would write it."""
    module = distribution.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    files = {
        f"{module}.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": points or f"[numbaloss]\n{module} = {module}\n",
    }
    record = [f"{name},{_hash(text)},{len(text.encode())}" for name, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]) + "\n"
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Environment:
    """A virtual environment that sees numbaloss and what pip installs into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
        self.python = str(next((folder / "venv").glob("[bS]*/python*")))
        (self.site,) = (folder / "venv").rglob("site-packages")
        self.before = self.files()

    def pip(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "pip", "--python", self.python, "--disable-pip-version-check", "--quiet"]
        done = subprocess.run([*command, *arguments], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def install(self, *wheels: Path) -> None:
        self.pip("install", "--no-index", "--no-deps", *map(str, wheels))

    def uninstall(self, *distributions: str) -> None:
        self.pip("uninstall", "--yes", *distributions)

    def files(self) -> set[str]:
        return {str(path.relative_to(self.site)) for path in self.site.rglob("*")}

    def run(self, *arguments: str) -> str:
        """What its interpreter prints."""
        settings = {name: value for name, value in os.environ.items() if not name.endswith(("_PLUGINS", "_PLUGIN_DIR"))}
        path = os.pathsep.join([str(ROOT), *(path for path in sys.path if path)])
        cache = str(self.folder / "cache")
        done = subprocess.run(
            [self.python, *arguments],
            env={**settings, "PYTHONPATH": path, "NUMBALOSS_CACHE_DIR": cache},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def plugins(self) -> dict[str, dict[str, object]]:
        """What ``numbaloss plugins --json`` says of the test's own packages."""
        told = json.loads(self.run("-m", "numbaloss", "plugins", "--json"))
        return {one["distribution"]: one for one in told if one["distribution"].startswith("test-")}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Two good plugins, one of each broken kind, a twin, a clash, and one with two entry points of one name."""
    made = Environment(tmp_path_factory.mktemp("installed"))
    wheels = made.folder / "wheels"
    wheels.mkdir()
    broken = [wheel(wheels, f"test-bad-{number}", source) for number, (source, _) in enumerate(BROKEN.values())]
    made.install(
        wheel(wheels, "test-aa-good", GOOD.format(name="first_loss")),
        wheel(wheels, "test-value", VALUE_ALONE),
        *broken,
        wheel(wheels, "test-clash", GOOD.format(name="first_loss"), version="2.5"),
        wheel(wheels, "test-twins", GOOD.format(name="twin_loss"), points=TWINS),
        wheel(wheels, "test-unreadable", GOOD.format(name="lost_loss")),
        wheel(wheels, "test-zz-good", GOOD.format(name="last_loss")),
    )
    (damaged,) = made.site.glob("test_unreadable-*/entry_points.txt")  # pip itself would not install it so
    damaged.write_text("[numbaloss]\nno equals sign\n")
    return made


def test_each_broken_plugin_is_reported_and_the_others_work(environment: Environment) -> None:
    plugins = environment.plugins()
    for number, (kind, (_, reason)) in enumerate(BROKEN.items()):
        one = plugins[f"test-bad-{number}"]
        assert (kind, one["status"], one["losses"]) == (kind, "broken", [])
        assert reason in str(one["reason"]), kind
    assert plugins["test-clash"]["reason"] == (
        "the loss 'first_loss' of test-clash 2.5 is already registered by test-aa-good 1.0"
    )
    assert "states 2 entry points called 'a'" in str(plugins["test-twins"]["reason"])
    assert "entry_points.txt cannot be read" in str(plugins["test-unreadable"]["reason"])
    good = {name: one["losses"] for name, one in plugins.items() if one["status"] == "active"}
    assert good == {
        "test-aa-good": ["first_loss"],
        "test-value": ["blend_loss", "easy_loss"],
        "test-zz-good": ["last_loss"],
    }


def test_the_host_and_the_good_plugins_compute(environment: Environment) -> None:
    code = """
import warnings; warnings.simplefilter("ignore")
import numbaloss as nl
print(nl.mse_loss([3.0], [1.0]), nl.get("first")([3.0], [1.0]), nl.get("easy", scale=2.0)([3.0], [1.0]))
print(nl.from_expression("0.5*easy + 0.5*last_loss").value_and_grad([3.0], [1.0])[1], nl.get("BlendLoss")([3.0], [1.0]))
"""
    assert environment.run("-c", code).split() == ["4.0", "4.0", "16.0", "[8.]", "6.0"]


def test_a_second_process_starts_from_the_cache(environment: Environment) -> None:
    code = """
import sys, warnings; warnings.simplefilter("ignore")
import numbaloss as nl
from numbaloss.compile.cache import statistics
nl.get("easy_loss").value_and_grad([3.0], [1.0]), nl.get("blend_loss").value_and_grad([3.0], [1.0])
print(statistics.misses, statistics.hits, "sympy" in sys.modules)
"""
    environment.run("-c", code)
    assert environment.run("-c", code) == "0 2 False"


def test_uninstalling_leaves_nothing(environment: Environment) -> None:
    environment.uninstall("test-value", "test-zz-good")
    code = """
import warnings; warnings.simplefilter("ignore")
import numbaloss as nl
wanted = ("first_loss", "easy_loss", "blend_loss", "last_loss")
print(*[facts.name for facts in nl.list_losses() if facts.name in wanted])
"""
    assert environment.run("-c", code) == "first_loss"
    assert not {"test-value", "test-zz-good"} & set(environment.plugins())
    left = {name for name in environment.files() if "test_value" in name or "test_zz_good" in name}
    assert left == set()
