"""For each module in `generated_members`, a fragment that documents every name in its ``__all__``."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

from generated_files import write
from sphinx.application import Sphinx


def entry(module_name: str, name: str) -> str:
    found = getattr(import_module(module_name), name)
    if inspect.isclass(found):
        return f".. autoclass:: {module_name}.{name}\n   :members:\n"
    if inspect.isfunction(found):
        return f".. autofunction:: {module_name}.{name}\n"
    return f".. autodata:: {module_name}.{name}\n   :no-value:\n"


def generate(app: Sphinx) -> None:
    for module_name in app.config.generated_members:
        names = getattr(import_module(module_name), "__all__", ())
        text = "```{eval-rst}\n" + "\n".join(entry(module_name, name) for name in names) + "```\n"
        write(app.srcdir, {f"fragments/{module_name}.md": text}, f"fragments/{module_name}.md")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("generated_members", [], "env", [list])
    app.connect("builder-inited", generate)
    return {"version": "1", "parallel_read_safe": True}
