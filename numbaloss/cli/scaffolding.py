"""``numbaloss new-plugin``: the files of a package with one loss, which passes its own tests as it is."""

from __future__ import annotations

import datetime
import keyword
import re
from importlib.resources import files
from pathlib import Path
from string import Template

from rich.markup import escape

import numbaloss
from numbaloss.cli.console import console
from numbaloss.cli.errors import UserError
from numbaloss.plugins.hookspecs import PROJECT
from numbaloss.plugins.registry import builtins

LICENSES = ("MIT", "BSD-3-Clause", "none")
# File in the package -> template; what is between braces is replaced.
FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    ".gitignore": "gitignore",
    ".github/workflows/test.yml": "test.yml",
    "src/{module}/__init__.py": "module.py",
    "tests/test_losses.py": "test_losses.py",
}


def new_plugin(name: str, folder: Path | None, license_name: str, author: str) -> None:
    """Write the package and say what to do with it; `UserError` for a bad name or where something is in the way."""
    short = checked(name)
    package = f"{PROJECT}-{short}"
    if license_name not in LICENSES:
        raise UserError(f"--license {license_name}: choose one of {', '.join(LICENSES)}")
    place = (folder or Path.cwd()) / package
    if place.exists():
        raise UserError(f"{place} exists already; nothing was written")
    words = {
        "package": package,
        "short": short,
        "module": package.replace("-", "_"),
        "loss": f"{short.replace('-', '_')}_loss",
        "Title": short.replace("-", " ").capitalize(),
        "author": author,
        "year": str(datetime.date.today().year),
        "numbaloss": ".".join(numbaloss.__version__.split(".")[:2]),
        "license_line": f'license = "{license_name}"\nlicense-files = ["LICENSE"]',
    }
    targets = dict(FILES)
    if license_name == "none":
        words["license_line"] = 'classifiers = ["Private :: Do Not Upload"]'
    else:
        targets["LICENSE"] = license_name
    for target, template in targets.items():
        path = place / target.format(**words)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(_template(template)).substitute(words))
    out = console()
    out.print(f"[good]✓[/] {place}", soft_wrap=True)
    steps = (f"cd {place}", "pip install -e '.[test]'", "pytest", f"numbaloss show {words['loss']}")
    out.print("\n" + escape("\n".join(f"  {step}" for step in steps)), soft_wrap=True)


def _template(name: str) -> str:
    return (files("numbaloss.cli") / "plugin_template" / f"{name}.txt").read_text()


def checked(name: str) -> str:
    """The name without ``numbaloss-`` in front; `UserError` where no package, module or loss can have it."""
    short = name.removeprefix(f"{PROJECT}-")
    loss = short.replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", short) or keyword.iskeyword(loss):
        raise UserError(
            f"{name!r} is no name for a plugin; use small letters, digits and single hyphens, such as robust or "
            "time-series"
        )
    taken = {loss, f"{loss}_loss"} & set(builtins())
    if taken:
        raise UserError(f"numbaloss has a loss called {min(taken)!r} itself; choose another name")
    return short
