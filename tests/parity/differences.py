"""The table of deliberate differences (docs/differences.toml), and what each entry must look like in numbers.

A difference shows itself in one of two ways, and every entry of the table must show itself somewhere:

- `entry_for` recognises a sample of torch's by a predicate; `check` then states what numbaloss does instead;
- a test decorated with `@shows(key)` asserts both what the other library does and what numbaloss does.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from torch_cases import Case, assert_close, assert_parity, by_numbaloss, by_torch, loss_object, numpy_of

TABLE = Path(__file__).parents[2] / "docs" / "differences.toml"
SHOWN: dict[str, str] = {}  # key -> the test that shows it
Test = TypeVar("Test", bound=Callable[..., Any])


def table() -> list[dict[str, str]]:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))["difference"]


def shows(*keys: str) -> Callable[[Test], Test]:
    """Say that a test demonstrates these entries of the table."""

    def mark(test: Test) -> Test:
        known = {entry["key"] for entry in table()}
        for key in keys:
            assert key in known, f"{key!r} is not in {TABLE.name}"
            SHOWN[key] = test.__name__
        return test

    return mark


@dataclass(frozen=True)
class Entry:
    """How samples that differ by one entry of the table are recognised, and what is right for them."""

    key: str
    applies: Callable[[Case], bool]
    check: Callable[[Case, str], None]


def entry_for(case: Case) -> Entry | None:
    return next((entry for entry in ENTRIES if entry.applies(case)), None)


def compare_all(cases: Iterable[Case], dtype: str) -> int:
    """Hold each case against torch, or against its entry in the table; the number of those held against torch."""
    compared, failures = 0, []
    for case in cases:
        entry = entry_for(case)
        try:
            if entry is None:
                assert_parity(case, dtype)
                compared += 1
            else:
                entry.check(case, dtype)
        except (Exception, pytest.fail.Exception) as error:  # all cases that fail are reported together
            failures.append(f"{case}\n    {type(error).__name__}: {error}")
    assert not failures, f"{len(failures)} cases differ from torch:\n" + "\n".join(failures[:5])
    return compared


# ---- silent broadcasting -------------------------------------------------------------------------------------


def _would_broadcast(case: Case) -> bool:
    """Whether inputs differ in shape (class labels, and the variance of `gaussian_nll_loss`, may)."""
    shapes = [np.shape(value) for name, value in case.inputs.items() if name != "var"]
    by_element = loss_object(case).definition.structure == "pointwise"
    return by_element and any(shape != shapes[0] for shape in shapes)


def _raises_on_shape(case: Case, dtype: str) -> None:
    """The call is refused; broadcast by hand, it is computed, and is what torch computes."""
    inputs = [numpy_of(value) for value in case.inputs.values()]
    with pytest.raises(ValueError, match=r"target has shape .* they must be the same"):
        loss_object(case)(*inputs)
    names = [name for name in case.inputs if name != "var"]
    whole = dict(zip(names, torch.broadcast_tensors(*(case.inputs[name] for name in names)), strict=True))
    by_hand = replace(case, inputs={**case.inputs, **whole})
    np.testing.assert_allclose(by_torch(by_hand).value, by_torch(case).value, rtol=1e-14)
    assert_parity(by_hand, dtype)


# ---- rows ----------------------------------------------------------------------------------------------------


def _without_classes(case: Case) -> bool:
    return case.loss in ("multi_margin_loss", "multilabel_margin_loss") and case.inputs["input"].ndim == 0


def _raises_on_class_axis(case: Case, dtype: str) -> None:
    assert by_torch(case).value.shape == ()
    inputs = [numpy_of(value) for value in case.inputs.values()]
    with pytest.raises(ValueError, match="input needs a class axis"):
        loss_object(case)(*inputs)


def _list_of_one_label(case: Case) -> bool:
    if case.loss != "multi_margin_loss":
        return False
    return case.inputs["input"].ndim == 1 and tuple(case.inputs["target"].shape) == (1,)


def _raises_on_label_shape(case: Case, dtype: str) -> None:
    """The row as a batch of one is computed, and is what torch computes."""
    inputs = [numpy_of(value) for value in case.inputs.values()]
    with pytest.raises(ValueError, match=r"target has shape \(1,\)"):
        loss_object(case)(*inputs)
    assert_parity(replace(case, inputs={**case.inputs, "input": case.inputs["input"][None]}), dtype)


# ---- hinge embedding -----------------------------------------------------------------------------------------


def _neither_sign(case: Case) -> bool:
    return case.loss == "hinge_embedding_loss" and not np.isin(numpy_of(case.inputs["target"]), (1, -1)).all()


def _nan_for_neither_sign(case: Case, dtype: str) -> None:
    assert np.isfinite(by_torch(case).value).all()
    found = by_numbaloss(case, ("input",))
    assert np.isnan(found.value).any()
    np.testing.assert_array_equal(
        np.isnan(found.gradients["input"]), ~np.isin(numpy_of(case.inputs["target"]), (1, -1))
    )


# ---- Poisson -------------------------------------------------------------------------------------------------


def _stirling_of_no_counts(case: Case) -> bool:
    full = case.loss == "poisson_nll_loss" and case.arguments.get("full", False)
    return bool(full) and bool((numpy_of(case.inputs["target"]) <= 0).any())


def _finite_slope_of_no_counts(case: Case, dtype: str) -> None:
    """As torch, but the slope by a target of 0 (or less) is the slope without Stirling's term, not nan."""
    wanted = by_torch(case)
    plain = by_torch(replace(case, arguments={**case.arguments, "full": False}))
    none = numpy_of(case.inputs["target"]) <= 0
    by_target = wanted.gradients["target"]
    np.testing.assert_array_equal(np.isnan(by_target), none)
    found = by_numbaloss(case, ("input", "target"))
    assert_close(found.value, wanted.value, dtype, "value")
    assert_close(found.gradients["input"], wanted.gradients["input"], dtype, "gradient by input")
    finite = np.where(none, plain.gradients["target"], by_target)
    assert_close(found.gradients["target"], finite, dtype, "gradient by target")


ENTRIES = (
    Entry("broadcasting", _would_broadcast, _raises_on_shape),
    Entry("class-axis", _without_classes, _raises_on_class_axis),
    Entry("one-row-target", _list_of_one_label, _raises_on_label_shape),
    Entry("hinge-embedding-target", _neither_sign, _nan_for_neither_sign),
    Entry("poisson-full-zero-count", _stirling_of_no_counts, _finite_slope_of_no_counts),
)
