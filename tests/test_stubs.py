"""The stubs are those the registry gives, and type checkers read them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import numbaloss
from numbaloss import stubs
from numbaloss.plugins.registry import builtins

GOOD = """
import numbaloss as nl

criterion = nl.CrossEntropyLoss(label_smoothing=0.1, weight=[1.0, 2.0])
value, gradient = criterion.value_and_grad([[1.0, 2.0]], [1])
smoothing: float = criterion.label_smoothing
mix: nl.Mix = 0.7 * criterion + 0.3 * nl.FocalLoss(gamma=3.0)
total: nl.Total = criterion.total([[1.0]], [0])
nl.huber_loss([1.0], [2.0], delta=2.0, reduction="sum")
nl.GaussianNLLLoss().value_and_grad([1.0], [1.0], [1.0], wrt=("var",))
names = [facts.name for facts in nl.list_losses(task="regression")]
nl.quantile_loss([[1.0, 2.0]], [1.0], quantile=[0.1, 0.9])
"""
# Line -> what a type checker says of it
BAD = {
    "nl.huber_loss([1.0], [2.0], dleta=2.0)": 'did you mean "delta"?',
    'nl.HuberLoss(reduction="men")': "Literal['none', 'mean', 'sum']",
    "nl.hubr_loss([1.0], [2.0])": 'maybe "huber_loss"?',
    "nl.MSELoss().value_and_grad([1.0])": 'Missing positional argument "target"',
    'nl.HuberLoss(delta="a")': 'expected "float"',
}


def test_the_file_is_up_to_date() -> None:
    assert stubs.PATH.read_text() == stubs.text(), "run python -m numbaloss.stubs"


def test_check_tells_a_stale_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stubs, "PATH", tmp_path / "__init__.pyi")
    assert stubs.main(["--check"]) == 1
    assert "out of date" in capsys.readouterr().err
    assert stubs.main([]) == 0
    assert stubs.main(["--check"]) == 0
    assert stubs.main(["--nonsense"]) == 2


def test_every_public_name_is_in_the_file() -> None:
    named: set[str] = set()
    for node in ast.parse(stubs.text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            named.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            named |= {alias.asname for alias in node.names if alias.asname}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            named.add(node.target.id)
    public = {name for name in dir(numbaloss) if not name.startswith("_") or name == "__version__"}
    losses = {one for loss in builtins().values() for one in (loss.__name__, loss.Loss.__name__)}
    assert losses <= named
    assert public <= named


def test_mypy_accepts_right_programs_and_explains_wrong_ones(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "bad.py").write_text("\n".join(["import numbaloss as nl", *BAD]))
    root = stubs.PATH.parents[1]
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", f"--cache-dir={tmp_path / 'cache'}"]
    done = subprocess.run(
        [*command, str(tmp_path / "good.py"), str(tmp_path / "bad.py")],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "good.py" not in done.stdout, done.stdout
    told = done.stdout.splitlines()
    for number, message in enumerate(BAD.values(), start=2):
        assert any(f"bad.py:{number}:" in line and message in line for line in told), (number, done.stdout)
