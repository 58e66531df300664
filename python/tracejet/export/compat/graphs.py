"""Graphs of torch.fx: their nodes, names and modules."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.fx import Graph, GraphModule, Node
from torch.fx.graph import _custom_builtins, _Namespace

from tracejet.frontend.binding import unique_name

try:
    from torch.fx._lazy_graph_module import _LazyGraphModule
except ImportError:
    _LazyGraphModule = GraphModule


def node_appender(graph: Graph) -> Callable[[str, Any, tuple, dict, str], Node]:
    """A function (op, target, args, kwargs, name) -> the new last node of `graph`, called `name`.

    `Graph.create_node` flattens the arguments of every call to look for stray SymInts; there are none here.
    """
    if not all(hasattr(graph, field) for field in ("_insert", "_len", "_graph_namespace", "_find_nodes_lookup_table")):
        return lambda op, target, args, kwargs, name: graph.create_node(op, target, args, kwargs, name)
    remember_name = graph._graph_namespace.associate_name_with_obj
    remember_target = graph._find_nodes_lookup_table.insert

    def append(op: str, target: Any, args: tuple, kwargs: dict, name: str) -> Node:
        node = Node(graph, name, op, target, args, kwargs)
        remember_name(name, node)
        graph._insert(node)
        remember_target(node)
        graph._len += 1
        return node

    return append


def name_maker(graph: Graph) -> Callable[[str, Any], str]:
    """A function (name, None) -> that name, or one with a number where the `graph` has it already."""
    maker: Callable[[str, Any], str] = graph._graph_namespace.create_name
    return maker


def name_taker(graph: Graph) -> Callable[[str], None]:
    """A function that takes a name as it is, so that `name_maker` gives it to nobody else."""
    taker: Callable[[str], None] = graph._graph_namespace._used_names.add
    return taker


def graph_module(
    graph: Graph,
    modules: Mapping[str, torch.nn.Module] = types.MappingProxyType({}),
    tensors: Mapping[str, torch.Tensor] = types.MappingProxyType({}),
) -> GraphModule:
    """The module of `graph`, with the `modules` and `tensors` that its nodes get by name. Its Python code, a third of
    the cost, is written when it is run or printed."""
    root = torch.nn.Module()
    for name, module in modules.items():
        root.add_module(name, module)
    for name, tensor in tensors.items():
        if isinstance(tensor, torch.nn.Parameter):
            root.register_parameter(name, tensor)
        else:
            root.register_buffer(name, tensor)
    return _LazyGraphModule(root, graph)


def name_in_graph(name: str) -> str:
    """`name`, or what fx makes of one that is Python's own, like `input`; its code calls the module `self`."""
    names = _Namespace()
    names.create_name("self", None)
    return str(names.create_name(name, None))


def names_in_code(names: Sequence[str]) -> list[str]:
    """The names of arguments in the code of a module: one that fx's code needs itself, like `torch`, gets a number."""
    taken = {"self", *_custom_builtins, *names}
    return [unique_name(name, taken) if name in ("self", *_custom_builtins) else name for name in names]
