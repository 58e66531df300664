"""The range of a SymPy expression over sizes, as PyTorch infers it."""

from __future__ import annotations

from typing import Any


def bound_sympy(expression: Any, ranges: Any) -> Any:
    """The ValueRanges of an expression whose symbols have these."""
    from torch.utils._sympy import value_ranges  # imports SymPy, for which nobody waits who doesn't need it

    return value_ranges.bound_sympy(expression, ranges)
