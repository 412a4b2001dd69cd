"""Time of value_and_grad and of grad_and_hess on the CPU."""

from __future__ import annotations

import numbaloss as nl

from .common import DTYPES, LOSSES, SIZES, call, facts, inputs


class ValueAndGrad:
    """One call that writes the gradient to a buffer."""

    params = (LOSSES, SIZES, DTYPES)
    param_names = ("loss", "size", "dtype")

    def setup(self, loss, size, dtype):
        self.call = call(loss, size, dtype)

    def time_value_and_grad(self, loss, size, dtype):
        self.call()


class SmallCalls:
    """A hundred calls on 1000 elements that allocate their gradients: what Python costs."""

    params = (LOSSES,)
    param_names = ("loss",)

    def setup(self, loss):
        self.arrays = inputs(loss, "small", "float32")
        self.loss = _loss(loss)

    def time_100_calls(self, loss):
        criterion, arrays = self.loss, self.arrays
        for _ in range(100):
            criterion.value_and_grad(*arrays)


class GradAndHess:
    """Gradient and diagonal Hessian, as boosting asks for them."""

    params = ([name for name in LOSSES if facts(name).hessian],)
    param_names = ("loss",)

    def setup(self, loss):
        self.arrays = inputs(loss, "cache", "float32")
        self.loss = _loss(loss)
        self.loss.grad_and_hess(*self.arrays)

    def time_grad_and_hess(self, loss):
        self.loss.grad_and_hess(*self.arrays)


_LOSSES = {}


def _loss(name):
    """One object a loss, its small kernel compiled."""
    if name not in _LOSSES:
        _LOSSES[name] = nl.get(name)
        _LOSSES[name].value_and_grad(*inputs(name, "small", "float32"))
    return _LOSSES[name]
