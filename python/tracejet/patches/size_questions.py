"""What Python code asks of a symbolic number beside arithmetic: its class, its text, its hash, copies of it.

A traced size answers as the plain number would that eager PyTorch has in its place, or refuses.
"""

from __future__ import annotations

import dis
import gc
import math
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeAlias

import numpy as np
import torch
from torch.fx.experimental import sym_node

from tracejet import _C
from tracejet.patches.math_functions import TWINS_OF_MATH
from tracejet.patches.number_arithmetic import arithmetic_of, is_ours, to_node, with_original
from tracejet.patches.size_text import asking_frame, plain_number, texts_at_work
from tracejet.patches.sym_node import expression_of

_Number: TypeAlias = torch.SymInt | torch.SymFloat | torch.SymBool
_PLAIN: dict[type, type] = {torch.SymInt: int, torch.SymFloat: float, torch.SymBool: bool}


class UnhashableSize(_C.UnsupportedOperator, TypeError):
    """The hash of a dynamic size. A TypeError, too, which libraries (einops) catch to do without."""


def _class_for_model(number: _Number) -> type:
    """`isinstance(size, int)` looks at `__class__`, after the class itself: so both answers are yes."""
    own = type(number)
    return _PLAIN.get(own, own) if is_ours(number) else own


def _repr(number: _Number, original: Callable[[_Number], str]) -> str:
    texts = texts_at_work()
    if texts is None or not is_ours(number):
        return original(number)
    return (
        str(plain_number(number)) if isinstance(number, torch.SymBool) else str(texts.of_number(number, asking_frame()))
    )


def _format(number: _Number, spec: str) -> str:
    texts = texts_at_work()
    if texts is None or not is_ours(number):
        return object.__format__(number, spec)
    shown = plain_number(number) if isinstance(number, torch.SymBool) else texts.of_number(number, asking_frame())
    return shown if isinstance(shown, str) else format(shown, spec)  # a text stands for a number of data


def _hash(number: _Number, original: Callable[[_Number], int]) -> int:
    if not (_C.is_tracing() and is_ours(number)):
        return original(number)
    if isinstance(number, torch.SymBool):
        return hash(plain_number(number))
    size = _C.axes_of(expression_of(number.node))
    raise UnhashableSize(
        f"{size} is a dynamic size, which has no hash: it can't be looked up in a set or a dict, nor be an argument of "
        "a function whose results are cached. Compare it (`size == 8`), make the axis static, or look up int(size), "
        "which fixes it",
        _C.ErrorCode.PLAIN_NUMBER,
    )


def _copy(number: _Number, memo: Any = None) -> _Number:
    """Numbers don't change."""
    return number


def _of_plain(name: str) -> Callable[..., Any]:
    """A method of Python's numbers for which there are no symbols: it fixes the size."""

    def method(number: _Number, *args: Any, **options: Any) -> Any:
        return getattr(plain_number(number), name)(*args, **options)

    return method


def _attribute(value: Callable[[Any], Any]) -> property:
    """What every number of Python's has."""

    def get(number: _Number) -> Any:
        if not is_ours(number):
            raise AttributeError
        return value(number)

    return property(get)


def _reduce(number: _Number, protocol: Any, original: Callable[[_Number, Any], Any]) -> Any:
    if not (_C.is_tracing() and is_ours(number)):
        return original(number, protocol)
    return _PLAIN[type(number)], (plain_number(number),)  # a file holds a plain number, which fixes the size


def _node_for_model(number: _Number) -> Any:
    """PyTorch's own code tells symbolic numbers by it; a model may ask whether it has one (`hasattr(n, "node")`)."""
    node = number.node
    if _asks_for(sys._getframe(1), "node") and is_ours(number):
        raise AttributeError(f"'{_PLAIN[type(number)].__name__}' object has no attribute 'node'")
    return node


def _asks_for(frame: FrameType, name: str) -> bool:
    """Whether the code itself asks for this attribute, not a function in C++ that it has given the object to."""
    code = frame.f_code
    has_function = not _ASKING.isdisjoint(code.co_names)
    if name not in code.co_names and not (has_function and name in (*code.co_consts, *_texts(frame.f_locals))):
        return False
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("CACHE", "PRECALL")]
    at = next(i for i, step in enumerate(steps) if step.offset >= frame.f_lasti)
    if not steps[at].opname.startswith("CALL"):
        return bool(steps[at].argval == name)
    loaded = [step.argval for step in steps[max(at - 3, 0) : at] if step.opname.startswith("LOAD_")]
    named = {local for local, value in frame.f_locals.items() if isinstance(value, str) and value == name}
    return has_function and any(isinstance(each, str) and each in {name, *named} for each in loaded)


def _texts(variables: dict[str, Any]) -> list[str]:
    return [value for value in variables.values() if isinstance(value, str)]


_ASKING = frozenset({"hasattr", "getattr"})


def _array_ufunc(number: _Number, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
    """What NumPy's functions make of a symbolic number: as of any object, where they can."""
    symbolic = _OF_NUMPY.get(ufunc.__name__) if method == "__call__" and len(inputs) == 1 and not options else None
    if symbolic is not None:
        return symbolic(number)
    symbols = torch.SymInt, torch.SymFloat, torch.SymBool
    try:
        objects = [np.array(each, dtype=object) if isinstance(each, symbols) else each for each in inputs]
        return getattr(ufunc, method)(*objects, **options)
    except TypeError:
        plain = [plain_number(each) if isinstance(each, symbols) else each for each in inputs]
        return getattr(ufunc, method)(*plain, **options)


_OF_NUMPY: dict[str, Callable[[Any], Any]] = {
    name: TWINS_OF_MATH[getattr(math, name)] for name in ("sqrt", "isnan", "isinf", "isfinite")
}


def install() -> None:
    """Completes PyTorch's classes. Done once; numbers of others, and ours when no model runs, stay as they are."""
    if "__divmod__" in vars(torch.SymInt):
        return
    sym_node.to_node = with_original(to_node, sym_node.to_node)
    for own in _PLAIN:
        # Where the class's own entries are: to set this one would change the class of the class.
        (entries,) = (found for found in gc.get_referents(vars(own)) if isinstance(found, dict))
        entries["__class__"] = _C.class_seen(own, _class_for_model)
        methods: dict[str, Any] = {
            "__repr__": with_original(_repr, own.__repr__),
            "__format__": _format,
            "__hash__": with_original(_hash, own.__hash__),
            "__reduce_ex__": with_original(_reduce, own.__reduce_ex__),
            "__copy__": _copy,
            "__deepcopy__": _copy,
            "__array_ufunc__": _array_ufunc,
            "node": _C.node_seen(own, _node_for_model),
        }
        if own is not torch.SymBool:
            methods |= arithmetic_of(own)
            methods |= {"real": _attribute(_copy), "imag": _attribute(lambda number: 0)}
        if own is torch.SymInt:
            methods |= {"numerator": _attribute(_copy), "denominator": _attribute(lambda number: 1)}
            methods["to_bytes"] = _of_plain("to_bytes")
            if hasattr(int, "bit_count"):
                methods["bit_count"] = _of_plain("bit_count")
        for name, method in methods.items():
            setattr(own, name, method)


install()
