"""What an error in the middle of a trace is called: most common is that a model reads data, which only a run has."""

from __future__ import annotations

import collections
import os
import re
import traceback

import numpy as np
import torch

from tracejet import _C

#: How PyTorch words it that somebody asks for data that a traced tensor, or a symbol, doesn't have.
_NO_DATA = (
    "Cannot access data pointer",
    "access the data pointer on an invalid",
    "Cannot access storage of",
    "its data is not allocated yet",
    "on a tensor with unallocated storage",
    'storage of a tensor on device "meta"',
    "known only when the program runs",
)
#: How it is worded that somebody asks for symbolic sizes as plain numbers, or wants to change them.
_NO_PLAIN_SIZES = (
    "takes sizes as plain numbers",
    "asks for sizes or strides as plain numbers",
    "size_bytes_is_heap_allocated_",
    "directly modify sizes for customized tensor",
)


def own_kind(error: Exception) -> type[_C.Error] | None:
    """What an error of PyTorch's is called here, if it comes of a tensor being traced."""
    if not isinstance(error, RuntimeError):
        return None
    if any(sign in str(error) for sign in _NO_DATA):
        return _C.DataDependent
    return _C.UnsupportedOperator if any(sign in str(error) for sign in _NO_PLAIN_SIZES) else None


def number_taken_for_plain(tracer: _C.Tracer, error: Exception) -> str | None:
    """The size that code of Python's or a library's has raised TypeError for, since it takes plain numbers only; its
    type where that is all the error says; None where it is about something else."""
    if not isinstance(error, (TypeError, AttributeError, RuntimeError, ValueError)) or error.__traceback__ is None:
        return None
    raised_in = collections.deque(traceback.walk_tb(error.__traceback__), maxlen=1)[0][0]
    if isinstance(error, TypeError) and _is_of_library(raised_in.f_code.co_filename):
        for value in raised_in.f_locals.values():
            if isinstance(value, (torch.SymInt, torch.SymFloat)) and _C.symbolic.context_of(value.node) is not None:
                return f"{_C.axes_of(_C.symbolic.expression_of(value.node), tracer)}, a dynamic size,"
    found = re.search(r"\bSym(Int|Float|Bool)\b", str(error))
    return None if found is None else {"Int": "a dynamic size", "Float": "a float", "Bool": "a truth"}[found[1]]


def _is_of_library(filename: str) -> bool:
    return filename.startswith((os.path.dirname(os.__file__), os.path.dirname(np.__file__)))


def line_of_model(error: BaseException) -> str:
    """The innermost line behind an error that is neither PyTorch's nor ours, in the words of other errors."""
    libraries = (os.path.dirname(torch.__file__), os.path.dirname(__file__))
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(libraries)]
    if not frames:
        return "in PyTorch's own code"
    of_model = [frame for frame in frames if "-packages" in frame.filename or not _is_of_library(frame.filename)]
    frames = [frame for frame in of_model if not frame.filename.startswith(os.path.dirname(np.__file__))] or frames
    return f"{frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}: {frames[-1].line}"


def raise_own_error(tracer: _C.Tracer, error: Exception) -> None:
    """PyTorch's bindings turn exceptions of the core into RuntimeError; this raises what was thrown first."""
    if isinstance(error, _C.Error):
        # What no operator saw: a branch of a model's code, a kernel, a seed, arithmetic on sizes.
        if isinstance(error, (_C.DataDependent, _C.UnsupportedOperator)) or type(error) is _C.Error:
            line = line_of_model(error)
            if line.split(" ")[0] not in str(error):
                raise type(error)(f"{error}\n  {line}") from error
        return
    try:
        tracer.raise_error(str(error))
    except _C.Error as own:
        raise own from error
    if (number := number_taken_for_plain(tracer, error)) is not None:
        raise _C.UnsupportedOperator(
            f"{number} is taken for a plain number: {str(error).splitlines()[0]}\n  {line_of_model(error)}\n"
            "  Compute with torch's functions, fix the size by int(size), or make the axis static"
        ) from error
    if (kind := own_kind(error)) is not None:
        raise kind(f"{str(error).splitlines()[0]}\n  {line_of_model(error)}") from error
