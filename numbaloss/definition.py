"""What is known of a loss: its mathematics and the facts that tests, documentation and kernels read."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

REDUCTIONS = ("none", "mean", "sum")
COMMON = ("weight", "reduction", "on_empty", "sample_weight")  # keywords besides a loss's own
# Keywords of the methods of a loss object, and where they belong.
OF_CALLS = {
    "sample_weight": "comes with the arrays: criterion(..., sample_weight=...)",
    "out": "is where a gradient goes: Loss(...).value_and_grad(..., out=...)",
    "wrt": "chooses gradients: Loss(...).value_and_grad(..., wrt=...)",
}


@dataclass(frozen=True)
class Interval:
    """The values a hyper-parameter may take, written as in mathematics: ``(0, inf)``, ``[0, 1)``."""

    text: str

    @cached_property
    def bounds(self) -> tuple[float, float]:
        low, high = self.text[1:-1].split(",")
        return float(low), float(high)

    def __contains__(self, value: object) -> bool:
        low, high = self.bounds
        number = float(value)  # type: ignore[arg-type]
        above = number > low if self.text[0] == "(" else number >= low
        below = number < high if self.text[-1] == ")" else number <= high
        return above and below

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, eq=False, repr=False)
class Definition:
    """One loss: its mathematics, and facts on it as data. Made by a structure's decorator, never by hand."""

    maths: Callable[..., Any]
    structure: str
    inputs: tuple[str, ...]
    parameters: Mapping[str, Any]
    target: str
    domain: str = "real"
    differentiable: tuple[str, ...] = ()
    wrt: tuple[str, ...] = ()
    task: str = ""
    class_name: str = ""
    reductions: tuple[str, ...] = REDUCTIONS
    limits: Mapping[str, Interval | tuple[Any, ...]] = field(default_factory=dict)
    static: tuple[str, ...] = ()
    arrays: tuple[str, ...] = ()
    weight: str | None = None
    hessian: bool = True
    convex: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<{self.name}: {self.summary}>"

    @property
    def stated(self) -> Callable[..., Any]:
        """The function its author wrote; `maths` is another one where slopes and curvature are derived from it."""
        return self.maths

    @property
    def derived(self) -> str | None:
        """The text of the function derived from the author's, who stated the value alone; None where it is his own."""
        return None

    @cached_property
    def name(self) -> str:
        return self.stated.__name__

    @property
    def doc(self) -> str:
        return inspect.cleandoc(self.stated.__doc__ or "")

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.doc.partition("\n")[0]

    @property
    def distribution(self) -> str:
        """The top-level package that states this loss."""
        return (self.stated.__module__ or "__main__").partition(".")[0]

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Hyper-parameters with defaults filled in; raises TypeError or ValueError naming the bad one."""
        unknown = set(given) - set(self.parameters)
        if unknown:
            raise TypeError(self._unknown(sorted(unknown)[0]))
        return {name: self.check_one(name, given.get(name, default)) for name, default in self.parameters.items()}

    def _unknown(self, name: str) -> str:
        """What is said of a keyword that a loss does not take."""
        if name in OF_CALLS:
            return f"{self.name}: {name} {OF_CALLS[name]}"
        known = ", ".join(self.parameters) or "none"
        common = [other for other in COMMON if other != "weight" or self.weight is not None]
        near = difflib.get_close_matches(name, [*self.parameters, *common, *self.inputs], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(common)}, too"
        return f"{self.name}: unknown argument {name!r}; its hyper-parameters are: {known}; {hint}"

    def check_one(self, name: str, value: Any) -> Any:
        """One hyper-parameter, as a plain bool, float, tuple or array."""
        default, limit = self.parameters[name], self.limits.get(name)
        if value is None and name in self.arrays:  # as torch says "no pos_weight"
            value = default
        if isinstance(limit, tuple):
            if callable(value) and name in self.facts.get("functions", ()):
                return value
            if value not in limit:
                raise ValueError(f"{self.name}: {name} must be one of {limit}, got {value!r}")
            return value
        if value is None and default is None:
            return None
        if isinstance(default, bool):
            if not isinstance(value, (bool, np.bool_)):
                raise TypeError(f"{self.name}: {name} must be True or False, got {value!r}")
            return bool(value)
        if isinstance(default, int):
            if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
                raise TypeError(f"{self.name}: {name} must be an integer, got {value!r}")
            if limit is not None and value not in limit:
                raise ValueError(f"{self.name}: {name} must lie in {limit}, got {value!r}")
            return int(value)
        if np.ndim(value) and name in self.arrays:
            return self.check_array(name, value)
        try:
            number = None if isinstance(value, (str, bytes)) else float(value)
        except (TypeError, ValueError):
            number = None
        if number is None:
            raise TypeError(f"{self.name}: {name} must be a number, got {value!r}")
        if math.isnan(number) or (limit is not None and number not in limit):
            raise ValueError(f"{self.name}: {name} must lie in {limit or 'the real line'}, got {value!r}")
        return number

    def check_array(self, name: str, value: Any) -> np.ndarray[Any, Any]:
        array, limit = np.array(value, dtype=np.float64), self.limits.get(name)
        array.flags.writeable = False
        if isinstance(limit, Interval) and not all(item in limit for item in array.flat):
            raise ValueError(f"{self.name}: every {name} must lie in {limit}, got {value!r}")
        return array


ACRONYMS = {"mse", "msle", "mape", "nll", "kl", "jsd", "ctc"}


def camel_case(name: str) -> str:
    """``huber_loss`` -> ``HuberLoss``; a name without ``_loss`` gets it; acronyms stay capitals."""
    parts = name.removesuffix("_loss").split("_")
    return "".join(part.upper() if part in ACRONYMS else part.capitalize() for part in parts) + "Loss"


def split_signature(maths: Callable[..., Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The array arguments (no default) and the hyper-parameters (with their defaults) of a loss's mathematics."""
    inputs, parameters = [], {}
    for name, parameter in inspect.signature(maths).parameters.items():
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            raise TypeError(f"{maths.__name__}: argument {name!r} must be an ordinary argument, not {parameter.kind}")
        if parameter.default is parameter.empty:
            inputs.append(name)
        else:
            parameters[name] = parameter.default
    return tuple(inputs), parameters
