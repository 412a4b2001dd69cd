"""Checks that wrong arguments are refused before anything is computed, by an error that names the argument."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbaloss.testing import inputs as drawn
from numbaloss.testing import parameters as chosen
from numbaloss.testing.basics import Array, LossFunction, made, only_if, raises, with_labels

WRONG = (TypeError, ValueError)


def check_wrong_hyper_parameters(loss: LossFunction) -> None:
    """Construction refuses unknown names, wrong types and values outside the limits."""
    facts = loss.definition
    build = loss.Loss
    raises(lambda: build(no_such_argument=1.0), TypeError, "no_such_argument", what="an unknown argument")
    raises(lambda: build(reduction="average"), ValueError, "reduction", what="reduction='average'")
    raises(lambda: build(on_empty="none"), ValueError, "on_empty", what="on_empty='none'")
    for name, default in facts.parameters.items():
        wrong: list[Any] = ["wrong", object()]
        if isinstance(default, float):
            wrong.append(float("nan"))
        for value in [*wrong, *chosen.outside(facts, name)]:
            raises(lambda: build(**{name: value}), WRONG, name, what=f"{name}={value!r}")  # noqa: B023
    if facts.weight is None:
        raises(lambda: build(weight=[1.0]), TypeError, "weight", what="a weight where none is taken")
    else:
        raises(lambda: build(weight=["a"]), WRONG, "weight", what="weight=['a']")


def check_wrong_arrays(loss: LossFunction) -> None:
    """Calls refuse arrays that hold no real numbers, and missing or unknown arguments; every way to call."""
    facts = loss.definition
    arrays = drawn.draw(facts, salt="errors")
    criterion = made(loss)
    for index, name in enumerate(facts.inputs):
        for what, wrong in (
            ("objects", np.full(arrays[index].shape, None)),
            ("complex numbers", arrays[index].astype(complex)),
            ("strings", arrays[index].astype(str)),
            ("dates", np.zeros(arrays[index].shape, "datetime64[s]")),
        ):
            given = (*arrays[:index], wrong, *arrays[index + 1 :])
            for way in (criterion, criterion.value_and_grad, criterion.total):
                raises(lambda: way(*given), TypeError, name, what=f"{what} for {name}")  # noqa: B023
        if name in facts.wrt:
            given = (*arrays[:index], arrays[index].astype(np.int64), *arrays[index + 1 :])
            raises(lambda: criterion(*given), TypeError, name, what=f"integers for {name}")  # noqa: B023
    needed = [name for name in facts.inputs if name not in facts.facts.get("optional", ())]
    raises(lambda: criterion(*arrays[: len(needed) - 1]), TypeError, needed[-1], what="a missing argument")
    raises(lambda: criterion(*arrays, arrays[0]), TypeError, facts.name, what="an argument too many")
    raises(lambda: criterion(*arrays, no_such_argument=1), TypeError, "no_such_argument", what="an unknown argument")
    wrong_name = {"wrt": ("no_such_input",)}
    raises(lambda: criterion.value_and_grad(*arrays, **wrong_name), ValueError, "no_such_input", what="an unknown wrt")


def check_wrong_shapes(loss: LossFunction) -> None:
    """Shapes that do not fit raise; (n,) is not broadcast against (n, 1)."""
    facts = loss.definition
    criterion = made(loss)
    for kind in drawn.kinds(facts):
        arrays = drawn.draw(facts, kind=kind, rows=4, salt="errors")
        for index in range(1, len(facts.inputs)):
            name = facts.inputs[index]
            if name in facts.facts.get("broadcast", ()):
                continue
            array = arrays[index]
            for what, wrong in (
                ("one row less", array[:-1] if array.ndim else array),
                ("one axis more", array[..., None]),
                ("one axis more in front", array[None]),
                ("a single number", array.reshape(-1)[0]),
            ):
                if array.ndim == 0 and wrong.ndim == 0:
                    continue
                given = (*arrays[:index], wrong, *arrays[index + 1 :])
                what = f"{kind}: {what} in {name}"
                raises(lambda: criterion(*given), ValueError, name, "target", what=what)  # noqa: B023
    if facts.structure == "pointwise":
        column = [array.reshape(-1, 1) for array in drawn.draw(facts, rows=2, salt="errors")]
        flat = [array.reshape(-1) for array in column]
        name = facts.inputs[1]
        raises(lambda: criterion(flat[0], column[1], *flat[2:]), ValueError, name, what="(n,) against (n, 1)")
        raises(lambda: criterion(column[0], flat[1], *column[2:]), ValueError, name, what="(n, 1) against (n,)")


def check_wrong_sample_weight(loss: LossFunction) -> None:
    """A sample weight of another shape or kind raises."""
    arrays = drawn.draw(loss.definition, rows=4, salt="errors")
    criterion = made(loss)
    for weight in (np.ones(5), np.ones((1, 4)), np.ones((4, 1, 1, 1)), np.array(["a"] * 4), np.ones(4, complex)):
        for way in (criterion, criterion.value_and_grad, criterion.total):
            what = f"sample_weight of shape {weight.shape}, {weight.dtype}"
            raises(lambda: way(*arrays, sample_weight=weight), WRONG, "sample_weight", what=what)  # noqa: B023


def check_wrong_out(loss: LossFunction) -> None:
    """A buffer of another shape or type, one that is read-only or no array raises, and nothing is written."""
    facts = loss.definition
    arrays = drawn.draw(facts, rows=4, salt="errors")
    first = facts.wrt[:1]
    shape = arrays[facts.inputs.index(first[0])].shape
    criterion = made(loss)
    frozen = np.zeros(shape)
    frozen.flags.writeable = False
    for what, out in (
        ("another shape", np.zeros((shape[0] + 1, *shape[1:]))),
        ("another type", np.zeros(shape, np.float32)),
        ("integers", np.zeros(shape, np.int64)),
        ("read-only", frozen),
        ("a list", [0.0]),
    ):
        call = lambda: criterion.value_and_grad(*arrays, wrt=first, out=out)  # noqa: B023, E731
        raises(call, WRONG, "out", what=f"out: {what}")
        assert not np.any(out), f"out: {what}: something was written before the error"


@only_if(lambda facts: facts.target in ("class", "class_or_distribution", "class_or_mask"))
def check_labels_out_of_range(loss: LossFunction) -> None:
    """A label that is no class raises, names target, and leaves the inputs as they were; whatever its type."""
    facts = loss.definition
    arrays = drawn.draw(facts, rows=4, salt="errors")
    logits, labels = arrays[0], arrays[facts.inputs.index("target")]
    classes = drawn.classes_of(facts, arrays)
    criterion = made(loss)
    for wrong in (classes, -1, 127, -127):
        for dtype in (np.int64, np.int8):
            bad = labels.astype(dtype)
            bad[1] = wrong
            kept: Array = logits.copy()
            for way in (criterion, criterion.value_and_grad, criterion.total):
                given = with_labels(facts, arrays, logits, bad)
                raises(lambda: way(*given), ValueError, "target", what=f"the label {wrong}")  # noqa: B023
            assert np.array_equal(kept, logits), "the logits were changed"
    huge = labels.astype(np.uint64)
    huge[0] = np.iinfo(np.uint64).max
    for wrong_labels, what in ((huge, "the label 2**64 - 1"), (labels.astype(float), "labels as floats")):
        given = with_labels(facts, arrays, logits, wrong_labels)
        raises(lambda: criterion(*given), WRONG, "target", what=what)  # noqa: B023
