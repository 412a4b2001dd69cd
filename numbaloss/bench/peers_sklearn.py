"""scikit-learn's ``_loss``, with the same number of threads."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbaloss.bench.cases import Case
from numbaloss.bench.runner import Result, Runner

# Ours -> (class in sklearn._loss.loss, its arguments, ours divided by theirs).
LOSSES: dict[str, tuple[str, dict[str, Any], float]] = {
    "binary_cross_entropy_with_logits": ("HalfBinomialLoss", {}, 1.0),
    "cross_entropy": ("HalfMultinomialLoss", {}, 1.0),
    "huber_loss": ("HuberLoss", {"delta": 1.0}, 1.0),
    "l1_loss": ("AbsoluteError", {}, 1.0),
    "mse_loss": ("HalfSquaredError", {}, 2.0),
    "poisson_nll_loss": ("HalfPoissonLoss", {}, 1.0),
    "quantile_loss": ("PinballLoss", {"quantile": 0.5}, 1.0),
}
# Their Hessian of these is a constant 1 for want of a true one.
FLAT = ("l1_loss", "quantile_loss", "huber_loss")


def prepare(case: Case, threads: int) -> Runner | None:
    """Loss and gradient (and the mean over the losses), or gradient and Hessian."""
    if case.facts.name not in LOSSES or len(case.shape) > 2 or case.soft:
        return None
    from sklearn._loss import loss as losses

    name, arguments, factor = LOSSES[case.facts.name]
    if name == "HalfMultinomialLoss":
        arguments = {"n_classes": case.shape[1]}
    loss = getattr(losses, name)(**arguments)
    raw, target = case.inputs()
    target = np.asarray(target, np.float32)
    compared = 1 if case.facts.name in FLAT else 2
    if case.hessian:
        return Runner(
            lambda: loss.gradient_hessian(target, raw, n_threads=threads),
            lambda result: (None, tuple(factor * array for array in result[:compared])),
        )
    values, gradient = np.empty(len(raw), np.float32), np.empty_like(raw)

    def call() -> tuple[Any, Any]:
        loss.loss_gradient(target, raw, loss_out=values, gradient_out=gradient, n_threads=threads)
        return values.mean(), gradient

    def read(result: Any) -> Result:
        return factor * float(result[0]), (factor / len(raw) * result[1],)

    return Runner(call, read)
