"""A C++ graph as an engine in Python sees it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from torch.fx import GraphModule
from torch.fx import Node as FxNode

from tracejet._C import FxBuilder, Graph, InvalidInput, Node
from tracejet.export.compat.fake_tensors import guards_of
from tracejet.export.fx_writer import Writer
from tracejet.frontend.binding import unique_name
from tracejet.patches.refcounted_patch import without_collections


class EngineView:
    """The GraphModule of a graph, and which call of the graph each of its nodes belongs to.

    Its placeholders are the inputs that exist when the program runs; weights are attributes.

    Attributes:
        weights: which input of the graph an attribute is.
    """

    def __init__(self, graph: Graph, runtime_inputs: Collection[int]):
        self.weights: dict[str, int] = {}
        self._calls: dict[FxNode, Node] = {}
        self._writer = Writer()
        with without_collections.held():
            self._builder = FxBuilder(graph, self._writer)
            self._add_inputs(graph, runtime_inputs)
            self._last: FxNode | None = next(iter(reversed(self._writer.graph.nodes)), None)
            self._builder.add_nodes(self._note)
            outputs = [self._builder.output(output) for output in graph.outputs if output.is_computed]
            self._writer.output(tuple(outputs))
            self.module: GraphModule = self._writer.module()

    def calls_of(self, reasons: Mapping[FxNode, str]) -> list[tuple[Node, str]]:
        """The calls that these nodes belong to, in the graph's order."""
        if strangers := [node for node in reasons if getattr(node, "graph", None) is not self.module.graph]:
            raise InvalidInput(f"find_unsupported: expected nodes of the program's own graph, got {strangers[0]!r}")
        found: dict[Node, str] = {}
        for node in self.module.graph.nodes:
            if node in reasons:
                found.setdefault(self._call_of(node), str(reasons[node]))
        return list(found.items())

    def guards(self) -> list[Any]:
        """What was taken for granted of sizes, since this was made: conditions of sympy's."""
        return guards_of(self._writer.mode)

    def symbols(self) -> dict[int, Any]:
        """The symbols of the graph as sympy's, by their ids."""
        return self._writer.numbers.symbols

    def _add_inputs(self, graph: Graph, runtime_inputs: Collection[int]) -> None:
        inputs = [
            (index in runtime_inputs, index, given)
            for index, given in enumerate(graph.inputs)
            if given.value is not None
        ]
        taken: set[str] = set()
        for is_given, index, given in sorted(inputs, key=lambda entry: not entry[0]):  # placeholders come first
            name = unique_name(re.sub(r"\W", "_", given.name), taken)
            requires_grad = given.data is not None and given.data.requires_grad
            value = self._builder.value(given.value, requires_grad)
            if is_given:
                node = self._writer.placeholder(name, value)
            else:
                node = self._writer.attribute(name, given.data, value)
                self.weights[name] = index
            self._builder.define(given.value, node)

    def _note(self, call: Node) -> None:
        """The nodes that were added since the last time are this call's."""
        node = self._last.next if self._last is not None else next(iter(self._writer.graph.nodes))
        while node.op != "root":
            self._calls[node] = call
            self._last, node = node, node.next

    def _call_of(self, node: FxNode) -> Node:
        """A size stands for the first call that needs it."""
        waiting = [node]
        for candidate in waiting:
            if candidate in self._calls:
                return self._calls[candidate]
            waiting.extend(user for user in candidate.users if user not in waiting)
        raise InvalidInput(f"find_unsupported: {node!r} is no call of the program")
