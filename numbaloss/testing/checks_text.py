"""Checks of what a reader sees: the documentation, the signature, and the text of the mathematics."""

from __future__ import annotations

import ast
import doctest
import inspect
import sys
import textwrap

from numbaloss.testing.basics import LossFunction, told


def check_documented(loss: LossFunction) -> None:
    """The docstring has a summary line, a formula, every argument, a reference and an example."""
    facts = loss.definition
    assert facts.summary.endswith("."), f"the docstring's first line is no sentence: {facts.summary!r}"
    assert ".. math::" in facts.doc, "the docstring has no formula (.. math::)"
    for section in ("Parameters\n-", "References\n-", "Examples\n-"):
        assert section in facts.doc, f"the docstring has no section {section.split()[0]}"
    written = inspect.getdoc(loss) or ""
    for name in inspect.signature(loss).parameters:
        assert _described(name, written) or name in _SHARED_BY_MANY, f"the docstring does not describe {name}"


_SHARED_BY_MANY = ("ignore_index",)  # described where labels are


def _described(name: str, text: str) -> bool:
    heads = [line.partition(" : ")[0] for line in text.splitlines() if " : " in line and not line.startswith(" ")]
    return any(name in head.replace(" ", "").split(",") for head in heads)


def check_examples_run(loss: LossFunction) -> None:
    """The docstring has a doctest, and it passes."""
    facts = loss.definition
    module = sys.modules[facts.maths.__module__]
    scope = {**vars(module), facts.name: loss}
    tests = doctest.DocTestFinder(recurse=False).find(facts.maths, facts.name, module=False, globs=scope)
    examples = sum(len(test.examples) for test in tests)
    assert examples, "the docstring has no doctest"
    report: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    for test in tests:
        runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)


def check_signature(loss: LossFunction) -> None:
    """The function takes arrays first, then hyper-parameters and common keywords by name; the class takes the rest."""
    facts = loss.definition
    signature = inspect.signature(loss)
    positional = [name for name, one in signature.parameters.items() if one.kind is one.POSITIONAL_OR_KEYWORD]
    keywords = {name: one.default for name, one in signature.parameters.items() if one.kind is one.KEYWORD_ONLY}
    assert tuple(positional) == facts.inputs, f"arrays {positional}, wanted {facts.inputs}"
    wanted = {**facts.parameters, "reduction": "mean", "sample_weight": None, "on_empty": "nan"}
    if facts.weight is not None:
        wanted["weight"] = None
    assert keywords == wanted, f"keywords {keywords}, wanted {wanted}"
    constructor = set(inspect.signature(loss.Loss).parameters)
    assert constructor == set(wanted) - {"sample_weight"}, f"the class takes {sorted(constructor)}"
    assert loss.__name__ == facts.name, f"the function is called {loss.__name__}, the loss {facts.name}"
    assert loss.Loss.__name__.endswith("Loss"), f"the class's name {loss.Loss.__name__} does not end in Loss"
    assert set(facts.wrt) <= set(facts.differentiable) <= set(facts.inputs), "wrt and differentiable name no inputs"


def check_plain_mathematics(loss: LossFunction) -> None:
    """The mathematics has float literals only and calls helpers by their bare name, so that any precision can have it.

    An integer would be a float64 in a float32 kernel; a name reached through a module cannot be given its meaning on
    a device.
    """
    with told("reading the mathematics"):
        text = textwrap.dedent(inspect.getsource(loss.definition.maths))
        function = ast.parse(text).body[0]
    assert isinstance(function, ast.FunctionDef), "the mathematics is no ordinary function"
    harmless = {
        id(node) for sub in ast.walk(function) if isinstance(sub, ast.Subscript) for node in ast.walk(sub.slice)
    }
    # comparisons with a hyper-parameter that is an integer choose a branch when the kernel is compiled
    whole = {name for name, value in loss.definition.parameters.items() if type(value) is int}
    for sub in ast.walk(function):
        if isinstance(sub, ast.Compare) and isinstance(sub.left, ast.Name) and sub.left.id in whole:
            harmless |= {id(node) for node in ast.walk(sub)}
    loops = loss.definition.structure == "kernel"  # over indices, which are integers, up to a vector's length
    if loops:
        harmless |= {
            id(node)
            for call in ast.walk(function)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "range"
            for node in ast.walk(call)
        }
    for statement in function.body:
        for node in ast.walk(statement):
            where = f"line {getattr(node, 'lineno', '?')} of {loss.definition.name}"
            if isinstance(node, ast.Constant) and type(node.value) is int and id(node) not in harmless:
                raise AssertionError(f"{where}: the integer {node.value}; write {float(node.value)}")
            if isinstance(node, ast.Attribute) and not (loops and node.attr in ("size", "shape", "ndim")):
                raise AssertionError(
                    f"{where}: {ast.unparse(node)} is reached through a module; import the function itself"
                )
