"""What isn't given to Inductor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.fx import Graph, Node
from torch.utils import _pytree as pytree

from tracejet.export.compat.operators import OpOverload, argument_names, is_higher_order
from tracejet.export.compat.symbols import has_upper_bound

#: Whose operators Inductor knows. It would call others as they are, and so do PyTorch's kernels.
_NAMESPACES = frozenset({"aten", "prims", "quantized_decomposed"})


def refused_nodes(graph: Graph) -> dict[Node, str]:
    """The calls that it doesn't take, with the reason."""
    reasons = {node: _reason(node) for node in graph.nodes if node.op == "call_function"}
    return {node: reason for node, reason in reasons.items() if reason}


def _reason(node: Node) -> str:
    target = node.target
    if is_higher_order(target):
        return "runs graphs of its own, which are compiled each by itself"
    if not isinstance(target, OpOverload):
        return ""  # arithmetic of sizes
    if target.namespace not in _NAMESPACES:
        return "is no operator of PyTorch's own, and Inductor would only call it"
    if torch.Tag.nondeterministic_seeded in target.tags and not _drops_nothing(node):
        return "draws random numbers, of which Inductor draws others than PyTorch"
    if target.name() == "aten::_local_scalar_dense":
        return "reads a number from a tensor, which code of Inductor's doesn't give"
    if any(tensor.dtype.is_complex for tensor in _tensors(node)):
        return "computes in complex numbers, which Inductor doesn't compile"
    if any(_depends_on_data(tensor) for tensor in _tensors(node)):
        return "has sizes that depend on data, of which Inductor takes for granted what it likes"
    if any(tensor.is_cuda and not _is_bounded(tensor) for tensor in _tensors(node)):
        return "has a size without an upper bound, which Inductor takes to fit 32 bits on GPUs"
    return ""


def _drops_nothing(node: Node) -> bool:
    """Attention without dropout draws nothing."""
    names = argument_names(node.target)
    given = {**dict(zip(names, node.args, strict=False)), **node.kwargs}
    return "dropout_p" in names and given.get("dropout_p", 0.0) == 0.0


def _tensors(node: Node) -> Iterator[Any]:
    values = [node.meta.get("val"), *(argument.meta.get("val") for argument in node.all_input_nodes)]
    return (leaf for leaf in pytree.tree_leaves(values) if isinstance(leaf, torch.Tensor))


def _dynamic_sizes(tensor: torch.Tensor) -> list[torch.SymInt]:
    return [size for size in tensor.shape if isinstance(size, torch.SymInt)]


def _depends_on_data(tensor: torch.Tensor) -> bool:
    return any(size.node.hint is None for size in _dynamic_sizes(tensor))


def _is_bounded(tensor: torch.Tensor) -> bool:
    return all(
        has_upper_bound(size.node.shape_env, symbol)
        for size in _dynamic_sizes(tensor)
        for symbol in size.node.expr.free_symbols
    )
