"""What errors of PyTorch's and numpy's say of symbolic numbers. Their types, RuntimeError and TypeError, are those of
all other mistakes, and nothing but the text tells: this is the only file that reads it."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\bSym(Int|Float|Bool)\b")
_TRACED = re.compile(rf"{_NUMBER.pattern}|\bmeta\b")
_NUMBERS = {"Int": "a dynamic size", "Float": "a float", "Bool": "a truth"}


def number_named_in(error: Exception) -> str | None:
    """What an error says that it can't do without a plain number, by its type; None where it names no such type."""
    if "numpy.object_" in str(error):
        return "an array of dynamic sizes"
    found = _NUMBER.search(str(error))
    return None if found is None else _NUMBERS[found[1]]


def is_about_traced(error: Exception) -> bool:
    """Whether it names what only a trace has: symbolic numbers, and tensors without data."""
    return _TRACED.search(str(error)) is not None
