"""What Python code asks of a symbolic number beside arithmetic: its class, its text, its hash, copies of it.

A traced size answers as the plain number would that eager PyTorch has in its place, or refuses.
"""

from __future__ import annotations

import functools
import gc
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

import torch

from tracejet import _C
from tracejet._size_text import asking_frame, plain_number, texts_at_work

_Number: TypeAlias = torch.SymInt | torch.SymFloat | torch.SymBool

#: Whose code knows symbolic numbers, and tells them from plain ones.
_KNOWS_SYMBOLS = ("torch", "tracejet", "sympy")


class UnhashableSize(_C.UnsupportedOperator, TypeError):
    """The hash of a dynamic size. A TypeError, too, which libraries (einops) catch to do without."""


def _is_ours(number: _Number) -> bool:
    return type(number.node) is torch._C._SymNode and _C.symbolic.context_of(number.node) is not None


@functools.lru_cache(maxsize=4096)
def _knows_symbols(module: str) -> bool:
    return module.partition(".")[0] in _KNOWS_SYMBOLS


def _class_seen(own: type, plain: type) -> property:
    """`isinstance(size, int)` looks at `__class__`, after the class itself: so both answers are yes."""

    def seen(number: _Number) -> type:
        # Asked hundreds of times in a trace, mostly by PyTorch's own code.
        if _knows_symbols(sys._getframe(1).f_globals.get("__name__", "")):
            return own
        return plain if _C.is_asked_by_model() and _is_ours(number) else own

    return property(seen)


def _repr(number: _Number, original: Callable[[_Number], str]) -> str:
    texts = texts_at_work()
    if texts is None or not _is_ours(number):
        return original(number)
    return (
        str(plain_number(number)) if isinstance(number, torch.SymBool) else str(texts.of_number(number, asking_frame()))
    )


def _format(number: _Number, spec: str) -> str:
    texts = texts_at_work()
    if texts is None or not _is_ours(number):
        return object.__format__(number, spec)
    shown = plain_number(number) if isinstance(number, torch.SymBool) else texts.of_number(number, asking_frame())
    return shown if isinstance(shown, str) else format(shown, spec)  # a text stands for a number of data


def _hash(number: _Number, original: Callable[[_Number], int]) -> int:
    if not (_C.is_tracing() and _is_ours(number)):
        return original(number)
    if isinstance(number, torch.SymBool):
        return hash(plain_number(number))
    size = _C.axes_of(_C.symbolic.expression_of(number.node))
    raise UnhashableSize(
        f"{size} is a dynamic size, which has no hash: it can't be looked up in a set or a dict, nor be an argument of "
        "a function whose results are cached. Compare it (`size == 8`), make the axis static, or look up int(size), "
        "which fixes it"
    )


def _divmod(number: Any, other: Any) -> Any:
    return (number // other, number % other) if _is_ours(number) else NotImplemented


def _rdivmod(number: Any, other: Any) -> Any:
    return (other // number, other % number) if _is_ours(number) else NotImplemented


def _copy(number: _Number, memo: Any = None) -> _Number:
    """Numbers don't change."""
    return number


def _invert(number: Any) -> Any:
    return -number - 1


def _of_plain(name: str) -> Callable[..., Any]:
    """A method of Python's numbers for which there are no symbols: it fixes the size."""

    def method(number: _Number, *args: Any, **options: Any) -> Any:
        return getattr(plain_number(number), name)(*args, **options)

    return method


def _attribute(value: Callable[[Any], Any]) -> property:
    """What every number of Python's has."""

    def get(number: _Number) -> Any:
        if not _is_ours(number):
            raise AttributeError
        return value(number)

    return property(get)


def _reduce(number: _Number, protocol: Any, original: Callable[[_Number, Any], Any]) -> Any:
    if not (_C.is_tracing() and _is_ours(number)):
        return original(number, protocol)
    plain = {torch.SymInt: int, torch.SymFloat: float, torch.SymBool: bool}[type(number)]
    return plain, (plain_number(number),)  # a file holds a plain number, which fixes the size


def _with_original(method: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: method(*args, original=original)


def install() -> None:
    """Completes PyTorch's classes. Done once; numbers of others, and ours when no model runs, stay as they are."""
    if "__divmod__" in vars(torch.SymInt):
        return
    for own, plain in ((torch.SymInt, int), (torch.SymFloat, float), (torch.SymBool, bool)):
        # Where the class's own entries are: to set this one would change the class of the class.
        (entries,) = (found for found in gc.get_referents(vars(own)) if isinstance(found, dict))
        entries["__class__"] = _class_seen(own, plain)
        methods: dict[str, Any] = {
            "__repr__": _with_original(_repr, own.__repr__),
            "__format__": _format,
            "__hash__": _with_original(_hash, own.__hash__),
            "__reduce_ex__": _with_original(_reduce, own.__reduce_ex__),
            "__copy__": _copy,
            "__deepcopy__": _copy,
        }
        if own is not torch.SymBool:
            methods |= {"__divmod__": _divmod, "__rdivmod__": _rdivmod}
            methods |= {"real": _attribute(_copy), "imag": _attribute(lambda number: 0)}
        if own is torch.SymInt:
            methods |= {"numerator": _attribute(_copy), "denominator": _attribute(lambda number: 1)}
            methods |= {"__invert__": _invert, "to_bytes": _of_plain("to_bytes")}
            if hasattr(int, "bit_count"):
                methods["bit_count"] = _of_plain("bit_count")
        for name, method in methods.items():
            setattr(own, name, method)


install()
