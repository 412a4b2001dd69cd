"""What must be true of every call that is right, whatever the loss. Each rule is a function of a case."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from cases import CLASS_AXIS, Array, Case

from numbaloss.testing import inputs as drawn
from numbaloss.testing import precise_rows
from numbaloss.testing.basics import differentiable, made, shown, unreduced
from numbaloss.testing.checks_accuracy import Elements, by_rows, hold_row, row_parts, scale_of
from numbaloss.testing.checks_layouts import LAYOUTS

INDEPENDENT = ("pointwise", *CLASS_AXIS)  # where one row cannot touch another's value
SINGLE = np.finfo(np.float32)


def computed(case: Case, **more: Any) -> tuple[Array, tuple[Array, ...]]:
    """Values and all gradients; warnings are errors, and the inputs must come out as they went in."""
    kept = [array.tobytes() for array in case.arrays]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values, gradients = unreduced(case.loss, case.arrays, **case.setting, **more)
    assert kept == [array.tobytes() for array in case.arrays], "an input was changed"
    return np.asarray(values), gradients


def named(case: Case) -> tuple[str, ...]:
    return differentiable(case.facts, case.arrays)


def shapes_and_types(case: Case) -> None:
    """Values and gradients have the first input's type; each gradient has its input's shape."""
    values, gradients = computed(case)
    dtype = case.arrays[0].dtype
    for name, gradient in zip(named(case), gradients, strict=True):
        wanted = case.arrays[case.facts.inputs.index(name)].shape
        assert gradient.shape == wanted, f"gradient by {name}: shape {gradient.shape}, wanted {wanted}"
        assert gradient.dtype == dtype
    assert values.dtype == dtype
    mean, _ = made(case.loss, **case.setting).value_and_grad(*case.arrays)
    assert np.asarray(mean).dtype == dtype
    assert np.shape(mean) == ()
    if not values.size:
        assert np.isnan(mean)


def no_nan_from_numbers(case: Case) -> None:
    """Finite inputs never give nan."""
    if not case.finite or not case.arrays[0].size:
        return
    values, gradients = computed(case)
    assert not np.isnan(values).any(), f"a value is nan: {values}"
    if case.mood == "extreme" and case.facts.structure != "pointwise":
        return  # a row's slopes may be infinity over infinity
    for name, gradient in zip(named(case), gradients, strict=True):
        assert not np.isnan(gradient).any(), f"a gradient by {name} is nan: {gradient}"


def nan_is_passed_on(case: Case) -> None:
    """A nan in a row makes that row's value nan and leaves the others alone."""
    if case.facts.structure not in INDEPENDENT or not any(np.isnan(case.arrays[k]).any() for k in case.floating()):
        return
    values, _ = computed(case)
    spoilt = np.zeros(values.shape, bool)
    for index in case.floating():
        where = np.isnan(case.arrays[index])
        if where.ndim > values.ndim:
            where = where.any(axis=_class_axis(case, where.ndim))
        spoilt |= where
    numbers = tuple(
        np.where(np.isnan(array), array.dtype.type(0.5), array) if array.dtype.kind == "f" else array
        for array in case.arrays
    )
    clean, _ = computed(case.with_arrays(numbers))
    if case.facts.structure in ("pointwise", "softmax", "distributions"):
        ignored = _ignored(case, values.shape)
        assert np.isnan(values[spoilt & ~ignored]).all(), f"nan went in, and out came {values}"
    np.testing.assert_allclose(values[~spoilt], clean[~spoilt], rtol=1e-5 if values.dtype == np.float32 else 1e-13)


def _class_axis(case: Case, ndim: int) -> int:
    return -1 if case.facts.structure == "pointwise" or ndim == 1 else 1


def _ignored(case: Case, shape: tuple[int, ...]) -> Array:
    setting = {**case.facts.parameters, **case.setting}
    target = case.arrays[-1]
    if "ignore_index" not in setting or target.dtype.kind not in "iu":
        return np.zeros(shape, bool)
    return np.asarray(target == setting["ignore_index"]).reshape(shape)


def single_as_double(case: Case) -> None:
    """float32 gives what float64 does, but for rounding and what an ulp of the inputs does to the result."""
    if not case.finite or case.arrays[0].dtype != np.float32 or not case.arrays[0].size:
        return
    single = computed(case)
    wide = case.with_arrays(tuple(_wide(array) for array in case.arrays))
    exact = computed(wide)
    rng = np.random.default_rng(0)
    moved = [computed(wide.with_arrays(_moved(case, rng))) for _ in range(4)]
    one = np.asarray(single[0], np.float64), *[np.asarray(gradient, np.float64) for gradient in single[1]]
    two = exact[0], *exact[1]
    for number, (got, wanted) in enumerate(zip(one, two, strict=True)):
        ends = [(values, *gradients)[number] for values, gradients in moved]
        what = "value" if number == 0 else f"gradient by {named(case)[number - 1]}"
        _near(case, got, wanted, ends, what)


def _wide(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype == np.float32 else array


def _moved(case: Case, rng: np.random.Generator) -> tuple[Array, ...]:
    """The inputs, each moved up or down by an ulp of float32, within its domain."""
    found = []
    for index, array in enumerate(case.arrays):
        if index not in case.floating():
            found.append(_wide(array))
            continue
        towards = np.where(rng.random(array.shape) < 0.5, -np.inf, np.inf).astype(np.float32)
        with np.errstate(over="ignore"):
            near = np.nextafter(array, towards)
        kind = drawn.domain_name(case.facts, case.facts.inputs[index], case.setting)
        low, high = {"probability": (0.0, 1.0), "log_probability": (-np.inf, 0.0)}.get(kind, (-np.inf, np.inf))
        if kind in ("positive", "nonnegative", "count"):
            low = 0.0
        near = np.where((near < low) | (near > high), array, near)
        found.append(np.asarray(near, np.float64))
    return tuple(found)


def _near(case: Case, got: Array, wanted: Array, ends: list[Array], what: str) -> None:
    largest = float(SINGLE.max) * (1.0 - 1e-6)
    with np.errstate(all="ignore"):
        slack = 4.0 * np.max([np.abs(end - wanted) for end in ends], axis=0)
        slack = np.where(np.isnan(slack), np.inf, slack)
        scale = np.abs(wanted)
        if what != "value" and case.facts.structure != "pointwise":  # slopes of a row are precise to the largest
            finite = np.where(np.isfinite(wanted), np.abs(wanted), 0.0)
            scale = np.maximum(scale, finite.max(axis=0 if finite.ndim == 1 else 1, keepdims=True))
            if case.facts.structure not in CLASS_AXIS or case.facts.structure == "distributions":
                scale = np.maximum(scale, max(1.0, float(finite.max(initial=0.0))))
        bar = 4e-6 * scale + slack + float(SINGLE.tiny)
        overflown = (np.abs(wanted) + slack > largest) & np.isinf(got)
        good = (np.abs(got - wanted) <= bar) | (got == wanted) | overflown | (np.isnan(got) & np.isnan(wanted))
    if not good.all():
        place = tuple(int(k) for k in np.argwhere(~good)[0])
        both = f"{got[place]!r} in float32 and {wanted[place]!r} in float64"
        raise AssertionError(f"{what} at {place} is {both} (allowed {bar[place]:.3g})")


def exact_to_the_bar(case: Case) -> None:
    """A few values and slopes against the same mathematics at fifty digits, to the bar of the conformance suite."""
    if not case.finite or not case.arrays[0].size or any(isinstance(value, list) for value in case.setting.values()):
        return
    facts, dtype = case.facts, case.arrays[0].dtype.type
    if facts.structure == "pointwise" and case.mood != "edges" and not facts.facts.get("class_mean"):
        values, gradients = computed(case)
        elements = Elements(facts, dict(case.setting), dtype)
        for k in _some(case, values.size):
            point = [array.reshape(-1)[k] for array in case.arrays]
            if _at_an_end(case, point):
                continue
            where = f"{[float(x) for x in point]}, {shown(case.setting)}, {np.dtype(dtype)}"
            elements.hold(values.reshape(-1)[k], point, None, f"value at {where}")
            for name, gradient in zip(facts.differentiable, gradients, strict=True):
                if _smooth(case, point):
                    elements.hold(gradient.reshape(-1)[k], point, name, f"slope by {name} at {where}")
    elif facts.structure in CLASS_AXIS and case.arrays[0].ndim > 1 and case.mood != "extreme":
        if facts.structure == "margins" and facts.target == "class_list":
            return
        values, gradients = computed(case)
        formula = precise_rows.row(facts, dict(case.setting), dtype)
        parts = list(row_parts(facts, case.arrays))
        for k in _some(case, len(parts))[:1]:
            hold_row(values.reshape(-1)[k], formula, parts[k], None, dtype, f"value of row {k}")
            if case.mood != "edges":
                for name, gradient in zip(named(case), gradients, strict=True):
                    row = by_rows(gradient)[k]
                    largest = scale_of(facts, row, values.reshape(-1)[k])
                    by = facts.inputs.index(name), int(np.argmax(np.abs(row)))
                    hold_row(row[by[1]], formula, parts[k], by, dtype, f"slope by {name} of row {k}", largest)


def _some(case: Case, size: int) -> list[int]:
    """Elements to look at closely: those that are very large or small."""
    weights = np.zeros(size)
    for array in case.arrays:
        if array.size == size:
            sizes = np.log(np.abs(array.reshape(-1).astype(np.float64)) + 1e-300)
            weights = np.maximum(weights, np.abs(np.nan_to_num(sizes)))
    return [int(k) for k in np.argsort(-weights)[:3]]


def _smooth(case: Case, point: list[Any]) -> bool:
    """Not where inputs meet: there is no derivative there, and a rule instead."""
    return case.mood in ("ordinary", "scaled") and len({float(x) for x in point}) == len(point)


def _at_an_end(case: Case, point: list[Any]) -> bool:
    """Whether a quantity lies where formulas have limits instead of values."""
    domains = [drawn.domain(case.facts, name, case.setting) for name in case.facts.inputs]
    return any(float(x) in known.edges and not known.labels for x, known in zip(point, domains, strict=True))


def layouts_do_not_matter(case: Case, layouts: tuple[str, ...], out: str, chosen: tuple[str, ...]) -> None:
    """Strides, order, byte order: the same numbers; gradients go to buffers of any layout, some or all of them."""
    values, gradients = computed(case)
    laid = tuple(
        LAYOUTS[layout](array) if array.ndim else array for layout, array in zip(layouts, case.arrays, strict=True)
    )
    dtype = laid[0].dtype  # the gradients', too
    buffers = tuple(np.full_like(case.arrays[case.facts.inputs.index(name)], 7.0, dtype) for name in chosen)
    buffers = tuple(LAYOUTS[out](buffer) if buffer.ndim else buffer for buffer in buffers)
    unfit = out in ("read-only", "other byte order")
    given = None if unfit else (buffers if len(chosen) > 1 else buffers[0])
    criterion = made(case.loss, reduction="none", **case.setting)
    got, slopes = criterion.value_and_grad(*laid, wrt=chosen, out=given)
    tolerance = 2e-6 if case.arrays[0].dtype == np.float32 else 1e-13
    _agree(got, values, tolerance, f"values, laid out as {layouts}")
    for name, slope in zip(chosen, slopes if len(chosen) > 1 else (slopes,), strict=True):
        wanted = gradients[named(case).index(name)]
        _agree(slope, wanted, tolerance, f"gradient by {name}, laid out as {layouts}, out {out}")
    if given is not None:
        returned = slopes if len(chosen) > 1 else (slopes,)
        assert all(one is two for one, two in zip(returned, buffers, strict=True)), "another array than out came back"


def _agree(got: Any, wanted: Any, tolerance: float, what: str) -> None:
    got, wanted = np.asarray(got, np.float64), np.asarray(wanted, np.float64)
    largest = np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0)
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=0.1 * tolerance * largest, err_msg=what)


def reductions_agree(case: Case, weight: Array | None) -> None:
    """Sum, mean, total and their gradients are what the unreduced values and slopes say."""
    if not case.finite:
        return
    values, gradients = computed(case, sample_weight=weight)
    every = np.asarray(values, np.float64)
    total = made(case.loss, **case.setting).total(*case.arrays, sample_weight=weight)
    scale = float(np.abs(every).sum())
    if not scale < float(np.finfo(values.dtype).max) / 64.0:
        return  # sums of a block, and products with weights, are of the element's type and may overflow
    tolerance = 1e-6 if values.dtype == np.float32 else 1e-12
    bar = tolerance * scale + float(np.finfo(values.dtype).tiny) * every.size
    summed = float(every.sum())
    assert abs(total.sum - summed) <= bar, f"total {total.sum!r}, wanted {summed!r}"
    value, slopes = made(case.loss, reduction="sum", **case.setting).value_and_grad(
        *case.arrays, sample_weight=weight, wrt=named(case)
    )
    if abs(summed) < float(np.finfo(values.dtype).max):
        assert abs(float(value) - summed) <= 2 * bar, f"sum {value!r}, wanted {summed!r}"
    many = len(named(case)) > 1
    for slope, gradient in zip(slopes if many else (slopes,), gradients, strict=True):
        _agree(slope, gradient, tolerance, "gradient of the sum")
    if total.denominator > 0:
        mean, slopes = made(case.loss, **case.setting).value_and_grad(
            *case.arrays, sample_weight=weight, wrt=named(case)
        )
        wanted = summed / total.denominator
        allowed = 2 * bar / total.denominator + float(np.finfo(values.dtype).tiny)
        assert abs(float(mean) - wanted) <= allowed, f"mean {mean!r}, wanted {wanted!r}"
        for slope, gradient in zip(slopes if many else (slopes,), gradients, strict=True):
            _agree(slope, np.asarray(gradient, np.float64) / total.denominator, 4 * tolerance, "gradient of the mean")


def slope_by_differences(case: Case) -> None:
    """Along a random direction the value changes as the gradient says, in float64, away from kinks."""
    if case.mood != "ordinary" or case.arrays[0].dtype != np.float64 or not case.arrays[0].size:
        return
    rng = np.random.default_rng(1)
    names = named(case)
    directions = {name: rng.standard_normal(case.arrays[case.facts.inputs.index(name)].shape) for name in names}

    def total(step: float) -> float:
        moved = tuple(
            array * (1.0 + step * directions[name]) if name in names else array
            for name, array in zip(case.facts.inputs, case.arrays, strict=True)
        )
        if any(not _inside(case, name, array) for name, array in zip(case.facts.inputs, moved, strict=True)):
            return np.nan
        return float(np.sum(computed(case.with_arrays(moved))[0], dtype=np.float64))

    _, gradients = computed(case)
    wanted = sum(
        float(np.sum(gradient * case.arrays[case.facts.inputs.index(name)] * directions[name]))
        for name, gradient in zip(names, gradients, strict=True)
    )
    step = 1e-5
    wide, narrow = ((total(h) - total(-h)) / (2 * h) for h in (step, step / 4))
    size = sum(
        float(np.sum(np.abs(gradient * case.arrays[case.facts.inputs.index(name)] * directions[name])))
        for name, gradient in zip(names, gradients, strict=True)
    ) + abs(total(0.0))
    if not np.isfinite(wide + narrow) or abs(wide - narrow) > 1e-7 * max(size, 1e-9):
        return  # a kink nearby, or an end of the domain
    assert abs(narrow - wanted) <= 1e-5 * size + 1e-9, f"differences say {narrow!r}, the gradient {wanted!r}"


def _inside(case: Case, name: str, array: Array) -> bool:
    kind = drawn.domain_name(case.facts, name, case.setting)
    if kind == "probability":
        return bool((array >= 0).all() and (array <= 1).all())
    return kind != "log_probability" or bool((array <= 0).all())


def threads_do_not_matter(case: Case, times: int) -> None:
    """Many rows on threads: the bits of one thread, and of the same rows alone."""
    from numbaloss.compile import threads

    if case.facts.structure not in INDEPENDENT or not case.finite or case.arrays[0].ndim < 2 or not case.arrays[0].size:
        return
    many = case.with_arrays(tuple(np.concatenate([array] * times) for array in case.arrays))
    values, gradients = computed(many)
    with threads.serial_only():
        alone, slopes = computed(many)
    assert values.tobytes() == alone.tobytes(), "threads change the values"
    for one, two in zip(gradients, slopes, strict=True):
        assert one.tobytes() == two.tobytes(), "threads change a gradient"
    few, _ = computed(case)
    _agree(values, np.concatenate([few] * times), 2e-6 if values.dtype == np.float32 else 1e-13, "the same rows again")


def halves_are_rounded_singles(case: Case, dtype: Any) -> None:
    """float16 and bfloat16: what float32 gives of the same numbers, rounded once."""
    with np.errstate(over="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        small = tuple(array.astype(dtype) if array.dtype.kind not in "iu" else array for array in case.arrays)
        single = tuple(array.astype(np.float32) if array.dtype.kind not in "iu" else array for array in small)
    case = case.with_arrays(single)
    values, gradients = computed(case)
    with np.errstate(over="ignore"):
        got, slopes = unreduced(case.loss, small, **case.setting)
        for what, one, two in zip(("value", *named(case)), (got, *slopes), (values, *gradients), strict=True):
            one, wanted = np.asarray(one), np.asarray(two).astype(dtype)
            assert one.dtype == np.dtype(dtype)
            same = (one == wanted) | ((one != one) & (wanted != wanted))
            assert same.all(), f"{what} in {np.dtype(dtype)}: {one[~same][:3]}, wanted {wanted[~same][:3]}"


PLAIN = (
    shapes_and_types,
    no_nan_from_numbers,
    nan_is_passed_on,
    single_as_double,
    exact_to_the_bar,
    slope_by_differences,
)
