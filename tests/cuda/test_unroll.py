"""Loops of marked templates are written out where their length is known, and stay loops elsewhere."""

from __future__ import annotations

import dis
from typing import Any

import pytest

from numbaloss.compile.cuda.unroll import unrolled, written_out

ROWS, COLUMNS = 2, 3


@unrolled
def table(cells: list[Any], count: int) -> list[Any]:
    for r in range(ROWS):
        base = 10 * r
        for c in range(COLUMNS):
            if c != 1:
                cells.append(base + c)
    for extra in range(count):
        cells.append(-extra)
    return cells


def loops(function: Any) -> int:
    """How many places are jumped back to (from several places, in some versions of Python)."""
    return len({one.argval for one in dis.get_instructions(function) if "JUMP_BACKWARD" in one.opname})


@pytest.mark.parametrize("columns", [1, 3, 5])
def test_written_out_is_the_same(columns: int) -> None:
    found = written_out(table, {"COLUMNS": columns})
    wanted = [10 * r + c for r in range(2) for c in range(columns) if c != 1] + [0, -1]
    assert found([], 2) == wanted
    assert loops(found) == 1
    assert loops(table) == 3


def test_errors_are_at_the_lines_of_the_source() -> None:
    found = written_out(table, {})
    with pytest.raises(AttributeError) as raised:
        found(None, 0)
    assert str(raised.traceback[-1].statement).strip() == "cells.append(base + c)"
    assert raised.traceback[-1].path.name == "test_unroll.py"
