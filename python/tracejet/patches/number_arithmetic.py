"""Arithmetic and comparisons of symbolic numbers, where PyTorch's classes do otherwise than Python's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from tracejet import _C
from tracejet.patches.torch_internals import SymNode

_Method = Callable[..., Any]


def _is_our_node(node: Any) -> bool:
    return type(node) is SymNode and _C.symbolic.context_of(node) is not None


def is_ours(number: Any) -> bool:
    return _is_our_node(number.node)


def with_original(method: _Method, original: _Method) -> _Method:
    return lambda *args: method(*args, original=original)


def to_node(node: Any, number: object, original: _Method) -> Any:
    """The node of the other operand. Numbers of classes of their own (IntEnum) are numbers to Python, while PyTorch
    leaves them to Python's last resort, for which no such number equals a size."""
    other = original(node, number)
    if other is not NotImplemented or not isinstance(number, (int, float)) or not _is_our_node(node):
        return other
    return original(node, int(number) if isinstance(number, int) else float(number))


def arithmetic_of(own: type) -> dict[str, _Method]:
    """The methods of torch.SymInt or torch.SymFloat to be replaced."""
    methods: dict[str, _Method] = {
        "__divmod__": _divmod,
        "__rdivmod__": _rdivmod,
        "__eq__": with_original(_compared, own.__eq__),
        "__ne__": with_original(_compared, own.__ne__),
    }
    if own is torch.SymInt:
        methods["__invert__"] = _invert
    if own is torch.SymFloat:
        methods["__pow__"] = with_original(_pow, own.__pow__)
        methods["__rpow__"] = with_original(_rpow, own.__rpow__)
    return methods


def _divmod(number: Any, other: Any) -> Any:
    return (number // other, number % other) if is_ours(number) else NotImplemented


def _rdivmod(number: Any, other: Any) -> Any:
    return (other // number, other % number) if is_ours(number) else NotImplemented


def _invert(number: Any) -> Any:
    return -number - 1


def _compared(number: Any, other: Any, original: _Method) -> Any:
    is_real = isinstance(other, complex) and other.imag == 0 and is_ours(number)
    return original(number, other.real if is_real else other)


def _pow(base: Any, exponent: Any, original: _Method) -> Any:
    """PyTorch's takes no negative base. A whole power has none that is complex; where numbers come from data, the
    program looks at them when it runs."""
    if not (isinstance(exponent, (int, float, torch.SymInt, torch.SymFloat)) and is_ours(base)):
        return original(base, exponent)
    is_whole = isinstance(exponent, (int, float)) and float(exponent).is_integer()
    return base.__float_pow__(exponent) if is_whole or base.node.hint is None else original(base, exponent)


def _rpow(exponent: Any, base: Any, original: _Method) -> Any:
    is_checked_later = isinstance(base, (int, float)) and is_ours(exponent) and exponent.node.hint is None
    return exponent.__rfloat_pow__(base) if is_checked_later else original(exponent, base)
