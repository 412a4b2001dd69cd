"""Sphinx configuration: pages written by hand, pages generated from the registry, and what fails the build."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent), *map(str, HERE.parent.glob("plugins/*/src"))]
os.environ["NUMBALOSS_LOAD_PLUGINS"] = ""  # the documentation is that of the built-ins

import numbaloss  # noqa: E402

project = "numbaloss"
author = "The numbaloss developers"
copyright = "2026, The numbaloss developers"
version = release = numbaloss.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "loss_plots",
    "loss_pages",
    "differences_table",
    "choosing_page",
    "module_members",
    "command_line",
    "undocumented",
]
exclude_patterns = ["_build", "**/fragments/*"]
default_role = "literal"
highlight_language = "python"
html_theme = "furo"
html_title = f"numbaloss {version}"
html_show_sourcelink = False

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"

# Docstrings call their loss by its bare name; pages import what they show.
doctest_global_setup = """
__name__ = "__main__"
import numpy as np
import numbaloss as nl
globals().update({name: getattr(nl, name) for name in dir(nl)})
from numbaloss.monitor import *
from numbaloss.testing import *
"""
generated_members = ["numbaloss.testing"]
documented_modules = ["numbaloss", "numbaloss.monitor", "numbaloss.testing"]
