"""The outputs of a graph of TorchDynamo's: what the program computes, and what is a view of an input or of a result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.fx import Graph, GraphModule, Node

from tracejet._C import ErrorCode, UnsupportedOperator
from tracejet.patches import dynamo
from tracejet.torch_compile.layout import Layout


@dataclass(frozen=True)
class Result:
    """Something that the program computes."""

    node: Node
    layout: Layout | None  #: of a tensor that eager lays out otherwise than row by row
    needs_gradient: bool


@dataclass
class GraphOutputs:
    """What a graph gives: results of the program, its own inputs, views of both, and constants."""

    results: list[Result]
    views: Callable[..., Sequence[Any]] | None  #: of inputs and results
    viewed_inputs: list[int]
    viewed_results: list[int]
    order: list[tuple[str, Any]]  #: ("result", its number), ("view", its number), ("input", its index), ("constant", …)

    def gather(self, args: Sequence[Any], results: Sequence[Any]) -> tuple[Any, ...]:
        """The outputs in the graph's order."""
        views: Sequence[Any] = ()
        if self.views is not None:
            views = self.views(*(args[i] for i in self.viewed_inputs), *(results[i] for i in self.viewed_results))
        known = {"result": results, "view": views, "input": args}
        return tuple(what if kind == "constant" else known[kind][what] for kind, what in self.order)


def sort_outputs(gm: GraphModule) -> GraphOutputs:
    """Sorts the outputs of `gm`.

    Eager's views share memory with what they show, so that writing to one is seen in the other. Engines know nothing of
    that: they compute what is looked at, and the views are made of it when they have run.
    """
    return _Sorting(gm).sort()


class _Sorting:
    def __init__(self, gm: GraphModule):
        self._gm = gm
        self._placeholders = {node: index for index, node in enumerate(gm.graph.find_nodes(op="placeholder"))}
        self._results: list[Result] = []
        self._numbers: dict[Node, int] = {}
        self._views = _Views()

    def sort(self) -> GraphOutputs:
        (outputs,) = self._gm.graph.output_node().args
        nodes = [output for output in outputs if isinstance(output, Node)]
        shared = self._shared_memory(nodes)
        order = [self._place(output, shared) for output in outputs]
        views = self._views
        return GraphOutputs(
            self._results,
            views.function(),
            [self._placeholders[node] for node in views.bases if node in self._placeholders],
            [self._numbers[node] for node in views.bases if node not in self._placeholders],
            order,
        )

    def _place(self, output: Any, shared: dict[int, Node]) -> tuple[str, Any]:
        if not isinstance(output, Node):
            return ("constant", output)
        if output in self._placeholders:
            return ("input", self._placeholders[output])
        value = _value(output)
        base = shared.get(dynamo.storage_of(value)) if isinstance(value, torch.Tensor) else None
        if base is None or base is output:
            return ("result", self._result(output))
        if base not in self._placeholders:
            self._result(base)
        return ("view", self._views.add(output, base))

    def _result(self, node: Node) -> int:
        if node not in self._numbers:
            value = _value(node)
            is_tensor = isinstance(value, torch.Tensor)
            layout = Layout.of(value) if is_tensor else None
            self._results.append(Result(node, layout, is_tensor and value.requires_grad))
            self._numbers[node] = len(self._results) - 1
        return self._numbers[node]

    def _shared_memory(self, outputs: Sequence[Node]) -> dict[int, Node]:
        """Memory that outputs show: the input that has it, or the node that made it where several outputs do."""
        found = {
            dynamo.storage_of(_value(node)): node
            for node in reversed(self._placeholders)
            if isinstance(_value(node), torch.Tensor)
        }
        count: dict[int, int] = {}
        for node in dict.fromkeys(outputs):
            if isinstance(_value(node), torch.Tensor):
                memory = dynamo.storage_of(_value(node))
                count[memory] = count.get(memory, 0) + 1
        several = {memory for memory, outputs_of in count.items() if outputs_of > 1 and memory not in found}
        for node in self._gm.graph.nodes if several else ():
            value = _value(node)
            if not isinstance(value, torch.Tensor):
                continue
            memory = dynamo.storage_of(value)
            if memory in several and memory not in found:
                _check_shows_all(node, value)
                found[memory] = node
        return found


def _check_shows_all(node: Node, value: torch.Tensor) -> None:
    if value.numel() * value.element_size() != value.untyped_storage().nbytes():
        raise UnsupportedOperator(
            f"the model returns several tensors that share the memory of {node.name}, which isn't a tensor of its own; "
            f"return clones of them\n{node.meta.get('stack_trace', '')}",
            ErrorCode.RETURNED_VIEW,
        )


class _Views:
    """A graph of the views alone, which runs on real tensors."""

    def __init__(self) -> None:
        self.bases: list[Node] = []
        self._bases: dict[Node, Node] = {}
        self._graph = Graph()
        self._copies: dict[Node, Node] = {}
        self._outputs: list[Node] = []

    def add(self, output: Node, base: Node) -> int:
        """The number of a view of `base`."""
        self._add_base(base)
        self._outputs.append(self._copy(output, base))
        return len(self._outputs) - 1

    def function(self) -> Callable[..., Sequence[Any]] | None:
        if not self._outputs:
            return None
        is_placeholder = [node.op == "placeholder" for node in self.bases]
        order = sorted(range(len(self.bases)), key=lambda i: not is_placeholder[i])
        self.bases = [self.bases[i] for i in order]
        graph, copies = Graph(), {}
        for node in self.bases:
            copies[self._bases[node]] = graph.placeholder(node.name)
        for node in self._graph.nodes:
            if node not in copies:
                copies[node] = graph.node_copy(node, lambda before: copies[before])
        graph.output(tuple(copies[node] for node in self._outputs))
        forward: Callable[..., Sequence[Any]] = GraphModule({}, graph).forward
        return forward

    def _add_base(self, base: Node) -> Node:
        if base not in self._bases:
            self.bases.append(base)
            self._bases[base] = self._graph.placeholder(base.name)
        return self._bases[base]

    def _copy(self, node: Node, base: Node) -> Node:
        if node in self._bases:
            return self._bases[node]
        if node in self._copies:
            return self._copies[node]
        if node.op == "placeholder":
            return self._add_base(node)
        same = _same_view(node)
        if same is not None:
            return self._copy(same, base)
        if not _is_number(node) and not _shows(node, base):
            raise UnsupportedOperator(
                f"the model returns a view of {base.name} whose place {node.name} computes; return a clone of it\n"
                f"{node.meta.get('stack_trace', '')}",
                ErrorCode.RETURNED_VIEW,
            )
        copied = self._graph.node_copy(node, lambda before: self._copy(before, base))
        self._copies[node] = copied
        return copied


def _value(node: Node) -> Any:
    return node.meta.get("example_value")


def _is_number(node: Node) -> bool:
    return isinstance(_value(node), (int, torch.SymInt, torch.SymBool, torch.Size))


def _shows(node: Node, base: Node) -> bool:
    """Whether it is a view, or several views, of `base`."""
    memory, value = dynamo.storage_of(_value(base)), _value(node)
    views = value if isinstance(value, (tuple, list)) else [value]
    return all(isinstance(view, torch.Tensor) and dynamo.storage_of(view) == memory for view in views)


def _same_view(node: Node) -> Node | None:
    """The operand that `node` is the same view as: it writes to it, or does nothing."""
    value = _value(node)
    if not isinstance(value, torch.Tensor):
        return None
    for operand in node.all_input_nodes:
        other = _value(operand)
        if isinstance(other, torch.Tensor) and _geometry(other) == _geometry(value):
            return operand
    return None


def _geometry(tensor: torch.Tensor) -> tuple[Any, ...]:
    sizes = (*tensor.shape, *tensor.stride(), tensor.storage_offset())
    return (dynamo.storage_of(tensor), tensor.dtype, tensor.is_conj(), tensor.is_neg(), *map(str, sizes))
