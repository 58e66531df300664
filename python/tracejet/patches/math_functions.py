"""`math.sqrt(n)` and its like where `n` is symbolic: Python's give plain numbers only."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from tracejet.patches.refcounted_patch import RefcountedPatch, patched_attribute

_SYMBOLIC = (torch.SymInt, torch.SymFloat)
_Function = Callable[..., Any]


def _twin(name: str, symbolic: _Function) -> _Function:
    original = getattr(math, name)

    def twin(*numbers: Any) -> Any:
        if any(isinstance(number, _SYMBOLIC) for number in numbers):
            return symbolic(*numbers)
        return original(*numbers)

    return twin


def _sqrt(number: Any) -> Any:
    """Of what is negative at some sizes, Python's raises ValueError. Of data, the program does when it runs."""
    if number.node.hint is not None:
        torch._check(number >= 0, lambda: f"math.sqrt isn't defined for {number}")
    return torch.sym_sqrt(number)


def _of_any(name: str, of_size: bool) -> _Function:
    """What is known of every size; a float may be read from data."""
    original = getattr(math, name)
    return lambda number: of_size if isinstance(number, torch.SymInt) else original(number)


#: Those that a program of torch.export's may compute with numbers: its verifier takes no sine and no logarithm.
_FUNCTIONS: dict[str, _Function] = {
    "sqrt": _sqrt,
    "fabs": lambda number: abs(torch.sym_float(number)),
    "pow": lambda base, exponent: torch.sym_float(base) ** torch.sym_float(exponent),
    "ldexp": lambda number, exponent: number * 2.0 ** torch.sym_float(exponent),
    "degrees": lambda number: number * (180.0 / math.pi),
    "radians": lambda number: number * (math.pi / 180.0),
    "isnan": _of_any("isnan", False),
    "isinf": _of_any("isinf", False),
    "isfinite": _of_any("isfinite", True),
}

#: By the functions of `math` that they stand for.
TWINS_OF_MATH: dict[_Function, _Function] = {
    getattr(math, name): _twin(name, symbolic) for name, symbolic in _FUNCTIONS.items()
}

#: While they are held, these functions of `math` take symbolic numbers.
symbolic_math: tuple[RefcountedPatch, ...] = tuple(
    patched_attribute(math, original.__name__, twin) for original, twin in TWINS_OF_MATH.items()
)
