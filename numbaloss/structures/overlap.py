"""How the memory of an output lies to what is read while it is written."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from numbaloss.arrays.numpy import Array


def in_place(output: Array, array: Array) -> bool:
    """Whether an output lies over an array of its shape, element for element."""
    same = output.__array_interface__["data"] == array.__array_interface__["data"]
    return same and output.strides == array.strides and output.dtype == array.dtype


def entangled(output: Array, array: Array) -> bool:
    """Whether writing to an output may change an element of the array other than the one in the same place."""
    return np.may_share_memory(output, array) and not in_place(output, array)


def overlaps(operands: Sequence[Array], outputs: Sequence[Array]) -> bool:
    """Whether any output is entangled with any operand."""
    return any(entangled(two, one) for two in outputs for one in operands)


def written_apart(gradient: Array | None, logits: Array) -> bool | None:
    """None to kernels that write the gradient over what they read, else True: they are specialised on None."""
    return None if gradient is not None and np.may_share_memory(gradient, logits) else True
