"""A loss of one's own without a package: in a script, a session, a notebook cell; as a function and as a class."""

from __future__ import annotations

import copy
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import numbaloss as nl
from numbaloss.compile.primitives import log1p, softplus
from numbaloss.compile.symbolic.trace import DerivationError
from numbaloss.structures.classes import snake_case
from numbaloss.testing import check_loss

FUNCTION = """
import numbaloss as nl
@nl.pointwise
def my_loss(input, target, k=2.0):
    error = input - target
    return k * error * error, 2.0 * k * error, 2.0 * k
made = my_loss.Loss(k=3.0)
"""
VALUE_ALONE = """
import numbaloss as nl
@nl.pointwise
def my_loss(input, target, k=2.0):
    return k * (input - target) ** 2
made = my_loss.Loss(k=3.0)
"""
CLASS = """
import numbaloss as nl
class MyLoss(nl.Loss):
    k = 2.0
    def forward(self, input, target):
        return self.k * nl.mse_loss(input, target)
made = MyLoss(k=3.0)
"""
USE = """
from numbaloss.compile.cache import statistics
print(*made.value_and_grad([3.0], [1.0]), statistics.hits, statistics.misses, statistics.failures)
"""


def as_script(source: str, folder: Path) -> list[str]:
    path = folder / "my_script.py"
    path.write_text(source)
    return [str(path)]


def as_session(source: str, folder: Path) -> list[str]:
    return ["-i", "-q"]


def as_standard_input(source: str, folder: Path) -> list[str]:
    return ["-"]


def as_cell(source: str, folder: Path) -> list[str]:
    """A cell of a notebook: compiled under a name that is no file, run among the names of ``__main__``."""
    return ["-c", f"exec(compile({source!r}, '<ipython-input-1-0>', 'exec'), globals())"]


def as_text(source: str, folder: Path) -> list[str]:
    """`exec` among no names at all: the function belongs to no module."""
    return ["-c", f"exec({source!r}, {{}})"]


WAYS = [as_script, as_session, as_standard_input, as_cell, as_text]


@pytest.mark.parametrize("source", [FUNCTION, VALUE_ALONE, CLASS], ids=["function", "value", "class"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_loss_works_wherever_it_is_defined_and_its_second_process_finds_its_kernel(way, source, tmp_path):
    if way is as_session:  # in a session, an empty line ends a definition
        source = re.sub(r"(\n +[^\n]*)\n(?! )", r"\1\n\n", source)
    arguments = way(source + USE, tmp_path)
    text = source + USE if way in (as_session, as_standard_input) else ""
    path = os.pathsep.join([str(Path(__file__).parents[1]), *(path for path in sys.path if path)])
    environment = {**os.environ, "PYTHONPATH": path, "NUMBALOSS_CACHE_DIR": str(tmp_path / "cache")}
    told = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, *arguments], input=text, env=environment, capture_output=True, text=True, check=False
        )
        told.append(done.stdout.strip().removeprefix(">>> ").strip())
        assert "Error" not in done.stderr, done.stderr
    assert told == ["12.0 [12.] 0 1 0", "12.0 [12.] 1 0 0"]


# ---- classes

huber = nl.HuberLoss(delta=2.0)


class CauchyLoss(nl.Loss, differentiable=("input", "target"), limits={"scale": "(0, inf)"}):
    r"""Logarithm of one plus the squared error.

    .. math:: \ell = \log\left(1 + \left(\frac{x - t}{s}\right)^2\right)

    The mean divides by the number of elements.

    Parameters
    ----------
    input, target : array of real numbers, the same shape
        Predictions and targets, in the same unit.
    scale : float, above 0
        Where the loss turns from squared to logarithmic, in the unit of the error.

    References
    ----------
    J. T. Barron, A General and Adaptive Robust Loss Function, 2019.

    Examples
    --------
    >>> round(float(CauchyLoss(scale=2.0)([2.0], [0.0])), 6)
    0.693147
    """

    scale = 1

    def forward(self, input, target):
        size = abs(input - target) / self.scale
        return log1p(size**2) if size < 1e8 else 2 * log1p(size - 1)


class SquareLoss(nl.Loss):
    """A loss with its derivatives."""

    factor = 1.0

    def forward(self, input, target):
        error = input - target
        return self.factor * error * error, 2.0 * self.factor * error, 2.0 * self.factor


class BlendLoss(nl.Loss):
    """Losses within a loss."""

    share = 0.5

    def forward(self, input, target):
        return self.share * nl.mse_loss(input, target) + (1 - self.share) * huber(input, target)


def test_a_class_is_a_loss_like_any_other():
    loss = CauchyLoss(scale=2.0, reduction="sum")
    assert repr(loss) == "CauchyLoss(scale=2.0, reduction='sum')"
    assert isinstance(loss, nl.Loss)
    assert loss.scale == 2.0
    assert CauchyLoss().scale == 1.0
    value, gradient = loss.value_and_grad([2.0, 0.0], [0.0, 0.0])
    assert value == pytest.approx(np.log(2.0))
    np.testing.assert_allclose(gradient, [0.5, 0.0])
    assert CauchyLoss.function([2.0], [0.0], scale=2.0) == pytest.approx(np.log(2.0))
    assert CauchyLoss.definition.name == "cauchy_loss"
    assert (0.5 * loss + nl.MSELoss(reduction="sum"))([2.0], [0.0]) == pytest.approx(0.5 * np.log(2.0) + 4.0)
    with pytest.raises(ValueError, match=r"scale must lie in \(0, inf\), got -1"):
        CauchyLoss(scale=-1.0)
    with pytest.raises(TypeError, match="unknown argument 'size'"):
        CauchyLoss(size=1.0)


@pytest.mark.parametrize("loss", [CauchyLoss(scale=2.0), SquareLoss(factor=3.0), BlendLoss()], ids=repr)
def test_objects_of_such_classes_are_copied_and_pickled(loss):
    for again in (pickle.loads(pickle.dumps(loss)), copy.deepcopy(loss)):
        assert again == loss
        assert again([3.0], [1.0]) == loss([3.0], [1.0])


def test_a_class_passes_the_suite():
    results = check_loss(CauchyLoss, callback=lambda result: None)
    assert [(result.name, result.message) for result in results if not result.good] == []


def test_a_class_may_state_derivatives():
    assert SquareLoss.definition.derived is None
    assert SquareLoss(factor=3.0).value_and_grad([3.0], [1.0]) == (12.0, [12.0])


def test_losses_within_a_loss_are_one_kernel():
    blend, inputs = BlendLoss(share=0.25), ([3.0, 9.0], [1.0, 0.0])
    mix = 0.25 * nl.MSELoss() + 0.75 * huber
    for got, wanted in zip(blend.value_and_grad(*inputs), mix.value_and_grad(*inputs), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-15)

    @nl.pointwise
    def my_loss(input, target):
        return nl.mse_loss(input, target) + nl.quantile_loss(input, target, quantile=0.25)

    assert my_loss([3.0], [1.0]) == 4.0 + 0.75 * 2.0


def test_what_cannot_be_within_a_loss_is_an_error():
    def rows(input, target):
        return nl.cross_entropy(input, target)

    def misspelt(input, target):
        return nl.huber_loss(input, target, detla=1.0)

    with pytest.raises(DerivationError, match="cross_entropy is not elementwise"):
        nl.pointwise(rows)([1.0], [1.0])
    with pytest.raises(DerivationError, match="huber_loss is called with detla"):
        nl.pointwise(misspelt)([1.0], [1.0])


def test_that_is_said_before_shapes_are():
    class RowLoss(nl.Loss):
        def forward(self, input, target):
            return nl.cross_entropy(input, target)

    with pytest.raises(DerivationError, match="cross_entropy is not elementwise"):
        RowLoss()(np.zeros((4, 3)), np.zeros(4, int))


def test_classes_that_do_not_fit_are_errors():
    with pytest.raises(TypeError, match="WrongLoss: a loss has no __init__ of its own; state hyper-parameters as"):

        class WrongLoss(nl.Loss):
            def __init__(self, scale=1.0):
                self.scale = scale

            def forward(self, input, target):
                return softplus(input) - target

    with pytest.raises(TypeError, match="forward must be an ordinary method"):

        class StaticLoss(nl.Loss):
            @staticmethod
            def forward(input, target):
                return input - target

    with pytest.raises(TypeError, match=r"EmptyLoss states limits but has no forward"):

        class EmptyLoss(nl.Loss, limits={}):
            pass

    class MisspeltLoss(nl.Loss):
        scale = 1.0

        def forward(self, input, target):
            return self.scael * input

    with pytest.raises(DerivationError, match="has no attribute 'scael'"):
        MisspeltLoss()([1.0], [1.0])


@pytest.mark.parametrize(
    ("name", "wanted"), [("CauchyLoss", "cauchy_loss"), ("DiceCELoss", "dice_ce_loss"), ("L1Loss", "l1_loss")]
)
def test_names_of_classes_as_functions(name, wanted):
    assert snake_case(name) == wanted


@pytest.mark.parametrize("cached", ["0", "1"])
def test_a_loss_may_print(cached, tmp_path):
    """A helper's own environment was not set in a process that compiles it: it waited for itself with the lock held."""
    script = tmp_path / "printing.py"
    script.write_text("""
import numbaloss as nl
@nl.pointwise
def my_loss(input, target):
    error = input - target
    if error > 4.0:
        print(error)
    return error * error, 2.0 * error, 2.0
print(my_loss([1.0, 5.0], [0.0, 0.0]))
""")
    settings = {**os.environ, "NUMBALOSS_CACHE": cached, "NUMBALOSS_CACHE_DIR": str(tmp_path)}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, str(script)], env=settings, capture_output=True, text=True, timeout=120, check=True
        )
        assert done.stdout.split() == ["5.0", "13.0"]


def test_a_class_without_forward_is_no_loss():
    class EmptyLoss(nl.Loss):
        scale = 1.0

    with pytest.raises(TypeError, match=r"EmptyLoss has no forward\(self, input, target\)"):
        EmptyLoss()


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("log1q(input)", r"my_loss: name 'log1q' is not defined \(.*my_script.py, line 4\); did you mean 'log1p'\?"),
        ("helper(input)", r"helper: name 'softplus' is not defined .*; from numbaloss.primitives import softplus"),
    ],
)
def test_a_name_that_nothing_has_is_told_of_in_a_line(body, wanted, tmp_path):
    script = tmp_path / "my_script.py"
    script.write_text(f"""import numbaloss as nl
from numbaloss.primitives import log1p
@nl.pointwise
def my_loss(input, target): return {body}, input, target
def helper(x): return softplus(x)
my_loss([1.0], [2.0])
""")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert re.search(f"NameError: {wanted}$", done.stderr.strip()), done.stderr


FAST = False


def test_a_name_behind_a_constant_that_is_false_may_be_missing():
    @nl.pointwise
    def my_loss(input, target):
        error = input - target
        if FAST:
            return faster(error), error, error  # noqa: F821
        return error * error, 2.0 * error, 2.0

    assert my_loss([3.0], [1.0]) == 4.0
