"""Calls real losses in one of the situations of `matrix_child.py`; prints JSON, as it does."""

import json
import sys

import matrix_child
import numba
import numpy as np

import numbaloss as nl

ROWS, CLASSES = 4000, 128
LOGITS = np.zeros((ROWS, CLASSES), np.float32)
LABELS = np.arange(ROWS) % CLASSES
CRITERION, ROBUST = nl.CrossEntropyLoss(), nl.HuberLoss(delta=2.0, reduction="sum")


def call(_=None):
    """One call of each loss on a size that goes parallel; whether values and gradients were right."""
    value, gradient = CRITERION.value_and_grad(LOGITS, LABELS)
    off_label = np.full_like(LOGITS, 1 / CLASSES / ROWS)
    off_label[np.arange(ROWS), LABELS] -= 1 / ROWS
    right = abs(value - np.log(CLASSES)) < 1e-5 and np.allclose(gradient, off_label, rtol=1e-5)
    value, gradient = ROBUST.value_and_grad(LOGITS + 1, LOGITS)
    return bool(right and value == 0.5 * LOGITS.size and (gradient == 1).all()), 0


matrix_child.call = call

if __name__ == "__main__":
    if numba.config.THREADING_LAYER == "tbb":
        from numbaloss.compile import threads

        assert threads.preload_tbb()
    assert call()[0]
    results = getattr(matrix_child, sys.argv[1])()
    print(json.dumps({"right": all(right for right, _ in results), "layer": numba.threading_layer()}))
