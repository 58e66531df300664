"""Writes the nodes of a torch.fx.Graph: Python's half of `tracejet._C.FxBuilder`."""

from __future__ import annotations

import linecache
from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch.fx import Graph, GraphModule, Node

from tracejet.export.compat.fake_tensors import LazyMode, fake_tensor_maker
from tracejet.export.compat.graphs import graph_module, name_maker, name_taker, node_appender
from tracejet.export.compat.symbols import bind_unbacked_symbols
from tracejet.export.symbolic_shapes import SymbolicNodes, SymbolicNumbers

#: What PyTorch's exporter calls the subgraphs of an operator of control flow.
_SUBGRAPH_NAMES = {
    "associative_scan": ("associative_scan_combine_graph",),
    "cond": ("true_graph", "false_graph"),
    "map_impl": ("body_graph",),
    "scan": ("scan_combine_graph",),
    "while_loop": ("while_loop_cond_graph", "while_loop_body_graph"),
}


class Writer:
    """Makes the nodes, FakeTensors and symbolic numbers that FxBuilder asks for."""

    def __init__(self, around: Writer | None = None) -> None:
        """`around`: writes the graph of which this one is a subgraph."""
        self.graph = Graph()
        self.modules: dict[str, GraphModule] = {}
        self.tensors: dict[str, torch.Tensor] = {}
        self.mode: LazyMode = around.mode if around else LazyMode()
        self.fake_tensor: Any = around.fake_tensor if around else fake_tensor_maker(self.mode)
        self.numbers: SymbolicNumbers = around.numbers if around else SymbolicNumbers(self.mode)
        self._subgraph_counts: Counter[str] = Counter()
        self.symbolic_number = self.numbers.value
        nodes = SymbolicNodes(self.numbers, self.call)
        self.symbolic_node = nodes.node
        self.symbol_source = nodes.add_source
        self._append = node_appender(self.graph)
        self._unique_name = name_maker(self.graph)
        self._take_name = name_taker(self.graph)
        self._top: Node | None = None  # after which nodes stand that belong before all others

    def placeholder(self, name: str, value: Any) -> Node:
        """An input. Its name is taken as it is, though fx would keep names of builtins like `input` for these."""
        self._take_name(name)
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

    def nested(self) -> Writer:
        """For a subgraph."""
        return Writer(self)

    def attribute(self, name: str, tensor: torch.Tensor, value: Any) -> Node:
        """A tensor that the module keeps."""
        self.tensors[name] = tensor
        node = self._append("get_attr", name, (), {}, self._unique_name(name, None))
        node.meta["val"] = value
        return node

    def module(self) -> GraphModule:
        """The module of the finished graph."""
        if self.numbers.has_unbacked:
            bind_unbacked_symbols(self.graph, self.mode.shape_env)
        return graph_module(self.graph, self.modules, self.tensors)

    def control_flow(
        self, operator: str, modules: Sequence[GraphModule], operands: tuple, numbers: list, meta: dict[str, Any]
    ) -> Node:
        """A call that runs `modules`. `numbers` are symbolic sizes that they need besides the operands."""
        names = _SUBGRAPH_NAMES[operator]
        number = self._subgraph_counts[names[0]]
        self._subgraph_counts[names[0]] += 1
        graphs = [self._get_module(f"{name}_{number}", module) for name, module in zip(names, modules, strict=True)]
        lists = tuple if operator in ("cond", "while_loop") else list
        first = 1 if operator == "cond" else 0
        *tensors, last = operands[first:]
        args = (*operands[:first], *graphs, *(lists(each) for each in tensors), (*last, *numbers))
        return self.call(self.higher_order(operator), operator, args, {}, meta)

    def _get_module(self, name: str, module: GraphModule) -> Node:
        self.modules[name] = module
        return self._append("get_attr", name, (), {}, self._unique_name(name, None))

    @staticmethod
    def higher_order(name: str) -> Any:
        return getattr(torch.ops.higher_order, name)

    def output(self, values: tuple | Node) -> Node:
        return self._append("output", "output", (values,), {}, self._unique_name("output", None))

    @staticmethod
    def operator(name: str, overload: str) -> Any:
        """`torch.ops.aten.add.Tensor` of "aten::add" and "Tensor"."""
        namespace, _, base = name.partition("::")
        return getattr(getattr(getattr(torch.ops, namespace), base), overload or "default")

    @staticmethod
    def source_line(file: str, line: int) -> str:
        return linecache.getline(file, line).strip()
