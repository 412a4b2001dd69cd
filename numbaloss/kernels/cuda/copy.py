"""Brings an array of any strides and any numeric type into the one layout and type that kernels read."""

from __future__ import annotations

from typing import Any

from numba import cuda

from numbaloss.kernels.cuda.device import THREADS, first_item, real, store


def fetch(source: Any, i: Any) -> Any:
    """Open name: an element of the source, in whatever type it has."""
    raise NotImplementedError


def place_of(i, origin, extents, strides):  # type: ignore[no-untyped-def]
    """Where the element numbered `i` of an array of shape `extents` lies, of which the first is at `origin`."""
    rest, place = i, origin
    for axis in range(len(extents) - 1, -1, -1):
        place += rest % extents[axis] * strides[axis]
        rest //= extents[axis]
    return place


def copy(n, source, origin, extents, strides, target):  # type: ignore[no-untyped-def]
    """Writes the elements of an array of shape `extents`, with `strides` in elements, one after the other.

    The first one is ``source[origin]``.
    """
    for i in range(first_item(), n, cuda.gridDim.x * THREADS):
        store(target, i, real(fetch(source, place_of(i, origin, extents, strides))))


def copy_whole(n, source, origin, extents, strides, target):  # type: ignore[no-untyped-def]
    """The same for whole numbers, into whatever type of them."""
    for i in range(first_item(), n, cuda.gridDim.x * THREADS):
        target[i] = source[place_of(i, origin, extents, strides)]
