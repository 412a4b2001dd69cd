"""What makes the kernels of `softmax_labels` those of scaled cosines in which the label's cosine is moved first.

The last of their `params` is what the cosines are multiplied by; so is the gradient, by the caller.
"""

from __future__ import annotations

from typing import Any


def shift(cosine: Any, params: Any) -> Any:
    """Open name: (the label's cosine once moved, its derivative by the cosine)."""
    raise NotImplementedError


def logit_of(x, softcap, params):  # type: ignore[no-untyped-def]
    return params[-1] * x


def own_logit_of(x, softcap, params):  # type: ignore[no-untyped-def]
    moved, tilt = shift(x, params)
    return params[-1] * moved, tilt
