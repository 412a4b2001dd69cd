"""Losses and mixes written as text, as command lines and configuration files have them."""

from __future__ import annotations

import ast
from typing import Any

from numbaloss.loss import Loss
from numbaloss.mix import Mix
from numbaloss.plugins.registry import get


def from_expression(text: str) -> Loss | Mix:
    """A loss from its name, or a mix from a sum: ``"0.7*cross_entropy + 0.3*focal_loss(gamma=3)"``.

    >>> from_expression("0.5*l1_loss + mse_loss")
    0.5 * L1Loss() + 1 * MSELoss()
    >>> from_expression("(huber_loss(delta=2) - mse_loss) / 2")
    0.5 * HuberLoss(delta=2.0) - 0.5 * MSELoss()
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"cannot read the loss expression {text!r}: {error.msg}") from None
    made: Loss | Mix = _made(tree, text)
    return made


def _made(node: ast.expr, text: str) -> Any:
    """The loss or mix of a part of the text."""
    match node:
        case ast.Name(id=name):
            return get(name)
        case ast.Call(func=ast.Name(id=name), args=[], keywords=keywords):
            return get(name, **{str(each.arg): _literal(each.value, name, text) for each in keywords})
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_made(operand, text)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _made(left, text) + _made(right, text)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _made(left, text) - _made(right, text)
        case ast.BinOp(left=left, op=ast.Mult(), right=right) if (factor := _number(left)) is not None:
            return factor * _made(right, text)
        case ast.BinOp(left=left, op=ast.Mult(), right=right) if (factor := _number(right)) is not None:
            return _made(left, text) * factor
        case ast.BinOp(left=left, op=ast.Div(), right=right) if (divisor := _number(right)) is not None:
            return _made(left, text) / divisor
    raise ValueError(
        f"cannot read {ast.unparse(node)!r} in {text!r}; write a name such as cross_entropy, or a sum such as "
        "0.7*cross_entropy + 0.3*focal_loss(gamma=3)"
    )


def _number(node: ast.expr) -> float | None:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
    return None


def _literal(node: ast.expr, name: str, text: str) -> Any:
    try:
        return ast.literal_eval(node)
    except (SyntaxError, ValueError):
        raise ValueError(f"cannot read {ast.unparse(node)!r}, an argument of {name}, in {text!r}") from None
