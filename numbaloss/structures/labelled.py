"""Losses over a class axis that take class labels: what their kernels are given, and the quick way there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numbaloss.loss import Array, Need, Outcome
from numbaloss.structures.layout import LARGEST, Piece, Rows, plain_gradient
from numbaloss.structures.rows import FEW, RowLoss

# Runs a kernel on a piece, given the number of classes, their weights and the scale of the gradient: the sum of values.
Launch = Callable[[Piece, int, Array | None, Any], float]


class LabelledLoss(RowLoss):
    """A loss of rows with a class label each, or some; structures say how a kernel is launched."""

    _few = FEW  # classes up to which it is the kernel for few
    _several = False  # whether a row has as many labels as classes

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._quick_when = self.reduction in ("mean", "sum")

    def _launcher(self, dtype: np.dtype[Any], few: bool, planes: bool) -> Launch:
        """What launches the kernel for rows of few or of many classes, or for planes."""
        raise NotImplementedError

    def _labelled(self, rows: Rows, need: Need, outcome: Outcome) -> None:
        launch = self._launcher(rows.dtype, rows.classes <= self._few, rows.planes)
        scale = rows.dtype.type(self._scale(outcome.denominator, outcome.batch))
        for piece in rows.pieces(need, outcome):
            outcome.total += launch(piece, rows.classes, rows.weights, scale)

    def _quick(self, inputs: tuple[Any, ...], out: Any) -> tuple[Any, Any] | None:
        if len(inputs) != 2:
            return None
        logits, labels = inputs
        gradient = plain_gradient(logits, out)
        if gradient is None or type(labels) is not np.ndarray or not labels.flags.carray:
            return None
        if out is not None and np.may_share_memory(out, labels):
            return None
        dtype, (rows, classes) = logits.dtype, logits.shape
        if labels.shape != (logits.shape if self._several else (rows,)):
            return None
        if labels.dtype.char not in "bBhHiIlq" or not labels.dtype.isnative:
            return None
        if (found := self._kernels.get(("quick", dtype))) is None:
            found = self._launcher(dtype, True, False), self._launcher(dtype, False, False)
            self._kernels["quick", dtype] = found
        few, many = found
        labels, weights = labels.reshape(-1), self._class_weights(dtype, classes)
        mass = self._label_mass(labels, dtype, classes, weights if self._weights_count else None, None)
        if mass == 0.0:
            return None
        launch, number = few if classes <= self._few else many, dtype.type
        piece = Piece(logits.reshape(-1), classes, 1, False, labels, None, None, None, gradient.reshape(-1))
        total = launch(piece, classes, weights, number(1.0 / mass if self.reduction == "mean" else 1.0))
        value = total / mass if self.reduction == "mean" else total
        return None if abs(value) > LARGEST[dtype] else (number(value), gradient)
