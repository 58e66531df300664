"""PyTorch's operators: their types, schemas and decompositions."""

from __future__ import annotations

from typing import Any

from torch._decomp import core_aten_decompositions, decomposition_table
from torch._ops import HigherOrderOperator, OpOverload, OpOverloadPacket

__all__ = ["OpOverload", "OpOverloadPacket", "core_aten_decompositions", "decomposition_table"]


def is_higher_order(target: Any) -> bool:
    """Whether a node calls an operator that runs graphs, as torch.cond does."""
    return isinstance(target, HigherOrderOperator)


def writes_to_arguments(op: OpOverload) -> bool:
    """Whether the operator's schema says that it changes what it is given."""
    return bool(op._schema.is_mutable)


def argument_names(op: OpOverload) -> list[str]:
    """The operator's arguments, in their order."""
    return [argument.name for argument in op._schema.arguments]
