"""Losses of all alignments of a labelling to a longer sequence, in three launches.

First every time step is normalised (of logits only), many at a time. Then a block for each sequence runs through its
time steps and back, and leaves the chances of the states. Last every row of the gradient is written, many at a time.
"""

from __future__ import annotations

from typing import Any

from numba import cuda, int64

from numbaloss.compile.primitives import exp, expm1, log1p
from numbaloss.kernels.cuda.device import THREADS, WARPS, block_max, block_sum, divided, larger, load, real, store
from numbaloss.kernels.cuda.group import LANES, first_row, group_max, group_sum, group_wait, lane, row_step
from numbaloss.kernels.cuda.lattice import NORMALISED, backward, clear_edges, forward, logarithm, whole
from numbaloss.kernels.cuda.spans import HELD, WHOLE, column, fetch, spans, write

SHARED = True  # open name: whether shared memory has room for the states of two time steps
SPAN = 68  # open name: states of a time step that shared memory has room for, with two on either side
CELLS = 136  # open name: the same of two time steps
JOINED = False  # open name: whether the labels of all sequences lie one after another
FORGIVING = False  # open name: whether sequences without an alignment count 0
PER_LABEL = False  # open name: whether values are divided by their numbers of labels
BY_LOGITS = True  # open name: whether gradients are those by logits
NAN = float("nan")
NOTHING, POSSIBLE, IMPOSSIBLE, WRONG = 0, 1, 2, 3  # fates of a sequence; WRONG: labels or lengths out of range


def link(log_prob: Any, rest: Any, params: Any) -> Any:
    """Open name: (value, slope, curvature) by the labelling's log-probability and one minus its probability."""
    raise NotImplementedError


def normalise(rows, count, classes, flat, time_step, batch_step, lengths, highs, log_sums):  # type: ignore[no-untyped-def]
    """What to take off the logits of each time step: the largest, and the logarithm of a sum, exact near 0."""
    shared = cuda.shared.array(WARPS, real)
    held = cuda.local.array(HELD, real)
    for row in range(first_row(), rows, row_step()):
        t, i = row // count, row % count
        if t < whole(lengths, i):
            start = t * time_step + i * batch_step
            high = load(flat, start)
            for span in range(spans(classes)):
                fetch(flat, start, span, classes, held)
                for k in range(HELD):
                    high = larger(high, held[k]) if column(span, k) < classes else high
            high = group_max(high, shared)
            rest, ties = real(0.0), real(0.0)
            for span in range(spans(classes)):
                if not WHOLE:
                    fetch(flat, start, span, classes, held)
                for k in range(HELD):
                    gap = held[k] - high
                    inside = column(span, k) < classes
                    rest += exp(gap) if inside and gap != 0.0 else 0.0
                    ties += 1.0 if inside and gap == 0.0 else 0.0
            rest, ties = group_sum(rest, shared), group_sum(ties, shared)
            if lane() == 0:
                highs[row], log_sums[row] = high, log1p(rest + (ties - 1.0))


def beginning(i, count, counts, shared):  # type: ignore[no-untyped-def]
    """Where a sequence's labels begin if all lie one after another, and how many labels there are in all."""
    before, total = int64(0), int64(0)
    for k in range(cuda.threadIdx.x, count, THREADS):
        before += whole(counts, k) if k < i else int64(0)
        total += whole(counts, k)
    return block_sum(before, shared), block_sum(total, shared)


def chain(n, labels, blank, classes, links, begin):  # type: ignore[no-untyped-def]
    """Writes for each label where the next one like it is (or -1), and whether it is the first; 1 if one is wrong."""
    wrong = real(0.0)
    for j in range(cuda.threadIdx.x, n, THREADS):
        own, following, leads = whole(labels, j), int64(-1), int64(1)
        wrong = 1.0 if own < 0 or own >= classes or own == blank else wrong
        for other in range(n):
            if whole(labels, other) == own:
                leads = int64(0) if other < j else leads
                following = int64(other) if other > j and following < 0 else following
        links[2 * (begin + j)], links[2 * (begin + j) + 1] = following, leads
    return wrong


def alignments(
    count, steps, classes, flat, time_step, batch_step, norms, targets, batch_labels, room, lengths, counts, blank,
    weights, params, scale, masses, parts, empty, ahead, ahead_e, near, near_e, near_rest, span, links, starts, fates,
    factors, values, partials,
):  # type: ignore[no-untyped-def]
    """One block for one sequence: its weighted value, its fate, and the chances of its states in the place of `ahead`.

    There is room for `room` labels of each sequence, or of all if they are `JOINED`. `near` has room for the states of
    two time steps, `span` for each, where shared memory has not.
    """
    shared = cuda.shared.array(WARPS, real)
    counted = cuda.shared.array(WARPS, int64)
    i = int64(cuda.blockIdx.x)
    if SHARED:
        m = cuda.shared.array(CELLS, real)
        e = cuda.shared.array(CELLS, int64)
        r = cuda.shared.array(CELLS, real)
        lattice = (m, e, r, int64(0), int64(SPAN))
    else:
        lattice = (near, near_e, near_rest, i * 2 * span, span)
    scale = divided(scale, masses, parts, empty, shared)
    n, length = whole(counts, i), whole(lengths, i)
    begin, first = i * room, targets[1] + i * batch_labels
    wrong = n < 0 or n > room or length < 0 or length > steps
    if JOINED:
        begin, total = beginning(i, count, counts, counted)
        first = targets[1] + begin * targets[2]
        wrong = wrong or total != room or begin < 0 or begin + n > room
    n = int64(0) if wrong else n
    labels = (targets[0], first, targets[2])
    if block_max(chain(n, labels, blank, classes, links, begin), shared) > 0.0:
        wrong = True
    length = int64(0) if wrong else length
    scores = (flat, i * batch_step, time_step, norms, i, count)
    kept = steps * (2 * begin + i)
    fits = n <= length  # else there is no alignment, and perhaps no room
    clear_edges(lattice, 2 * n + 1 if fits else int64(1))
    full, rest, full_e = real(1.0) if fits else real(0.0), real(0.0), int64(0)  # of no time steps: only no labels
    if length > 0 and fits:
        full, rest, full_e = forward(scores, labels, blank, n, length, lattice, ahead, ahead_e, kept)
        cuda.syncthreads()  # all have read the last states
    log_prob = logarithm(full, rest, full_e)
    value, slope, _ = link(log_prob, -expm1(log_prob), params)
    fate = POSSIBLE if full > 0.0 and full - full == 0.0 else IMPOSSIBLE
    if full == 0.0 and FORGIVING:
        value, fate = real(0.0), NOTHING
    if wrong:
        value, fate = real(NAN), WRONG
    share = real(1.0) if weights is None else weights[i]
    if PER_LABEL and n > 1:
        share = share / real(n)
    value = value * share
    if cuda.threadIdx.x == 0:
        starts[i], fates[i], factors[i] = begin, fate, -slope * scale * share
        partials[i] = value
        if values is not None:
            store(values, i, value)
    if ahead is not None and fate == POSSIBLE and length > 0:
        backward(scores, labels, blank, n, length, lattice, ahead, ahead_e, kept, full_e)


def found_at(chances, here, links, begin, j):  # type: ignore[no-untyped-def]
    """The chance of a label, summed over all places where the target has it, of which `j` is the first."""
    found, other = real(0.0), int64(j)
    while other >= 0:
        found += chances[here + 2 * other + 1]
        other = links[2 * (begin + other)]
    return found


def excess(found, mass, log_prob, others):  # type: ignore[no-untyped-def]
    """The probability of a symbol less the chance that the path is there.

    No digit is lost where both are near 1: there it is the chance of the others less the probability of the others.
    """
    if not BY_LOGITS:
        return -found / mass
    if found > 0.5 * mass:
        return others / mass + expm1(log_prob)
    return exp(log_prob) - found / mass


def slopes(
    rows, count, steps, classes, flat, time_step, batch_step, norms, targets, batch_labels, lengths, counts, blank,
    chances, links, starts, fates, factors, gradient,
):  # type: ignore[no-untyped-def]
    """The gradient by each time step; it may lie in the place of the input."""
    shared = cuda.shared.array(WARPS, real)
    held = cuda.local.array(HELD, real)
    for row in range(first_row(), rows, row_step()):
        t, i = row // count, row % count
        target, fate, length = row * classes, fates[i], whole(lengths, i)
        if fate != POSSIBLE or t >= length:
            nothing = NAN if fate == WRONG or (fate == IMPOSSIBLE and t < length) else 0.0
            for c in range(lane(), classes, LANES):
                store(gradient, target + c, nothing)
        else:
            n, begin, factor = whole(counts, i), starts[i], factors[i]
            here = steps * (2 * begin + i) + t * (2 * n + 1)
            start = t * time_step + i * batch_step
            first = targets[1] + (begin * targets[2] if JOINED else i * batch_labels)
            labels = (targets[0], first, targets[2])
            high, log_sum = real(0.0), real(0.0)
            if NORMALISED:
                high, log_sum = norms[0][row], norms[1][row]
            blanks, total = real(0.0), real(0.0)
            for j in range(lane(), n + 1, LANES):
                blanks += chances[here + 2 * j]
                total += chances[here + 2 * j + 1] if j < n else 0.0
            blanks = group_sum(blanks, shared)
            mass = blanks + group_sum(total, shared)
            others = real(0.0)
            for j in range(lane(), n, LANES):
                if links[2 * (begin + j) + 1] == 1:
                    found = found_at(chances, here, links, begin, j)
                    others += 0.0 if found > 0.5 * mass else found
            others = group_sum(others, shared) + (0.0 if blanks > 0.5 * mass else blanks)
            for j in range(lane(), n, LANES):
                if links[2 * (begin + j) + 1] == 1:
                    found = found_at(chances, here, links, begin, j)
                    log_prob = (load(flat, start + whole(labels, j)) - high) - log_sum
                    chances[here + 2 * j + 1] = excess(found, mass, log_prob, others)
            blanks = excess(blanks, mass, (load(flat, start + blank) - high) - log_sum, others)
            group_wait()  # all have read what the gradient may overwrite
            for span in range(spans(classes)):
                if BY_LOGITS:
                    fetch(flat, start, span, classes, held)
                for k in range(HELD):
                    held[k] = factor * exp((held[k] - high) - log_sum) if BY_LOGITS else 0.0
                write(gradient, target, span, classes, held)
            group_wait()
            for j in range(lane(), n, LANES):
                if links[2 * (begin + j) + 1] == 1:
                    store(gradient, target + whole(labels, j), factor * chances[here + 2 * j + 1])
            if lane() == 0:
                store(gradient, target + blank, factor * blanks)
