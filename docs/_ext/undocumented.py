"""Fails the build (under ``-W``) on a public name that no page documents, on a loss without a doctest, and on an
example that looks like a doctest but is not run as one."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

logger = logging.getLogger(__name__)


def public(module_name: str) -> Iterator[str]:
    """What a module offers: its ``__all__``, or for the package itself what ``dir`` lists."""
    module = import_module(module_name)
    names = getattr(module, "__all__", None)
    if names is None and module_name == "numbaloss":
        names = dir(module)
    yield from (f"{module_name}.{name}" for name in names or ())


def check(app: Sphinx, env: BuildEnvironment) -> None:
    objects = env.domaindata["py"]["objects"]
    for module_name in app.config.documented_modules:
        for name in public(module_name):
            if name not in objects:
                logger.warning("the public name %s is documented on no page", name)
    for name in dir(import_module("numbaloss")):
        found = getattr(import_module("numbaloss"), name)
        if hasattr(found, "definition") and not inspect.isclass(found) and ">>>" not in (found.__doc__ or ""):
            logger.warning("the docstring of %s has no doctest", name)


def check_examples(app: Sphinx, doctree: nodes.document) -> None:
    for block in doctree.findall(nodes.literal_block):
        if block.astext().lstrip().startswith(">>>") and "testnodetype" not in block:
            logger.warning("an example that is not run; write it in a {doctest} block", location=block)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("documented_modules", [], "env", [list])
    app.connect("env-check-consistency", check)
    app.connect("doctree-read", check_examples)
    return {"version": "1", "parallel_read_safe": True}
