"""The conformance suite: every check on a loss, as data, with pytest or without."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

from numbaloss.testing.basics import Check, LossFunction, loss_function

MODULES = (
    "checks_text",
    "checks_objects",
    "checks_errors",
    "checks_derivatives",
    "checks_symbolic",
    "checks_accuracy",
    "checks_regions",
    "checks_reductions",
    "checks_weights",
    "checks_parameters",
    "checks_layouts",
    "checks_types",
    "checks_extremes",
    "checks_twins",
    "checks_plain",
    "checks_device",
)

Status = Literal["passed", "failed", "expected failure", "unexpected pass"]


@dataclass(frozen=True)
class Result:
    """How one check on one loss ended."""

    loss: str
    name: str
    status: Status
    seconds: float
    message: str = ""

    @property
    def good(self) -> bool:
        """Whether it ended as it should."""
        return self.status in ("passed", "expected failure")

    def as_dict(self) -> dict[str, Any]:
        """The same, for JSON."""
        return asdict(self)


@cache
def all_checks() -> dict[str, Check]:
    """Every check by name, in the order they run: the cheap ones first."""
    found: dict[str, Check] = {}
    for module in MODULES:
        loaded = import_module(f"numbaloss.testing.{module}")
        for name, value in vars(loaded).items():
            if name.startswith("check_") and value.__module__ == loaded.__name__:
                found[name] = value
    return found


def left_out() -> dict[str, str]:
    """What cannot be checked here, and the package that is missing for it."""
    needs = {"bfloat16": "ml_dtypes", "CUDA kernels, in the simulator": "greenlet"}
    return {what: package for what, package in needs.items() if find_spec(package) is None}


def checks_for(loss: Any) -> dict[str, Check]:
    """The checks that a loss must pass, by name: those that do not fit it are left out."""
    facts = loss_function(loss).definition
    return {
        name: check
        for name, check in all_checks().items()
        if getattr(check, "applies", lambda _: True)(facts) and ("none" in facts.reductions or not _takes_apart(check))
    }


def _takes_apart(check: Check) -> bool:
    """Whether a check looks at single values, which a loss without ``reduction="none"`` does not have."""
    code = check.__code__
    return "none" in code.co_consts or not {"unreduced", "_without_nan", "_finite"}.isdisjoint(code.co_names)


def iter_checks(loss: Any) -> Iterator[tuple[str, Callable[[], None]]]:
    """Each check on a loss as ``(name, call)``; the call raises AssertionError where the loss fails."""
    function = loss_function(loss)
    for name, check in checks_for(function).items():
        yield name, partial(check, function)


def check_loss(
    loss: Any,
    *,
    expected_failed: Mapping[str, str] | None = None,
    callback: Callable[[Result], None] | None = None,
    names: Iterable[str] | None = None,
) -> list[Result]:
    """Put a loss through the whole suite.

    Parameters
    ----------
    loss : loss function, class, object or name
        What to check.
    expected_failed : mapping, optional
        Names of checks that are known to fail, with the reason. One of them that passes is an error: the entry is out
        of date.
    callback : callable, optional
        Called with each `Result` as it comes; then nothing is raised. Without it, the first bad result raises.
    names : iterable of str, optional
        Only these checks.

    Returns
    -------
    list of Result
        One for each check, in the order they ran.

    Raises
    ------
    AssertionError
        Without a callback, where a check ends as it should not.
    KeyError
        For a name that is no check.
    """
    function, expected = loss_function(loss), dict(expected_failed or {})
    wanted = None if names is None else set(names)
    for name in (*expected, *(wanted or ())):
        if name not in all_checks():
            raise KeyError(f"no check is called {name!r}; there are {', '.join(all_checks())}")
    results = []
    for name, check in checks_for(function).items():
        if wanted is not None and name not in wanted:
            continue
        result = _run(function, name, check, expected.get(name))
        results.append(result)
        if callback is not None:
            callback(result)
        elif not result.good:
            raise AssertionError(f"{result.loss}: {name}: {result.message}")
    return results


def _run(function: LossFunction, name: str, check: Check, reason: str | None) -> Result:
    start = time.perf_counter()
    try:
        check(function)
    except Exception as error:
        status: Status = "failed" if reason is None else "expected failure"
        message = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
        message = message if reason is None else f"{reason}: {message}"
    else:
        status = "passed" if reason is None else "unexpected pass"
        message = "" if reason is None else f"expected to fail ({reason}), but passed"
    return Result(function.definition.name, name, status, time.perf_counter() - start, message)


ExpectedFailures = Mapping[str, Mapping[str, str]] | Callable[[LossFunction], Mapping[str, str]]


def parametrize_loss_checks(
    losses: Iterable[Any], expected_failed_checks: ExpectedFailures | None = None
) -> Callable[[Callable[..., Any]], Any]:
    """A pytest decorator: one test for each loss and check, with the arguments `loss` and `check`.

    >>> @parametrize_loss_checks(["huber_loss"])
    ... def test_conformance(loss, check):
    ...     check(loss)

    `expected_failed_checks` says, by the loss's name or as a function of the loss, which checks are known to fail and
    why; they are strict xfails. Raises KeyError where it names a loss that is not among `losses`, or no check.
    """
    import pytest

    from numbaloss.testing.plain import announce

    cases = []
    functions = [loss_function(loss) for loss in losses]
    announce(functions)
    if not callable(expected_failed_checks):
        for name in set(expected_failed_checks or {}) - {function.definition.name for function in functions}:
            raise KeyError(f"failures are expected of {name!r}, which is not among the losses")
    for function in functions:
        name = function.definition.name
        if callable(expected_failed_checks):
            expected = expected_failed_checks(function)
        else:
            expected = (expected_failed_checks or {}).get(name, {})
        for check_name in set(expected) - set(checks_for(function)):
            raise KeyError(f"{name}: a failure is expected of {check_name!r}, which is no check of it")
        for check_name, check in checks_for(function).items():
            reason = expected.get(check_name)
            marks = [] if reason is None else [pytest.mark.xfail(reason=reason, strict=True)]
            cases.append(pytest.param(function, check, id=f"{name}-{check_name.removeprefix('check_')}", marks=marks))
    return pytest.mark.parametrize(("loss", "check"), cases)
