"""Mistakes of the user: one clear line on standard error and exit status 2, without a traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperGroup


class UserError(Exception):
    """A mistake of the user; the message is all there is to say."""


class PlainErrors(TyperGroup):
    """The commands; a `UserError` of one becomes a line on standard error."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            print(f"numbaloss: {error}", file=sys.stderr)
            sys.exit(2)
        except BrokenPipeError:  # the reader, `head` say, has seen enough
            sys.stderr.close()
            sys.exit(0)


@contextmanager
def users_mistakes(*kinds: type[Exception]) -> Iterator[None]:
    """Turns exceptions of these kinds into a `UserError` with their message and notes.

    Meant for the few lines that digest what the user wrote, so that a defect elsewhere keeps its traceback.
    """
    try:
        yield
    except kinds as error:
        notes = getattr(error, "__notes__", ())
        raise UserError("\n  ".join((str(error), *notes))) from error
