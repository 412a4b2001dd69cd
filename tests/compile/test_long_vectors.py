"""The longest vectors of the processor are used where elementary functions are computed, and nowhere else."""

from __future__ import annotations

import numba
import numpy as np
import pytest

import numbaloss as nl
from numbaloss.compile import primitives_cpu
from numbaloss.compile.bind import FLAGS, Specialiser, bind, flags_of
from numbaloss.compile.primitives import exp, sqrt

FLOAT = np.dtype(np.float32)


def square(x):
    return sqrt(x * x) * x


def exponential(x):
    return exp(x) - 1.0


def indirect(x):
    return exponential(x) + square(x)


@pytest.mark.parametrize(("function", "wide"), [(square, False), (exponential, True), (indirect, True)])
def test_what_computes_elementary_functions_is_marked(function, wide):
    assert hasattr(Specialiser(FLOAT, {}).copy(function), "wide") == wide
    assert not hasattr(Specialiser(FLOAT, {}, wide=False).copy(function), "wide")


def squares(x, out):
    for i in range(x.size):
        out[i] = square(x[i])


def exponentials(x, out):
    for i in range(x.size):
        out[i] = exponential(x[i])


for loop in (squares, exponentials):
    loop.__module__ = "numbaloss.kernels.trial"  # as one of the package's own templates
    loop.out_of_line = True


def all_squares(x, out):
    squares(x, out)


def all_exponentials(x, out):
    exponentials(x, out)


def prefers_512_bits(x, out):
    """Whether LLVM takes vectors of 512 bits on this processor without being told to."""

    @numba.njit
    def loop(x, out):
        for i in range(x.size):
            out[i] = x[i] * x[i]

    loop(x, out)
    return any("zmm" in assembly for assembly in loop.inspect_asm().values())


@pytest.mark.skipif(
    not numba.core.codegen.ll.get_host_cpu_features().get("avx512f", False), reason="the vectors have 256 bits or fewer"
)
@pytest.mark.parametrize(("template", "wide"), [(all_squares, False), (all_exponentials, True)])
def test_the_machine_code_has_512_bits_there(template, wide):
    kernel = bind(template, FLOAT, "long_vectors", False)
    x = np.linspace(0.0, 1.0, 100, dtype=np.float32)
    out = np.empty_like(x)
    kernel(x, out)
    np.testing.assert_allclose(out, x * x if template is all_squares else np.expm1(x), rtol=1e-6, atol=1e-6)
    (assembly,) = kernel.inspect_asm().values()
    assert ("zmm" in assembly) == (wide or prefers_512_bits(x, out))


@nl.pointwise(target="nonnegative", differentiable=("input",))
def excess_loss(input, target):
    """The exponential, less a product that a choice may leave out."""
    rate = exp(input)
    value = rate - (0.0 if target == 0.0 else target * input)
    return value, rate - target, rate


def test_the_key_of_the_cache_says_what_each_kind_of_function_is_compiled_with():
    kinds = {"loops": squares, "primitives": primitives_cpu.source("exp", FLOAT), "mathematics": exponential}
    assert {kind: sorted(flags_of(function)) for kind, function in kinds.items()} == FLAGS


def test_a_value_does_not_depend_on_its_place():
    """A product behind a choice is rounded alike in whole vectors and in the elements left over."""
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=1000).astype(np.float32), rng.integers(0, 9, 1000).astype(np.float32)
    whole = excess_loss(x, t, reduction="none")
    for size in (1, 3, 7, 15, 31, 63):
        parts = [excess_loss(x[i : i + size], t[i : i + size], reduction="none") for i in range(0, 1000, size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
