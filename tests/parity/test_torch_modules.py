"""The loss classes agree with torch.nn's, value and gradients, on every sample in torch's own list of modules."""

import pytest
from differences import compare_all
from torch_cases import DTYPES, LOSSES, module_cases

pytestmark = pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")  # of torch's kl_div

# How many samples must be held against torch (not against an entry of the table of differences): were torch to
# rename or empty its list, no comparison would be left to fail.
COMPARED = {
    "l1_loss": 5,
    "mse_loss": 8,
    "smooth_l1_loss": 8,
    "huber_loss": 4,
    "binary_cross_entropy": 6,
    "binary_cross_entropy_with_logits": 6,
    "kl_div": 10,
    "poisson_nll_loss": 5,
    "gaussian_nll_loss": 5,
    "soft_margin_loss": 4,
    "hinge_embedding_loss": 10,
    "margin_ranking_loss": 5,
    "nll_loss": 28,
    "cross_entropy": 105,
    "multilabel_soft_margin_loss": 5,
    "multi_margin_loss": 7,
    "multilabel_margin_loss": 8,
    "cosine_embedding_loss": 5,
    "ctc_loss": 40,
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", COMPARED)
def test_class_agrees_with_torch_on_every_sample(loss, dtype):
    assert compare_all(module_cases(loss, dtype), dtype) >= COMPARED[loss]


def test_only_what_torch_does_not_list_is_left_out():
    assert {loss for loss in LOSSES if not module_cases(loss, "float64")} == set(LOSSES) - set(COMPARED)
    assert set(LOSSES) - set(COMPARED) == {"triplet_margin_loss", "triplet_margin_with_distance_loss"}
