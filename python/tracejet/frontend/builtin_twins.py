"""Symbolic twins of Python's own functions, and code that calls these in their place."""

from __future__ import annotations

import builtins
import dis
import functools
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType
from typing import Any

import torch

from tracejet import _C
from tracejet.frontend.loop_source import with_loops_as_calls
from tracejet.frontend.symbolic_loops import list_of, loop
from tracejet.patches.math_functions import TWINS_OF_MATH
from tracejet.patches.torch_internals import is_functional

# ---- the twins -----------------------------------------------------------------------------------------------------


def _len(value: Any) -> Any:
    if is_traced(value) and value.dim() > 0:
        return value.shape[0]
    return builtins.len(value)


def _number(converted: type, symbolic: Callable[[Any], Any]) -> Callable[..., Any]:
    def twin(*args: Any, **options: Any) -> Any:
        value: Any = args[0] if len(args) == 1 and not options else None
        if is_traced(value) and all(type(size) is int and size == 1 for size in value.shape):
            value = value.item()
        return symbolic(value) if isinstance(value, (torch.SymInt, torch.SymFloat)) else converted(*args, **options)

    return twin


def _type(*args: Any, **options: Any) -> Any:
    """That of the number which eager has in the place of a symbol."""
    of = builtins.type(*args, **options)
    return _PLAIN.get(of, of) if len(args) == 1 and _C.is_tracing() else of


_PLAIN: dict[type, type] = {torch.SymInt: int, torch.SymFloat: float, torch.SymBool: bool}


def is_traced(value: Any) -> bool:
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
                return functools.reduce(lambda first, second: symbolic(_as_symbol(first, second), second), numbers)
        return getattr(builtins, name)(*args)

    return twin


def _as_symbol(first: Any, second: Any) -> Any:
    """torch.sym_min asks the symbol of the two, as if their order didn't count; it does where one is NaN."""
    if isinstance(second, torch.SymFloat) and builtins.type(first) is float:
        return torch.SymFloat(second.node.wrap_float(first))
    return first


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
AT_HAND = {**{original.__name__: twin for original, twin in _TWINS.items()}, "loop": loop, "list": list_of}


_WITH_TWIN = frozenset(map(id, _TWINS))


def name_of_twin(name: str) -> str:
    return f"_tracejet_symbolic_{name}"


# ---- code that calls them ------------------------------------------------------------------------------------------

_CALLED_FLAG = sys.version_info >= (3, 11)  #: LOAD_GLOBAL says whether what it loads is to be called


def calls_of(code: CodeType, name: str) -> list[dis.Instruction]:
    """The instructions that load this global in order to call it, or to let `map` call it."""
    steps = [step for step in dis.get_instructions(code) if step.opname != "CACHE"]
    return [
        step
        for before, step, following in zip([None, *steps], steps, steps[1:])
        if step.opname == "LOAD_GLOBAL" and step.argval == name and (_is_called(step, following) or _is_map(before))
    ]


def _is_map(step: dis.Instruction | None) -> bool:
    return step is not None and step.opname == "LOAD_GLOBAL" and step.argval == "map"


def _is_called(step: dis.Instruction, following: dis.Instruction) -> bool:
    if _CALLED_FLAG:
        return bool((step.arg or 0) & 1)
    return following.opname.startswith("LOAD_")  # its argument; a class to compare with is the last thing loaded


def functions_named(code: CodeType, scope: dict[str, Any]) -> frozenset[tuple[str, str]]:
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
        calls = calls_of(code, name)
        argument = len(names) << 1 | 1 if _CALLED_FLAG else len(names)  # the longest
        if calls and argument > 0xFF and len(calls) == _uses_of(code, name):
            names[code.co_names.index(name)] = name_of_twin(function)
            continue
        if not calls or argument > 0xFF:  # a longer argument would move all that follows
            continue
        names.append(name_of_twin(function))
        for call in calls:
            if instructions[call.offset - 2] == dis.EXTENDED_ARG and call.offset > 0:
                instructions[call.offset - 1] = 0
            instructions[call.offset + 1] = argument if not _CALLED_FLAG or (call.arg or 0) & 1 else argument - 1
    if tuple(names) == code.co_names:
        return None
    return code.replace(co_names=tuple(names), co_code=bytes(instructions))


def _uses_of(code: CodeType, name: str) -> int:
    """How many instructions name it."""
    return sum(step.opcode in dis.hasname and step.argval == name for step in dis.get_instructions(code))


def _with_twins_throughout(code: CodeType, scope: dict[str, Any]) -> CodeType | None:
    """The same of the code and of what is made while it runs: functions in it, comprehensions."""
    changed = _with_twins(code, functions_named(code, scope)) or code
    consts = tuple(
        (_with_twins_throughout(each, scope) or each) if isinstance(each, CodeType) else each
        for each in changed.co_consts
    )
    if any(new is not old for new, old in zip(consts, changed.co_consts, strict=True)):
        changed = changed.replace(co_consts=consts)
    return None if changed is code else changed


def asks_silently(code: CodeType, scope: dict[str, Any]) -> bool:
    """Whether the code, or what is made while it runs, calls what asks nothing of a number."""
    return any(
        function in _ASKS_NOTHING and calls_of(code, name) for name, function in functions_named(code, scope)
    ) or any(isinstance(each, CodeType) and asks_silently(each, scope) for each in code.co_consts)


def contains(outer: CodeType, code: CodeType) -> bool:
    """Whether it is that code, or makes what has it."""
    return outer is code or any(isinstance(each, CodeType) and contains(each, code) for each in outer.co_consts)


@dataclass
class RewrittenCode:
    """Code of a model that calls Python's functions of sizes."""

    code: CodeType
    scope: dict[str, Any]
    loops: frozenset[int] = frozenset()  #: the lines of its loops over a range of a dynamic size

    def with_symbols(self) -> CodeType | None:
        with_loops = None if "range" in self.scope else _with_loops(self.code, self.loops)
        return _with_twins_throughout(with_loops or self.code, self.scope) or with_loops


@functools.lru_cache(maxsize=256)
def _with_loops(code: CodeType, lines: frozenset[int]) -> CodeType | None:
    return with_loops_as_calls(code, lines) if lines else None
