"""Rows turned into tiles and back: every element in its place, whatever is left over at the edges, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from numbaloss.kernels.cpu.transpose import LANES, QUAD, WIDTH, lie_down, one_by_one, side_by_side, stand_up

IN, OUT = njit(side_by_side), njit(one_by_one)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(deadline=None)  # the first call compiles
@given(n=st.integers(1, WIDTH), classes=st.integers(1, 21), gap=st.integers(0, 3))
def test_there_and_back(dtype: type, n: int, classes: int, gap: int) -> None:
    stride = classes + gap
    rows = np.arange(1, (n - 1) * stride + classes + 1, dtype=dtype)
    wanted = np.lib.stride_tricks.as_strided(rows, (n, classes), (stride * rows.itemsize, rows.itemsize))
    tile = np.zeros(classes * WIDTH, dtype)
    IN(rows, stride, classes, n, tile)
    runs = tile.reshape(classes, WIDTH)
    np.testing.assert_array_equal(runs[:, :n], wanted.T)
    assert not runs[:, n:].any()
    back = np.zeros(n * classes + 16, dtype)  # room behind that has to stay as it is
    OUT(tile, classes, n, back)
    np.testing.assert_array_equal(back[: n * classes].reshape(n, classes), wanted)
    assert not back[n * classes :].any()


def test_plain_python_does_the_same() -> None:
    rows, tile = np.random.default_rng(0).random((2, 200))
    written = np.zeros((4, 200))
    njit(lambda rows, tile: stand_up(rows, 5, 23, tile, 3, 40))(rows, written[0])
    stand_up.plain(rows, 5, 23, written[1], 3, 40)
    njit(lambda tile, rows: lie_down(tile, 3, 40, rows, 5, 23))(tile, written[2])
    lie_down.plain(tile, 3, 40, written[3], 5, 23)
    assert (written != 0.0).sum(axis=1).tolist() == [QUAD * LANES] * 4
    np.testing.assert_array_equal(written[0::2], written[1::2])
