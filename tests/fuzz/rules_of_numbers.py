"""What must be true of the numbers that come out: float32 against float64, fifty digits, and differences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from calls import computed, input_of, inside, named, squares_overflow, steepest_turn
from cases import BEYOND, Array, Case
from settings_drawn import CLASS_WEIGHTS

from numbaloss.definition import split_signature
from numbaloss.testing import checks_regions, precise_rows
from numbaloss.testing import inputs as drawn
from numbaloss.testing.basics import separable, shown
from numbaloss.testing.checks_accuracy import Elements, by_rows, by_sequences, hold_row, row_parts, scale_of

FAR = (*BEYOND, "scaled")  # moods in which differences may need more digits than type or reference have
MANY = 100  # numbers beyond which fifty digits take too long
# Slopes are differences of terms as large as this.
FLOORS = {"distributions": 1.0, "regions": 10.0, "softmax": 0.01, "head": 0.01, "triplets": 1.0, "sequence": 0.01}
# Values: logarithms of alternatives that add up to 1 to a rounding; squares of distances of unit vectors; one less an
# overlap; differences of logarithms that are rounded to the size of their own.
LEAST = {"sequence": 0.1, "pairs": 1e-8, "regions": 0.1, "distributions": 0.01}
SINGLE = np.finfo(np.float32)


def single_as_double(case: Case) -> None:
    """float32 gives what float64 does, but for rounding and what an ulp of the inputs does to the result."""
    if not case.finite or case.arrays[0].dtype != np.float32 or not case.arrays[0].size or squares_overflow(case):
        return
    if _unbounded(case) or _tied(case) or _squares_vanish(case):
        return  # what float32 takes for equally near, float64 may not
    if case.setting.get("smooth_dr") == 0.0 and case.mood in FAR:
        return  # what is nothing in float32, and over nothing no number, may be something in float64
    single = computed(case)
    wide = case.with_arrays(tuple(_wide(array) for array in case.arrays))
    exact = computed(wide)
    rng = np.random.default_rng(0)
    moved = [computed(_nudged(wide, rng).with_arrays(arrays)) for _ in range(2) for arrays in _moved(case, rng)]
    one = np.asarray(single[0], np.float64), *[np.asarray(gradient, np.float64) for gradient in single[1]]
    two = exact[0], *exact[1]
    for number, (got, wanted) in enumerate(zip(one, two, strict=True)):
        ends = [(values, *gradients)[number] for values, gradients in moved]
        _near(case, got, wanted, ends, "" if number == 0 else named(case)[number - 1])


def _wide(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype == np.float32 else array


def _nudged(case: Case, rng: np.random.Generator) -> Case:
    """The same with every hyper-parameter that is a quantity moved by an ulp of float32, within its limits."""
    setting = {**case.facts.parameters, **case.setting}
    for name, value in setting.items():
        if type(value) is float and name not in case.facts.static:
            near = value * (1.0 + rng.choice([-1.0, 1.0]) * float(SINGLE.eps))
            setting[name] = near if near in case.facts.limits.get(name, (near,)) else value
    return replace(case, setting=setting)


def _moved(case: Case, rng: np.random.Generator) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """The inputs, each moved up or down by an ulp of float32, within its domain; and the first against the others."""
    ways = [np.where(rng.random(array.shape) < 0.5, -np.inf, np.inf).astype(np.float32) for array in case.arrays]

    def along(ways: list[Array]) -> tuple[Array, ...]:
        found = [_wide(array) for array in case.arrays]
        for index in case.floating():
            with np.errstate(over="ignore"):
                near = np.nextafter(case.arrays[index], ways[index])
            found[index] = np.asarray(np.where(inside(case, index, near), near, case.arrays[index]), np.float64)
        return tuple(found)

    return along(ways), along([-ways[0], *ways[1:]])


def _near(case: Case, got: Array, wanted: Array, ends: list[Array], by: str) -> None:
    largest = float(SINGLE.max) * (1.0 - 1e-6)
    with np.errstate(all="ignore"):
        slack = 4.0 * np.max([np.abs(end - wanted) for end in ends], axis=0)
        slack = np.where(np.isnan(slack), np.inf, slack)
        scale = np.abs(wanted)
        if by and case.facts.structure != "pointwise":  # slopes of a row are precise to the largest
            scale = _largest(case, by, wanted)
        else:
            least = {**LEAST, **FLOORS} if case.mood == "scaled" else LEAST
            scale = np.maximum(scale, least.get(case.facts.structure, 0.0))
            scale = np.maximum(scale, 0.1 * _farthest(case))
        if case.facts.structure == "tiles":  # a score's ulps are in its exponential
            scale = np.maximum(scale, 1.0) * max(1.0, 0.1 / case.setting.get("temperature", 1.0))
        if case.mood in BEYOND and case.facts.structure in ("triplets", "tiles", "pairs", "distributions"):
            # differences of distances, of log-probabilities, or of cosines that a number among the inputs multiplies
            scale = np.maximum(scale, max(float(np.abs(case.arrays[k]).max()) for k in case.floating()))
        blur = 10.0 if case.mood in BEYOND and case.facts.structure != "pointwise" else _blur(case)
        bar = blur * 4e-6 * (scale + _centring(case, by)) + slack + float(SINGLE.tiny)
        overflown = (np.abs(wanted) / min(CLASS_WEIGHTS) + slack > largest) & np.isinf(got)
        good = (np.abs(got - wanted) <= bar) | (got == wanted) | overflown | (np.isnan(got) & np.isnan(wanted))
    if by and case.facts.structure != "pointwise" and case.mood in BEYOND:
        good |= np.isnan(got)  # a row's slopes may be infinity over infinity
    if not good.all():
        place = tuple(int(k) for k in np.argwhere(~good)[0])
        both = f"{got[place]!r} in float32 and {wanted[place]!r} in float64"
        what = f"gradient by {by}" if by else "value"
        raise AssertionError(f"{what} at {place} is {both} (allowed {bar[place]:.3g})")


def _farthest(case: Case) -> float:
    """What a distance may be of which a value is a difference."""
    if case.facts.structure != "triplets":
        return 0.0
    squared = "squared" in str(case.setting.get("distance_function"))
    entries = (np.abs(array.astype(np.float64)) + case.setting.get("eps", 0.0) for array in case.arrays)
    return max(float((array**2 if squared else array).sum(axis=-1).max(initial=0.0)) for array in entries)


def _tied(case: Case) -> bool:
    """Whether distances may be the same in float32 alone: of scaled rows, or of ones that an added eps swamps.

    Or probabilities, whose difference decides the sign of a slope. Or distances of whole numbers that differ by the
    margin, which an added eps moves to one side of the kink or the other. Or those of the two hardest of a batch.
    """
    if case.facts.facts.get("mining") == "hardest" and _hardest_tied(case):
        return True
    if case.mood == "scaled" and case.facts.facts.get("anchored"):
        return True
    if case.mood == "ties" and case.facts.structure == "triplets":
        return True
    if case.mood != "scaled" or case.facts.structure != "triplets":
        return False
    return bool(case.setting.get("swap")) or float(np.abs(case.arrays[0]).max(initial=0.0)) < 1e-10


def _hardest_tied(case: Case) -> bool:
    """Whether a row's furthest positive, or its nearest negative, is two rows, but for rounding."""
    vectors, labels = case.arrays[0].astype(np.float64), case.arrays[1]
    square = ((vectors[:, None] - vectors[None]) ** 2).sum(axis=-1)
    blur = 1e-5 * square.max(initial=0.0)
    same = labels[:, None] == labels[None]
    furthest = np.sort(np.where(same, -square, np.inf), axis=1)
    nearest = np.sort(np.where(same, np.inf, square), axis=1)
    with np.errstate(invalid="ignore"):  # of none, or of one alone
        return any(bool((two[:, 1:2] - two[:, :1] <= blur).any()) for two in (furthest, nearest))


def _squares_vanish(case: Case) -> bool:
    """Whether distances come from squares that have lost their digits."""
    if "mining" not in case.facts.facts:
        return False
    entries = np.abs(case.arrays[0])
    return bool(np.any((entries > 0.0) & (entries < np.sqrt(SINGLE.tiny / SINGLE.eps))))


def _unbounded(case: Case) -> bool:
    """Whether an overlap may be far above 1, and a mean over classes the difference of large numbers."""
    return float(case.setting.get("smooth_nr", 0.0)) > float(case.setting.get("smooth_dr", 0.0))


def _blur(case: Case) -> float:
    """A correlation is a difference of products of sums: where little correlates their rounding is seen."""
    return 10.0 if case.facts.structure == "regions" and "tn" in split_signature(case.facts.maths)[0] else 1.0


def _largest(case: Case, by: str, slopes: Array) -> Any:
    """The largest slope of each row; of all rows where they are not by themselves."""
    sizes = np.where(np.isfinite(slopes), np.abs(slopes), 0.0)
    of_a_number = 0.1 if input_of(case, by).ndim == 0 else 0.0  # a sum over all pairs
    least = max(steepest_turn(case, by), FLOORS.get(case.facts.structure, 0.0), of_a_number, 0.1 * _factor(case, by))
    sizes = np.maximum(sizes, least)
    rows = separable(case.facts) and not case.single and by not in drawn.shared(case.facts) and slopes.ndim > 1
    if not rows:
        return np.broadcast_to(sizes.max(initial=0.0), sizes.shape)
    axis = drawn.batch_axis(case.facts, slopes, case.facts.inputs.index(by))
    every = tuple(k for k in range(sizes.ndim) if k != axis)
    return np.broadcast_to(sizes.max(axis=every, keepdims=True), sizes.shape)


def _factor(case: Case, by: str) -> float:
    """What multiplies the slopes by the logits of a head, of up to 1, in the sums that its other slopes are."""
    if case.facts.structure != "head":
        return 0.0
    other = {"input": "linear_weight", "linear_weight": "input"}.get(by)
    return 0.0 if other is None else float(np.abs(input_of(case, other)).max(initial=0.0))


def _centring(case: Case, by: str) -> float:
    """Distances of a batch are taken from its mean, in its type: they are precise to the largest entry."""
    if "mining" not in case.facts.facts:
        return 0.0
    entries = case.arrays[0].astype(np.float64)
    triplets = len(entries) ** 2 if case.facts.facts["mining"] == "all" else 1
    if not by:
        return triplets * float(np.abs(entries).max())
    apart = np.abs(entries[:, None] - entries[None]).max(axis=-1)
    nearest = float(apart.min(where=apart > 0.0, initial=np.inf))
    return len(entries) * triplets * float(np.abs(entries).max()) / nearest


def exact_to_the_bar(case: Case) -> None:
    """A few values and slopes against the same mathematics at fifty digits, to the bar of the conformance suite."""
    lists = {name for name, value in case.setting.items() if isinstance(value, list)}
    if not case.finite or not case.arrays[0].size or lists - {"weight"}:
        return
    if case.facts.structure == "pointwise":
        _exact_elements(case)
    elif case.facts.structure in precise_rows.ROWS:
        _exact_row(case)
    elif checks_regions.of_sums(case.facts):
        _exact_image(case)


def _exact_elements(case: Case) -> None:
    facts, dtype = case.facts, case.arrays[0].dtype.type
    if case.mood in ("edges", "ties") or facts.facts.get("class_mean") or "weight" in case.setting:
        return
    values, gradients = computed(case)
    elements = Elements(facts, dict(case.setting), dtype)
    for k in _some(case, values.size):
        point = [array.reshape(-1)[k] for array in case.arrays]
        if _at_an_end(case, point):
            continue
        if case.setting.get("full") and abs(values.reshape(-1)[k]) < 0.1:
            continue  # a constant is added to a logarithm, of which it may leave few digits
        if case.mood in BEYOND and (np.isinf(values.reshape(-1)[k]) or max(map(abs, point)) > 1e15):
            continue  # a difference of two numbers may be beyond the type, or of all its digits
        where = f"{[float(x) for x in point]}, {shown(case.setting)}, {np.dtype(dtype)}"
        elements.hold(values.reshape(-1)[k], point, None, f"value at {where}")
        for name, gradient in zip(facts.differentiable, gradients, strict=True):
            if case.mood not in FAR and len({float(x) for x in point}) == len(point):  # no slope where inputs meet
                elements.hold(gradient.reshape(-1)[k], point, name, f"slope by {name} at {where}")


def _some(case: Case, size: int) -> list[int]:
    """Elements to look at closely: those that are very large or small."""
    weights = np.zeros(size)
    for array in case.arrays:
        if array.size == size:
            sizes = np.log(np.abs(array.reshape(-1).astype(np.float64)) + 1e-300)
            weights = np.maximum(weights, np.abs(np.nan_to_num(sizes)))
    return [int(k) for k in np.argsort(-weights)[:3]]


def _at_an_end(case: Case, point: list[Any]) -> bool:
    """Whether a quantity lies where formulas have limits instead of values."""
    domains = [drawn.domain(case.facts, name, case.setting) for name in case.facts.inputs]
    return any(float(x) in known.edges and not known.labels for x, known in zip(point, domains, strict=True))


def _exact_row(case: Case) -> None:
    """The first row: its value, and the largest slope by each input."""
    facts, dtype = case.facts, case.arrays[0].dtype.type
    if case.single or case.arrays[0].ndim < 2 or case.mood in FAR or facts.target == "class_list":
        return
    if "rows" in facts.facts and (case.arrays[0].ndim > 2 or squares_overflow(case)):
        return
    setting = {**case.setting, **facts.facts.get("derivative", {})}
    weights = setting.pop("weight", None)
    case = replace(case, setting={**setting, **({} if weights is None else {"weight": weights})})
    values, gradients = computed(case)
    formula = precise_rows.row(facts, setting, dtype, weights)
    parts = next(iter(row_parts(facts, case.arrays)))
    if sum(len(part) for part in parts if isinstance(part, list)) > MANY:
        return
    value = values.reshape(-1)[0]
    scale = max(LEAST.get(facts.structure, 0.0), 0.5 * _farthest(case))
    hold_row(value, formula, parts, None, dtype, "value of row 0", scale)
    if case.mood in ("edges", "ties"):
        return
    lines = by_sequences if facts.structure == "sequence" else by_rows
    for name, gradient in zip(named(case), gradients, strict=True):
        if name not in drawn.shared(facts):
            row = lines(gradient)[0]
            by = facts.inputs.index(name), int(np.argmax(np.abs(row)))
            scale = max(scale_of(facts, row, value), steepest_turn(case, name), float(facts.structure == "triplets"))
            hold_row(row[by[1]], formula, parts, by, dtype, f"slope by {name} of row 0", scale)


def _exact_image(case: Case) -> None:
    """The first image."""
    facts, dtype = case.facts, case.arrays[0].dtype.type
    if _unbounded(case) or case.setting.get("batch") or "weight" in case.setting or case.mood in (*FAR, "edges"):
        return
    scores, target = case.arrays
    if np.all(target[0] == case.setting.get("ignore_index", np.nan)):
        return  # there is no image
    if case.setting.get("squared_pred") and target.shape == scores.shape:
        return  # soft masks may be met, and little is left of one less the overlap
    values, (gradient,) = computed(case)
    flat = scores[0].reshape(scores.shape[1], -1)
    if flat.shape[1] < 3 and _blur(case) > 1.0:
        return  # of a pixel or two a correlation is nothing over nothing, but for eps
    wishes = target[0].reshape(-1) if target.ndim < scores.ndim else target[0].reshape(flat.shape)
    exact = checks_regions.Exact(facts, dict(case.setting), dtype).image(flat, wishes)
    got = gradient[0].reshape(flat.shape)
    checks_regions.hold_image(values[0], got, exact, _blur(case) * checks_regions.RELATIVE[dtype], "image 0")


def slope_by_differences(case: Case) -> None:
    """Along a random direction the value changes as the gradient says, in float64, away from kinks."""
    if case.mood != "ordinary" or case.arrays[0].dtype != np.float64 or not case.arrays[0].size:
        return
    case = replace(case, setting={**case.setting, **case.facts.facts.get("derivative", {})})
    rng = np.random.default_rng(1)
    names = named(case)
    paths = {name: input_of(case, name) * rng.standard_normal(input_of(case, name).shape) for name in names}

    def total(step: float) -> float:
        moved = tuple(
            array + step * paths[name] if name in names else array
            for name, array in zip(case.facts.inputs, case.arrays, strict=True)
        )
        if not all(inside(case, index, array).all() for index, array in enumerate(moved)):
            return np.nan
        return float(np.sum(computed(case.with_arrays(moved))[0], dtype=np.float64))

    _, gradients = computed(case)
    changes = [gradient * paths[name] for name, gradient in zip(names, gradients, strict=True)]
    wanted = sum(float(np.sum(change)) for change in changes)
    step = 1e-5
    wide, narrow = ((total(h) - total(-h)) / (2 * h) for h in (step, step / 4))
    size = sum(float(np.sum(np.abs(change))) for change in changes) + abs(total(0.0))
    if not np.isfinite(wide + narrow) or abs(wide - narrow) > 1e-7 * max(size, 1e-9):
        return  # a kink nearby, or an end of the domain
    assert abs(narrow - wanted) <= 1e-5 * size + 1e-9, f"differences say {narrow!r}, the gradient {wanted!r}"


PLAIN = (single_as_double, exact_to_the_bar, slope_by_differences)
