"""
Symbolic sizes: what stands behind torch.SymInt.
"""

from __future__ import annotations

import collections.abc
import typing

import torch
import torch._C

import tracejet._C

__all__: list[str] = [
    "OPERATORS",
    "Context",
    "Guard",
    "GuardKind",
    "apply",
    "context_of",
    "evaluate",
    "expression_of",
    "range",
    "select",
]

class GuardKind:
    """
    Members:

      RELATION

      ZERO_ONE

      REQUIREMENT

      SIZE_BRANCH

      SPECIALIZATION

      ASSERTION

      IN_BRANCH
    """

    ASSERTION: typing.ClassVar[GuardKind]
    IN_BRANCH: typing.ClassVar[GuardKind]
    RELATION: typing.ClassVar[GuardKind]
    REQUIREMENT: typing.ClassVar[GuardKind]
    SIZE_BRANCH: typing.ClassVar[GuardKind]
    SPECIALIZATION: typing.ClassVar[GuardKind]
    ZERO_ONE: typing.ClassVar[GuardKind]
    __members__: typing.ClassVar[dict[str, GuardKind]]
    def __eq__(self, other: typing.Any) -> bool: ...
    def __getstate__(self) -> int: ...
    def __hash__(self) -> int: ...
    def __index__(self) -> int: ...
    def __init__(self, value: int) -> None: ...
    def __int__(self) -> int: ...
    def __ne__(self, other: typing.Any) -> bool: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, state: int) -> None: ...
    def __str__(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> int: ...

class Guard:
    """
    Something that was assumed because the ranges didn't decide it.
    """
    def __repr__(self) -> str: ...
    @property
    def condition(self) -> tracejet._C.Expression: ...
    @property
    def kind(self) -> GuardKind: ...

class Context:
    """
    The symbols of one trace and what is known of them.
    """
    def __init__(self) -> None: ...
    def decide(self, condition: tracejet._C.Expression) -> bool | None:
        """
        True, False, or None where neither is known.
        """
    def range(self, expression: tracejet._C.Expression) -> tuple: ...
    def symbol(self, name: str, min: int | None, max: int | None, hint: int) -> int | torch.SymInt: ...
    def unbacked(self, prefix: str = "u", min: int | None = 0, max: int | None = None) -> int | torch.SymInt: ...
    @property
    def guards(self) -> list[Guard]: ...
    @property
    def symbols(self) -> list[tracejet._C.Symbol]: ...

def apply(
    name: str, self: torch._C._SymNode, operands: collections.abc.Sequence[torch._C._SymNode]
) -> torch._C._SymNode: ...
def context_of(node: torch._C._SymNode) -> Context | None:
    """
    None for a node that isn't tracejet's.
    """

def evaluate(expression: tracejet._C.Expression, values: collections.abc.Mapping[str, int]) -> typing.Any:
    """
    The value where each symbol has the one that `values` names.
    """

def expression_of(node: torch._C._SymNode) -> tracejet._C.Expression | None: ...
def range(expression: tracejet._C.Expression) -> tuple:
    """
    The smallest and the largest value; None where there is no bound.
    """

def select(
    condition: torch._C._SymNode, when_true: torch._C._SymNode, when_false: torch._C._SymNode
) -> torch._C._SymNode: ...

OPERATORS: list = [
    "abs",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "is_integer",
    "lshift",
    "pos",
    "round",
    "round_digits",
    "rshift",
    "sym_acos",
    "sym_asin",
    "sym_atan",
    "sym_cos",
    "sym_cosh",
    "sym_int",
    "sym_log2",
    "sym_sin",
    "sym_sinh",
    "sym_sqrt",
    "sym_sum",
    "sym_tan",
    "sym_tanh",
    "to_int",
    "trunc",
]
