"""What sizes and tensors look like as text (`f"{x.shape[0]}"`, `str(x)`) while a trace runs.

A size has no number yet, so its text is that of the traced one. That is right as long as the text is only shown: in a
message, a log, an error. Whether it is, the program tells: the model is traced once more for each of a few other texts,
and where it comes out otherwise, a size whose text was asked for counts as fixed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import CodeType, FrameType
from typing import Any

import torch
from torch import nn

from tracejet import _C
from tracejet.patches.shown_text import is_only_shown
from tracejet.patches.sym_node import context_of, expression_of

_MOST_SAMPLES = 10  #: other texts that the model is traced with
_MOST_SIZES = 4096  #: of a dimension that are looked through for what the code mentions

Sizes = Mapping[str, int]  #: by the names of symbols


class Texts:
    """How texts come out in the next trace of a model, and whether the last one has made any."""

    def __init__(self) -> None:
        self.asked = False
        self._sizes: Sizes | None = None
        self._sample = 0
        self._are_fixed = False
        self._mentioned = Mentioned()
        self._expressions: dict[str, Any] = {}  #: whose text was asked for
        self._symbols: list[Any] = []

    @contextmanager
    def during_a_trace(self) -> Iterator[None]:
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def samples(self) -> Iterator[None]:
        """Makes other texts for the trace that is made before the next one is asked for: of the smallest sizes, of the
        largest, of others, of those whose text the code mentions (`if str(size) == "7":`)."""
        traced = {s.name: s.hint for s in self._symbols}
        of_sizes = [{s.name: s.min for s in self._symbols}, {s.name: _largest(s) for s in self._symbols}]
        of_sizes += self._mentioned_sizes(traced)
        of_sizes += [{s.name: min(s.hint + 1, _largest(s)) for s in self._symbols}]
        different = [sizes for i, sizes in enumerate(of_sizes) if sizes != traced and sizes not in of_sizes[:i]]
        for self._sample, self._sizes in enumerate(different[:_MOST_SAMPLES] or [traced], start=1):
            yield
        self._sizes, self._sample = None, 0

    def _mentioned_sizes(self, traced: Sizes) -> list[dict[str, int]]:
        """The sizes of which some text is a number that the code mentions, one dimension at a time."""
        found: list[dict[str, int]] = []
        for expression in self._expressions.values():
            for symbol in self._symbols:
                for size in range(symbol.min, min(_largest(symbol), symbol.min + _MOST_SIZES) + 1):
                    sizes = {**traced, symbol.name: size}
                    if sizes not in found and self._mentioned.holds(_evaluated(expression, sizes)):
                        found.append(sizes)
        return found

    def fix(self) -> None:
        """From now on, the text of a size is that of a plain number, which fixes the size; tensors have none."""
        self._are_fixed = True

    def of_number(self, number: torch.SymInt | torch.SymFloat, frame: FrameType) -> int | float | str:
        expression = expression_of(number.node)
        if expression.kind == _C.Expression.Kind.CONSTANT:
            return expression.constant
        if expression.hint is not None and is_only_shown(frame):
            return expression.hint
        self._note(frame)
        if expression.hint is None:
            return self._unknown(str(expression))
        if self._are_fixed:
            return plain_number(number)
        self._symbols = [s for s in context_of(number.node).symbols if s.backed]
        self._expressions.setdefault(str(expression), expression)
        shown = _evaluated(expression, self._sizes or {s.name: s.hint for s in self._symbols})
        return expression.hint if shown is None else shown

    def of_tensor(self, tensor: torch.Tensor, frame: FrameType) -> str:
        self._note(frame)
        shape = f"size={tuple(tensor.shape)}, dtype={tensor.dtype}, device='{tensor.device}'"
        return f"tensor({self._unknown('...')}, {shape})"

    def _unknown(self, shown: str) -> str:
        """The text of what only exists when the program runs."""
        if self._are_fixed:
            raise _C.DataDependent(
                f"the model computes with the text of {shown}, a value that only exists when the program runs"
            )
        return shown + "?" * self._sample

    def _note(self, frame: FrameType) -> None:
        if is_only_shown(frame):
            return
        self.asked = True
        self._mentioned.look_at(frame)


class Mentioned:
    """The numbers that the code behind a call mentions, and its model's tables."""

    def __init__(self) -> None:
        self._seen: set[CodeType] = set()
        self._numbers: set[tuple[float, int]] = set()  #: and how many digits they are rounded to

    def look_at(self, frame: FrameType | None) -> None:
        """At this call and those around it."""
        while frame is not None and _package(frame) != "tracejet":
            if _package(frame) != "torch" and frame.f_code not in self._seen:
                self._seen.add(frame.f_code)
                self._add(frame.f_code.co_consts)
                for table in _attributes(frame.f_locals.get("self")):
                    self._add(table)
            frame = frame.f_back

    def holds(self, number: int | float | None) -> bool:
        return number is not None and any(round(number, digits) == mentioned for mentioned, digits in self._numbers)

    def _add(self, values: Any) -> None:
        for value in values if isinstance(values, (tuple, frozenset, dict, nn.ModuleDict, nn.ParameterDict)) else ():
            if isinstance(value, str):
                for digits in re.findall(r"\d{1,15}(?:\.\d{1,6})?", value):
                    self._numbers.add((float(digits), len(digits.partition(".")[2])))
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                self._numbers.add((float(value), 12))
            else:
                self._add(value)


def _attributes(value: Any) -> Iterable[Any]:
    return vars(value).values() if hasattr(value, "__dict__") else ()


def _package(frame: FrameType) -> str:
    name: str = frame.f_globals.get("__name__", "")
    return name.partition(".")[0]


def _largest(symbol: Any) -> int:
    return symbol.hint if symbol.max is None else symbol.max


def _evaluated(expression: Any, sizes: Sizes) -> int | float | None:
    try:
        return _C.symbolic.evaluate(expression, sizes)
    except _C.Error:  # it doesn't take such sizes
        return None


_current: ContextVar[Texts | None] = ContextVar("tracejet_texts", default=None)


def plain_number(number: torch.SymInt | torch.SymFloat | torch.SymBool) -> Any:
    """The number of the traced example, to which what it depends on is fixed from here on."""
    if isinstance(number, torch.SymBool):
        return number.node.bool_()
    return number.node.int_() if isinstance(number, torch.SymInt) else number.node.guard_float("", 0)


def texts_at_work() -> Texts | None:
    """Those of the trace that runs in this thread; None where it is PyTorch's code that asks."""
    return _current.get() if _C.is_asked_by_model() else None


def asking_frame() -> FrameType:
    """The model's code that has called tracejet's: what isn't its own."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _package(frame) == "tracejet":
        frame = frame.f_back
    return frame
