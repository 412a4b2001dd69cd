"""What a beginner does wrong is answered by what was meant: shapes, types, names, hyper-parameters, buffers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numbaloss as nl

LOGITS = np.zeros((4, 3), np.float32)
LABELS = np.array([0, 1, 2, 0])
IMAGES = np.zeros((2, 8, 8, 3), np.float32)  # the class axis last
LOSS = nl.CrossEntropyLoss()


class OnDevice:
    """An array that NumPy cannot read, as one on a device or one that is part of a graph."""

    def __array__(self, *_: object, **__: object) -> np.ndarray[Any, Any]:
        raise RuntimeError("it is elsewhere")


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        # shapes
        (lambda: nl.mse_loss(np.zeros((3, 1)), np.zeros(3)), "target has shape (3,) but input has shape (3, 1)"),
        (lambda: LOSS(LOGITS, LABELS[:3]), "class labels for an input of shape (4, 3) have shape (4,)"),
        (lambda: LOSS(LOGITS, LABELS[:, None]), "have shape (4,) (drop the axis of length 1)"),
        (lambda: LOSS(IMAGES[..., 0], LABELS[:2]), "have shape (2, 8)"),
        (lambda: LOSS(IMAGES, np.zeros((2, 8, 8), int)), "the class axis is the second (numpy.moveaxis(input, -1, 1)"),
        (lambda: nl.mse_loss([[1.0, 2.0], [3.0]], [1.0]), "mse_loss: input is a list of lists of unequal lengths"),
        # kinds of array
        (lambda: LOSS(LOGITS, np.eye(3, dtype=int)[LABELS]), "one-hot ones too, must be a floating array"),
        (lambda: nl.focal_loss(LOGITS, np.eye(3, dtype=int)[LABELS]), "of one-hot targets take numpy.argmax"),
        (lambda: LOSS(LOGITS, LABELS.astype(float)), "shape (4,); astype(int) makes whole numbers such labels"),
        (lambda: nl.focal_loss(LOGITS, LABELS.astype(float)), "shape (4,); astype(int) makes whole numbers such"),
        (lambda: nl.focal_loss(LOGITS, np.eye(3)[LABELS]), "of one-hot targets take numpy.argmax"),
        (lambda: nl.mse_loss(np.ma.ones(3), np.ones(3)), "mse_loss: input is a masked array, and its mask would be"),
        (lambda: nl.mse_loss([1.0], [1.0], sample_weight=np.ma.ones(1)), "sample_weight is a masked array"),
        (lambda: nl.mse_loss([1.0], [1.0], sample_weight=OnDevice()), "sample_weight cannot be read as a NumPy array"),
        (lambda: nl.CrossEntropyLoss(weight=np.ma.ones(3)), "cross_entropy: weight is a masked array"),
        (lambda: LOSS(LABELS, LOGITS), "cross_entropy: input must be a floating array"),
        (lambda: LOSS(None, LABELS), "cross_entropy: input is None; wanted a NumPy array"),
        (lambda: LOSS({}, LABELS), "cross_entropy: input is a dict; wanted a NumPy array"),
        (lambda: nl.cross_entropy(LOSS, LABELS), "input is a numbaloss.losses.classification.CrossEntropyLoss; wanted"),
        # names
        (lambda: nl.get("crossentropy"), "no loss is called 'crossentropy'; did you mean 'cross_entropy'"),
        (lambda: nl.get("MSE"), "did you mean 'mse_loss'?"),
        (lambda: nl.get("mae"), "did you mean 'l1_loss'?"),
        (lambda: nl.list_losses(task="clasification"), "no loss has the task 'clasification'; there are binary, class"),
        (lambda: nl.get(3), "a loss is named by a text such as 'huber_loss', got 3"),  # type: ignore[arg-type]
        (lambda: getattr(nl, "MseLoss"), "no attribute 'MseLoss'; did you mean 'MSELoss'"),  # noqa: B009
        (lambda: getattr(nl, "cross_entropy_los"), "or 'cross_entropy'?"),  # noqa: B009
        # hyper-parameters
        (lambda: nl.get("huber", dleta=2.0), "unknown argument 'dleta'; its hyper-parameters are: delta; did you mean"),
        (lambda: nl.get("mse", reductions="sum"), "did you mean 'reduction'?"),
        (lambda: nl.MSELoss(scale=2.0), "its hyper-parameters are: none; it takes weight, reduction, on_empty, sample"),
        (lambda: nl.MSELoss(sample_weight=[1.0]), "mse_loss: sample_weight comes with the arrays: criterion(..., samp"),
        (lambda: nl.mse_loss([1.0], [1.0], out=None), "out is where a gradient goes: Loss(...).value_and_grad(..., o"),
        (lambda: nl.HuberLoss()([1.0], [1.0], delta=2.0), "it belongs where the loss is made: HuberLoss(delta=...)"),
        (lambda: nl.HuberLoss(delta=None), "huber_loss: delta must be a number, got None"),
        (lambda: nl.MSELoss(reduction="none") + nl.L1Loss(), "whose reduction is 'none' mix with their like alone"),
        (lambda: nl.get("huber", delta="1"), "huber_loss: delta must be a number, got '1'"),
        (
            lambda: nl.huber_loss([1.0], [2.0], 2.0),
            "too many positional arguments; hyper-parameters are given by keyword",
        ),
        (
            lambda: nl.CrossEntropyLoss(LOGITS, LABELS),
            "arrays come with the call: CrossEntropyLoss(...)(input, target)",
        ),
        # changes of mind
        (
            lambda: setattr(LOSS, "reduction", "none"),
            "reduction cannot be changed once a loss is made; make another, CrossEntropyLoss(reduction='none')",
        ),
        (
            lambda: setattr(LOSS, "label_smoothing", 0.5),
            "cross_entropy: label_smoothing cannot be changed once a loss is made",
        ),
        (
            lambda: nl.CrossEntropyLoss(weight=[1.0, 1.0, 1.0]).weight.__setitem__(0, 2.0),
            "assignment destination is read-only",
        ),
        (lambda: setattr(LOSS, "weight", np.ones(3)), "make another, CrossEntropyLoss(weight=[1.0, 1.0, 1.0])"),
        # buffers
        (
            lambda: LOSS.value_and_grad(LOGITS, LABELS, out=np.zeros((4, 3))),
            "out must have dtype float32 and shape (4, 3)",
        ),
        (
            lambda: LOSS.value_and_grad(LOGITS, LABELS, out=np.zeros((4, 3), np.float32).view(np.matrix)),
            "cross_entropy: out is a numpy.matrix, which is never a vector",
        ),
        (lambda: LOSS.value_and_grad(LOGITS, LABELS, out=[]), "one buffer for each of the gradients ('input',), got 0"),
        (lambda: LOSS(LOGITS, LABELS, sample_weight=np.ones(3)), "wanted one weight for each row, (4,)"),
    ],
)
def test_a_mistake_is_answered_by_what_was_meant(mistake: Callable[[], Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError, LookupError), match=re.escape(message)):
        mistake()
