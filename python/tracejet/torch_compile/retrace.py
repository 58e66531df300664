"""Traces a graph of TorchDynamo's natively: node by node, with the lines of the user's model."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.fx import Graph, GraphModule, Node

from tracejet._C import GraphOutput
from tracejet.api.replay import Replay
from tracejet.api.session_program import graph_of
from tracejet.api.trace import trace
from tracejet.export.exported_program import ExportedProgram
from tracejet.torch_compile.fast_paths import FAST_PATHS
from tracejet.torch_compile.graph_inputs import GraphInputs


def traced(
    gm: GraphModule,
    results: Sequence[Node],
    inputs: GraphInputs,
    weights: Mapping[int, torch.Tensor],
    options: Mapping[str, Any],
) -> ExportedProgram:
    """The program that computes `results` of `gm` from what each call brings."""
    given = [inputs.tensors.get(index) or inputs.numbers[index] for index in inputs.given]
    return trace(ReplayedGraph(gm, results, inputs, weights), arg_inputs=given, **options)


def written_inputs(program: ExportedProgram, inputs: GraphInputs) -> set[int]:
    """The inputs, weights among them, that the program writes to."""
    graph = graph_of(program)
    written = {graph.inputs[output.target].name for output in graph.outputs if output.kind != GraphOutput.Kind.USER}
    return {index for index, name in enumerate(inputs.names) if name in written}


class ReplayedGraph(nn.Module):
    """A graph as a model: its weights are the model's, and its other inputs are arguments."""

    def __init__(
        self,
        gm: GraphModule,
        results: Sequence[Node],
        inputs: GraphInputs,
        weights: Mapping[int, torch.Tensor],
    ):
        super().__init__()
        names = inputs.names
        for index, weight in weights.items():
            if isinstance(weight, nn.Parameter):
                self.register_parameter(names[index], weight)
            else:
                self.register_buffer(names[index], weight)
        self.replayed = module = _with_outputs(gm, results)

        def forward(*given: Any) -> Any:
            values: list[Any] = [None] * len(names)
            for index in weights:
                values[index] = getattr(self, names[index])
            for index, value in inputs.fixed.items():
                values[index] = value
            for index, value in zip(inputs.given, given, strict=True):
                values[index] = value if index in inputs.tensors else value.size(0)
            for index, (tensor, axis) in inputs.sizes.items():
                values[index] = values[tensor].size(axis)
            return Replay(module, garbage_collect_values=False).run(*values, enable_io_processing=False)

        kind = inspect.Parameter.POSITIONAL_ONLY
        forward.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [inspect.Parameter(names[index], kind) for index in inputs.given]
        )
        self.forward = forward


def _with_outputs(gm: GraphModule, results: Sequence[Node]) -> GraphModule:
    graph = Graph()
    copies: dict[Node, Node] = {}
    graph.graph_copy(gm.graph, copies)
    graph.output(tuple(copies[node] for node in results))
    for node in graph.nodes:
        if stack := node.meta.get("nn_module_stack"):
            node.meta["nn_module_stack"] = {key: (_path(path), kind) for key, (path, kind) in stack.items()}
        if node.op == "call_function":
            node.target = FAST_PATHS.get(node.target, node.target)
    return GraphModule(gm, graph)


def _path(source: str) -> str:
    """ "layers.3" of "L['self'].layers[3]" and its like."""
    text = re.sub(r"\._modules\['([^']*)'\]|\['([^']*)'\]|\[(\d+)\]", r".\1\2\3", source)
    return re.sub(r"^[LG]\.\w+\.?", "", text)
