"""`len(tensor)`, `int(h * 1.5)`, `min(k, n)`, `type(n) is int`, `for i in range(n)` where sizes are dynamic.

Python's own functions give plain numbers, or ask for a truth value, which fixes sizes or splits their range. So code
that was seen to call one of them is given a version of its own, in which these calls go to symbolic twins and loops to
what records them (see `symbolic_loops`), and the model is traced once more. Nothing else is touched: not
`builtins`, which other libraries (TorchDynamo among them) keep, nor other uses of the names (`isinstance(n, int)`).
"""

from __future__ import annotations

import builtins
import dis
import functools
import gc
import math
import numbers
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from types import CodeType, FrameType, FunctionType
from typing import Any

import torch

from tracejet import _C
from tracejet.frontend.loop_source import with_loops_as_calls
from tracejet.frontend.symbolic_loops import list_of, loop
from tracejet.patches.math_functions import TWINS_OF_MATH
from tracejet.patches.refcounted_patch import RefcountedPatch
from tracejet.patches.torch_internals import SymNode, is_functional

# ---- the twins -----------------------------------------------------------------------------------------------------


def _len(value: Any) -> Any:
    if _is_traced(value) and value.dim() > 0:
        return value.shape[0]
    return builtins.len(value)


def _number(converted: type, symbolic: Callable[[Any], Any]) -> Callable[..., Any]:
    def twin(*args: Any, **options: Any) -> Any:
        value: Any = args[0] if len(args) == 1 and not options else None
        if _is_traced(value) and all(type(size) is int and size == 1 for size in value.shape):
            value = value.item()
        return symbolic(value) if isinstance(value, (torch.SymInt, torch.SymFloat)) else converted(*args, **options)

    return twin


def _type(*args: Any, **options: Any) -> Any:
    """That of the number which eager has in the place of a symbol."""
    of = builtins.type(*args, **options)
    return _PLAIN.get(of, of) if len(args) == 1 and _C.is_tracing() else of


_PLAIN: dict[type, type] = {torch.SymInt: int, torch.SymFloat: float, torch.SymBool: bool}


def _is_traced(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and _C.is_tracing() and is_functional(value)


def _extremum(name: str, symbolic: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def twin(*args: Any, **options: Any) -> Any:
        if len(args) == 1 and not options and not isinstance(args[0], torch.Tensor):
            args = (tuple(args[0]),)
        numbers = args[0] if len(args) == 1 and isinstance(args[0], tuple) else args
        if options or not any(isinstance(number, (torch.SymInt, torch.SymFloat)) for number in numbers):
            return getattr(builtins, name)(*args, **options)
        for kind in (int, torch.SymInt), (float, torch.SymFloat):  # of both, Python gives the one that it was
            if all(isinstance(number, kind) for number in numbers):
                return functools.reduce(symbolic, numbers)
        return getattr(builtins, name)(*args)

    return twin


#: Python's functions, under whatever name code calls them (`from math import sqrt`), and what takes their place.
_TWINS: dict[Callable[..., Any], Callable[..., Any]] = {
    len: _len,
    int: _number(int, torch.sym_int),
    float: _number(float, torch.sym_float),
    min: _extremum("min", torch.sym_min),
    max: _extremum("max", torch.sym_max),
    type: _type,
    **TWINS_OF_MATH,
}
#: Those that ask nothing of a symbolic number.
_ASKS_NOTHING = (type.__name__, math.ldexp.__name__)
#: What changed code finds in its module.
_AT_HAND = {**{original.__name__: twin for original, twin in _TWINS.items()}, "loop": loop, "list": list_of}


_WITH_TWIN = frozenset(map(id, _TWINS))


def _name_of_twin(name: str) -> str:
    return f"_tracejet_symbolic_{name}"


# ---- code that calls them ------------------------------------------------------------------------------------------

_CALLED_FLAG = sys.version_info >= (3, 11)  #: LOAD_GLOBAL says whether what it loads is to be called


def _calls_of(code: CodeType, name: str) -> list[dis.Instruction]:
    """The instructions that load this global in order to call it."""
    steps = [step for step in dis.get_instructions(code) if step.opname != "CACHE"]
    return [
        step
        for step, following in zip(steps, steps[1:])
        if step.opname == "LOAD_GLOBAL" and step.argval == name and _is_called(step, following)
    ]


def _is_called(step: dis.Instruction, following: dis.Instruction) -> bool:
    if _CALLED_FLAG:
        return bool((step.arg or 0) & 1)
    return following.opname.startswith("LOAD_")  # its argument; a class to compare with is the last thing loaded


def _functions_named(code: CodeType, scope: dict[str, Any]) -> frozenset[tuple[str, str]]:
    """The names in the code that mean functions with twins, and what these are called."""
    named: list[tuple[str, Any]] = [
        (name, scope[name] if name in scope else vars(builtins).get(name)) for name in code.co_names
    ]
    return frozenset((name, value.__name__) for name, value in named if id(value) in _WITH_TWIN)


@functools.lru_cache(maxsize=256)
def _with_twins(code: CodeType, functions: frozenset[tuple[str, str]]) -> CodeType | None:
    """The code with calls of these functions, by name, going to their twins; None if none can."""
    names, instructions = list(code.co_names), bytearray(code.co_code)
    for name, function in functions:
        calls = _calls_of(code, name)
        argument = len(names) << 1 | 1 if _CALLED_FLAG else len(names)
        if not calls or argument > 0xFF:  # a longer argument would move all that follows
            continue
        names.append(_name_of_twin(function))
        for call in calls:
            if instructions[call.offset - 2] == dis.EXTENDED_ARG and call.offset > 0:
                instructions[call.offset - 1] = 0
            instructions[call.offset + 1] = argument
    return (
        None if len(names) == len(code.co_names) else code.replace(co_names=tuple(names), co_code=bytes(instructions))
    )


@dataclass
class _Code:
    """Code of a model that calls Python's functions of sizes."""

    code: CodeType
    scope: dict[str, Any]
    loops: frozenset[int] = frozenset()  #: the lines of its loops over a range of a dynamic size

    def with_symbols(self) -> CodeType | None:
        with_loops = None if "range" in self.scope else _with_loops(self.code, self.loops)
        code = with_loops or self.code
        return _with_twins(code, _functions_named(code, self.scope)) or with_loops


@functools.lru_cache(maxsize=256)
def _with_loops(code: CodeType, lines: frozenset[int]) -> CodeType | None:
    return with_loops_as_calls(code, lines) if lines else None


class SymbolicBuiltins:
    """Where a trace has met such a call, and where it has a symbolic result."""

    def __init__(self) -> None:
        self._symbolic: list[_Code] = []
        self._asked: list[_Code] = []
        self.looked_at: dict[int, CodeType] = {}  #: for calls of what asks nothing, by id
        self._before: list[_Code] = []

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
        if not is_loop and not _functions_named(code, scope):
            return
        met = self._met(code)
        lines = frozenset({frame.f_lineno} if is_loop else ())
        if met is not None and lines <= met.loops:
            return
        if not _is_calling(frame) or scope.get("__name__") == loop.__module__:
            return
        asked = _Code(code, scope, lines) if met is None else replace(met, loops=met.loops | lines)
        if asked.with_symbols() is None or (met is not None and asked.with_symbols() == met.with_symbols()):
            return
        self._asked = [*(each for each in self._asked if each.code is not asked.code), asked]

    def _met(self, code: CodeType) -> _Code | None:
        """What is known of this code, be it the model's own or changed."""
        for each in (*self._asked, *self._symbolic):
            if code is each.code or code is each.with_symbols():
                return each
        return None

    def ask_silently(self, frame: FrameType) -> None:
        """To be called once for each code."""
        code, scope = frame.f_code, frame.f_globals
        self.looked_at[id(code)] = code
        is_pytorchs = scope.get("__name__", "").partition(".")[0] == "torch"
        asks = not is_pytorchs and any(
            function in _ASKS_NOTHING and _calls_of(code, name) for name, function in _functions_named(code, scope)
        )
        if not asks or self._met(code) is not None:
            return
        asked = _Code(code, scope)
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
    return dis.opname[frame.f_code.co_code[frame.f_lasti]].startswith(("CALL", "PRECALL"))


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
        scope.update((_name_of_twin(name), twin) for name, twin in _AT_HAND.items())

        def switch_off() -> None:
            for name in _AT_HAND:
                del scope[_name_of_twin(name)]
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
        if _is_traced(tensor):
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
