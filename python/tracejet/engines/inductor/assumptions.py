"""What Inductor took for granted of sizes while it compiled."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from tracejet._C import ErrorCode, Expression, UnsupportedOperator
from tracejet.export.compat.symbols import value_of
from tracejet.export.engine_view import EngineView
from tracejet.patches.sym_node import expression_of


def assumptions(view: EngineView, sizes: Mapping[int, torch.SymInt]) -> list[Expression]:
    """Its guards as conditions on the symbols of the graph.

    Raises UnsupportedOperator for one that can't be said of them.
    """
    guards = view.guards()
    if not guards:
        return []
    symbols = {symbol: sizes[id] for id, symbol in view.symbols().items() if id in sizes}
    conditions = []
    for guard in guards:
        if not guard.free_symbols <= symbols.keys():
            raise UnsupportedOperator(
                f"inductor takes {guard} for granted, which can't be checked when it runs", ErrorCode.ENGINE_REFUSAL
            )
        condition = value_of(guard, symbols)
        if isinstance(condition, torch.SymBool):
            conditions.append(expression_of(condition.node))
        elif not condition:
            raise UnsupportedOperator(
                f"inductor takes {guard} for granted, which never holds", ErrorCode.ENGINE_REFUSAL
            )
    return conditions
