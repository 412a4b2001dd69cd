"""Every decorator is reached as ``nl.NAME`` and makes a loss of mathematics from outside the package."""

import re
from pathlib import Path

import numpy as np
import pytest

import numbaloss as nl
from numbaloss import primitives
from numbaloss.compile.primitives import PRIMITIVES
from numbaloss.primitives import exp, softplus

PAGE = Path(__file__).parents[1] / "docs" / "writing-a-loss.md"
DECORATORS = vars(nl)["_DECORATORS"]


def error(x, t):
    return (x - t) * (x - t), 2.0 * (x - t), 2.0


def surprise(log_prob, rest):
    return -log_prob, -1.0, 0.0


def harder(cosine, margin=0.25):
    return cosine - margin, 1.0


def above(gap, margin=1.0):
    over = gap + margin
    return (over, 1.0, 0.0) if over > 0.0 else (0.0, 0.0, 0.0)


def negative(picked):
    return -picked, -1.0, 0.0


def crossed(log_p, log_q, temperature=1.0):
    share = exp(log_q)
    return -share * log_p, (-share, -share * log_p)


def pull(distance):
    return distance * distance, 2.0 * distance


def order(positive, negative, margin=1.0, swap=False):
    gap = positive - negative + margin
    return (gap, 1.0, -1.0) if gap > 0.0 else (0.0, 0.0, 0.0)


def soft(gap):
    return softplus(gap), 1.0 / (1.0 + exp(-gap))


def outdone(gap, temperature=0.5):
    return soft(gap)


def missed(tp, fp, fn):
    return fp + fn, (0.0, 1.0, 1.0)


def both(first, second, share=0.5):
    return share * first + (1.0 - share) * second, (share, 1.0 - share)


def mistakes(misses, alarms, size):
    return (misses + alarms) / (size + alarms + 1.0)


def gap(one, two, slope, scale=1.0):
    if slope is not None:
        slope[0] = scale * two[0]
    return scale * one[0] * two[0]


ROWS = np.array([[0.5, -1.0, 2.0], [1.0, 0.25, -0.5], [0.0, 1.5, 0.75], [1.0, 1.0, -2.0]])
OTHERS = ROWS[::-1].copy()
LABELS = np.array([0, 1, 0, 1])
EXAMPLES = {
    "pointwise": (error, (), (ROWS, OTHERS)),
    "softmax": (surprise, (), (ROWS, LABELS)),
    "linear_softmax": (surprise, (), (ROWS, np.eye(3), LABELS, np.zeros(3))),
    "cosines": (harder, (), (ROWS / 3.0, LABELS)),
    "margins": (above, (), (ROWS, LABELS)),
    "picks": (negative, (), (ROWS, LABELS)),
    "distributions": (crossed, (), (ROWS, OTHERS)),
    "pairs": (pull, (), (ROWS, OTHERS)),
    "triplets": (order, (), (ROWS, OTHERS, ROWS + 1.0)),
    "batch_pairs": (outdone, (), (ROWS, LABELS)),
    "batch_triplets": (soft, (), (ROWS, LABELS)),
    "sequences": (surprise, (), (np.log(np.full((3, 1, 3), 1.0 / 3.0)), np.array([[1, 2]]), [3], [2])),
    "regions": (missed, (), (ROWS, LABELS)),
    "fused_regions": (both, ("dice_loss", "cross_entropy"), (ROWS, LABELS)),
    "lovasz": (mistakes, (), (ROWS, LABELS)),
    "kernel": (gap, (), (ROWS, OTHERS)),
}
OPTIONS = {"kernel": {"shapes": {"one": (3,), "two": (3,)}}}


@pytest.mark.parametrize("name", DECORATORS)
def test_every_decorator_makes_a_loss(name):
    maths, parts, arrays = EXAMPLES[name]
    made = getattr(nl, name)(*(getattr(nl, part) for part in parts), **OPTIONS.get(name, {}))
    loss = made(maths).Loss()
    value, gradient = loss.value_and_grad(*arrays)
    assert value == pytest.approx(loss(*arrays), rel=1e-14)
    assert np.isfinite(value)
    for one in gradient if isinstance(gradient, tuple) else (gradient,):
        assert np.isfinite(one).all()


def test_decorators_are_those_documented():
    documented = re.findall(r"autofunction:: numbaloss\.(.+)", PAGE.read_text())
    assert sorted(documented) == sorted(DECORATORS) == sorted(EXAMPLES)
    assert set(re.findall(r"`nl\.(\w+)`(?=.*\|)", PAGE.read_text())) >= set(DECORATORS)


@pytest.mark.parametrize("name", DECORATORS)
def test_decorators_have_their_public_name(name):
    assert getattr(nl, name).__name__ == name
    assert name in dir(nl)


def test_public_primitives_are_all_of_them():
    assert set(primitives.__all__) == set(PRIMITIVES) - {"abs"}
    for name in primitives.__all__:
        assert getattr(primitives, name) is PRIMITIVES[name]
