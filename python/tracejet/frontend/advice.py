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
_UNKNOWN = re.compile(r"\b[uf]\d+\b")  #: a number of data
#: Whose code isn't the model's: PyTorch and tracejet.
LIBRARIES = (os.path.dirname(torch.__file__) + os.sep, os.path.dirname(_C.__file__) + os.sep)
_Symbolic = (torch.SymInt, torch.SymFloat)


def in_names_of_model(message: str, error: BaseException) -> str:
    """The message of an error, with the names that the code which asked has for the symbols in its advice."""
    advice = _CHECK.search(message)
    if advice is None:
        return message
    condition, unknown = advice.group(1), set(_UNKNOWN.findall(advice.group(1)))
    if not unknown:
        return message
    frames = [
        frame
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if not frame.f_code.co_filename.startswith(LIBRARIES)
    ]
    for frame in reversed(frames):
        names = _names_in(frame)
        typed, used = _renamed(condition, names)
        if not _UNKNOWN.search(typed):
            said = ", ".join(f"{number} is {names[number]}" for number in sorted(used))
            text = f"{message[: advice.start(1)]}{typed}{message[advice.end(1) :]}"
            return f"{text}\n  In {frame.f_code.co_name}, {said}."
    call = "" if len(unknown) > 1 else f"{unknown.pop()} = ….item(), or a size: "
    return f"{message}\n  Give these numbers a name before ({call}then the check is about the name)."


def _renamed(condition: str, names: dict[str, str]) -> tuple[str, set[str]]:
    """The condition in these names, and the numbers that they stand for. What is computed from several is named where
    it is all of one side, so that no operator binds a part of it tighter."""
    used: set[str] = set()

    def name(found: re.Match[str]) -> str:
        used.add(found.group())
        return names[found.group()]

    by_length = sorted(names, key=len, reverse=True)
    sides = "|".join(re.escape(number) for number in by_length if not number.isidentifier())
    symbols = "|".join(re.escape(number) for number in by_length if number.isidentifier())
    if sides:
        condition = re.sub(rf"(?:(?<=^)|(?<=[<>=] ))(?:{sides})(?=$| [<>=!])", name, condition)
    if symbols:
        condition = re.sub(rf"(?<![\w.\]'])(?:{symbols})(?![\w\['])", name, condition)
    return condition, used


def _names_in(frame: FrameType) -> dict[str, str]:
    """By number: how the code of a frame can name it. The shortest way, numbers before sizes of tensors."""
    names: dict[str, str] = {}
    for number, name in sorted(_numbers(frame), key=lambda found: len(found[1])):
        names.setdefault(number, name)
    return names


def _numbers(frame: FrameType) -> Iterator[tuple[str, str]]:
    for name, value in frame.f_locals.items():
        if not name.isidentifier():
            continue
        yield from _numbers_in(name, value)
        for step, part in _parts(value):
            yield from _numbers_in(name + step, part)


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """What a container or an object holds, and how Python reaches it."""
    if isinstance(value, (list, tuple)):
        yield from ((f"[{position}]", part) for position, part in enumerate(value))
    elif isinstance(value, dict):
        yield from ((f"[{key!r}]", part) for key, part in value.items() if isinstance(key, (str, int)))
    elif not isinstance(value, (torch.Tensor, type)):
        attributes = getattr(value, "__dict__", {})
        yield from ((f".{name}", part) for name, part in attributes.items() if name.isidentifier())


def _numbers_in(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, _Symbolic) and _C.symbolic.expression_of(value.node) is not None:
        yield str(value), name
    elif isinstance(value, torch.Tensor) and type(value) is torch.Tensor:
        for axis, size in enumerate(value.shape):
            if isinstance(size, torch.SymInt) and _is_symbol(size):
                yield str(size), f"{name}.shape[{axis}]"


def _is_symbol(number: Any) -> bool:
    expression = _C.symbolic.expression_of(number.node)
    return expression is not None and expression.kind == _C.Expression.Kind.SYMBOL
