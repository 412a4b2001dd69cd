"""The losses of regions, from their sums: a few numbers, in float64."""

from __future__ import annotations

from typing import Any


def link(tp: Any, fp: Any, fn: Any, tn: Any, params: Any) -> Any:
    """Open name: a region's value, and its slopes by the first three sums."""
    raise NotImplementedError


def finish(sums, used, skipped, weights, each, params, values, factors, slopes):  # type: ignore[no-untyped-def]
    """The sum of the weighted values, and that of the weights of the images that count.

    `sums` (N, C, 4) tell which images do; regions are the rows of `used` (N, E, 4) but the first few `skipped`: their
    true positives, false positives, false negatives and true negatives. `each` has a weight for every region of an
    image. Writes weighted values, what they were weighted by, and the slopes of the values.
    """
    total, mass = 0.0, 0.0
    for n in range(values.shape[0]):
        counts = False
        for c in range(sums.shape[1]):
            for k in range(4):  # of every position that counts they add up to 1
                counts = counts or sums[n, c, k] != 0.0
        weight = weights[n] if counts else 0.0
        mass += weight
        for e in range(values.shape[1]):
            tp, fp = used[n, skipped + e, 0], used[n, skipped + e, 1]
            fn, tn = used[n, skipped + e, 2], used[n, skipped + e, 3]
            value, slopes[n, e, 0], slopes[n, e, 1], slopes[n, e, 2] = link(tp, fp, fn, tn, params)
            factor = weight
            if each is not None:
                factor = factor * each[e]
            factors[n, e] = factor
            values[n, e] = value * factor if counts else 0.0  # whatever its formula gives for a region of nothing
            total += values[n, e]
    return total, mass


def spread(slopes, factors, shares, weights, scale, skipped, both):  # type: ignore[no-untyped-def]
    """Adds to `both` (2, N, C) what a class's chance is worth where its target is 0, and where it is 1.

    Regions of one image may be those of all (`weights` then has one number for each image), and one region that of all
    classes, each with a share.
    """
    for n in range(both.shape[1]):
        image = n if weights is None else 0
        for c in range(both.shape[2] - skipped):
            e = c if shares is None else 0
            factor = factors[image, e]
            if factor != 0.0:  # a region of no weight has no slope, whatever its formula gives
                factor = factor * scale
                if shares is not None:
                    factor = factor * shares[image, c]
                if weights is not None:
                    factor = factor * weights[n]
                by_tp, by_fp, by_fn = slopes[image, e, 0], slopes[image, e, 1], slopes[image, e, 2]
                both[0, n, skipped + c] += factor * by_fp
                both[1, n, skipped + c] += factor * by_tp - factor * by_fn
