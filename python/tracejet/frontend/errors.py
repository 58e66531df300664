"""What an error in the middle of a trace is called: ours where PyTorch's own code can't go on, else the model's."""

from __future__ import annotations

import dis
import os
import traceback
from types import TracebackType

import numpy as np
import torch

from tracejet import _C
from tracejet.frontend.advice import LIBRARIES, in_names_of_model
from tracejet.frontend.error_texts import is_about_traced, number_named_in
from tracejet.patches.sym_node import expression_of


def _is_of_pytorch(traced: TracebackType) -> bool:
    return traced.tb_frame.f_code.co_filename.startswith(LIBRARIES)


def _frames(error: BaseException) -> list[TracebackType]:
    """Where an error came by, the innermost last."""
    frames = []
    traced = error.__traceback__
    while traced is not None:
        frames.append(traced)
        traced = traced.tb_next
    return frames


def number_taken_for_plain(tracer: _C.Tracer, error: Exception) -> str | None:
    """The size that code of Python's or a library's has raised TypeError for, since it takes plain numbers only; its
    type where that is all the error says; None where it is about something else."""
    if not isinstance(error, (TypeError, AttributeError, RuntimeError, ValueError)) or error.__traceback__ is None:
        return None
    raised_in = _frames(error)[-1].tb_frame
    if isinstance(error, TypeError) and _is_of_library(raised_in.f_code.co_filename):
        for value in raised_in.f_locals.values():
            if isinstance(value, (torch.SymInt, torch.SymFloat)) and _C.symbolic.context_of(value.node) is not None:
                return f"{_C.axes_of(expression_of(value.node), tracer)}, a dynamic size,"
    return number_named_in(error)


def _is_of_library(filename: str) -> bool:
    return filename.startswith((os.path.dirname(os.__file__), os.path.dirname(np.__file__)))


def line_of_model(error: BaseException) -> str:
    """The innermost line behind an error that is neither PyTorch's nor ours, in the words of other errors."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(LIBRARIES)]
    if not frames:
        return "in PyTorch's own code"
    of_model = [frame for frame in frames if "-packages" in frame.filename or not _is_of_library(frame.filename)]
    frames = [frame for frame in of_model if not frame.filename.startswith(os.path.dirname(np.__file__))] or frames
    return f"{frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}: {frames[-1].line}"


def _is_raised_in_python(error: BaseException) -> bool:
    """Whether a `raise` or an `assert` is what raised it; what C++ raises comes of a call, or of an operation."""
    frames = _frames(error)
    if not frames:
        return False
    code, last = frames[-1].tb_frame.f_code, frames[-1].tb_lasti
    return code.co_code[last] in _RAISING


_RAISING = frozenset(dis.opmap[name] for name in ("RAISE_VARARGS", "RERAISE") if name in dis.opmap)


def _raised_by_model(error: BaseException) -> bool:
    """Whether the model's own code, or a library's that it calls, says so: that stays what it is."""
    frames = _frames(error)
    return bool(frames) and not _is_of_pytorch(frames[-1]) and _is_raised_in_python(error)


def _add_line(error: Exception) -> None:
    """Says where an error of the model's comes from, without changing what it is."""
    text = str(error)
    if len(error.args) == 1 and error.args[0] == text:
        error.args = (_with_line(text, line_of_model(error)),)


def _with_line(text: str, line: str) -> str:
    return text if line.split(" ")[0] in text else f"{text}\n  {line}"


def raise_own_error(tracer: _C.Tracer, error: Exception) -> None:
    """Raises what a trace has to say in the place of an error that leaves forward. Returns where that is the error."""
    if isinstance(error, _C.Error):
        return _raise_with_line(error)
    if not isinstance(error, RuntimeError):
        _refuse_plain_number(tracer, error)
    if _raised_by_model(error):
        return _add_line(error)
    try:
        tracer.raise_error(str(error))  # PyTorch's bindings turn exceptions of the core into RuntimeError
    except _C.Error as own:
        raise type(own)(in_names_of_model(own.message, error), own.code) from error
    named = _C.error_named_in(str(error))
    if named is not None:
        raise type(named)(f"{in_names_of_model(named.message, error)}\n  {line_of_model(error)}", named.code) from error
    _refuse_plain_number(tracer, error)
    if not isinstance(error, RuntimeError) and not is_about_traced(error):
        return _add_line(error)
    try:
        _C.raise_refusal(str(error), "", f"  {line_of_model(error)}")
    except _C.Error as own:
        raise own from error


def _refuse_plain_number(tracer: _C.Tracer, error: Exception) -> None:
    number = number_taken_for_plain(tracer, error)
    if number is None:
        return
    raise _C.UnsupportedOperator(
        f"{number} is taken for a plain number: {str(error).splitlines()[0]}\n  {line_of_model(error)}\n"
        "  Compute with torch's functions, fix the size by int(size), or make the axis static",
        _C.ErrorCode.PLAIN_NUMBER,
    ) from error


def _raise_with_line(error: _C.Error) -> None:
    """What no operator saw: a branch of a model's code, a kernel, a seed, arithmetic on sizes."""
    if not (isinstance(error, (_C.DataDependent, _C.UnsupportedOperator)) or type(error) is _C.Error):
        return
    text = _with_line(in_names_of_model(error.message, error), line_of_model(error))
    if text != error.message:
        raise type(error)(text, error.code) from error
