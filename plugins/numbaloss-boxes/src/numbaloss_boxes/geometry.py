"""What two boxes have in common, axis by axis, and the chain rule back to their corners; plain functions of numbers."""

from __future__ import annotations

from numbaloss.primitives import atan, copysign, maximum, minimum

PI = 3.141592653589793


def common(low1, high1, low2, high2):
    """The length of an axis that two intervals share; below 0 by their gap."""
    return minimum(high1, high2) - maximum(low1, low2)


def hull(low1, high1, low2, high2):
    """The length of an axis from the first end of two intervals to the last."""
    return maximum(high1, high2) - minimum(low1, low2)


def beyond(low1, high1, low2, high2):
    """How much of the first interval lies outside the second, where they overlap; nothing cancels."""
    return (high1 - minimum(high1, high2)) + (maximum(low1, low2) - low1)


def apart(low1, high1, low2, high2):
    """From the middle of the second interval to that of the first."""
    return 0.5 * ((low1 - low2) + (high1 - high2))


def overlap(boxes1, boxes2, eps):
    """``1 - IoU`` and what it is made of: (value, intersection's share of the union, the union with `eps`)."""
    wide = common(boxes1[0], boxes1[2], boxes2[0], boxes2[2])
    high = common(boxes1[1], boxes1[3], boxes2[1], boxes2[3])
    high1, high2 = boxes1[3] - boxes1[1], boxes2[3] - boxes2[1]
    both = (boxes1[2] - boxes1[0]) * high1 + (boxes2[2] - boxes2[0]) * high2
    if not (wide > 0.0 and high > 0.0):
        union = both + eps
        return union / union, 0.0, union
    shared = wide * high
    union = both - shared + eps
    # what belongs to one box alone: 1 - shared / union would lose the digits of nearly equal boxes
    alone1 = beyond(boxes1[0], boxes1[2], boxes2[0], boxes2[2]) * high1
    alone1 += beyond(boxes1[1], boxes1[3], boxes2[1], boxes2[3]) * wide
    alone2 = beyond(boxes2[0], boxes2[2], boxes1[0], boxes1[2]) * high2
    alone2 += beyond(boxes2[1], boxes2[3], boxes1[1], boxes1[3]) * wide
    return (alone1 + alone2 + eps) / union, shared / union, union


def distance(boxes1, boxes2, eps):
    """The squared distance of the centres over the squared diagonal of the hull, and the latter with `eps`."""
    wide = hull(boxes1[0], boxes1[2], boxes2[0], boxes2[2])
    high = hull(boxes1[1], boxes1[3], boxes2[1], boxes2[3])
    diagonal = wide * wide + high * high + eps
    across = apart(boxes1[0], boxes1[2], boxes2[0], boxes2[2])
    along = apart(boxes1[1], boxes1[3], boxes2[1], boxes2[3])
    return (across * across + along * along) / diagonal, diagonal


def turn(boxes1, boxes2):
    """``atan(w2 / h2) - atan(w1 / h1)``, as one angle; 0 where a box has no extent and so no ratio."""
    wide1, high1 = boxes1[2] - boxes1[0], boxes1[3] - boxes1[1]
    wide2, high2 = boxes2[2] - boxes2[0], boxes2[3] - boxes2[1]
    if (wide1 == 0.0 and high1 == 0.0) or (wide2 == 0.0 and high2 == 0.0):
        return 0.0 * (wide1 + wide2)
    along = high1 * high2 + wide1 * wide2
    angle = atan((wide2 * high1 - wide1 * high2) / along)
    # never for boxes whose corners are in order: the two angles are more than a quarter apart
    if (along < 0.0) != (high1 * high2 < 0.0):
        angle += copysign(PI, wide2) * copysign(1.0, high2)
    return angle


def turn_slopes(wide, high):
    """The derivatives of ``atan(wide / high)`` by both; 0 for a box without extent."""
    largest = maximum(abs(wide), abs(high))
    if largest == 0.0:
        return 0.0, 0.0
    one, two = wide / largest, high / largest
    length = (one * one + two * two) * largest
    return two / length, -one / length


def corner_slopes(low1, high1, low2, high2, by_common, by_hull, by_width1, by_width2, by_apart):
    """Slopes by the four ends of two intervals, from those by what the functions above measure; ties are shared."""
    later = 1.0 if low1 > low2 else (0.5 if low1 == low2 else 0.0)
    sooner = 1.0 if high1 < high2 else (0.5 if high1 == high2 else 0.0)
    return (
        0.5 * by_apart - by_width1 - by_common * later - by_hull * (1.0 - later),
        0.5 * by_apart + by_width1 + by_common * sooner + by_hull * (1.0 - sooner),
        -0.5 * by_apart - by_width2 - by_common * (1.0 - later) - by_hull * later,
        -0.5 * by_apart + by_width2 + by_common * (1.0 - sooner) + by_hull * sooner,
    )


def write(gradient, low_x, low_y, high_x, high_y):
    """The gradient by one box, if it is wanted."""
    if gradient is not None:
        gradient[0] = low_x
        gradient[1] = low_y
        gradient[2] = high_x
        gradient[3] = high_y
