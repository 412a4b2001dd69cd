"""The shorter way of small plain calls through Python: what it must not do otherwise than the long one."""

import numpy as np
import pytest

import numbaloss as nl

FAR = np.full((8, 4), -3e38, np.float32)
LABELS = np.arange(8) % 4


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("l1_loss", (np.full(3 * 4096, 7e34, np.float32), np.zeros(3 * 4096, np.float32))),  # no block's sum is
        ("nll_loss", (FAR, LABELS)),
        ("kl_div_with_logits", (FAR * [1, 0, 1, 0], FAR * [0, 1, 0, 1])),
        ("contrastive_loss", (np.full((4, 1), 1.7e19), np.zeros((4, 1)), np.ones(4, np.int64))),  # no row's value is
    ],
)
def test_a_sum_beyond_the_type_is_infinite_and_does_not_warn(name, inputs):
    arrays = [array.astype(np.float32) if array.dtype.kind == "f" else array for array in inputs]
    value, _ = nl.get(name, reduction="sum").value_and_grad(*arrays)
    assert value == np.inf
    assert type(value) is np.float32


def test_several_gradients_are_memory_of_their_own():
    x1, x2, target = np.float32([[1.0, 2.0]]), np.float32([[2.0, 0.0]]), np.float32([[1.0, 1.0]])
    criterion = nl.MarginRankingLoss(margin=0.5)
    value, gradients = criterion.value_and_grad(x1, x2, target)
    assert value == 0.75
    np.testing.assert_array_equal(gradients, [[[-0.5, 0.0]], [[0.5, 0.0]]])
    assert not any(np.may_share_memory(gradient, each) for gradient in gradients for each in (x1, x2, target))
    assert not np.may_share_memory(*gradients)


def test_several_gradients_go_to_the_buffers_given():
    arrays = np.random.default_rng(0).normal(size=(3, 50))
    arrays[2] = np.sign(arrays[2])
    out = np.empty(50), np.empty(50)
    _, gradients = nl.MarginRankingLoss().value_and_grad(*arrays, out=out)
    assert all(one is two for one, two in zip(gradients, out, strict=True))
    for one, two in zip(nl.MarginRankingLoss().value_and_grad(*arrays)[1], out, strict=True):
        np.testing.assert_array_equal(one, two)
