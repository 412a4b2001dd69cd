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
from cases import Case, cases
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
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
COPIES = (0, 0, 0, 0, 300, 1777)  # how often the rows of a case are repeated, to run on threads; mostly not at all


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
    names = rules.named(case)
    wrt = draw(st.lists(st.sampled_from(names), unique=True, min_size=1))
    return Draft(
        case,
        tuple(draw(layout) for _ in case.arrays),
        draw(layout),
        tuple(name for name in names if name in wrt),
        draw(st.none() | weights(case)),
        draw(st.sampled_from(COPIES)),
        draw(st.sampled_from([None, np.float16, ml_dtypes.bfloat16])),
    )


@st.composite
def weights(draw: Any, case: Case) -> Any:
    """One weight for each row, zeros among them."""
    shape = case.arrays[0].shape
    vector = len(shape) == 1 and (case.facts.structure != "pointwise" or case.facts.facts.get("class_mean"))
    size = 1 if vector or not shape else shape[0]
    found = np.array(draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 7.0]), min_size=size, max_size=size)))
    return found[0] if vector or not shape else found


def hold(draft: Draft) -> None:
    """Every rule holds of the call."""
    case = draft.case
    for rule in rules.PLAIN:
        rule(case)
    rules.layouts_do_not_matter(case, draft.layouts, draft.out, draft.wrt)
    rules.reductions_agree(case, draft.weight)
    if draft.copies:
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


# Losses whose rows are not by themselves, or hold other things than numbers and a label, have properties of their own:
# test_regions, test_region_mixes, test_lovasz, test_contrastive, test_embeddings, test_ctc, test_head.
ROW_BY_ROW = [name for name, loss in builtins().items() if loss.definition.structure in rules.INDEPENDENT]


@pytest.mark.slow
@pytest.mark.parametrize("name", ROW_BY_ROW)
def test_right_calls_keep_the_rules(name: str) -> None:
    fuzz(hold, drafts(builtins()[name]), 0.9 * SECONDS / len(ROW_BY_ROW))


@pytest.mark.parametrize("name", builtins())
def test_wrong_calls_are_refused_by_name(name: str) -> None:
    fuzz(refused_by_name, wrong_calls(builtins()[name]), 0.1 * SECONDS / len(builtins()))
