"""Losses that fit no other structure: a kernel of the author's own for one unit, and all that goes around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from numbaloss.definition import Definition, split_signature
from numbaloss.structures.define import define
from numbaloss.structures.facts import check_facts
from numbaloss.structures.publish import publish
from numbaloss.structures.units import KernelLoss

Shapes = Mapping[str, tuple["int | str", ...]]


def kernel(
    maths: Callable[..., Any] | None = None,
    *,
    shapes: Shapes,
    cuda: Callable[..., Any] | None = None,
    **facts: Any,
) -> Any:
    """Make a loss of a function that computes one *unit* (a row, a pair of boxes) by itself: the escape hatch.

    For losses that are no function of one element, of a row's probabilities or of a distance. The function is plain
    Python in Numba's subset: loops, indices and helper functions are fine. Its arguments are the unit's part of each
    input, a vector to write each gradient to, and the hyper-parameters, which have defaults (whole numbers arrive as
    integers); it returns the value: ``(boxes1, boxes2, gradient1, gradient2, eps=1e-7) -> value``. Everything else is
    done around it: checks, types, layouts, weights, reductions, `out`, serial and parallel kernels.

    `shapes` gives the shape of one unit of each input, ``{"boxes1": (4,), "boxes2": (4,)}``, in the order of the
    arguments. A word stands for an axis of any length that must be the same wherever it occurs (``("C",)``); ``()`` is
    a single number. Inputs may have any leading axes, the same for all. A gradient argument has the shape of its
    input's unit (one of a single number: ``(1,)``), is None where that gradient is not asked for, and is zero
    otherwise when the function is called. The function writes, or adds, the plain derivative of the value; weights and
    the reduction's divisor are multiplied on afterwards.

    Facts besides those of `pointwise` that are not about elements: `differentiable` (which inputs the gradient
    arguments belong to, by default the first ones that are no labels), `labels` (inputs of whole numbers, which
    arrive as int64: ``{"target": "C"}`` for labels from 0 to the length of the axis less one, which are checked, or
    ``{"group": None}`` for any), `draws` (how the tests make an input: ``{"boxes1": function}`` of a NumPy generator
    and a shape), `gradient_of` (where the gradient is on purpose not that of the value: a function ``(inputs..., the
    same inputs again, hyper=default)`` whose derivative by the former, the latter held, it is), `exact` (False: the
    function cannot be run on numbers of fifty digits, as with NumPy's functions), `unit` (what a unit is, in words).

    `cuda` is the function for one unit on a CUDA device, with the same arguments, where this one does not compile
    there: a device's function makes no arrays and calls none of NumPy's functions. It must compute the same.
    """
    if maths is None:
        return lambda function: kernel(function, shapes=shapes, cuda=cuda, **facts)
    return publish(_defined(maths, dict(shapes), cuda, facts), KernelLoss)


def _defined(
    maths: Callable[..., Any], shapes: dict[str, tuple[int | str, ...]], cuda: Any, facts: dict[str, Any]
) -> Definition:
    name = maths.__name__
    arguments, parameters = split_signature(maths)
    inputs, slots = arguments[: len(shapes)], arguments[len(shapes) :]
    check_facts("kernel", maths, facts, returns="value", inputs=tuple(shapes))
    labels = dict(facts.pop("labels", {}))
    if inputs != tuple(shapes):
        raise TypeError(f"{name}: shapes are of {tuple(shapes)}, but the first arguments are {inputs}")
    if not set(labels) <= set(inputs):
        raise TypeError(f"{name}: labels names {sorted(set(labels) - set(inputs))}, which are no inputs")
    _check_shapes(name, shapes, labels)
    numbers = tuple(one for one in inputs if one not in labels)
    differentiable = tuple(facts.pop("differentiable", numbers[: len(slots)]))
    if differentiable != tuple(one for one in numbers if one in differentiable):
        raise TypeError(f"{name}: differentiable must name inputs in their order, no labels, got {differentiable}")
    if not slots or len(slots) != len(differentiable):
        raise TypeError(
            f"{name}: after its inputs it must take one argument for each gradient, by {differentiable}, got {slots}"
        )
    wrt = tuple(facts.pop("wrt", differentiable[:1]))
    if not wrt or wrt != tuple(one for one in differentiable if one in wrt):
        raise TypeError(f"{name}: wrt must name some of {differentiable} in their order, got {wrt}")
    if cuda is not None and split_signature(cuda) != (arguments, parameters):
        raise TypeError(f"{name}: cuda must be a function of the same arguments, {arguments} and {parameters}")
    facts.setdefault("target", _target(shapes, labels))
    facts.setdefault("unit", "unit")
    return define(
        maths, "kernel", inputs=inputs, differentiable=differentiable, wrt=wrt, hessian=False, shapes=shapes,
        labels=labels, cuda=cuda, **facts,
    )


def _check_shapes(name: str, shapes: Mapping[str, Any], labels: Mapping[str, str | None]) -> None:
    for one, shape in shapes.items():
        lengths = shape if isinstance(shape, tuple) else (None,)
        if not all(isinstance(length, str) or (type(length) is int and length > 0) for length in lengths):
            raise TypeError(f"{name}: the shape of {one} must be a tuple of lengths and names of axes, got {shape!r}")
    named = {length for shape in shapes.values() for length in shape if isinstance(length, str)}
    for one, axis in labels.items():
        if axis is not None and axis not in named:
            raise TypeError(f"{name}: {one} holds labels of the axis {axis!r}, which no input has")


def _target(shapes: Shapes, labels: Mapping[str, str | None]) -> str:
    """What targets are, for the tests and the documentation: "class" for a label of the first input's only axis."""
    first = next(iter(shapes.values()))
    plain = len(first) == 1 and shapes.get("target") == () and labels.get("target") == first[0]
    return "class" if plain else "real"
