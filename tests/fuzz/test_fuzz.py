"""Random calls of every loss: right ones keep the rules, wrong ones are refused by name; nothing crashes.

The registry is looped over, so a new loss is fuzzed as soon as it is registered. By default a few fixed examples of
each run; ``NUMBALOSS_FUZZ_SECONDS=600 pytest tests/fuzz`` spends ten minutes on random ones, shared among the losses.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import rules
import rules_of_numbers
from calls import named
from cases import Case, cases
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from settings_drawn import sample_weights
from wrong_calls import refused_by_name, wrong_calls

from numbaloss.plugins.registry import builtins
from numbaloss.testing.checks_layouts import LAYOUTS

SECONDS = float(os.environ.get("NUMBALOSS_FUZZ_SECONDS", "0"))
FEW = settings(
    max_examples=5,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
MANY = settings(FEW, max_examples=40, derandomize=False, phases=[Phase.generate, Phase.shrink])
COPIES = (0, 0, 0, 0, 30, 1777)  # how often the rows of a case are repeated, to run on threads; mostly not at all


@dataclass(frozen=True)
class Draft:
    """A case, and how it is called besides the plain way."""

    case: Case
    layouts: tuple[str, ...]
    out: str
    wrt: tuple[str, ...]
    weight: Any
    copies: int
    half: Any


@st.composite
def drafts(draw: Any, loss: Any) -> Draft:
    case = draw(cases(loss))
    layout = st.sampled_from(sorted(LAYOUTS))
    names = named(case)
    wrt = draw(st.lists(st.sampled_from(names), unique=True, min_size=1))
    return Draft(
        case,
        tuple(draw(layout) for _ in case.arrays),
        draw(layout),
        tuple(name for name in names if name in wrt),
        draw(st.none() | sample_weights(case.batch)),
        draw(st.sampled_from(COPIES)),
        draw(st.sampled_from([None, np.float16, ml_dtypes.bfloat16])),
    )


def hold(draft: Draft) -> None:
    """Every rule holds of the call."""
    case = draft.case
    for rule in (*rules.PLAIN, *rules_of_numbers.PLAIN):
        rule(case)
    rules.layouts_do_not_matter(case, draft.layouts, draft.out, draft.wrt)
    rules.reductions_agree(case, draft.weight)
    if draft.copies:
        rules.rows_are_by_themselves(case, draft.copies)
        rules.threads_do_not_matter(case, draft.copies)
    if draft.half is not None:
        rules.halves_are_rounded_singles(case, draft.half)


def fuzz(check: Callable[[Any], None], strategy: Any, seconds: float) -> None:
    """Run a check on a few fixed examples, or on random ones until the time is up."""
    if not seconds:
        FEW(given(strategy)(check))()
        return
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        MANY(given(strategy)(check))()


@pytest.mark.slow
@pytest.mark.parametrize("name", builtins())
def test_right_calls_keep_the_rules(name: str) -> None:
    fuzz(hold, drafts(builtins()[name]), 0.9 * SECONDS / len(builtins()))


@pytest.mark.parametrize("name", builtins())
def test_wrong_calls_are_refused_by_name(name: str) -> None:
    fuzz(refused_by_name, wrong_calls(builtins()[name]), 0.1 * SECONDS / len(builtins()))
