"""What sizes and tensors look like as text (`f"{x.shape[0]}"`, `str(x)`) while a trace runs.

A size has no number yet, so its text is that of the traced one. That is right as long as the text is only shown: in a
message, a log, an error. Whether it is, the program tells: the model is traced once more for each of a few other texts,
and where it comes out otherwise, a size whose text was asked for counts as fixed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import CodeType
from typing import Any

import torch

from tracejet import _C

_MOST_NUMBERS = 4  #: that the code mentions: `if str(size) == "7":`

Sizes = Mapping[str, int]  #: by the names of symbols


class Texts:
    """How texts come out in the next trace of a model, and whether the last one has made any."""

    def __init__(self) -> None:
        self.asked = False
        self._sizes: Sizes | None = None
        self._sample = 0
        self._are_fixed = False
        self._numbers: dict[int, None] = {}
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
        largest, of those that the code mentions."""
        of_sizes = [{s.name: s.min for s in self._symbols}, {s.name: s.max for s in self._symbols}]
        of_sizes += [
            {s.name: n if s.min <= n and (s.max is None or n <= s.max) else s.hint for s in self._symbols}
            for n in list(self._numbers)[:_MOST_NUMBERS]
        ]
        traced = {s.name: s.hint for s in self._symbols}
        different = [sizes for i, sizes in enumerate(of_sizes) if sizes != traced and sizes not in of_sizes[:i]]
        for self._sample, self._sizes in enumerate(different or [traced], start=1):
            yield
        self._sizes, self._sample = None, 0

    def fix(self) -> None:
        """From now on, the text of a size is that of a plain number, which fixes the size; tensors have none."""
        self._are_fixed = True

    def of_number(self, number: torch.SymInt | torch.SymFloat, code: CodeType) -> int | float | str:
        expression = _C.symbolic.expression_of(number.node)
        if expression.kind == _C.Expression.Kind.CONSTANT:
            return expression.constant
        self._note(code)
        if expression.hint is None:
            return self._unknown(str(expression))
        if self._are_fixed:
            return plain_number(number)
        self._symbols = [s for s in _C.symbolic.context_of(number.node).symbols if s.backed]
        sizes = self._sizes or {s.name: s.hint for s in self._symbols}
        try:
            return _C.symbolic.evaluate(expression, sizes)
        except _C.Error:  # it doesn't take such sizes
            return expression.hint

    def of_tensor(self, tensor: torch.Tensor, code: CodeType) -> str:
        self._note(code)
        shape = f"size={tuple(tensor.shape)}, dtype={tensor.dtype}, device='{tensor.device}'"
        return f"tensor({self._unknown('...')}, {shape})"

    def _unknown(self, shown: str) -> str:
        """The text of what only exists when the program runs."""
        if self._are_fixed:
            raise _C.DataDependent(
                f"the model computes with the text of {shown}, a value that only exists when the program runs"
            )
        return shown + "?" * self._sample

    def _note(self, code: CodeType) -> None:
        self.asked = True
        for text in code.co_consts:
            if isinstance(text, str):
                self._numbers |= dict.fromkeys(int(digits) for digits in re.findall(r"\d{1,18}", text))
            elif isinstance(text, int) and not isinstance(text, bool):
                self._numbers[text] = None


_current: ContextVar[Texts | None] = ContextVar("tracejet_texts", default=None)


def plain_number(number: torch.SymInt | torch.SymFloat | torch.SymBool) -> Any:
    """The number of the traced example, to which what it hangs on is fixed from here on."""
    if isinstance(number, torch.SymBool):
        return number.node.bool_()
    return number.node.int_() if isinstance(number, torch.SymInt) else number.node.guard_float("", 0)


def texts_at_work() -> Texts | None:
    """Those of the trace that runs in this thread; None where it is PyTorch's code that asks."""
    return _current.get() if _C.is_asked_by_model() else None


def asking_code() -> CodeType:
    """The model's code that has called tracejet's: what isn't its own."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] == "tracejet":
        frame = frame.f_back
    return frame.f_code
