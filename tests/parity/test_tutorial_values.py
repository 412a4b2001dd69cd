"""The worked outputs of the usual PyTorch tutorials come out, from lists as from arrays."""

import numpy as np
import pytest

import numbaloss as nl

PREDICTED, WANTED = [2.0, 3.0, 4.0], [2.5, 3.5, 4.5]
OUTPUTS = {
    "mean squared error": (nl.mse_loss, (PREDICTED, WANTED), {}, 0.2500),
    "cross-entropy": (nl.cross_entropy, ([[1.0, 2.0, 3.0]] * 2, [2, 0]), {}, 1.4076),
    "BCE with logits": (nl.binary_cross_entropy_with_logits, ([0.5, -1.5, 2.0], [1.0, 0.0, 1.0]), {}, 0.2675),
    "smooth L1": (nl.smooth_l1_loss, (PREDICTED, WANTED), {}, 0.1250),
    "cosine embedding": (nl.cosine_embedding_loss, ([[1.0, 0.0]], [[0.0, 1.0]], [1]), {}, 1.0),
    "KL divergence": (
        nl.kl_div,
        (np.log([[0.4, 0.6], [0.3, 0.7]]), [[0.5, 0.5], [0.4, 0.6]]),
        {"reduction": "batchmean"},
        0.0215,
    ),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_tutorial_prints_this_number(name):
    function, inputs, arguments, wanted = OUTPUTS[name]
    assert round(float(function(*inputs, **arguments)), 4) == wanted
    assert round(float(function.Loss(**arguments)(*map(np.asarray, inputs))), 4) == wanted
