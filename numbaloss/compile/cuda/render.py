"""Small functions of CUDA kernels whose text depends on how many arrays a loss takes, and on the width of a vector."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from numbaloss.compile.render import calls, function

Sources = tuple[tuple[str, Any], ...]


def spread(i: Any, inner: Any, outer: Any) -> Any:
    """Where an array that is repeated lies: each element `inner` times, and all of them again and again."""
    return i // inner % outer


def item(array: Any, i: Any) -> Any:
    """An element of an array of whole numbers."""
    return array[i]


@cache
def product(kinds: tuple[str, ...]) -> Any:
    """The product of the weights of one element."""
    factors, spreads = [], 0
    for k, kind in enumerate(kinds):
        factors.append(read(f"weights[{k}]", kind, spreads, 1) + "[0]")
        spreads += kind == "spread"
    return function(f"def product(weights, spreads, i):\n    return {' * '.join(factors)}\n", spread=spread, **OPEN)


@cache
def chunk(
    maths: Callable[..., Any],
    sources: Sources,
    weights: tuple[str, ...],
    outputs: tuple[str, ...],
    wanted: tuple[int, ...],
    many: bool,
    width: int,
) -> Any:
    """Reads, computes and writes `width` elements; gives the sum of their weighted values.

    A source is an array in the type of the memory ("input"), one in the type of the arithmetic that is repeated
    ("spread") or not ("real"), a scalar ("param") or a ("constant"); each of the `weights` is a "spread" or "real".
    `outputs` names what is written, in order: "values", "curvature", and else a gradient, of the slopes numbered
    `wanted`. `many` tells a tuple of slopes from one.
    """
    lines, arguments = [], []
    arrays = spreads = params = 0
    for kind, constant in sources:
        if kind == "constant":
            arguments.append(repr(constant))
        elif kind == "param":
            arguments.append(f"params[{params}]")
            params += 1
        else:
            lines.append(f"a{arrays} = {read(f'inputs[{arrays}]', kind, spreads, width)}")
            arguments.append(f"a{arrays}[{{k}}]")
            spreads += kind == "spread"
            arrays += 1
    for w, kind in enumerate(weights):
        lines.append(f"w{w} = {read(f'weights[{w}]', kind, spreads, width)}")
        spreads += kind == "spread"
    call, weight = ", ".join(arguments), "".join(f" * w{w}[{{k}}]" for w in range(len(weights)))
    for k in range(width):
        lines.append(f"v{k}, s{k}, c{k} = loss({call.format(k=k)})")
        lines.append(f"f{k} = scale{weight.format(k=k)}")
        if weights:
            lines.append(f"v{k} = v{k}{weight.format(k=k)}")
    slopes = iter(f"s{{k}}[{slope}] * f{{k}}" if many else "s{k} * f{k}" for slope in wanted)
    forms = {"values": "v{k}", "curvature": "c{k} * f{k}"}
    for place, name in enumerate(outputs):
        lines.append(write(f"outputs[{place}]", forms.get(name) or next(slopes), width))
    lines.append("return " + " + ".join(f"v{k}" for k in range(width)))
    head = "def chunk(i, inputs, spreads, params, weights, scale, outputs):\n    "
    return function(head + "\n    ".join(lines) + "\n", loss=maths, spread=spread, **OPEN)


@cache
def pack(width: int) -> Any:
    """The tuple of `width` values from one place on."""
    return function(f"def pack(values, k):\n    return {row('values[k + {k}]', width)}\n")


@cache
def unit(maths: Callable[..., Any], inputs: int, wanted: tuple[bool, ...], checked: int, sources: Sources) -> Any:
    """Calls the author's function on unit `i` of each input; `wanted` says which gradients are.

    Gradients are zero before and multiplied by `factor` afterwards. Where one of the `checked` arrays of labels has one
    out of range, the function is not called: value and gradients are nan.
    """
    from numbaloss.kernels.cuda import units

    slots = range(sum(wanted))
    given = [f"inputs[{k}][i]" for k in range(inputs)]
    numbered = iter(slots)
    given += [f"gradients[{next(numbered)}][i]" if asked else "None" for asked in wanted]
    lines = []
    if checked:
        inside = " and ".join(f"within(labels[{k}], limits[{2 * k}], limits[{2 * k + 1}], i)" for k in range(checked))
        poison = [f"        fill(slots[{k}], lengths[{k}], i, NAN)" for k in slots]
        lines += [f"    if not ({inside}):", *poison, "        return NAN"]
    lines += [f"    fill(slots[{k}], lengths[{k}], i, 0.0)" for k in slots]
    lines += [f"    value = real(loss({calls(given, sources)}))"]
    lines += [f"    scale(slots[{k}], lengths[{k}], i, factor)" for k in slots]
    head = "def unit(inputs, labels, limits, gradients, slots, lengths, params, factor, i):"
    scope = {name: getattr(units, name) for name in ("within", "fill", "scale", "NAN", "real")}
    return function("\n".join([head, *lines, "    return value\n"]), loss=maths, **scope)


def read(array: str, kind: str, spreads: int, width: int) -> str:
    """A tuple of `width` elements."""
    if kind == "spread":
        inner, outer = f"spreads[{2 * spreads}]", f"spreads[{2 * spreads + 1}]"
        return row(f"{array}[spread(i + {{k}}, {inner}, {outer})]", width)
    if kind == "real":
        return row(f"{array}[i + {{k}}]", width)
    return f"load_vector({array}, i)" if width > 1 else f"(load({array}, i),)"


def write(array: str, form: str, width: int) -> str:
    return f"store_vector({array}, i, {row(form, width)})" if width > 1 else f"store({array}, i, {form.format(k=0)})"


def row(form: str, width: int) -> str:
    """A tuple with one item for each k, as text."""
    return "(" + "".join(form.format(k=k) + ", " for k in range(width)) + ")"


def _open(*arguments: Any) -> Any:
    raise NotImplementedError


OPEN: dict[str, Any] = dict.fromkeys(("load", "store", "load_vector", "store_vector"), _open)


@cache
def access(width: int) -> dict[str, Any]:
    """How a kernel reads `width` neighbours as a tuple, and writes as many from a local array."""
    items = row("row[{k}]", width)
    reads = "load_vector(pointer, i)" if width > 1 else "(load(pointer, i),)"
    writes = f"store_vector(pointer, i, {items})" if width > 1 else "store(pointer, i, row[0])"
    return {
        "read": function(f"def read(pointer, i):\n    return {reads}\n", **OPEN),
        "write": function(f"def write(pointer, i, row):\n    {writes}\n", **OPEN),
    }


@cache
def combined(maths: Callable[..., Any] | None, count: int, sources: Sources) -> Any:
    """Calls `maths` on `count` numbers and its hyper-parameters; without it, their sum weighed by the parameters."""
    numbers = [f"numbers[{k}]" for k in range(count)]
    if maths is None:
        lines = [f"slopes[{k}] = params[{k}]" for k in range(count)]
        lines.append("return " + " + ".join(f"params[{k}] * {number}" for k, number in enumerate(numbers)))
    else:
        lines = [f"value, found = loss({calls(numbers, sources)})"]
        lines += [f"slopes[{k}] = found[{k}]" for k in range(count)]
        lines.append("return value")
    return function("def combined(numbers, params, slopes):\n    " + "\n    ".join(lines) + "\n", loss=maths)


# ---- runs of a row, to and from a local array


@cache
def take(width: int) -> Any:
    """Reads `width` elements into ``held[k:]``."""
    if width == 1:
        return function("def take(pointer, i, held, k):\n    held[k] = load(pointer, i)\n", **OPEN)
    lines = ["values = load_vector(pointer, i)", *(f"held[k + {w}] = values[{w}]" for w in range(width))]
    return function("def take(pointer, i, held, k):\n    " + "\n    ".join(lines) + "\n", **OPEN)


@cache
def put(width: int) -> Any:
    """Writes `width` elements from ``held[k:]``."""
    line = "store(pointer, i, held[k])"
    if width > 1:
        line = "store_vector(pointer, i, (" + ", ".join(f"held[k + {w}]" for w in range(width)) + "))"
    return function(f"def put(pointer, i, held, k):\n    {line}\n", **OPEN)
