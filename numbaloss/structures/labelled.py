"""Losses over a class axis that take class labels: what their kernels are given, and the quick way there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from numbaloss.arrays import numpy as checks
from numbaloss.loss import Array, Need, Outcome
from numbaloss.structures.layout import Piece, Rows, plain_gradient
from numbaloss.structures.rows import FEW, RowLoss

LABELS = frozenset(map(np.dtype, "bBhHiIlq"))  # types of labels that kernels read as they are
# Runs a kernel on a piece, given the number of classes, their weights and the scale of the gradient: the sum of values.
Launch = Callable[[Piece, int, Array | None, Any], float]


class LabelledLoss(RowLoss):
    """A loss of rows with a class label each, or some; structures say how a kernel is launched."""

    _few = FEW  # classes up to which it is the kernel for few
    _several = False  # whether a row has as many labels as classes

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._quick_when = self.reduction in ("mean", "sum")

    def _launcher(self, dtype: np.dtype[Any], layout: str) -> Launch:
        """What launches the kernel for logits that lie so."""
        raise NotImplementedError

    def _distribution_launcher(self, dtype: np.dtype[Any], layout: str) -> Launch:
        """The same for targets of the logits' shape."""
        raise NotImplementedError

    def _launch(self, dtype: np.dtype[Any], classes: int, planes: bool = False, distributed: bool = False) -> Launch:
        """The launcher for so many classes, made once."""
        key = dtype, classes, planes, distributed
        found: Launch | None = self._kernels.get(key)
        if found is None:
            make = self._distribution_launcher if distributed else self._launcher
            found = self._kernels[key] = make(dtype, self._layout(classes, planes))
        return found

    def _layout(self, classes: int, planes: bool) -> str:
        """How the logits lie: rows of "few" or of "many" classes, or "planes"."""
        return "planes" if planes else "few" if classes <= self._few else "many"

    def _compute(self, rows: Rows, need: Need, outcome: Outcome) -> None:
        launch = self._launch(rows.dtype, rows.classes, rows.planes, distributed=rows.targets is not None)
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
        if labels.dtype not in LABELS:
            return None
        labels, weights, counted = labels.ravel(), None, None
        if self.weight is not None:
            weights = self._class_weights(dtype, classes)
            counted = weights if self._weights_count else None
        mass = self._label_mass(labels, dtype, classes, counted, None)
        if mass == 0.0:
            return None
        piece = Piece(logits.ravel(), classes, 1, False, labels, None, None, None, gradient.ravel())
        divisor = mass if self.reduction == "mean" else 1.0
        total = self._launch(dtype, classes)(piece, classes, weights, dtype.type(1.0 / divisor))
        return checks.number(total / divisor, dtype), gradient
