"""One page for each task, with every loss of it; the overview; the table of denominators. All from the registry."""

from __future__ import annotations

import inspect
import re
from itertools import groupby
from typing import Any

from generated_files import rst_table, write
from loss_plots import PLOTS
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

TASKS = {
    "regression": "A real-valued prediction against a real-valued target.",
    "likelihood": "The parameters of a distribution against an observation of it.",
    "binary": "Yes or no for each element: probabilities, logits or signed scores.",
    "classification": "One choice among several classes for each row.",
    "segmentation": "How well the regions of an image cover what is there.",
    "divergence": "One probability distribution against another.",
    "ranking": "Which of two scores should be the higher one.",
    "embedding": "Which pairs of representations belong together.",
    "sequence": "A labelling shorter than its sequence, whatever the alignment of the two.",
    "contrastive": "Every vector of a batch against all the others: partners near, all else far.",
}
TARGETS = {
    "real": "real numbers",
    "sign": "-1 and 1",
    "binary": "0 and 1",
    "probability": "probabilities",
    "log_probability": "log-probabilities",
    "positive": "positive numbers",
    "nonnegative": "numbers from 0",
    "count": "counts 0, 1, 2 ...",
    "class": "class labels",
    "class_or_distribution": "class labels or probabilities",
    "class_or_mask": "class labels or masks",
    "class_list": "lists of class labels",
    "sequence": "one list of labels for each sequence, and lengths",
    "group": "labels; equal ones belong together",
}
WEIGHTS = {
    None: "none (use `sample_weight`)",
    "sum": "one for each element, broadcast from the right; the mean divides by their sum",
    "count": "broadcast from the right; does not enter the denominator",
    "class": "one for each class",
    "region": "one for each class that counts; does not enter the denominator",
}
DENOMINATOR = re.compile(r'(?:The mean|``"mean"``) divides.*?\.(?=\s|$)', re.DOTALL)


def words(text: str) -> str:
    return text.replace("_", " ")


def title(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}\n"


def denominator(facts: Any) -> str:
    """The sentence of the docstring that says what the mean divides by."""
    description = facts.doc.partition("\nParameters\n")[0]
    found = DENOMINATOR.search(description)
    if found is None:
        logger.warning("the docstring of %s does not say what the mean divides by", facts.name)
        return ""
    return " ".join(found.group().split())


def parameter(facts: Any, name: str, default: Any) -> str:
    limit = facts.limits.get(name)
    if isinstance(limit, tuple):
        return f"`{name}` = {default!r}, one of {', '.join(map(repr, limit))}"
    return f"`{name}` = {default!r}" + (f" in {limit}" if limit is not None else "")


def facts_table(function: Any) -> str:
    facts = function.definition
    by = ", ".join(f"`{name}`" for name in facts.differentiable)
    default = ", ".join(f"`{name}`" for name in facts.wrt)
    rows = [
        ("Targets", TARGETS.get(facts.target, words(facts.target))),
        ("Gradients by", by if facts.differentiable == facts.wrt else f"{by}; by default {default}"),
        ("Hessian", "diagonal, `grad_and_hess`" if facts.hessian else "none"),
        ("Convex", "in the first input" if facts.convex else "no"),
        ("Reductions", ", ".join(f"`{name}`" for name in facts.reductions)),
        ("Weight", WEIGHTS[facts.weight]),
        ("Hyper-parameters", "; ".join(parameter(facts, *item) for item in facts.parameters.items()) or "none"),
        ("Structure", words(facts.structure)),
    ]
    return rst_table(("Fact", ""), rows, "22 78")


def section(function: Any) -> str:
    facts = function.definition
    signature = inspect.signature(function.Loss)
    return "\n".join(
        [
            title(facts.name, "-"),
            f".. image:: {PLOTS}/{facts.name}.svg",
            f"   :alt: Value and slope of {facts.name} with its default hyper-parameters\n",
            f".. autofunction:: numbaloss.{facts.name}\n",
            ".. py:currentmodule:: numbaloss\n",
            f".. py:class:: {facts.class_name}{signature}\n",
            f"   :func:`{facts.name}` as an object, called as ``criterion({', '.join(facts.inputs)})``.",
            "   It has the methods of :class:`Loss`.\n",
            facts_table(function),
        ]
    )


def page(task: str, functions: list[Any]) -> str:
    if task not in TASKS:
        logger.warning("docs/_ext/loss_pages.py has no sentence on the task %r", task)
    contents = [title(task.capitalize(), "="), TASKS.get(task, ""), ""]
    rows = [(f":func:`~numbaloss.{function.__name__}`", function.definition.summary) for function in functions]
    return "\n".join([*contents, rst_table(("Loss", ""), rows, "38 62"), *map(section, functions)])


def overview(tasks: dict[str, list[Any]]) -> str:
    """A Markdown table of every loss."""
    lines = ["| function and class | targets | gradients by | Hessian | convex |", "| --- | --- | --- | --- | --- |"]
    for task, functions in tasks.items():
        lines.append(f"| **[{task}](api/generated/{task}.rst)** | | | | |")
        for function in functions:
            facts = function.definition
            lines.append(
                f"| {{func}}`~numbaloss.{facts.name}` {{class}}`~numbaloss.{facts.class_name}` | "
                f"{TARGETS.get(facts.target, words(facts.target))} | {', '.join(facts.differentiable)} | "
                f"{'✓' if facts.hessian else ''} | {'✓' if facts.convex else ''} |"
            )
    return "\n".join(lines) + "\n"


def denominators(functions: list[Any]) -> str:
    rows = [(f":func:`~numbaloss.{function.__name__}`", denominator(function.definition)) for function in functions]
    return "```{eval-rst}\n" + rst_table(("Loss", "In its docstring's words"), rows, "32 68") + "```\n"


def generate(app: Sphinx) -> None:
    from numbaloss.plugins.registry import builtins

    functions = sorted(builtins().values(), key=lambda function: (function.definition.task, function.__name__))
    tasks = {task: list(found) for task, found in groupby(functions, key=lambda function: function.definition.task)}
    tasks = dict(sorted(tasks.items(), key=lambda item: ([*TASKS].index(item[0]) if item[0] in TASKS else 99)))
    write(app.srcdir, {f"{task}.rst": page(task, found) for task, found in tasks.items()}, "*.rst")
    write(app.srcdir, {"fragments/losses.md": overview(tasks)}, "fragments/losses.md")
    write(app.srcdir, {"fragments/denominators.md": denominators(functions)}, "fragments/denominators.md")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", generate)
    return {"version": "1", "parallel_read_safe": True}
