"""The primitives: accurate to the last bits on all floats, right at the special values, vectorised."""

import math
import platform
import re
from functools import cache

import mpmath
import numba
import numpy as np
import primitive_child
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llvmlite.binding import get_host_cpu_features

from numbaloss.compile import primitives, primitives_cpu
from numbaloss.compile.bind import Specialiser
from numbaloss.compile.inline_primitives import FLAGS
from numbaloss.compile.primitives import PRIMITIVES

FLOATS = [np.dtype(np.float32), np.dtype(np.float64)]
BINARY = ["xlogy", "power", "copysign", "maximum", "minimum"]
UNARY = [name for name in PRIMITIVES if name not in BINARY]

# Largest error allowed, in units in the last place of the exact result.
BOUNDS = {
    "exp": 1.0, "decay": 1.2, "expm1": 1.5, "log": 1.05, "log1p": 1.05, "log1pmx": 3.5, "sqrt": 0.5, "tanh": 1.5,
    "log_cosh": 2.0, "sigmoid": 1.75, "softplus": 1.75, "log_sigmoid": 1.75, "atan": 1.9, "xlogy": 2.0, "power": 1.0,
}  # fmt: skip

EXACT = mpmath.mp.clone()
EXACT.dps = 60


def exact_softplus(x):
    return EXACT.log1p(EXACT.exp(x)) if x < 0 else x + EXACT.log1p(EXACT.exp(-x))


def exact_log1pmx(x):
    return -x * x * EXACT.hyp2f1(1, 2, 3, -x) / 2 if abs(x) < 0.5 else EXACT.log1p(x) - x


def exact_log_cosh(x):
    x = abs(x)
    return EXACT.log1p(2 * EXACT.sinh(x / 2) ** 2) if x < 1 else x + EXACT.log1p(EXACT.expm1(-2 * x) / 2)


REFERENCE = {
    "exp": EXACT.exp,
    "decay": lambda x: EXACT.exp(-abs(x)),
    "expm1": EXACT.expm1,
    "log": EXACT.log,
    "log1p": EXACT.log1p,
    "log1pmx": exact_log1pmx,
    "sqrt": EXACT.sqrt,
    "tanh": EXACT.tanh,
    "log_cosh": exact_log_cosh,
    "atan": EXACT.atan,
    "sigmoid": lambda x: 1 / (1 + EXACT.exp(-x)),
    "softplus": exact_softplus,
    "log_sigmoid": lambda x: -exact_softplus(-x),
    "xlogy": lambda x, y: x * EXACT.log(y),
    "power": EXACT.power,
}

# Where a primitive may go wrong: the ends of its range, the joints of its pieces, its own zeros.
SPOTS = {
    "exp": [0, -0.3466, 0.3466, 1.0397, -80, -87.3, -103.9, 88.7, -600, -708.4, -745, 709.7],
    "decay": [0, 0.3466, -0.3466, 1.0397, 80, 87.3, 103.9, -104.5, 600, 708.4, 745, -746],
    "expm1": [0, -0.3466, 0.3466, 1.0397, -0.7, -17, -37, 17, 88.4, 709.7],
    "log": [1, 0.75, 1.5, 0.7071, 1.4142, 0.5, 2, 1e-38, 1e-308],
    "log1p": [0, -0.25, 0.5, -0.625, 2, -0.9999, 1.5e17],
    "log1pmx": [0, -0.25, 0.5, -0.625, 2, -0.9999, 1e15, 1.15e18],
    "sqrt": [1, 2, 4],
    "tanh": [0, 0.55, 0.6, -0.6, 0.7, 2, 9, 19],
    "log_cosh": [0, 0.35, 0.7, -0.7, 0.8, 2, 9, 19, 88, -104],
    "atan": [0, 0.4142, -0.4142, 1, -1, 2.4142, -2.4142, 1e4, 1e10],
    "sigmoid": [0, -1.1, -0.35, 1.1, -17, -87.3, -103, -708, -744, 17, 37],
    "softplus": [0, -0.69, -1.27, -0.41, -17, -87.3, -103, -708, -744, 17, 37],
    "log_sigmoid": [0, 0.69, 1.27, 0.41, 17, 87.3, 103, 708, 744, -17, -37],
}

LOWEST = {"log": 0.0, "sqrt": 0.0, "log1p": -1.0, "log1pmx": -1.0}  # where the domain ends, the end itself excluded

SPECIAL = [
    0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 1.5, -1.5, 1 / 3,
    1e-45, -1e-45, 1e-40, 1e-30, -1e-30, 3e38, -3e38, 88.7, 88.8, -87.5, -100.0, -103.9, -104.5, 120.0,
    -800.0, 2.0**24,
]  # fmt: skip


@cache
def loop(name, dtype):
    """A compiled loop over one primitive, bound as a loss's primitives are."""
    primitive = Specialiser(dtype, {}).compiled(PRIMITIVES[name])

    def unary(x, out):
        for i in range(out.size):
            out[i] = primitive(x[i])

    def binary(x, y, out):
        for i in range(out.size):
            out[i] = primitive(x[i], y[i])

    flags = {"error_model": "numpy", "fastmath": set(FLAGS)}
    return numba.njit(**flags)(binary if name in BINARY else unary)


def evaluate(name, *arguments):
    """The compiled primitive, element by element."""
    out = np.empty_like(arguments[0])
    loop(name, out.dtype)(*arguments, out)
    return out


def error(got, exact, dtype):
    """Distance in units in the last place of `exact`; infinity counts as the next power of two."""
    limits = np.finfo(dtype)
    beyond = EXACT.mpf(2) ** limits.maxexp
    if math.isnan(got):
        return math.inf
    got = EXACT.mpf(float(got)) if math.isfinite(got) else math.copysign(1, got) * beyond
    exact = max(min(exact, beyond), -beyond)
    exponent = EXACT.frexp(exact)[1] - 1 if exact else limits.minexp
    exponent = min(max(exponent, limits.minexp), limits.maxexp - 1)
    return float(abs(got - exact) / EXACT.mpf(2) ** (exponent - limits.nmant))


def anywhere(dtype, count, seed):
    """Random finite floats of every exponent: random bits."""
    bits = np.random.default_rng(seed).integers(0, 256, count * dtype.itemsize, dtype=np.uint8)
    values = bits.view(dtype)
    return values[np.isfinite(values)]


def near(spots, dtype, count, seed):
    """Random floats around each spot, from far to close."""
    generator = np.random.default_rng(seed)
    size = np.array([1.0, 0.1, 1e-3])[:, None, None]
    values = np.array(spots)[None, :, None] + size * generator.standard_normal((3, len(spots), count))
    return np.concatenate([values.ravel(), spots]).astype(dtype)


def in_domain(name, x):
    return x[(x > LOWEST.get(name, -math.inf)) & np.isfinite(x)]


def worst(name, *arguments):
    """The largest error over the given points, and the point."""
    results = evaluate(name, *arguments)
    points = zip(results, *arguments, strict=True)
    reference = REFERENCE[name]
    return max(
        (error(got, reference(*(EXACT.mpf(float(v)) for v in point)), got.dtype), *map(float, point))
        for got, *point in points
    )


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", UNARY)
def test_error_is_bounded_on_all_floats(name, dtype):
    x = np.concatenate([anywhere(dtype, 2000, seed=1), near(SPOTS[name], dtype, 60, seed=2)])
    x = in_domain(name, x)
    assert x.size > 800
    found, *point = worst(name, x)
    assert found <= BOUNDS[name], point


@pytest.mark.parametrize("name", UNARY)
def test_float32_error_is_bounded_on_many_more_points(name):
    """Against float64 arithmetic, which is 2**29 times finer."""
    dtype = np.dtype(np.float32)
    spread = np.random.default_rng(3).uniform(-110, 110, 200_000)
    x = np.concatenate([anywhere(dtype, 200_000, seed=4), near(SPOTS[name], dtype, 3000, seed=5), spread])
    x = in_domain(name, x.astype(dtype))
    wide = x.astype(np.float64)
    with np.errstate(all="ignore"):
        decay = np.exp(-abs(wide))
        softplus = np.maximum(wide, 0) + np.log1p(decay)
        exact = {
            "decay": lambda: decay,
            "sigmoid": lambda: np.where(wide < 0, decay, 1) / (1 + decay),
            "softplus": lambda: softplus,
            "log_sigmoid": lambda: np.minimum(wide, 0) - np.log1p(decay),
            "atan": lambda: np.arctan(wide),
            "log_cosh": lambda: np.array([PRIMITIVES[name](value) for value in wide.tolist()]),
            "log1pmx": lambda: np.array([PRIMITIVES[name](value) for value in wide.tolist()]),
        }.get(name, lambda: getattr(np, name)(wide))()
        got = evaluate(name, x)
        rounded = exact.astype(dtype)
    np.testing.assert_array_equal(np.isfinite(got), np.isfinite(rounded))
    finite = np.isfinite(rounded)
    unit = np.maximum(np.ldexp(1.0, np.frexp(exact[finite])[1] - 24), 2.0**-149)
    ulps = abs(got[finite] - exact[finite]) / unit
    assert ulps.max() <= BOUNDS[name] + 1e-6, x[finite][ulps.argmax()]


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", UNARY)
def test_error_is_bounded_wherever_hypothesis_looks(name, dtype):
    low = LOWEST.get(name)
    width = 8 * dtype.itemsize
    floats = st.floats(low, exclude_min=low is not None, allow_nan=False, allow_infinity=False, width=width)

    @settings(max_examples=60, deadline=None, database=None)
    @given(floats)
    def bounded(value):
        assert worst(name, np.array([value], dtype))[0] <= BOUNDS[name]

    bounded()


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", ["power", "xlogy"])
def test_error_of_two_arguments_is_bounded(name, dtype):
    generator = np.random.default_rng(6)
    span = math.log(np.finfo(dtype).max)
    x = np.exp(generator.uniform(-span, span, 3000)).astype(dtype)
    y = (generator.standard_normal(3000) * generator.choice([0.1, 1.0, 10.0, 100.0], 3000)).astype(dtype)
    tiny = np.finfo(dtype).smallest_subnormal * generator.integers(1, 1000, 200).astype(dtype)
    x, y = np.concatenate([x, tiny]), np.concatenate([y, generator.random(200).astype(dtype)])
    found, *point = worst(name, x, y) if name == "power" else worst(name, y, x)
    assert found <= BOUNDS[name], point


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_power_is_exact_for_the_exponents_0_1_2(dtype):
    x = np.random.default_rng(7).standard_normal(10_000).astype(dtype)
    np.testing.assert_array_equal(evaluate("power", x, np.full_like(x, 2.0)), x * x)
    np.testing.assert_array_equal(evaluate("power", x, np.full_like(x, 1.0)), x)
    np.testing.assert_array_equal(evaluate("power", x, np.full_like(x, 0.0)), np.ones_like(x))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", ["expm1", "log1p", "tanh", "atan"])
def test_tiny_arguments_are_their_own_results(name, dtype):
    steps = np.arange(-100, 101) * np.finfo(dtype).smallest_subnormal
    x = np.concatenate([steps, 10.0 ** np.linspace(math.log10(np.finfo(dtype).tiny), -20, 500)]).astype(dtype)
    np.testing.assert_array_equal(evaluate(name, x), x)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", PRIMITIVES)
def test_special_values_are_those_of_plain_python(name, dtype):
    x = np.array(SPECIAL, dtype)
    arguments = [a.ravel() for a in np.meshgrid(x, x)] if name in BINARY else [x]
    expected = np.array([PRIMITIVES[name](*map(float, point)) for point in zip(*arguments, strict=True)])
    got = evaluate(name, *arguments)
    with np.errstate(over="ignore", under="ignore"):
        rounded = expected.astype(dtype)
    if name == "power":  # nsz: the compiled twin does not see the sign of a zero
        keep = ~((arguments[0] == 0) & np.isinf(expected))
        assert np.isinf(got[~keep]).all()
        got, rounded = got[keep], rounded[keep]
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(got[~finite], rounded[~finite])
    np.testing.assert_array_equal(got[rounded == 0], 0)
    unit = np.spacing(abs(rounded[finite]))
    assert (abs(got[finite] - rounded[finite]) <= 2 * unit).all()


def test_plain_python_never_raises_and_passes_nan_on():
    for name in UNARY:
        for value in SPECIAL:
            result = PRIMITIVES[name](value)
            assert math.isnan(result) or not math.isnan(value)
            assert float(PRIMITIVES[name](np.float32(value))) == pytest.approx(
                PRIMITIVES[name](float(np.float32(value))), rel=1e-6, nan_ok=True
            )
    for name in BINARY:
        for x in SPECIAL:
            for y in SPECIAL:
                assert isinstance(PRIMITIVES[name](x, y), float)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: primitives.exp(1000.0), math.inf),
        (lambda: primitives.exp(-math.inf), 0.0),
        (lambda: primitives.decay(-1000.0), 0.0),
        (lambda: primitives.decay(-2.0), math.exp(-2.0)),
        (lambda: primitives.expm1(1000.0), math.inf),
        (lambda: primitives.expm1(-math.inf), -1.0),
        (lambda: primitives.log(0.0), -math.inf),
        (lambda: primitives.log(-1.0), math.nan),
        (lambda: primitives.log(math.inf), math.inf),
        (lambda: primitives.log1p(-1.0), -math.inf),
        (lambda: primitives.log1p(-1.5), math.nan),
        (lambda: primitives.log1pmx(-1.0), -math.inf),
        (lambda: primitives.log1pmx(-1.5), math.nan),
        (lambda: primitives.log1pmx(math.inf), -math.inf),
        (lambda: primitives.log1pmx(-1e-9), -5.000000003333333e-19),
        (lambda: primitives.log1pmx(0.5), -0.09453489189183562),
        (lambda: primitives.sqrt(-1.0), math.nan),
        (lambda: primitives.sigmoid(-1000.0), 0.0),
        (lambda: primitives.sigmoid(-700.0), math.exp(-700.0)),
        (lambda: primitives.softplus(-100.0), math.exp(-100.0)),
        (lambda: primitives.softplus(1e300), 1e300),
        (lambda: primitives.log_sigmoid(-1e300), -1e300),
        (lambda: primitives.xlogy(0.0, 0.0), 0.0),
        (lambda: primitives.xlogy(0.0, math.inf), 0.0),
        (lambda: primitives.xlogy(0.0, math.nan), math.nan),
        (lambda: primitives.power(0.0, 0.0), 1.0),
        (lambda: primitives.power(0.0, -1.0), math.inf),
        (lambda: primitives.power(-2.0, 0.5), math.nan),
        (lambda: primitives.power(-10.0, 999.0), -math.inf),
        (lambda: primitives.power(10.0, 999.0), math.inf),
        (lambda: primitives.power(0.1, 2.0), 0.1 * 0.1),
        (lambda: primitives.maximum(math.nan, 1.0), math.nan),
        (lambda: primitives.minimum(1.0, math.nan), math.nan),
        (lambda: primitives.copysign(3.0, -0.0), -3.0),
        (lambda: primitives.log_cosh(-math.inf), math.inf),
        (lambda: primitives.log_cosh(-1e-9), 5e-19),
        (lambda: primitives.log_cosh(1e300), 1e300),
        (lambda: primitives.atan(math.inf), math.pi / 2),
        (lambda: primitives.atan(-1.0), -math.pi / 4),
    ],
)
def test_plain_python_follows_ieee_754(call, expected):
    assert call() == pytest.approx(expected, rel=1e-15, nan_ok=True)


def test_a_wider_argument_is_converted_not_misread():
    """An int64 times a float32 is a float64 to Numba; float32's bit patterns must not be applied to it."""
    exp = Specialiser(np.dtype(np.float32), {}).compiled(PRIMITIVES["exp"])
    softplus = Specialiser(np.dtype(np.float32), {}).compiled(PRIMITIVES["softplus"])
    run = numba.njit(lambda x: (exp(x), softplus(x)))
    value = run(-3.25)
    assert value == pytest.approx((math.exp(-3.25), math.log1p(math.exp(-3.25))), rel=1e-6)


def test_processors_without_an_instruction_to_scale_give_the_same_bits(start, finish):
    """Powers of two are multiplied by one instruction where there is one, else in two steps: denormals, overflow."""
    features = get_host_cpu_features()
    features.update({name: False for name in features if name.startswith(("avx512", "avx10"))})
    assert finish(start("primitive_child.py", NUMBA_CPU_FEATURES=features.flatten())) == primitive_child.bits()


def test_source_names_what_is_missing():
    with pytest.raises(LookupError, match="no compiled primitive 'sin' for dtype 'float32'"):
        primitives_cpu.source("sin", np.dtype(np.float32))
    with pytest.raises(LookupError, match="no compiled primitive 'exp' for dtype 'float16'"):
        primitives_cpu.source("exp", np.dtype(np.float16))


def test_every_primitive_has_both_twins():
    for name in PRIMITIVES:
        for dtype in FLOATS:
            assert callable(primitives_cpu.source(name, dtype))


LIBRARY_CALL = re.compile(
    r"\b_?(exp|expm1|log|log1p|tanh|atan|pow|sqrt|floor|fma|fmax|fmin|fmaximum|fminimum)f?\b(?!:)"
)


def assembly(kernel):
    (text,) = kernel.inspect_asm().values()
    return text


def packed(dtype):
    """A pattern for arithmetic on the widest registers this machine offers."""
    letter = "s" if dtype.itemsize == 4 else "d"
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return re.compile(r"\bf\w+\s+v\d+\.(4s|2d)")
    arithmetic = rf"v?((mul|fn?m\w+|sqrt|max|min|range)p{letter}|p?(ternlog|and|or)\w+)\s"
    with_avx = numba.core.codegen.ll.get_host_cpu_features().get("avx", False)
    return re.compile(arithmetic + (r".*[yz]mm" if with_avx else r".*xmm"))


VECTORISED = [(n, d) for n in PRIMITIVES for d in FLOATS if (n, d) != ("power", FLOATS[1])]  # that one is C's


@pytest.mark.parametrize(("name", "dtype"), VECTORISED, ids=str)
def test_a_loop_is_vectorised(name, dtype):
    x = np.ones(8, dtype)
    evaluate(name, *[x] * (2 if name in BINARY else 1))
    text = assembly(loop(name, dtype))
    compute = np.dtype(np.float64) if name == "power" else dtype
    assert packed(compute).search(text)
    instructions = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("."))
    assert LIBRARY_CALL.findall(instructions) == []


def test_the_check_of_vectorisation_can_fail():
    @numba.njit
    def scalar(x, out):
        for i in range(out.size):
            out[i] = math.exp(x[i])

    x = np.ones(8)
    scalar(x, x.copy())
    assert LIBRARY_CALL.search(assembly(scalar))
    assert not re.search(r"v?(mul|fmadd\w*)pd\s", assembly(scalar))
