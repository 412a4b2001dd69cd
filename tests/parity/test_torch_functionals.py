"""The functions agree with torch.nn.functional's on every sample in torch's own list, and refuse what torch refuses."""

import numpy as np
import pytest
from differences import compare_all, entry_for
from torch_cases import (
    DTYPES,
    LOSSES,
    assert_close,
    by_torch,
    error_cases,
    functional_cases,
    numpy_arguments,
    numpy_of,
)

import numbaloss as nl

pytestmark = pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")  # of torch's kl_div

# As in test_torch_modules: samples held against torch, and calls that torch's tests expect to be refused.
COMPARED = {
    "l1_loss": 6,
    "mse_loss": 6,
    "smooth_l1_loss": 8,
    "huber_loss": 9,
    "binary_cross_entropy": 11,
    "binary_cross_entropy_with_logits": 26,
    "kl_div": 16,
    "poisson_nll_loss": 72,
    "gaussian_nll_loss": 108,
    "soft_margin_loss": 6,
    "hinge_embedding_loss": 9,
    "margin_ranking_loss": 24,
    "nll_loss": 61,
    "cross_entropy": 21,
    "multilabel_soft_margin_loss": 4,
    "multi_margin_loss": 8,
    "multilabel_margin_loss": 5,
    "cosine_embedding_loss": 6,
    "triplet_margin_loss": 7,
    "triplet_margin_with_distance_loss": 7,
    "ctc_loss": 12,
}
REFUSED = {
    "l1_loss": 2,
    "huber_loss": 3,
    "poisson_nll_loss": 2,
    "gaussian_nll_loss": 3,
    "soft_margin_loss": 2,
    "hinge_embedding_loss": 1,
    "margin_ranking_loss": 2,
    "multi_margin_loss": 9,
    "multilabel_margin_loss": 5,
    "triplet_margin_loss": 8,
    "triplet_margin_with_distance_loss": 8,
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
def test_gradient_of_function_agrees_with_torch_on_every_sample(loss, dtype):
    assert compare_all(functional_cases(loss, dtype), dtype) >= COMPARED[loss]


@pytest.mark.parametrize("loss", LOSSES)
def test_function_returns_the_value_torch_returns(loss):
    for case in functional_cases(loss, "float64"):
        if entry_for(case) is None:
            inputs = [numpy_of(value) for value in case.inputs.values()]
            found = getattr(nl, loss)(*inputs, **numpy_arguments(case))
            assert_close(found, by_torch(case).value, "float64", str(case))


@pytest.mark.parametrize("loss", REFUSED)
def test_what_torch_refuses_is_refused_by_name(loss):
    cases = error_cases(loss)
    assert len(cases) >= REFUSED[loss]
    for case in cases:
        inputs = [numpy_of(value) for value in case.inputs.values()]
        with pytest.raises((ValueError, TypeError), match=f"^{loss}: "):
            getattr(nl, loss)(*inputs, **numpy_arguments(case))
        for before, after in zip(inputs, case.inputs.values(), strict=True):
            np.testing.assert_array_equal(before, numpy_of(after))
