"""Valid inputs for any loss, drawn from the facts on its definition.

A loss says of each of its inputs in which *domain* it lies ("real", "probability", "sign" ...), and of itself in which
*structure* it is computed ("pointwise", "softmax" ...). A new domain or structure is one entry in `DOMAINS` or
`STRUCTURES`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from numbaloss.definition import Definition
from numbaloss.testing import units

Array = np.ndarray[Any, Any]
Random = np.random.Generator

CLASSES = 5
WIDE = 110  # more classes than are transposed into tiles (100)
STEPS = 6  # time steps of a sequence
FEATURES = 3  # of a hidden state
POSITIONS = 3  # rows that one sample of (N, C, d1) holds
DIMENSIONS = 6  # of vectors that are compared
WIDTH = 4  # elements in a row of an elementwise loss


def _counts(drawn: Array) -> Array:
    return np.where(drawn == 1, 2, drawn).astype(np.float64)


@dataclass(frozen=True)
class Domain:
    """A set of numbers: how to draw from it and its members that are hard.

    `labels` says that its members are names for cases, not quantities that could be a little larger; `whole` that
    integers are welcome.
    """

    draw: Callable[[Random, tuple[int, ...]], Array]
    edges: tuple[float, ...] = ()
    labels: bool = False
    whole: bool = False


DOMAINS: dict[str, Domain] = {
    "real": Domain(lambda rng, shape: 3.0 * rng.standard_normal(shape), (0.0, 1.0, -1.0)),
    "sign": Domain(lambda rng, shape: rng.choice([-1.0, 1.0], shape), (-1.0, 1.0), labels=True, whole=True),
    "binary": Domain(lambda rng, shape: rng.choice([0.0, 1.0], shape), (0.0, 1.0), labels=True, whole=True),
    "probability": Domain(lambda rng, shape: rng.uniform(0.01, 0.99, shape), (0.0, 1.0)),
    "log_probability": Domain(lambda rng, shape: np.log(rng.uniform(0.01, 0.99, shape)), (0.0,)),
    "positive": Domain(lambda rng, shape: np.exp(1.5 * rng.standard_normal(shape)), (1e-3, 1e3)),
    "nonnegative": Domain(lambda rng, shape: np.exp(1.5 * rng.standard_normal(shape)), (0.0,)),
    # 1 is an edge: formulas for factorials change there
    "group": Domain(lambda rng, shape: rng.integers(0, 3, shape).astype(np.float64), labels=True, whole=True),
    "cosine": Domain(lambda rng, shape: rng.uniform(-0.95, 0.95, shape), (0.0,)),
    "count": Domain(lambda rng, shape: _counts(rng.poisson(3.0, shape)), (0.0, 1.0, 2.0), whole=True),
}


def generator(facts: Definition, salt: str = "") -> Random:
    """Random numbers that are the same on every run, and others for every loss."""
    return np.random.default_rng(zlib.crc32(f"{facts.name} {salt}".encode()))


def domain_name(facts: Definition, name: str, parameters: Mapping[str, Any] | None = None) -> str:
    """The domain of one input; the fact `domains_when` lets a hyper-parameter decide it."""
    settings = {**facts.parameters, **(parameters or {})}
    for (parameter, value), domains in facts.facts.get("domains_when", {}).items():
        if settings[parameter] == value and name in domains:
            return str(domains[name])
    if name in (special := facts.facts.get("domains", {})):
        return str(special[name])
    return facts.domain if name == facts.inputs[0] else facts.target


def domain(facts: Definition, name: str, parameters: Mapping[str, Any] | None = None) -> Domain:
    """The domain of one input as a `Domain`."""
    known = domain_name(facts, name, parameters)
    if known not in DOMAINS:
        raise LookupError(f"{facts.name}: nothing is known of the domain {known!r}; add it to inputs.DOMAINS")
    return DOMAINS[known]


def draw(
    facts: Definition,
    *,
    kind: str | None = None,
    rows: int = 8,
    dtype: Any = np.float64,
    parameters: Mapping[str, Any] | None = None,
    edges: bool = False,
    salt: str = "",
) -> tuple[Array, ...]:
    """One valid input for each argument of the loss.

    `kind` is one of `kinds(facts)`, `rows` the length of the first axis; with `edges` the first elements are the hard
    members of the domain (zeros, certain probabilities ...), where derivatives need not exist. Equal arguments give
    equal arrays.
    """
    structure = _structure(facts)
    rng = generator(facts, salt)
    return structure.draw(
        Request(facts, rng, kind or structure.kinds(facts)[0], rows, np.dtype(dtype), parameters, edges)
    )


def kinds(facts: Definition) -> tuple[str, ...]:
    """The kinds of input the loss takes, each of which another kernel may serve; the first is the usual one."""
    return _structure(facts).kinds(facts)


@dataclass(frozen=True)
class Request:
    """What `draw` was asked for."""

    facts: Definition
    rng: Random
    kind: str
    rows: int
    dtype: np.dtype[Any]
    parameters: Mapping[str, Any] | None
    edges: bool
    shape: tuple[int, ...] | None = None  # of the first input (a layer's: of its logits); None: a small one by kind

    def numbers(self, name: str, shape: tuple[int, ...]) -> Array:
        """Members of the domain of the input `name`."""
        members = domain(self.facts, name, self.parameters)
        drawn = np.asarray(members.draw(self.rng, shape), dtype=np.float64)
        if self.edges:
            count = min(len(members.edges), drawn.size)
            drawn.reshape(-1)[:count] = members.edges[:count]
        return drawn.astype(self.dtype)

    def setting(self, name: str) -> Any:
        """The value of a hyper-parameter."""
        return {**self.facts.parameters, **(self.parameters or {})}.get(name)

    def labels(self, shape: tuple[int, ...], classes: int) -> Array:
        """Class labels; with `edges`, one row is ignored where the loss can ignore rows."""
        drawn = self.rng.integers(0, classes, shape, dtype=np.int64)
        ignored = self.setting("ignore_index")
        if self.edges and ignored is not None and drawn.size > 1:
            drawn.reshape(-1)[1] = ignored
        return drawn

    def distributions(self, shape: tuple[int, ...]) -> Array:
        """Probabilities that add up to 1 along axis 1; with `edges`, the first row is certain."""
        drawn = self.rng.uniform(0.05, 1.0, shape)
        if self.edges:
            drawn[0] = 0.0
            drawn[0, 0] = 1.0
        shares: Array = drawn / drawn.sum(axis=1, keepdims=True)
        return shares.astype(self.dtype)

    def class_lists(self, shape: tuple[int, ...]) -> Array:
        """For each row some classes, none twice, then -1 and what is not read."""
        lists = np.stack([self.rng.permutation(shape[1]) for _ in range(shape[0])])
        counts = self.rng.integers(min(1, shape[1] - 1), shape[1], shape[0])
        if self.edges:
            counts[0] = 0
        for row, count in zip(lists, counts, strict=True):
            row[count] = -1
        return lists.astype(np.int64)

    def class_shape(self) -> tuple[int, ...]:
        """The shape of the logits, by kind unless asked for."""
        if self.shape is not None:
            return self.shape
        if self.kind == "wide":
            return self.rows, WIDE
        return (self.rows, CLASSES, POSITIONS) if self.kind.endswith("planes") else (self.rows, CLASSES)


@dataclass(frozen=True)
class Structure:
    """How inputs of one computational structure are drawn, which kinds of them there are, and of which shapes.

    `axes` names the axes of `Request.shape`, one of them "rows"; a name with dots stands for any number of such axes. A
    structure that names none takes the number of rows only.
    """

    draw: Callable[[Request], tuple[Array, ...]]
    kinds: Callable[[Definition], tuple[str, ...]]
    axes: Callable[[Definition, str], tuple[str, ...]] = lambda facts, kind: ()


def elements(request: Request) -> tuple[Array, ...]:
    """Elementwise inputs of one shape."""
    shape = (request.rows, WIDTH) if request.shape is None else request.shape
    return tuple(request.numbers(name, shape) for name in request.facts.inputs)


def classes(request: Request) -> tuple[Array, ...]:
    """Logits, log-probabilities or scores of the classes, with labels or distributions."""
    shape = request.class_shape()
    if request.facts.domain == "log_probability":
        with np.errstate(divide="ignore"):  # the certain row holds minus infinities
            scores = np.log(request.distributions(shape)).astype(request.dtype)
    else:
        scores = request.numbers(request.facts.inputs[0], shape)
    if request.facts.target == "class_list":
        return scores, request.class_lists(shape)
    if request.kind.startswith("distribution"):
        return scores, request.distributions(shape)
    return scores, request.labels(shape[:1] + shape[2:], shape[1])


def pairs(request: Request) -> tuple[Array, ...]:
    """One array of logits for each input."""
    return tuple(request.numbers(name, request.class_shape()) for name in request.facts.inputs)


def embeddings(request: Request) -> tuple[Array, ...]:
    """Rows of one width, and labels for them."""
    shape = request.class_shape()
    rows = tuple(request.numbers(name, shape) for name in request.facts.facts["rows"])
    labels = (request.numbers(name, shape[:-1]).astype(np.int64) for name in request.facts.facts["per_row"])
    return (*rows, *labels)


def sequences(request: Request) -> tuple[Array, ...]:
    """Logits or log-probabilities over time, padded labels, and lengths that leave room for an alignment."""
    facts, rng = request.facts, request.rng
    length, rows, symbols = request.shape or (STEPS, request.rows, CLASSES)
    most = (length + 1) // 2  # labels, if a blank has to come between any two
    scores = 3.0 * rng.standard_normal((length, rows, symbols))
    if facts.domain == "log_probability":
        scores = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    labels = rng.integers(1, symbols, (rows, most), dtype=np.int64)
    labels -= labels <= request.setting("blank")
    counts = rng.integers(1, most + 1, rows, dtype=np.int64)
    counts[0] = most
    steps = np.minimum(2 * counts - 1 + rng.integers(0, 2, rows), length)
    if request.edges and rows > 2:
        labels[0] = labels[0, 0]  # equal labels, which need a blank between them
        counts[2] = 0
    return scores.astype(request.dtype), labels, steps, counts


def vectors(request: Request) -> tuple[Array, ...]:
    """Vectors with labels, most of which occur twice; or two arrays of them and numbers."""
    drawn = []
    shape = request.shape or (request.rows, DIMENSIONS)
    for name in request.facts.inputs:
        if domain_name(request.facts, name) == "group":
            drawn.append(request.rng.permutation(np.arange(shape[0]) // 2).astype(np.int64))
        elif name in request.facts.facts["numbers"]:
            drawn.append(request.numbers(name, ()))
        else:
            drawn.append(request.numbers(name, shape))
    return tuple(drawn)


def hidden_states(request: Request) -> tuple[Array, ...]:
    """Hidden states, a linear layer's weight, labels or distributions, and the layer's bias."""
    rows, classes = request.class_shape()
    return layer(request, rows, FEATURES, classes)


def layer(request: Request, rows: int, features: int, classes: int) -> tuple[Array, ...]:
    """The same, of any size."""
    soft = request.kind == "distribution"
    return (
        request.numbers("input", (rows, features)),
        request.numbers("linear_weight", (classes, features)),
        request.distributions((rows, classes)) if soft else request.labels((rows,), classes),
        request.numbers("linear_bias", (classes,)),
    )


def classes_of(facts: Definition, arrays: tuple[Array, ...]) -> int:
    """How many classes the inputs are for."""
    return len(arrays[1]) if facts.structure == "head" else int(arrays[0].shape[1])


def class_kinds(facts: Definition) -> tuple[str, ...]:
    """The kinds of input of a loss over a class axis."""
    if facts.facts.get("max_ndim", 3) < 3:
        return "labels", "wide"
    soft = ("distribution", "distribution planes") if facts.target == "class_or_distribution" else ()
    return "labels", "wide", "planes", *soft


def images(request: Request) -> tuple[Array, ...]:
    """Planes of classes, with class labels or with masks of the same shape; under "labels", of a single position."""
    usual = (request.rows, CLASSES) if request.kind == "labels" else (request.rows, CLASSES, 2, POSITIONS)
    shape = request.shape or usual
    scores = request.numbers(request.facts.inputs[0], shape)
    if request.kind == "masks":
        return scores, request.rng.uniform(0.0, 1.0, shape).astype(request.dtype)
    return scores, request.labels(shape[:1] + shape[2:], shape[1])


def image_kinds(facts: Definition) -> tuple[str, ...]:
    """The kinds of input of a loss over regions."""
    return ("images", "labels") if facts.target == "class" else ("images", "masks", "labels")


def class_axes(facts: Definition, kind: str) -> tuple[str, ...]:
    """The axes of logits, by kind."""
    if kind.endswith(("planes", "images", "masks")):
        return "rows", "classes", "positions..."
    return "rows", "wide" if kind == "wide" else "classes"


def element_axes(facts: Definition, kind: str) -> tuple[str, ...]:
    """The axes of elementwise inputs; some losses average over the last."""
    return "elements...", *(("classes",) if facts.facts.get("class_mean") else ())


def vector_axes(facts: Definition, kind: str) -> tuple[str, ...]:
    """The axes of vectors that are compared row by row."""
    return "rows", "positions...", "width"


STRUCTURES: dict[str, Structure] = {
    "regions": Structure(images, image_kinds, class_axes),
    "pointwise": Structure(elements, lambda facts: ("elements",), element_axes),
    "softmax": Structure(classes, class_kinds, class_axes),
    "pick": Structure(classes, lambda facts: ("labels", "planes"), class_axes),
    "margins": Structure(classes, class_kinds, class_axes),
    "cosines": Structure(classes, class_kinds, class_axes),
    "head": Structure(hidden_states, lambda facts: ("labels", "wide", "distribution"), class_axes),
    "distributions": Structure(pairs, lambda facts: ("pairs", "wide", "planes"), class_axes),
    "pairs": Structure(embeddings, lambda facts: ("rows", "wide"), vector_axes),
    "triplets": Structure(embeddings, lambda facts: ("rows", "wide"), vector_axes),
    "sequence": Structure(sequences, lambda facts: ("padded",), lambda facts, kind: ("steps", "rows", "symbols")),
    "tiles": Structure(vectors, lambda facts: ("vectors",), lambda facts, kind: ("rows", "width")),
    "kernel": Structure(units.draw, units.kinds),
}


def axes(facts: Definition, kind: str) -> tuple[str, ...]:
    """The names of the axes a shape may be asked for with, see `Structure`."""
    return _structure(facts).axes(facts, kind)


def batch_axis(facts: Definition, array: Array, index: int = 0) -> int:
    """The axis of input number `index` along which its rows (or sequences) lie."""
    return int(facts.facts.get("batch_axis", 0)) if index == 0 and array.ndim > 1 else 0


def rows_of(facts: Definition, arrays: Sequence[Array], which: Any) -> tuple[Array, ...]:
    """Some of the rows of each input: a number, a slice, or an array of numbers or booleans.

    What all rows have in common (a single number; an input named by the fact `shared`) stays whole. Fewer arrays than
    inputs are taken for the first ones.
    """
    whole = shared(facts)
    return tuple(
        array if name in whole or not array.ndim else array[(*[slice(None)] * batch_axis(facts, array, index), which)]
        for index, (name, array) in enumerate(zip(facts.inputs, arrays, strict=False))
    )


def shared(facts: Definition) -> tuple[str, ...]:
    """The inputs that all rows have in common, such as a layer's weight; the others have one entry for each row."""
    return tuple(facts.facts.get("shared", ()))


def shares(facts: Definition, arrays: tuple[Array, ...], values: Array) -> Array:
    """What the mean multiplies each value by before it adds them: one, but for losses that divide by a length."""
    name = facts.facts.get("row_divisor")
    if name is None:
        return np.ones(values.shape)
    return 1.0 / np.maximum(arrays[facts.inputs.index(name)], 1)


def along(facts: Definition, weights: Array, gradient: Array) -> Array:
    """One number for each row, shaped to multiply a gradient by the first input."""
    axis = batch_axis(facts, gradient)
    return weights.reshape([1] * axis + [-1] + [1] * (gradient.ndim - axis - 1))


def _structure(facts: Definition) -> Structure:
    if facts.structure not in STRUCTURES:
        raise LookupError(f"{facts.name}: no inputs are known for {facts.structure!r}; add it to inputs.STRUCTURES")
    return STRUCTURES[facts.structure]
