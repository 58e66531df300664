"""Writes the nodes of a torch.fx.Graph: Python's half of `tracejet._C.FxBuilder`."""

from __future__ import annotations

import linecache
from typing import Any

import torch
from torch.fx import Graph, Node

from tracejet import _compat
from tracejet._shapes import SymbolicNodes, SymbolicNumbers


class Writer:
    """Makes the nodes, FakeTensors and symbolic numbers that FxBuilder asks for."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.mode = _compat.LazyMode()
        self.fake_tensor = _compat.fake_tensor_maker(self.mode)
        self.numbers = SymbolicNumbers(self.mode)
        self.symbolic_number = self.numbers.value
        nodes = SymbolicNodes(self.numbers, self.call)
        self.symbolic_node = nodes.node
        self.symbol_source = nodes.add_source
        self._append = _compat.node_appender(self.graph)
        self._unique_name = self.graph._graph_namespace.create_name
        self._top: Node | None = None  # after which nodes stand that belong before all others

    def placeholder(self, name: str, value: Any) -> Node:
        """An input. Its name is taken as it is, though fx would keep names of builtins like `input` for these."""
        self.graph._graph_namespace._used_names.add(name)
        node = self._append("placeholder", name, (), {}, name)
        node.meta["val"] = value
        self._top = node
        return node

    def call(
        self, target: Any, name: str, args: tuple, kwargs: dict[str, Any], meta: dict[str, Any], at_top: bool = False
    ) -> Node:
        """A call. `at_top`: next to the inputs, before all nodes of the model."""
        node = self._append("call_function", target, args, kwargs, self._unique_name(name, None))
        node.meta.update(meta)  # Node.__setattr__ would look itself up in the graph's tables first
        if at_top and self._top is not None:
            self._top.append(node)
            self._top = node
        return node

    def output(self, values: tuple) -> Node:
        return self._append("output", "output", (values,), {}, self._unique_name("output", None))

    @staticmethod
    def operator(name: str, overload: str) -> Any:
        """`torch.ops.aten.add.Tensor` of "aten::add" and "Tensor"."""
        namespace, _, base = name.partition("::")
        return getattr(getattr(getattr(torch.ops, namespace), base), overload or "default")

    @staticmethod
    def source_line(file: str, line: int) -> str:
        return linecache.getline(file, line).strip()
