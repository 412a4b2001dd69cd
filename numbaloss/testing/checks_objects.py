"""Checks of loss objects among other objects: copies, text, equality, the registry's ways to one."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np

from numbaloss.testing import inputs as drawn
from numbaloss.testing import parameters as chosen
from numbaloss.testing.basics import LossFunction, made, same_bits, shown


def _objects(loss: LossFunction) -> list[Any]:
    """The loss with its defaults, with each hyper-parameter changed, and with another reduction."""
    facts = loss.definition
    return [
        *(made(loss, **setting) for setting in chosen.sets(facts)),
        made(loss, reduction="sum", on_empty="zero"),
    ]


def check_copies(loss: LossFunction) -> None:
    """Pickled, copied and deeply copied objects equal the original, and compute the same, also after use."""
    arrays = drawn.draw(loss.definition, salt="objects")
    for criterion in _objects(loss):
        for again in (pickle.loads(pickle.dumps(criterion)), copy.copy(criterion), copy.deepcopy(criterion)):
            assert type(again) is type(criterion), f"the copy of {criterion!r} is a {type(again)}"
            assert again == criterion, f"the copy of {criterion!r} is {again!r}"
            assert hash(again) == hash(criterion), f"the copy of {criterion!r} has another hash"
    criterion = made(loss)
    wanted = criterion(*arrays)
    same_bits(pickle.loads(pickle.dumps(criterion))(*arrays), wanted, "value of a pickled copy of a used object")


def check_repr(loss: LossFunction) -> None:
    """The text of an object is the call that makes an equal one."""
    scope = {loss.Loss.__name__: loss.Loss}
    for criterion in _objects(loss):
        again = eval(repr(criterion), scope)
        assert again == criterion, f"{criterion!r} evaluates to {again!r}"


def check_equality(loss: LossFunction) -> None:
    """Objects are equal where every argument is, and never otherwise."""
    objects = _objects(loss)
    distinct: list[Any] = []
    for criterion in objects:
        if not any(repr(criterion) == repr(other) for other in distinct):
            distinct.append(criterion)
    for i, one in enumerate(distinct):
        for j, two in enumerate(distinct):
            assert (one == two) == (i == j), f"{one!r} == {two!r} is {one == two}"
    assert made(loss) != "loss", "a loss equals a string"


def check_attributes(loss: LossFunction) -> None:
    """Hyper-parameters, reduction and facts can be read from the object; unknown attributes are AttributeErrors."""
    facts = loss.definition
    for setting in chosen.sets(facts):
        criterion = made(loss, **setting)
        for name, value in {**facts.parameters, **setting}.items():
            assert getattr(criterion, name) == value, f"{shown(setting)}: {name} reads {getattr(criterion, name)!r}"
    criterion = made(loss)
    assert criterion.definition is facts
    assert criterion.reduction == "mean"
    assert not hasattr(criterion, "no_such_attribute")


def check_function_and_class_agree(loss: LossFunction) -> None:
    """The function gives what the class gives, whether arguments come by place or by name."""
    facts = loss.definition
    arrays = drawn.draw(facts, salt="objects")
    named = dict(zip(facts.inputs, arrays, strict=True))
    wanted = made(loss)(*arrays)
    assert np.isfinite(wanted), f"the loss of valid inputs is {wanted!r}"
    for what, got in (
        ("function", loss(*arrays)),
        ("function, by name", loss(**named)),
        ("object, by name", made(loss)(**named)),
        ("function, one more time", loss(*arrays)),
    ):
        same_bits(got, wanted, what)
    for setting in chosen.two_sets(facts):
        inputs = drawn.draw(facts, parameters=setting, salt="objects")
        same_bits(loss(*inputs, **setting), made(loss, **setting)(*inputs), shown(setting))
