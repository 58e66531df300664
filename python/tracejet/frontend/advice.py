"""Advice about data that works when it is typed: in the names that the model's own code has for its numbers."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any

import torch

from tracejet import _C

_CHECK = re.compile(r"torch\._check\((.*)\)(?=\.\n|\.$|\n|$)")
#: Whose code isn't the model's: PyTorch and tracejet.
LIBRARIES = (os.path.dirname(torch.__file__) + os.sep, os.path.dirname(_C.__file__) + os.sep)
_Symbolic = (torch.SymInt, torch.SymFloat)


def in_names_of_model(message: str, error: BaseException) -> str:
    """The message of an error, with the names that the code which asked has for the symbols in its advice."""
    advice = _CHECK.search(message)
    if advice is None:
        return message
    condition, unknown = advice.group(1), set(re.findall(r"\b[uf]\d+\b", advice.group(1)))
    if not unknown:
        return message
    frames = [
        frame
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if not frame.f_code.co_filename.startswith(LIBRARIES)
    ]
    for frame in reversed(frames):
        names = _names_in(frame)
        if unknown <= names.keys():
            typed = _renamed(condition, names)
            said = ", ".join(f"{symbol} is {names[symbol]}" for symbol in sorted(unknown))
            text = f"{message[: advice.start(1)]}{typed}{message[advice.end(1) :]}"
            return f"{text}\n  In {frame.f_code.co_name}, {said}."
    call = "" if len(unknown) > 1 else f"{unknown.pop()} = ….item(), or a size: "
    return f"{message}\n  Give these numbers a name before ({call}then the check is about the name)."


def _renamed(condition: str, names: dict[str, str]) -> str:
    pattern = "|".join(re.escape(symbol) for symbol in sorted(names, key=len, reverse=True))
    return re.sub(rf"(?<![\w.\]])(?:{pattern})(?![\w\[])", lambda found: names[found.group()], condition)


def _names_in(frame: FrameType) -> dict[str, str]:
    """By symbol: how the code of a frame can name it. The shortest way, numbers before sizes of tensors."""
    names: dict[str, str] = {}
    for symbol, name in sorted(_numbers(frame), key=lambda found: len(found[1])):
        names.setdefault(symbol, name)
    return names


def _numbers(frame: FrameType) -> Iterator[tuple[str, str]]:
    for name, value in frame.f_locals.items():
        if not name.isidentifier():
            continue
        yield from _numbers_in(name, value)
        if isinstance(value, (list, tuple)):
            for position, item in enumerate(value):
                yield from _numbers_in(f"{name}[{position}]", item)


def _numbers_in(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, _Symbolic) and _is_symbol(value):
        yield str(value), name
    elif isinstance(value, torch.Tensor) and type(value) is torch.Tensor:
        for axis, size in enumerate(value.shape):
            if isinstance(size, torch.SymInt) and _is_symbol(size):
                yield str(size), f"{name}.shape[{axis}]"


def _is_symbol(number: Any) -> bool:
    expression = _C.symbolic.expression_of(number.node)
    return expression is not None and expression.kind == _C.Expression.Kind.SYMBOL
