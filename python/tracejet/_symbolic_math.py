"""`math.sqrt(n)` and its like where `n` is symbolic: Python's give plain numbers only."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from tracejet._shared_switch import SharedSwitch, switched_attribute

_SYMBOLIC = (torch.SymInt, torch.SymFloat)


def _twin(name: str, symbolic: Callable[..., Any]) -> Callable[..., Any]:
    original = getattr(math, name)

    def twin(*numbers: Any) -> Any:
        if any(isinstance(number, _SYMBOLIC) for number in numbers):
            return symbolic(*numbers)
        return original(*numbers)

    return twin


#: Those that a program of torch.export's may compute with numbers.
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sqrt": torch.sym_sqrt,
    "fabs": lambda number: abs(torch.sym_float(number)),
    "pow": lambda base, exponent: torch.sym_float(base) ** torch.sym_float(exponent),
}

#: While they are held, these functions of `math` take symbolic numbers.
symbolic_math: tuple[SharedSwitch, ...] = tuple(
    switched_attribute(math, name, _twin(name, symbolic)) for name, symbolic in _FUNCTIONS.items()
)
