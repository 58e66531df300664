"""Arguments that are no tensors: a program holds for the very values that it was traced with."""

from __future__ import annotations

from typing import Any

import torch

from tracejet._C import ErrorCode, InvalidInput


def is_same_literal(value: Any, traced: Any) -> bool:
    """Whether a program that was traced with the one holds for the other: of the same type, zeros of the same sign."""
    return (
        type(value) is type(traced)
        and (value == traced or repr(value) == repr(traced))
        and not _has_other_sign(value, traced)
    )


def check_literal(path: str, value: Any, traced: Any) -> None:
    """Raises InvalidInput unless `value` is what the argument at `path` was when the program was traced."""
    if is_same_literal(value, traced):
        return
    shown = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else repr(value)
    raise InvalidInput(
        f"{path}: this program was traced with {traced!r}, got {shown}; trace again for another value",
        ErrorCode.INPUT_MISMATCH,
    )


def _has_other_sign(value: Any, traced: Any) -> bool:
    """Of 0.0 and -0.0, which are equal."""
    return isinstance(value, (float, complex)) and repr(value) != repr(traced)
