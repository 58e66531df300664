"""Symbolic sizes of the C++ graph as PyTorch knows them: sympy expressions, SymInts over a ShapeEnv, and fx nodes."""

from __future__ import annotations

import itertools
import math
import operator
import pkgutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch.fx import Node

from tracejet._C import Expression
from tracejet.export.compat.fake_tensors import LazyMode
from tracejet.export.compat.symbols import (
    add_symbol,
    new_unbacked_float,
    new_unbacked_symbol,
    size_symbol,
    symbolic_number,
    value_range,
)
from tracejet.patches.sym_node import to_sympy

if TYPE_CHECKING:
    import sympy

Kind = Expression.Kind

#: What each operator of an expression is as a node of the program.
_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    kind: pkgutil.resolve_name(path) for kind, path in Expression.fx_targets().items()
}

#: Operators that take any number of operands; Python's take two.
_FOLDED = Expression.variadic_kinds()


class SymbolicNumbers:
    """The symbolic numbers of one program, each made once."""

    def __init__(self, mode: LazyMode):
        self._mode = mode
        self.symbols: dict[int, sympy.Symbol] = {}
        self._values: dict[Expression, Any] = {}
        self._operands: dict[Expression, sympy.Basic] = {}
        self.range_constraints: dict[sympy.Symbol, Any] = {}
        self.has_unbacked = False

    def value(self, expression: Expression) -> Any:
        """The torch.SymInt, SymFloat or SymBool of an expression."""
        known = self._values.get(expression)
        if known is None:
            kind = int if expression.is_int else float if expression.is_float else bool
            known = self._number(to_sympy(expression, self._symbol, self._operands), kind, expression.hint)
            self._values[expression] = known
        return known

    def partial(self, function: Callable[..., Any], a: Any, b: Any) -> Any:
        """A value on the way to that of an expression. Not function(a, b): that would wake the ShapeEnv up."""
        if function not in (operator.add, operator.mul):
            return function(a, b)
        hints = [_hint(operand) for operand in (a, b)]
        hint = None if None in hints else function(*hints)
        return self._number(function(_sympy(a), _sympy(b)), int, hint)

    def _number(self, expression: sympy.Basic, kind: type, hint: Any) -> Any:
        return symbolic_number(self._mode.shape_env, expression, kind, hint)

    def _symbol(self, symbol: Any) -> sympy.Symbol:
        known = self.symbols.get(symbol.id)
        if known is None:
            known = self.symbols[symbol.id] = self._make_symbol(symbol)
        return known

    def _make_symbol(self, symbol: Any) -> sympy.Symbol:
        env = self._mode.shape_env
        if symbol.is_float:
            self.has_unbacked = True
            return new_unbacked_float(env)
        ranges = value_range(symbol.min, symbol.max)
        if symbol.backed:
            made = size_symbol(len(self.symbols), is_positive=symbol.min is not None and symbol.min > 0)
            add_symbol(env, made, symbol.hint, ranges)
        else:
            self.has_unbacked = True
            made = new_unbacked_symbol(env, ranges)
        self.range_constraints[made] = ranges
        return made


def _sympy(number: Any) -> Any:
    return number.node.expr if isinstance(number, torch.SymInt) else number


def _hint(number: Any) -> Any:
    return number.node.hint if isinstance(number, torch.SymInt) else number


class SymbolicNodes:
    """The fx nodes that compute symbolic numbers when the program runs, each made once, where it is first needed."""

    def __init__(self, numbers: SymbolicNumbers, call: Callable[..., Node]):
        self._numbers = numbers
        self._call = call
        self._sources: dict[int, tuple[Node, int | None]] = {}
        self._nodes: dict[Expression, Any] = {}

    def add_source(self, expression: Expression, node: Node, axis: int | None) -> None:
        """Says where a symbol's value comes from: the size of an axis of `node`, or (None) what `node` computes."""
        self._sources[expression.symbol.id] = (node, axis)

    def node(self, expression: Expression, meta: dict[str, Any]) -> Any:
        """The node of `expression`, or a plain number. `meta`: what a new node says about where it comes from."""
        if expression.kind == Kind.CONSTANT:
            return expression.constant
        known = self._nodes.get(expression)
        if known is None:
            known = self._nodes[expression] = self._make_node(expression, meta)
        return known

    def _make_node(self, expression: Expression, meta: dict[str, Any]) -> Node:
        kind, value = expression.kind, self._numbers.value(expression)
        if kind == Kind.SYMBOL:
            return self._read_symbol(expression, value, meta)
        operands = [self.node(operand, meta) for operand in expression.operands]
        if kind == Kind.PRODUCT and expression.coefficient != 1:
            operands.append(expression.coefficient)
        if kind in (Kind.FLOOR, Kind.CEIL):
            return self._round(kind, operands[0], value, meta)
        if kind == Kind.FROM_BOOL:
            return self._emit(torch.sym_ite, (*operands, 1, 0), value, meta)
        function = _FUNCTIONS[kind]
        if kind not in _FOLDED:
            return self._emit(function, tuple(operands), value, meta)
        result = operands[0]
        for position, operand in enumerate(operands[1:], start=2):
            complete = position == len(operands)
            partial = value if complete else self._numbers.partial(function, _value_of(result), _value_of(operand))
            result = self._emit(function, (result, operand), partial, meta)
        return result

    def _round(self, kind: Any, operand: Any, value: Any, meta: dict[str, Any]) -> Node:
        """By what torch.export.save can write, which knows math.trunc alone."""
        number = _value_of(operand)
        truncated = self._emit(math.trunc, (operand,), math.trunc(number), meta)
        sides = (operand, truncated) if kind == Kind.FLOOR else (truncated, operand)
        passed = self._emit(operator.lt, sides, operator.lt(*map(_value_of, sides)), meta)
        step = self._emit(torch.sym_ite, (passed, 1, 0), torch.sym_ite(_value_of(passed), 1, 0), meta)
        return self._emit(operator.sub if kind == Kind.FLOOR else operator.add, (truncated, step), value, meta)

    def _read_symbol(self, expression: Expression, value: Any, meta: dict[str, Any]) -> Node:
        node, axis = self._sources[expression.symbol.id]
        if axis is None:
            return node
        if node.op == "placeholder":
            top = {"val": value, **_outermost_module(meta)}
            return self._call(torch.ops.aten.sym_size.int, "sym_size_int", (node, axis), {}, top, at_top=True)
        return self._emit(torch.ops.aten.sym_size.int, (node, axis), value, meta, "sym_size_int")

    def _emit(self, function: Any, args: tuple, value: Any, meta: dict[str, Any], name: str | None = None) -> Node:
        return self._call(function, name or function.__name__, args, {}, {**meta, "val": value})


def _outermost_module(meta: dict[str, Any]) -> dict[str, Any]:
    stack = meta.get("nn_module_stack")
    return {"nn_module_stack": dict(itertools.islice(stack.items(), 1))} if stack else {}


def _value_of(operand: Any) -> Any:
    return operand.meta["val"] if isinstance(operand, Node) else operand
