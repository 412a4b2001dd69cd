"""Formulas of docstrings are readable as plain text."""

from __future__ import annotations

import re

import pytest

from numbaloss.cli.formula import plain
from numbaloss.plugins.registry import builtins


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\ell = (x - t)^2", "ℓ = (x − t)²"),
        (r"\frac{|x - t|}{\max(|t|, 10^{-7})}", "|x − t|/max(|t|, 10⁻⁷)"),
        (r"\frac{x - t}{2\beta}", "(x − t)/(2β)"),
        (r"\tfrac12 \left(\log v + 1\right)", "½ (log v + 1)"),
        (r"-w_{y_n} \log p_{n y_n}", "−w[yₙ] log p[n,yₙ]"),
        (r"e^{-t x} + p^{\,q}", "e^(-t x) + p^q"),
        (r"\sqrt{1 + x}", "√(1 + x)"),
        (r"\operatorname{softmax}(x_1)", "softmax(x₁)"),
        (r"\begin{cases} x & t = 1 \\ -x & \text{otherwise} \end{cases}", " ⎧ x     t = 1\n ⎩ −x    otherwise"),
        (r"\ell = \begin{cases} 0 & a \\ 1 & b \\ 2 & c \end{cases}", "    ⎧ 0    a\nℓ = ⎨ 1    b\n    ⎩ 2    c"),
    ],
)
def test_what_latex_becomes(latex: str, text: str) -> None:
    assert plain(latex) == text


@pytest.mark.parametrize("name", builtins())
def test_no_latex_is_left_in_any_docstring_of_the_library(name: str) -> None:
    doc = builtins()[name].definition.doc  # type: ignore[attr-defined]
    formulas = re.findall(r"\.\. math::(.*?)(?:\n\n|\Z)", doc, re.DOTALL) + re.findall(r":math:`([^`]*)`", doc)
    assert formulas
    for text in map(plain, formulas):
        assert not re.search(r"[\\{}$&]|\b(begin|end|frac|left|right|text|operatorname)\b", text), text
