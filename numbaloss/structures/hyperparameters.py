"""How the hyper-parameters of a loss get to its mathematics inside a kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbaloss.definition import split_signature
from numbaloss.loss import Loss

Sources = tuple[tuple[str, Any], ...]


def hyperparameters(loss: Loss, aside: tuple[str, ...] = ()) -> tuple[Sources, tuple[Any, ...]]:
    """Where each one comes from (see `render.calls`), and the values of those that the kernel takes as numbers.

    Those in `aside` are dealt with by the structure; the mathematics gets None.
    """
    facts = loss.definition
    sources: list[tuple[str, Any]] = []
    numbers = []
    for name in split_signature(facts.maths)[1]:
        value = loss.parameters[name]
        if name in aside:
            sources.append(("constant", None))
        elif isinstance(value, np.ndarray):
            sources.append(("input", None))
        elif name in facts.static or isinstance(value, (bool, str)) or value is None:
            sources.append(("constant", value))
        else:
            sources.append(("param", None))
            numbers.append(value)
    return tuple(sources), tuple(numbers)
