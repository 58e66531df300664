"""Symbolic sizes: a ShapeEnv that wakes late, symbols of sympy's, and the numbers over both."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import torch
from torch.fx import Graph
from torch.utils._traceback import CapturedTraceback


@functools.cache
def lazy_shape_env_class() -> type:
    """A ShapeEnv that is initialized, which imports TorchDynamo, when somebody asks it something; until then it notes
    the symbols that are made. (A function, because the base class's module imports sympy.)"""
    from torch.fx.experimental.symbolic_shapes import ShapeEnv

    class LazyShapeEnv(ShapeEnv):
        # What SymNodes ask before there is an answer.
        _translation_validation_enabled = False
        _replacements_version_counter = 0

        def __init__(self) -> None:
            self.__dict__["_awaiting"] = []

        def __getattr__(self, name: str) -> Any:
            awaiting = self.__dict__.pop("_awaiting", None)
            if awaiting is None:
                raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
            super().__init__()
            for symbol in awaiting:
                _add_symbol(self, *symbol)
            return getattr(self, name)

    return LazyShapeEnv


def is_awake(env: Any) -> bool:
    """Whether somebody has asked a ShapeEnv of `lazy_shape_env_class` something."""
    return "_awaiting" not in env.__dict__


def symbolic_number(env: Any, expression: Any, kind: type, hint: Any) -> Any:
    """As `ShapeEnv.create_symintnode` and its like, which would wake `env` up. `kind`: int, float or bool."""
    from torch.fx.experimental.sym_node import SymNode

    made = {int: torch.SymInt, float: torch.SymFloat, bool: torch.SymBool}[kind]
    return made(SymNode(expression, env, kind, hint))


def add_symbol(env: Any, symbol: Any, hint: int, range: Any) -> None:
    """Makes a size of an input known to `env`."""
    awaiting = env.__dict__.get("_awaiting")
    if awaiting is not None:
        awaiting.append((symbol, hint, range))
    else:
        _add_symbol(env, symbol, hint, range)


def _add_symbol(env: Any, symbol: Any, hint: int, range: Any) -> None:
    """As PyTorch's .pt2 reader does it, but for constrain_symbol_range, which would look for the user's line."""
    add_hint = getattr(env, "add_backed_var_to_val", None) or env.add_var_to_val
    add_hint(symbol, hint)
    try:
        from torch.fx.experimental.symbolic_shapes import SLoc, ValueRangesSLoc

        here = SLoc("tracejet", None)
        env.var_to_range[symbol] = range
        env.var_to_range_sloc[symbol] = ValueRangesSLoc(here, here)
    except (ImportError, AttributeError):
        env.constrain_symbol_range(symbol, compiler_min=range.lower, compiler_max=range.upper)
    env.var_to_stack[symbol] = CapturedTraceback(None)


def size_symbol(index: int, is_positive: bool) -> Any:
    """A symbol of sympy's for a size. PyTorch tells kinds of symbols by their first letter, so a user's name can't be
    used."""
    from torch.utils._sympy.symbol import SymT, make_symbol

    return make_symbol(SymT.SIZE, index, positive=True if is_positive else None, integer=True)


def value_range(low: int | None, high: int | None) -> Any:
    """The range of a size, where None is no bound."""
    from torch.utils._sympy.numbers import int_oo
    from torch.utils._sympy.value_ranges import ValueRanges

    return ValueRanges(-int_oo if low is None else low, int_oo if high is None else high)


def new_unbacked_symbol(env: Any, range: Any) -> Any:
    """A data-dependent size, known to `env`."""
    with env.ignore_fresh_unbacked_symbols():
        symbol = env.create_unbacked_symint().node.expr
    env.constrain_symbol_range(symbol, compiler_min=range.lower, compiler_max=range.upper)
    return symbol


def new_unbacked_float(env: Any) -> Any:
    """A float of data, known to `env`."""
    with env.ignore_fresh_unbacked_symbols():
        return env.create_unbacked_symfloat().node.expr


def bind_unbacked_symbols(graph: Graph, shape_env: Any) -> None:
    """Says at each node which data-dependent sizes first appear there, as PyTorch's passes want to know."""
    from torch.fx.experimental.symbolic_shapes import _free_unbacked_symbols_with_path, free_unbacked_symbols

    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    known = {symbol for node in inputs for symbol in free_unbacked_symbols(node.meta.get("val"))}
    pending = {symbol for node in graph.nodes for symbol in free_unbacked_symbols(node.meta.get("val"))} - known
    for node in graph.nodes:
        value = node.meta.get("val")
        if value is not None and pending:
            bindings = _free_unbacked_symbols_with_path(value, (), shape_env=shape_env, pending=pending)
            if bindings:
                node.meta["unbacked_bindings"] = bindings


def value_of(expression: Any, symbols: Mapping[Any, Any]) -> Any:
    """What a SymPy expression is where its symbols are these numbers, symbolic ones among them."""
    from torch.utils._sympy.interp import sympy_interp
    from torch.utils._sympy.reference import PythonReferenceAnalysis

    return sympy_interp(PythonReferenceAnalysis, symbols, expression)


def has_upper_bound(env: Any, symbol: Any) -> bool:
    from torch.utils._sympy.numbers import int_oo

    return env.var_to_range[symbol].upper is not int_oo
