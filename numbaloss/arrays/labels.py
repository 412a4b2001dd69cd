"""Whether class labels that lie on a device are looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_checking: ContextVar[bool] = ContextVar("checking", default=False)


@contextmanager
def check_labels(on: bool = True) -> Iterator[None]:
    """Inside, class labels on a CUDA device that are out of range raise ValueError, as they do on the host.

    Finding out means waiting for the device in every call, so it is off otherwise: such a label then makes nan of its
    row's value and gradient, and so of the mean. Arrays on the host are always checked.
    """
    token = _checking.set(on)
    try:
        yield
    finally:
        _checking.reset(token)


def checking_labels() -> bool:
    """Whether labels are checked now."""
    return _checking.get()
