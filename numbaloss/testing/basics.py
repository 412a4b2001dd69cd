"""What the checks share: which losses a check is for, how a loss is called, how numbers are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from numbaloss.definition import Definition
from numbaloss.loss import Loss

Array = np.ndarray[Any, Any]
LossFunction = Any  # what a decorator of numbaloss made: callable, with .definition and .Loss
Check = Callable[[LossFunction], None]


def only_if(condition: Callable[[Definition], bool]) -> Callable[[Check], Check]:
    """Say of a check which losses it is for; the others do not have it."""

    def mark(check: Check) -> Check:
        check.applies = condition  # type: ignore[attr-defined]
        return check

    return mark


def separable(facts: Definition) -> bool:
    """Whether each row has its value and gradient to itself, whatever other rows there are."""
    return bool(facts.facts.get("separable", True))


def loss_function(loss: Any) -> LossFunction:
    """The loss function meant by a name, a function, a class or an object."""
    if isinstance(loss, str):
        from numbaloss.plugins.registry import function

        return function(loss)
    if isinstance(loss, Loss) or (isinstance(loss, type) and issubclass(loss, Loss)):
        return loss.function
    if hasattr(loss, "definition") and hasattr(loss, "Loss"):
        return loss
    raise TypeError(f"wanted a loss made by a decorator of numbaloss, its class or its name, got {loss!r}")


def made(loss: LossFunction, **arguments: Any) -> Loss:
    """The loss object with these arguments."""
    built: Loss = loss.Loss(**arguments)
    return built


def as_tuple(gradients: Any) -> tuple[Any, ...]:
    """Gradients as a tuple, also where there is one alone."""
    return gradients if isinstance(gradients, tuple) else (gradients,)


def unreduced(
    loss: LossFunction, inputs: Sequence[Any], sample_weight: Any = None, **arguments: Any
) -> tuple[Any, tuple[Any, ...]]:
    """Every value, and the gradients of their sum by every differentiable input.

    Checks that need values or gradients take them from here, so that they share one kernel: compiling is what a run of
    the suite spends its time on.
    """
    named = differentiable(loss.definition, inputs)
    criterion = made(loss, reduction="none", **arguments)
    values, gradients = criterion.value_and_grad(*inputs, wrt=named, sample_weight=sample_weight)
    return values, gradients if len(named) > 1 else (gradients,)


def differentiable(facts: Definition, inputs: Sequence[Any]) -> tuple[str, ...]:
    """The inputs that have a gradient, given what kind they are: class labels have none."""
    return tuple(
        name
        for name, array in zip(facts.inputs, inputs, strict=True)
        if name in facts.differentiable and np.asarray(array).dtype.kind not in "iu"
    )


def labels_of(facts: Definition) -> str:
    """The name of the input that holds the labels."""
    return "target" if "target" in facts.inputs else "labels"


def with_labels(facts: Definition, arrays: Sequence[Array], scores: Array, labels: Array) -> tuple[Array, ...]:
    """The inputs of a loss of class labels, with another first one and other labels."""
    other = {facts.inputs[0]: scores, labels_of(facts): labels}
    return tuple(other.get(name, array) for name, array in zip(facts.inputs, arrays, strict=True))


def close(got: Any, wanted: Any, relative: float, what: str, absolute: float = 0.0) -> None:
    """Assert that arrays agree: ``|got - wanted| <= absolute + relative * |wanted|``; nan agrees with nan."""
    np.testing.assert_allclose(
        np.asarray(got, dtype=np.float64),
        np.asarray(wanted, dtype=np.float64),
        rtol=relative,
        atol=absolute,
        err_msg=what,
    )


def same_bits(got: Any, wanted: Any, what: str) -> None:
    """Assert that arrays have the same type, shape and bits (any nan is as good as any other)."""
    one, two = np.asarray(got), np.asarray(wanted)
    assert one.dtype == two.dtype, f"{what}: dtype {one.dtype}, wanted {two.dtype}"
    assert one.shape == two.shape, f"{what}: shape {one.shape}, wanted {two.shape}"
    different = (one != two) & ~((one != one) & (two != two))
    if different.any():
        place = tuple(int(index) for index in np.argwhere(different)[0])
        raise AssertionError(
            f"{what}: {int(different.sum())} of {one.size} differ; at {place}: {one[place]!r}, wanted {two[place]!r}"
        )


def tolerance(dtype: Any) -> float:
    """A relative error of some eight units of the last place."""
    return 8.0 * float(np.finfo(dtype).eps)


def raises(
    call: Callable[[], Any], error: type[Exception] | tuple[type[Exception], ...], *words: str, what: str
) -> None:
    """Assert that `call` raises `error` with a message in which one of `words` occurs."""
    try:
        call()
    except error as caught:
        message = str(caught)
        assert not words or any(word in message for word in words), (
            f"{what}: the message should name {' or '.join(words)}, it is: {message}"
        )
        return
    except Exception as caught:
        raise AssertionError(f"{what}: raised {type(caught).__name__}: {caught}") from caught
    raise AssertionError(f"{what}: nothing was raised")


@contextmanager
def told(what: str) -> Iterator[None]:
    """Put what was being tried before the message of whatever goes wrong in the block."""
    try:
        yield
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error


def shown(parameters: Mapping[str, Any]) -> str:
    """Hyper-parameters in a message."""
    return ", ".join(f"{name}={value!r}" for name, value in parameters.items()) or "defaults"
