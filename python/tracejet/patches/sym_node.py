"""Completes tracejet's symbolic numbers for Python: what `torch.SymInt` asks of its node beyond PyTorch's C++ class."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.fx.experimental import sym_node

from tracejet import _C
from tracejet._C import Expression
from tracejet.patches.torch_internals import SymNode

if TYPE_CHECKING:  # imported where it is needed: that takes longer than most traces
    import sympy
    from torch.utils._sympy.value_ranges import ValueRanges

Kind = Expression.Kind

# ---- expressions as sympy's --------------------------------------------------------------------------------------


@functools.cache
def sympy_symbol(name: str, positive: bool, nonnegative: bool) -> sympy.Symbol:
    """The symbol that torch.export would make: it knows that it is an integer, and of sizes that they are positive."""
    import sympy

    if positive:
        return sympy.Symbol(name, integer=True, positive=True)
    return sympy.Symbol(name, integer=True, nonnegative=True) if nonnegative else sympy.Symbol(name, integer=True)


def _default_symbol(symbol: Any) -> sympy.Symbol:
    if symbol.is_float:
        import sympy

        return sympy.Symbol(symbol.name)
    low = symbol.min
    return sympy_symbol(symbol.name, symbol.backed and low is not None and low > 0, low is not None and low >= 0)


def to_sympy(
    expression: Expression,
    symbol: Callable[[Any], sympy.Basic] = _default_symbol,
    known: dict[Expression, sympy.Basic] | None = None,
) -> sympy.Basic:
    """`expression` in sympy, with PyTorch's functions (FloorDiv, Mod, Max, …); `symbol` gives each symbol's. `known`
    keeps what operands have become: sums of many sizes have most of them in common."""
    return _converted(expression, symbol, {} if known is None else known)


def _converted(
    expression: Expression, symbol: Callable[[Any], sympy.Basic], known: dict[Expression, sympy.Basic]
) -> sympy.Basic:
    kind = expression.kind
    if kind == Kind.SYMBOL:
        return symbol(expression.symbol)
    import sympy
    from torch.utils._sympy import functions

    if kind == Kind.CONSTANT:
        return sympy.sympify(expression.constant)
    operands = []
    for operand in expression.operands:
        converted = known.get(operand)
        if converted is None:
            converted = known[operand] = _converted(operand, symbol, known)
        operands.append(converted)
    if kind == Kind.PRODUCT:
        return sympy.Mul(expression.coefficient, *operands)
    if kind == Kind.MOD:
        lows = [_C.symbolic.range(operand)[0] for operand in expression.operands]
        nonnegative = all(low is not None and low >= 0 for low in lows)
        return (functions.Mod if nonnegative else functions.PythonMod)(*operands)
    if kind == Kind.TRUE_DIV:
        of_ints = expression.operands[0].is_int
        return (functions.IntTrueDiv if of_ints else functions.FloatTrueDiv)(*operands)
    return _sympy_functions()[kind](*operands)


@functools.cache
def _sympy_functions() -> dict[Any, Callable[..., sympy.Basic]]:
    import sympy
    from torch.utils._sympy import functions

    def truncate(number: sympy.Basic) -> sympy.Basic:
        truncated = functions.TruncToInt(number)  # of a number, a Float in torch 2.15, an Integer before
        return sympy.Integer(int(truncated)) if truncated.is_number else truncated

    def piecewise(condition: sympy.Basic, when_true: sympy.Basic, when_false: sympy.Basic) -> sympy.Basic:
        return sympy.Piecewise((when_true, condition), (when_false, True))

    modules = {"sympy": sympy, "functions": functions, "operator": operator}
    paths = {kind: path.split(".") for kind, path in Expression.sympy_targets().items()}
    return {
        **{kind: getattr(modules[module], name) for kind, (module, name) in paths.items()},
        Kind.TRUNCATE: truncate,
        Kind.FROM_BOOL: lambda condition: piecewise(condition, sympy.Integer(1), sympy.Integer(0)),
        Kind.SELECT: piecewise,
        # PyTorch's Mod and PythonMod are right for integers only.
        Kind.FLOAT_MOD: lambda a, b: a - b * functions.ToFloat(functions.FloorToInt(functions.FloatTrueDiv(a, b))),
    }


# ---- what PyTorch's Python asks of a node -------------------------------------------------------------------------


def _type_of(expression: Expression) -> type:
    return int if expression.is_int else float if expression.is_float else bool


def _constant_of(expression: Expression) -> Any:
    return expression.constant if expression.kind == Kind.CONSTANT else None


class ShapeEnvView:
    """What PyTorch's helpers (`statically_known_true`, `guard_or_false`, …) ask of a ShapeEnv, for one number.

    They pass the number's own sympy expression, so the answers come from the number itself. None of them guards.
    """

    def __init__(self, node: SymNode):
        self._node = node
        self._context = context_of(node)
        self._expression = expression_of(node)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ShapeEnvView) and self._context is other._context

    def __hash__(self) -> int:
        return hash(id(self._context))

    def _maybe_evaluate_static(self, expr: Any = None, **_: Any) -> Any:
        if _type_of(self._expression) is bool:
            known = self._context.decide(self._expression)
        else:
            known = _constant_of(self._expression)
        if known is None:
            return None
        import sympy

        return sympy.sympify(known)

    def evaluate_sym_node(self, node: SymNode, size_oblivious: bool = False, fallback_value: Any = None) -> Any:
        if size_oblivious:
            return node.guard_size_oblivious("", 0)
        if fallback_value is None:
            return node.guard_bool("", 0)
        return node.guard_or_true("", 0) if fallback_value else node.guard_or_false("", 0)

    def bound_sympy(self, expr: Any = None) -> ValueRanges:
        from torch.utils._sympy.numbers import int_oo
        from torch.utils._sympy.value_ranges import ValueRanges

        low, high = self._context.range(self._expression)
        return ValueRanges(-int_oo if low is None else low, int_oo if high is None else high)

    def is_unbacked_symint(self, symbol: Any = None) -> bool:
        return self._expression.kind == Kind.SYMBOL and not self._expression.symbol.backed

    def guarding_hint_or_throw(self, expr: Any = None) -> Any:
        if self._expression.hint is None:
            raise _C.DataDependent(f"the value of {self._expression} is known only when the program runs")
        return self._expression.hint

    def optimization_hint(self, expr: Any = None, fallback: int | None = None) -> Any:
        if self._expression.hint is None and fallback is not None:
            return fallback
        return self.guarding_hint_or_throw()

    def create_symintnode(self, expr: Any = None, *, hint: Any = None, source: Any = None) -> torch.SymInt:
        return torch.SymInt(_C.symbolic.apply("to_int", self._node, [self._node]))

    def _constrain_range_for_size(self, expr: Any = None, min: int | None = None, max: int | None = None) -> None:
        self._expect_bounds(0 if min is None else min, max)

    def _constrain_is_bounded(self, expr: Any, upper_bound: int) -> None:
        self._expect_bounds(None, upper_bound)

    def _expect_bounds(self, low: int | None, high: int | None) -> None:
        node = self._node
        fits = low is None or node.ge(node.wrap_int(low)).expect_true("", 0)
        fits = fits and (high is None or node.le(node.wrap_int(high)).expect_true("", 0))
        if not fits:
            raise _C.ConstraintViolation(f"{self._expression} isn't in [{low}, {high}]")


def context_of(node: SymNode) -> _C.symbolic.Context:
    """The context of a number of tracejet's own."""
    context = _C.symbolic.context_of(node)
    assert context is not None
    return context


def expression_of(node: SymNode) -> Expression:
    """The expression of a number of tracejet's own."""
    expression = _C.symbolic.expression_of(node)
    assert expression is not None
    return expression


def _hint(node: SymNode) -> Any:
    return expression_of(node).hint


def _maybe(kind: type) -> Callable[[SymNode], Any]:
    def maybe(node: SymNode) -> Any:
        expression = expression_of(node)
        return _constant_of(expression) if _type_of(expression) is kind else None

    return maybe


def _round(node: SymNode, digits: int | None = None) -> SymNode:
    if digits is None:
        return _C.symbolic.apply("round", node, [node])
    return _C.symbolic.apply("round_digits", node, [node, node.wrap_int(digits)])


def _operator(name: str) -> Callable[..., SymNode]:
    return lambda node, *others: _C.symbolic.apply(name, node, [node, *others])


def _sym_sum(node: SymNode, terms: Sequence[SymNode]) -> SymNode:
    return _C.symbolic.apply("sym_sum", node, list(terms))


def _statically_known_true(node: SymNode, file: str = "", line: int = 0) -> bool:
    return node.guard_or_false(file, line)


def _is_dense_indicator(node: SymNode, sizes: Sequence[SymNode], strides: Sequence[SymNode]) -> SymNode:
    dense = node.is_non_overlapping_and_dense(list(sizes), list(strides))
    return _C.symbolic.apply("to_int", node, [dense])


_PROPERTIES: dict[str, Callable[[SymNode], Any]] = {
    "expr": lambda node: to_sympy(expression_of(node)),
    "_expr": lambda node: to_sympy(expression_of(node)),
    "hint": _hint,
    "_hint": _hint,
    "constant": lambda node: _constant_of(expression_of(node)),
    "pytype": lambda node: _type_of(expression_of(node)),
    "shape_env": ShapeEnvView,
}

_METHODS: dict[str, Callable[..., Any]] = {
    "str": lambda node: node._graph_repr(),
    "maybe_as_int": _maybe(int),
    "maybe_as_float": _maybe(float),
    "maybe_as_bool": _maybe(bool),
    "statically_known_true": _statically_known_true,
    "round": _round,
    "sym_sum": _sym_sum,
    "sym_ite": _C.symbolic.select,
    "and_": lambda node, other: node.sym_and(other),
    "or_": lambda node, other: node.sym_or(other),
    "is_non_overlapping_and_dense_indicator": _is_dense_indicator,
    **{name: _operator(name) for name in _C.symbolic.OPERATORS if name not in ("round", "round_digits", "sym_sum")},
}


class _OfOurs:
    """An attribute that only tracejet's nodes have. PyTorch's C++ class is shared with nested ints and others, which
    go on without it: `hasattr` says no."""

    def __init__(self, name: str, read: Callable[[SymNode], Any]):
        self._name = name
        self._read = read

    def __get__(self, node: SymNode | None, owner: type) -> Any:
        if node is None:
            return self
        if not _is_ours(node):
            raise AttributeError(f"'{owner.__name__}' object has no attribute '{self._name}'")
        return self._read(node)


def _is_ours(node: Any) -> bool:
    return type(node) is SymNode and _C.symbolic.context_of(node) is not None


def _select(condition: torch.SymBool, when_true: Any, when_false: Any, *, otherwise: Callable[..., Any]) -> Any:
    """torch.sym_ite; PyTorch's own fails where the result is a plain number."""
    node = condition.node
    if not _is_ours(node):
        return otherwise(condition, when_true, when_false)
    return sym_node.wrap_node(node.sym_ite(sym_node.to_node(node, when_true), sym_node.to_node(node, when_false)))


def install() -> None:
    """Completes `torch._C._SymNode`. Done once, when tracejet is imported; nodes of others stay as they are."""
    if isinstance(vars(SymNode).get("expr"), _OfOurs):
        return
    for name, read in _PROPERTIES.items():
        setattr(SymNode, name, _OfOurs(name, read))
    for name, method in _METHODS.items():
        bind = functools.partial(functools.partial, method)  # node -> the method bound to it
        setattr(SymNode, name, _OfOurs(name, bind))
    torch.SymBool.__sym_ite__ = functools.partialmethod(_select, otherwise=torch.SymBool.__sym_ite__)


install()
