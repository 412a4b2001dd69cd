"""The facts each decorator takes, and what is wrong with those an author gives: said when the loss is defined."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numbaloss.compile.symbolic.derive import may_state_value_alone
from numbaloss.definition import REDUCTIONS, Interval, split_signature

# In which set of numbers an input may lie.
DOMAINS = (
    "real", "sign", "binary", "probability", "log_probability", "positive", "nonnegative", "count", "cosine", "group",
)  # fmt: skip
ALL = ("limits", "settings", "static", "domains_when", "ulp", "convex", "task", "class_name", "unit")
CLASSES = (*ALL, "weight_doc", "denominator", "max_ndim")


@dataclass(frozen=True)
class Taken:
    """What one decorator takes: facts, and options of its own, which say how it computes."""

    facts: tuple[str, ...] = ALL
    options: tuple[str, ...] = ()


DECORATORS = {
    "pointwise": Taken((
        *ALL, "target", "domain", "domains", "hessian", "differentiable", "wrt", "arrays", "vector", "broadcast",
        "class_mean", "reductions", "weight", "weight_doc",
    )),
    "softmax": Taken((*CLASSES, "hessian"), ("probabilities",)),
    "linear_softmax": Taken((*ALL, "weight_doc")),
    "cosines": Taken((*ALL, "weight_doc"), ("angle",)),
    "margins": Taken((*ALL, "weight_doc", "hessian"), ("sets", "hardest")),
    "picks": Taken((*CLASSES, "domain")),
    "distributions": Taken((*ALL, "wrt"), ("anchored",)),
    "pairs": Taken((*ALL, "target", "domains", "wrt", "shift", "functions"), ("measure", "inputs")),
    "triplets": Taken((*ALL, "domains", "wrt", "shift", "functions"), ("measure",)),
    "batch_pairs": Taken(ALL, ("rivals", "per", "matched")),
    "batch_triplets": Taken(ALL, ("mining",)),
    "sequences": Taken(ALL, ("logits",)),
    "regions": Taken((*ALL, "weight_doc")),
    "fused_regions": Taken(),
    "lovasz": Taken(),
    "kernel": Taken(
        (*ALL, "target", "domain", "domains", "differentiable", "wrt", "reductions"),
        ("labels", "draws", "gradient_of", "exact"),
    ),
}  # fmt: skip


class Checker:
    """The facts given to one decorator for one function."""

    def __init__(
        self,
        decorator: str,
        maths: Callable[..., Any],
        facts: Mapping[str, Any],
        inputs: Sequence[str],
        own: Sequence[str],
    ) -> None:
        arguments, parameters = split_signature(maths)
        self.loss, self.decorator, self.facts = maths.__name__, decorator, facts
        self.inputs = tuple(inputs or arguments)
        self.parameters = (*parameters, *(name for name in own if name not in parameters))

    def unknown(self) -> None:
        """TypeError for a fact that the decorator does not take."""
        taken = DECORATORS[self.decorator]
        names = (*taken.facts, *taken.options)
        for name in self.facts:
            if name not in names:
                near = difflib.get_close_matches(name, names, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(sorted(names))}"
                raise TypeError(f"{self.loss}: nl.{self.decorator} takes no fact {name!r}; {hint}")

    def one(self, name: str, value: Any) -> None:
        """TypeError or ValueError for a fact of the wrong kind."""
        match name:
            case "limits":
                for parameter, limit in self.mapping(name, self.parameters, "hyper-parameters").items():
                    self.limit(parameter, limit)
            case "settings":
                for parameter, values in self.mapping(name, self.parameters, "hyper-parameters").items():
                    if isinstance(values, str) or not isinstance(values, Sequence):
                        self.wrong(f"settings[{parameter!r}]", "be a list of values", values)
            case "static" | "arrays" | "functions":
                self.names(name, self.parameters, "hyper-parameters")
            case "vector":
                self.word(name, self.facts.get("arrays", ()), "be one of those in the fact arrays")
            case "differentiable" | "broadcast":
                self.names(name, self.inputs, "inputs")
            case "wrt":
                self.names(name, self.facts.get("differentiable", self.inputs), "differentiable inputs")
            case "domain" | "target":
                self.domain(name, value)
            case "domains":
                for one, domain in self.mapping(name, self.inputs, "inputs").items():
                    self.domain(f"domains[{one!r}]", domain)
            case "domains_when":
                self.conditions(value)
            case "reductions":
                self.names(name, (*REDUCTIONS, "batchmean"), "reductions")
            case "weight":
                self.word(name, ("sum", "count"))
            case "denominator":
                self.word(name, ("weights", "count"))
            case "convex" | "hessian" | "class_mean":
                if not isinstance(value, bool):
                    self.wrong(name, "be True or False", value)
            case "ulp" | "max_ndim":
                if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
                    self.wrong(name, "be a number above 0", value)
            case "task" | "class_name" | "unit" | "weight_doc":
                if not isinstance(value, str) or (name == "class_name" and not value.isidentifier()):
                    self.wrong(name, "be a name" if name == "class_name" else "be a text", value)

    def limit(self, parameter: str, limit: Any) -> None:
        """An interval as text, or the values allowed."""
        if isinstance(limit, (tuple, Interval)):
            return
        if not isinstance(limit, str) or not is_interval(limit):
            kind = TypeError if not isinstance(limit, str) else ValueError
            self.wrong(
                f"limits[{parameter!r}]",
                "be an interval as text, such as '(0, inf)' or '[0, 1]', or a tuple of the values allowed",
                limit,
                kind,
            )

    def conditions(self, given: Any) -> None:
        """``{(hyper-parameter, value): {input: domain}}``."""
        wanted = "be a dict {(hyper-parameter, value): {input: domain}}"
        if not isinstance(given, Mapping):
            self.wrong("domains_when", wanted, given)
        for key, domains in given.items():
            if not (isinstance(key, tuple) and len(key) == 2 and isinstance(domains, Mapping)):
                self.wrong("domains_when", wanted, given)
            self.member("domains_when", key[0], self.parameters, "hyper-parameters")
            for name, domain in domains.items():
                self.member("domains_when", name, self.inputs, "inputs")
                self.domain(f"domains_when[{key!r}]", domain)

    # ---- kinds

    def mapping(self, fact: str, known: Collection[str], what: str) -> Mapping[str, Any]:
        given = self.facts[fact]
        if not isinstance(given, Mapping):
            self.wrong(fact, f"be a dict with names of {what}", given)
        for name in given:
            self.member(fact, name, known, what)
        found: Mapping[str, Any] = given
        return found

    def names(self, fact: str, known: Collection[str], what: str) -> None:
        given = self.facts[fact]
        if isinstance(given, str) or not isinstance(given, (tuple, list)):
            example = given if isinstance(given, str) else next(iter(known), "name")
            self.wrong(fact, f"be a tuple of names, such as ({example!r},)", given)
        for name in given:
            self.member(fact, name, known, what)

    def member(self, fact: str, name: Any, known: Collection[str], what: str) -> None:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(
                f"{self.loss}: the fact {fact} names {name!r}; its {what} are {', '.join(known) or 'none'}{hint}"
            )

    def domain(self, fact: str, given: Any) -> None:
        """A word of one's own is allowed: `numbaloss.testing.inputs` can be told of it. A misspelt one is not."""
        if not isinstance(given, str):
            self.wrong(fact, f"be a word such as {', '.join(map(repr, DOMAINS[:4]))}", given)
        near = difflib.get_close_matches(given, DOMAINS, n=1)
        if given not in DOMAINS and near:
            raise ValueError(f"{self.loss}: the fact {fact} is {given!r}; did you mean {near[0]!r}?")

    def word(self, fact: str, known: Collection[str], why: str = "") -> None:
        if self.facts[fact] not in known:
            self.wrong(fact, why or f"be one of {', '.join(known)}", self.facts[fact], ValueError)

    def wrong(self, fact: str, wanted: str, got: Any, kind: type[Exception] = TypeError) -> None:
        raise kind(f"{self.loss}: the fact {fact} must {wanted}, got {got!r}")


Shape = str | tuple["Shape", ...]
"""What the mathematics returns: the name of a number, or a tuple of such."""

STANDARD: Shape = ("value", "slope", "curvature")


def check_facts(
    decorator: str,
    maths: Callable[..., Any],
    facts: Mapping[str, Any],
    *,
    returns: Shape,
    inputs: Sequence[str] = (),
    own: Sequence[str] = (),
    alone: bool = False,
) -> None:
    """Raise for what is wrong with the facts or with what `maths` returns, naming the loss and what is wanted.

    `returns` is what the structure takes, `inputs` the loss's arrays where they are not the function's arguments, and
    `own` the hyper-parameters that the structure adds. `alone` says that the value alone is enough.

    Raises
    ------
    TypeError
        A fact that the decorator does not take, or one of a wrong kind; a wrong number of results.
    ValueError
        A fact that names an input, a hyper-parameter or a domain that does not exist, or a text that is no interval.
    """
    checker = Checker(decorator, maths, facts, inputs, own)
    checker.unknown()
    for name, value in facts.items():
        checker.one(name, value)
    if not (decorator == "pointwise" and may_state_value_alone(maths)):  # which may call losses, and is traced later
        _check_results(maths, returns, alone)


def is_interval(text: str) -> bool:
    """Whether the text is an interval, ``[0, 1)``, with something in it."""
    text = text.strip()
    try:
        low, high = Interval(text).bounds
    except ValueError:
        return False
    closed = text[0] == "[" and text[-1] == "]"
    return text[0] in "[(" and text[-1] in "])" and (low < high or (low == high and closed and math.isfinite(low)))


def _check_results(maths: Callable[..., Any], wanted: Shape, alone: bool) -> None:
    """Try the mathematics on plain numbers, which costs a microsecond."""
    try:
        result = maths(*(0.5,) * len(split_signature(maths)[0]))
    except Exception:  # these numbers may be none that it takes; the first call that matters says what is wrong
        return
    if not _fits(result, wanted) and not (alone and _fits(result, "value")):
        also = " or the value alone" if alone else ""
        raise TypeError(f"{maths.__name__} must return {_shown(wanted)}{also}; it returns {_described(result)}")


def _fits(result: Any, wanted: Shape) -> bool:
    if isinstance(wanted, str):
        return not isinstance(result, (tuple, list))
    return (
        isinstance(result, tuple)
        and len(result) == len(wanted)
        and all(_fits(one, shape) for one, shape in zip(result, wanted, strict=True))
    )


def _shown(wanted: Shape) -> str:
    return wanted if isinstance(wanted, str) else f"({', '.join(map(_shown, wanted))})"


def _described(result: Any) -> str:
    """The kinds of what was returned, in the same brackets."""
    if isinstance(result, tuple):
        return f"({', '.join(map(_described, result))})"
    return "a number" if isinstance(result, (int, float)) else f"{result!r}"
