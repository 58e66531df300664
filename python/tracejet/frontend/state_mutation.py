"""What forward leaves behind for its next call: a program keeps buffers between calls, and nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import torch

from tracejet import _C
from tracejet.frontend.model_state import ModelState
from tracejet.patches.torch_internals import is_functional


def take_over(tracer: _C.Tracer, state: ModelState) -> None:
    """Makes buffers that forward has bound to other tensors part of the program.

    Raises UnsupportedOperator where the model's next call would read what this one has computed and left elsewhere,
    and warns where it might.
    """
    lost: list[str] = []
    for place, before, now in state.changes():
        if isinstance(now, torch.Tensor) and state.is_buffer(before) and _fits(before, now):
            _check_unshared(place, before, state)
            tracer.rebind_buffer(before, now)
        elif any(_is_carried(tracer, place, before, tensor) for tensor in traced_tensors(now)):
            lost.append(place)
        elif _is_other_number(before, now):
            lost.append(f"{place} ({before!r}, then {now!r})")
    if lost:
        warnings.warn(
            f"forward leaves {', '.join(lost)} behind, which the program doesn't keep between calls: if a later call "
            "is to see it, hold it in a buffer of fixed shape",
            stacklevel=2,
        )


def _is_carried(tracer: _C.Tracer, place: str, before: Any, now: torch.Tensor) -> bool:
    """Whether `now` differs from call to call. Raises where it also depends on what the model found in its place."""
    was_read, is_computed_from, differs = tracer.state_dependence_of(
        now, before if isinstance(before, torch.Tensor) else None
    )
    if was_read and (is_computed_from or differs):
        raise _C.UnsupportedOperator(
            f"forward reads {place} and binds it to another tensor, which its next call will read: a program keeps "
            f"only buffers between calls, each in one shape and dtype. Register it as a buffer{_misfit(before, now)}",
            _C.ErrorCode.MODEL_STATE,
        )
    return differs


def _check_unshared(place: str, buffer: torch.Tensor, state: ModelState) -> None:
    """A program can only write to the buffer's memory, which another buffer or parameter may go on showing."""
    for name, tensor in state.tensors():
        if not isinstance(tensor, torch.Tensor) or is_functional(tensor):
            continue
        if _C.memory_overlaps(buffer, tensor):
            raise _C.UnsupportedOperator(
                f"forward binds {place} to another tensor, while {name} shows the memory of the first one; write to it "
                "in place (copy_) instead, or register a clone",
                _C.ErrorCode.MODEL_STATE,
            )


def _fits(buffer: torch.Tensor, replacement: torch.Tensor) -> bool:
    return buffer.dtype == replacement.dtype and tuple(buffer.shape) == tuple(replacement.shape)


def _misfit(before: torch.Tensor, now: torch.Tensor) -> str:
    if _fits(before, now):
        return ""
    return f"; it goes from {before.dtype} {list(before.shape)} to {now.dtype} {list(now.shape)}"


def traced_tensors(value: Any) -> Iterator[torch.Tensor]:
    """The traced tensors in a value, or in a container of such."""
    if isinstance(value, torch.Tensor):
        if is_functional(value):
            yield value
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            yield from traced_tensors(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from traced_tensors(item)


def _is_other_number(before: Any, now: Any) -> bool:
    """Whether a call counts or switches something, so that the next one starts elsewhere."""
    return type(before) in (bool, int, float) and type(now) in (bool, int, float) and before != now
