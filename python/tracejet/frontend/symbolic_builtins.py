"""`len(tensor)`, `int(h * 1.5)`, `min(k, n)`, `type(n) is int`, `for i in range(n)` where sizes are dynamic.

Python's own functions give plain numbers, or ask for a truth value, which fixes sizes or splits their range. So code
that was seen to call one of them is given a version of its own, in which these calls go to symbolic twins and loops to
what records them (see `symbolic_loops`), and the model is traced once more. Nothing else is touched: not
`builtins`, which other libraries (TorchDynamo among them) keep, nor other uses of the names (`isinstance(n, int)`).
"""

from __future__ import annotations

import dis
import functools
import gc
import numbers
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import replace
from types import CodeType, FrameType, FunctionType
from typing import Any

import torch

from tracejet.frontend.builtin_twins import (
    AT_HAND,
    RewrittenCode,
    asks_silently,
    contains,
    functions_named,
    is_traced,
    name_of_twin,
)
from tracejet.frontend.symbolic_loops import loop
from tracejet.patches.refcounted_patch import RefcountedPatch
from tracejet.patches.torch_internals import SymNode


class SymbolicBuiltins:
    """Where a trace has met such a call, and where it has a symbolic result."""

    def __init__(self) -> None:
        self._symbolic: list[RewrittenCode] = []
        self._asked: list[RewrittenCode] = []
        self.looked_at: dict[int, CodeType] = {}  #: for calls of what asks nothing, by id
        self._before: list[RewrittenCode] = []

    @contextmanager
    def during_a_trace(self) -> Iterator[None]:
        self._asked = []
        token = _current.set(self)
        try:
            with ExitStack() as stack:
                for each in self._symbolic:
                    stack.enter_context(_held(each.scope, functools.partial(_twins_in, each.scope)))
                    changed = each.with_symbols()
                    if changed is not None:
                        stack.enter_context(_held(each.code, functools.partial(_calls_replaced, each.code, changed)))
                yield
        finally:
            _current.reset(token)

    def ask(self, frame: FrameType) -> None:
        code, scope = frame.f_code, frame.f_globals
        is_loop = "range" in code.co_names
        if not is_loop and not functions_named(code, scope):
            return
        lines = frozenset({frame.f_lineno} if is_loop else ())
        code = code if is_loop else _outermost(frame)
        met = self._met(code)
        if met is not None and lines <= met.loops:
            return
        if not _is_calling(frame) or scope.get("__name__") == loop.__module__:
            return
        asked = RewrittenCode(code, scope, lines) if met is None else replace(met, loops=met.loops | lines)
        if asked.with_symbols() is None or (met is not None and asked.with_symbols() == met.with_symbols()):
            return
        self._asked = [*(each for each in self._asked if each.code is not asked.code), asked]

    def _met(self, code: CodeType) -> RewrittenCode | None:
        """What is known of this code, be it the model's own or changed."""
        for each in (*self._asked, *self._symbolic):
            changed = each.with_symbols()
            if contains(each.code, code) or (changed is not None and contains(changed, code)):
                return each
        return None

    def ask_silently(self, frame: FrameType) -> None:
        """To be called once for each code."""
        code, scope = frame.f_code, frame.f_globals
        self.looked_at[id(code)] = code
        is_pytorchs = scope.get("__name__", "").partition(".")[0] == "torch"
        if is_pytorchs or not asks_silently(code, scope) or self._met(code) is not None:
            return
        asked = RewrittenCode(_outermost(frame), scope)
        if asked.with_symbols() is not None:
            self._asked.append(asked)

    def extend(self) -> bool:
        """Makes the calls that the last trace met symbolic for the next. False where it met none."""
        self._before = self._symbolic
        new = {id(each.code) for each in self._asked}
        self._symbolic = [*(each for each in self._symbolic if id(each.code) not in new), *self._asked]
        return bool(self._asked)

    def withdraw(self) -> None:
        """Takes the last `extend` back: the trace that it was for has failed."""
        self._symbolic = self._before


_current: ContextVar[SymbolicBuiltins | None] = ContextVar("tracejet_symbolic_builtins", default=None)


def _is_calling(frame: FrameType) -> bool:
    """Whether the question comes from within a function that isn't Python's (`min`), not from the code itself."""
    operation = dis.opname[frame.f_code.co_code[frame.f_lasti]]
    return operation.startswith(("CALL", "PRECALL")) or ("map" in frame.f_code.co_names and operation in _ITERATING)


#: What asks `map` for the next.
_ITERATING = ("UNPACK_SEQUENCE", "UNPACK_EX", "LIST_EXTEND", "SET_UPDATE", "FOR_ITER")
#: What is further out was there before the trace.
_CALLS_THE_MODEL = "tracejet.frontend.module_frontend"


def _outermost(frame: FrameType) -> CodeType:
    """The code of the model's function that has made the running one and still runs; else its own."""
    found, caller = frame.f_code, frame.f_back
    while caller is not None and caller.f_globals.get("__name__") != _CALLS_THE_MODEL:
        if caller.f_code is not found and contains(caller.f_code, found):
            found = caller.f_code
        caller = caller.f_back
    return found


_lock = threading.Lock()
_switches: dict[int, RefcountedPatch] = {}  #: those that are on, by the id of a scope or code, which they keep alive


@contextmanager
def _held(owner: object, make: Callable[[], RefcountedPatch]) -> Iterator[None]:
    """Holds the switch of a scope or code. The last holder takes it away: nobody may be about to hold it then."""
    with _lock:
        held = _switches.setdefault(id(owner), make()).held()
        held.__enter__()
    try:
        yield
    finally:
        with _lock:
            held.__exit__(None, None, None)


def _twins_in(scope: dict[str, Any]) -> RefcountedPatch:
    """The twins are at hand in a module."""

    def switch_on() -> Callable[[], None]:
        scope.update((name_of_twin(name), twin) for name, twin in AT_HAND.items())

        def switch_off() -> None:
            for name in AT_HAND:
                del scope[name_of_twin(name)]
            _switches.pop(id(scope), None)

        return switch_off

    return RefcountedPatch(switch_on)


def _calls_replaced(code: CodeType, changed: CodeType) -> RefcountedPatch:
    """The functions that have this code call the twins."""

    def switch_on() -> Callable[[], None]:
        functions = [owner for owner in gc.get_referrers(code) if isinstance(owner, FunctionType)]
        for function in functions:
            function.__code__ = changed

        def switch_off() -> None:
            for function in functions:
                if function.__code__ is changed:
                    function.__code__ = code
            _switches.pop(id(code), None)

        return switch_off

    return RefcountedPatch(switch_on)


# ---- who asks ------------------------------------------------------------------------------------------------------


def _made(number: Any, node: Any) -> None:
    """Nothing tells that the class of a number is asked for; so code that gets hold of one and calls `type` counts.
    The same goes for what takes no symbol, before asking it anything."""
    if type(node) is not SymNode and isinstance(node, numbers.Number):
        raise TypeError(f"{type(number).__name__} can't be made of a {type(node).__name__}")  # by `type(size)(…)`
    number.node = node
    current = _current.get()
    if current is None:
        return
    frame = sys._getframe(1)
    if id(frame.f_code) not in current.looked_at:
        current.ask_silently(frame)
    caller = frame.f_back  # a function may have been called for the size
    if caller is not None and id(caller.f_code) not in current.looked_at:
        current.ask_silently(caller)


def _ask() -> None:
    """Notes the code that has called the function that asks."""
    current = _current.get()
    if current is not None:
        current.ask(sys._getframe(2))


def _asking(owner: type, name: str) -> tuple[type, str, Any]:
    original = getattr(owner, name)

    def method(self: Any) -> Any:
        _ask()
        return original(self)

    method.__name__ = name
    method.__code__ = method.__code__.replace(co_name=name)
    return owner, name, method


def _tensor_len(tensor: torch.Tensor) -> Any:
    if tensor.dim() > 0 and isinstance(tensor.shape[0], torch.SymInt):
        _ask()
    return _original_len(tensor)


def _tensor_number(name: str) -> tuple[type, str, Any]:
    original = getattr(torch.Tensor, name)

    def method(tensor: torch.Tensor) -> Any:
        if is_traced(tensor):
            _ask()
        return original(tensor)

    method.__name__ = name
    return torch.Tensor, name, method


_original_len = torch.Tensor.__len__
_METHODS = [
    (torch.Tensor, "__len__", _tensor_len),
    _tensor_number("__int__"),
    _tensor_number("__float__"),
]


def install() -> None:
    """Lets traces hear what is asked of symbolic numbers. Done once: outside of a trace nobody listens."""
    if torch.SymInt.__init__ is _made:
        return
    for owner, name, method in (
        (torch.SymInt, "__init__", _made),
        _asking(torch.SymInt, "__int__"),
        _asking(torch.SymInt, "__index__"),
        _asking(torch.SymFloat, "__int__"),
        _asking(torch.SymFloat, "__float__"),
        _asking(torch.SymBool, "__bool__"),
    ):
        setattr(owner, name, method)


install()


def _listen() -> Callable[[], None]:
    before = [(owner, name, vars(owner).get(name)) for owner, name, _ in _METHODS]
    for owner, name, method in _METHODS:
        setattr(owner, name, method)

    def stop() -> None:
        for owner, name, method in before:
            if method is None:
                delattr(owner, name)  # the inherited one is back
            else:
                setattr(owner, name, method)

    return stop


#: While it is held, a trace hears of such calls with tensors, too.
calls_of_builtins = RefcountedPatch(_listen)
