"""What an error in the middle of a trace is called: most common is that a model reads data, which only a run has."""

from __future__ import annotations

import os
import traceback

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
_NO_PLAIN_SIZES = ("takes sizes as plain numbers", "directly modify sizes for customized tensor")


def own_kind(error: Exception) -> type[_C.Error] | None:
    """What an error of PyTorch's is called here, if it comes of a tensor being traced."""
    if not isinstance(error, RuntimeError):
        return None
    if any(sign in str(error) for sign in _NO_DATA):
        return _C.DataDependent
    return _C.UnsupportedOperator if any(sign in str(error) for sign in _NO_PLAIN_SIZES) else None


def line_of_model(error: BaseException) -> str:
    """The innermost line behind an error that is neither PyTorch's nor ours, in the words of other errors."""
    libraries = (os.path.dirname(torch.__file__), os.path.dirname(__file__))
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(libraries)]
    if not frames:
        return "in PyTorch's own code"
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
    if (kind := own_kind(error)) is not None:
        raise kind(f"{str(error).splitlines()[0]}\n  {line_of_model(error)}") from error
