"""What forward leaves behind for its next call: a program keeps buffers between calls, and nothing else."""

from __future__ import annotations

import dis
import linecache
import types
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

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
    rebound = _rebound_buffers(state)
    for place, before, now in list(state.changes()):
        if place in rebound:
            _check_unshared(place, rebound, state)
            tracer.set_replayed(_stack_of_binding(state, place))
            tracer.rebind_buffer(before, now)
            tracer.set_replayed(None)
        elif any(_is_carried(tracer, state, place, before, tensor) for tensor in traced_tensors(now)):
            lost.append(place)
        elif _is_other_number(before, now):
            lost.append(f"{place} ({before!r}, then {now!r})")
    if lost:
        warnings.warn(
            f"forward leaves {', '.join(lost)} behind, which the program doesn't keep between calls: if a later call "
            "is to see it, hold it in a buffer of fixed shape",
            stacklevel=2,
        )


def _rebound_buffers(state: ModelState) -> dict[str, torch.Tensor]:
    """The buffers that forward has bound to other tensors, which a program writes into their memory, by place."""
    return {
        place: before
        for place, before, now in state.changes()
        if isinstance(now, torch.Tensor) and state.is_buffer(before) and _fits(before, now)
    }


def _is_carried(tracer: _C.Tracer, state: ModelState, place: str, before: Any, now: torch.Tensor) -> bool:
    """Whether `now` differs from call to call. Raises where it also depends on what the model found in its place."""
    was_read, is_computed_from, differs = tracer.state_dependence_of(
        now, before if isinstance(before, torch.Tensor) else None
    )
    if was_read and (is_computed_from or differs):
        raise _C.UnsupportedOperator(
            f"forward reads {place} and binds it to another tensor, which its next call will read: a program keeps "
            f"only buffers between calls, each in one shape and dtype. Register it as a buffer{_misfit(before, now)}"
            f"{_line_of_binding(state, place)}",
            _C.ErrorCode.MODEL_STATE,
        )
    return differs


def _check_unshared(place: str, rebound: dict[str, torch.Tensor], state: ModelState) -> None:
    """A program can only write to the buffer's memory, which another buffer or parameter may go on showing.

    One that is bound anew, too, shows its own first memory in the program: buffers may change places.
    """
    for name, tensor in {**dict(state.tensors()), **rebound}.items():
        if name == place or is_functional(tensor):
            continue
        if _C.memory_overlaps(rebound[place], tensor):
            raise _C.UnsupportedOperator(
                f"forward binds {place} to another tensor, while {name} shows the memory of the first one; write to it "
                f"in place (copy_) instead, or register a clone{_line_of_binding(state, place)}",
                _C.ErrorCode.MODEL_STATE,
            )


class _Line(NamedTuple):
    """A line of the model's code."""

    file: str
    number: int
    function: str
    text: str


def _line_of_binding(state: ModelState, place: str) -> str:
    """The line of the module's class that binds an attribute; nothing where it is bound from elsewhere."""
    line = _find_binding(state, place)
    return "" if line is None else f"\n  {line.file}:{line.number} in {line.function}: {line.text}"


def _stack_of_binding(state: ModelState, place: str) -> str | None:
    """The same, as a stack trace."""
    line = _find_binding(state, place)
    return line and f'  File "{line.file}", line {line.number}, in {line.function}\n    {line.text}\n'


def _find_binding(state: ModelState, place: str) -> _Line | None:
    path, _, name = place.rpartition(".")
    for code in _codes_of(state.module(path)):
        lines = dict(dis.findlinestarts(code))
        line = code.co_firstlineno
        for instruction in dis.get_instructions(code):
            line = lines.get(instruction.offset) or line
            if instruction.opname == "STORE_ATTR" and instruction.argval == name:
                text = linecache.getline(code.co_filename, line).strip()
                return _Line(code.co_filename, line, code.co_name, text)
    return None


def _codes_of(module: torch.nn.Module | None) -> Iterator[types.CodeType]:
    """Of the methods of a module's class, forward first and without the one that makes it."""
    methods = {name: member for kind in reversed(type(module).__mro__) for name, member in vars(kind).items()}
    for name in sorted(methods, key=lambda name: name != "forward"):
        if name != "__init__" and isinstance(methods[name], types.FunctionType):
            yield methods[name].__code__


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
