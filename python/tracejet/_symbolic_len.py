"""`len(tensor)` where the first axis is dynamic.

Python's `len` gives a plain int, which fixes the size for the whole trace. So code that was seen to ask for one is
given a `len` of its own, in its module's globals, and the model is traced once more. `builtins.len` itself stays as it
is: other libraries (TorchDynamo among them) keep what they find there.
"""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

import torch

from tracejet import _C

_Scope = dict[str, Any]  #: the globals of a module


class SymbolicLengths:
    """Where a trace has met `len` of a dynamic axis, and where such a call gives a symbol."""

    def __init__(self) -> None:
        self._symbolic: list[_Scope] = []
        self._asked: list[_Scope] = []
        self._before = 0

    @contextmanager
    def during_a_trace(self) -> Iterator[None]:
        self._asked = []
        token = _current.set(self)
        try:
            with ExitStack() as stack:
                for scope in self._symbolic:
                    stack.enter_context(_with_symbolic_len(scope))
                yield
        finally:
            _current.reset(token)

    def ask(self, scope: _Scope) -> None:
        if not any(scope is known for known in (*self._asked, *self._symbolic)):
            self._asked.append(scope)

    def extend(self) -> bool:
        """Makes the calls that the last trace met symbolic for the next. False where it met none."""
        self._before = len(self._symbolic)
        self._symbolic += self._asked
        return bool(self._asked)

    def withdraw(self) -> None:
        """Takes the last `extend` back: the trace that it was for has failed."""
        del self._symbolic[self._before :]


_current: ContextVar[SymbolicLengths | None] = ContextVar("tracejet_symbolic_lengths", default=None)
_lock = threading.Lock()
_holders: dict[int, int] = {}  #: how many traces hold a scope, by its id


@contextmanager
def _with_symbolic_len(scope: _Scope) -> Iterator[None]:
    with _lock:
        _holders[id(scope)] = _holders.get(id(scope), 0) + 1
        scope["len"] = _len
    try:
        yield
    finally:
        with _lock:
            _holders[id(scope)] -= 1
            if _holders[id(scope)] == 0:
                del _holders[id(scope)], scope["len"]


def _len(value: Any) -> Any:
    if isinstance(value, torch.Tensor) and _C.is_tracing() and torch._is_functional_tensor(value) and value.dim() > 0:
        return value.shape[0]
    return builtins.len(value)


def tensor_len(tensor: torch.Tensor) -> Any:
    """`Tensor.__len__` while a trace runs."""
    lengths = _current.get()
    if lengths is not None and tensor.dim() > 0 and isinstance(tensor.shape[0], torch.SymInt):
        frame = sys._getframe(1)
        if "len" in frame.f_code.co_names and "len" not in frame.f_globals:
            lengths.ask(frame.f_globals)
    return _original(tensor)


_original = torch.Tensor.__len__
