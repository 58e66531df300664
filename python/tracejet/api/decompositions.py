"""`DecompositionTable`: what a trace does with every operator."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from tracejet import _C
from tracejet.export.compat.operators import (
    OpOverload,
    OpOverloadPacket,
    core_aten_decompositions,
    decomposition_table,
    writes_to_arguments,
)

#: An operator as `torch.ops` has it, or its name: "aten::gelu", "aten::add.Tensor".
Operator: TypeAlias = "OpOverload | OpOverloadPacket | str"


class DecompositionTable:
    """What a trace does with every operator: a set of decompositions, and what is changed of it.

    The sets are:

    - "tensorrt": what Torch-TensorRT decomposes. Few operators are left, and what engines run best whole stays whole.
    - "core_aten": what is left is Core ATen, as after `run_decompositions()` of torch.export.
    - "none": operators stay as the model calls them, but for those that may give a view of an argument or write to it;
      as after `run_decompositions({})`.

    `keep`, `expand` and `replace` change the table and return it. They take an operator, a packet of overloads (which
    stands for all that don't write to their arguments) or a name. A trace takes a copy of the table.
    `print(table)` lists every operator with what happens to it and why.
    """

    def __init__(self, start: str | DecompositionTable = "tensorrt"):
        self._start: str
        self._changes: list[str]
        self._table: _C.DecompositionTable
        if isinstance(start, DecompositionTable):
            self._start, self._changes = start._start, [*start._changes]
            self._table = _C.DecompositionTable(start._table)
        else:
            self._start, self._changes = _checked_set(start), []
            self._table = _C.DecompositionTable(_base(start))

    def keep(self, op: Operator) -> DecompositionTable:
        """The operator becomes a node.

        Raises:
            InvalidInput: PyTorch has no such operator, it writes to its arguments, or may give a view of one.
        """
        for name in _names(op):
            self._table.keep(name)
        return self._changed("keep", op)

    def expand(self, op: Operator) -> DecompositionTable:
        """The operator is expanded: by its decomposition in C++, by ATen's if ATen makes it of other operators, or else
        by PyTorch's in Python, which is the slow way.

        Raises:
            InvalidInput: PyTorch has no such operator, it writes to its arguments, or nobody has a decomposition of it.
        """
        for name in _names(op):
            if _C.DecompositionTable.can_expand(name):
                self._table.expand(name)
            elif (function := _python_decompositions(decomposition_table).get(name)) is not None:
                _expand_in_python(self._table, name, function)
            else:
                self._table.expand(name)  # which raises
        return self._changed("expand", op)

    def replace(self, op: Operator, function: Callable[..., Any]) -> DecompositionTable:
        """`function` is called in the operator's place, with its arguments as they are traced; what it calls is traced
        under the same table. It returns what the operator would, or NotImplemented: then that call is treated as if the
        table had not been changed. Calling the replaced operator again is an error.

        Raises:
            InvalidInput: PyTorch has no such operator, or it writes to its arguments.
        """
        for name in _names(op):
            self._table.replace(name, function, why=f"by {_qualified_name(function)}, as asked for by replace()")
        return self._changed("replace", op, _qualified_name(function))

    def expand_attention(self, use_fp32_acc: bool = True) -> DecompositionTable:
        """scaled_dot_product_attention and its backends are expanded into products of matrices and a softmax. 16-bit
        floats are computed in float32 and rounded once, or without `use_fp32_acc` in their own dtype."""
        self._table.expand_attention(use_fp32_acc)
        self._changes.append(f".expand_attention(use_fp32_acc={use_fp32_acc})")
        return self

    def decision(self, op: OpOverload | str) -> tuple[str, str]:
        """What happens to an operator ("kept", "expanded in C++", "expanded by ATen", "replaced"), and why.

        Raises:
            InvalidInput: PyTorch has no such operator, or `op` is a packet of several.
        """
        return self._table.decision(_name(op))

    def __repr__(self) -> str:
        return "".join([f'DecompositionTable("{self._start}")', *self._changes])

    def __str__(self) -> str:
        return str(self._table)

    def _changed(self, how: str, op: Operator, *others: str) -> DecompositionTable:
        self._changes.append(f".{how}({', '.join([str(op), *others])})")
        return self


def chosen_table(
    decompositions: str | DecompositionTable,
    *,
    decompose_attention: bool,
    use_fp32_acc: bool,
    enable_experimental_decompositions: bool,
) -> _C.DecompositionTable:
    """The table that the arguments of `trace` ask for."""
    if enable_experimental_decompositions:
        if decompositions not in ("tensorrt", "core_aten"):
            raise _C.InvalidInput(
                'enable_experimental_decompositions means decompositions="core_aten", but decompositions is '
                f"{decompositions!r}; leave one of them out",
                _C.ErrorCode.DECOMPOSITION_TABLE,
            )
        decompositions = "core_aten"
    table = DecompositionTable(decompositions)._table
    return table.expand_attention(use_fp32_acc) if decompose_attention else table


def _checked_set(name: str) -> str:
    sets = _C.DecompositionSet.__members__
    if name in sets:
        return name
    expected = ", ".join(f'"{known}"' for known in sets)
    raise _C.InvalidInput(
        f"decompositions: expected one of {expected} or a DecompositionTable, got {name!r}",
        _C.ErrorCode.DECOMPOSITION_TABLE,
    )


@functools.cache
def _base(start: str) -> _C.DecompositionTable:
    table = _C.DecompositionTable(getattr(_C.DecompositionSet, start))
    if start == "core_aten":
        for name, function in _python_decompositions(core_aten_decompositions()).items():
            is_core = table.decision(name)[1] == "part of Core ATen"
            if not is_core and not _C.DecompositionTable.can_expand(name):
                _expand_in_python(table, name, function)
    return table


def _expand_in_python(table: _C.DecompositionTable, name: str, function: Callable[..., Any]) -> None:
    table.replace(name, function, why="by PyTorch's decomposition in Python (slow)", is_slow=True)


def _python_decompositions(table: Mapping[Any, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """Those of operators that don't write to their arguments."""
    return {
        op.name(): function
        for op, function in table.items()
        if isinstance(op, OpOverload) and not writes_to_arguments(op)
    }


def _name(op: OpOverload | str) -> str:
    if isinstance(op, OpOverload):
        return op.name()
    if isinstance(op, str):
        return op
    raise _C.InvalidInput(
        f"decompositions: expected an operator such as torch.ops.aten.gelu.default, or its name, got {op!r}",
        _C.ErrorCode.DECOMPOSITION_TABLE,
    )


def _names(op: Operator) -> list[str]:
    if isinstance(op, OpOverloadPacket):
        overloads = [getattr(op, name) for name in op.overloads()]
        return [overload.name() for overload in overloads if not writes_to_arguments(overload)]
    return [_name(op)]


def _qualified_name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", repr(function))
