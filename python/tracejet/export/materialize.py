"""The Python side of a program, made from its C++ graph: an fx graph, a signature, the tensors by name."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any

import torch
from torch.export.exported_program import ModuleCallEntry, ModuleCallSignature
from torch.export.graph_signature import (
    ArgumentSpec,
    ConstantArgument,
    ExportGraphSignature,
    InputKind,
    InputSpec,
    OutputKind,
    OutputSpec,
    SymBoolArgument,
    SymFloatArgument,
    SymIntArgument,
    TensorArgument,
)
from torch.fx import Node

from tracejet._C import FxBuilder, Graph, GraphInput, GraphOutput
from tracejet.export.compat.graphs import name_in_graph, names_in_code
from tracejet.export.compat.programs import exported_program_state
from tracejet.export.fx_writer import Writer
from tracejet.frontend.binding import unique_name
from tracejet.frontend.call_spec import IN_GRAPH, CallSpec

_KINDS = {
    GraphInput.Kind.PARAMETER: InputKind.PARAMETER,
    GraphInput.Kind.BUFFER: InputKind.BUFFER,
    GraphInput.Kind.CONSTANT: InputKind.CONSTANT_TENSOR,
    GraphInput.Kind.USER: InputKind.USER_INPUT,
}
_PREFIXES = {InputKind.PARAMETER: "p_", InputKind.BUFFER: "b_", InputKind.CONSTANT_TENSOR: "c_"}


class Materializer:
    """Makes the Python side of a program from its C++ graph."""

    def __init__(self, graph: Graph, call_spec: CallSpec):
        self._graph = graph
        self._inputs = list(graph.inputs)
        self._spec = call_spec
        self._writer = Writer()
        self._builder = FxBuilder(graph, self._writer)
        self._placeholders: dict[int, Node] = {}  # by index into the graph's inputs
        self._targets = self._name_inputs()
        self._state_dict: dict[str, torch.Tensor] = {}
        self._constants: dict[str, torch.Tensor] = {}

    def state(self) -> dict[str, Any]:
        """The attributes of the ExportedProgram."""
        input_specs = self._add_inputs()
        self._builder.add_nodes()
        output_specs = self._add_outputs()
        return exported_program_state(
            self._writer.module(),
            ExportGraphSignature(input_specs, output_specs),
            self._state_dict,
            self._writer.numbers.range_constraints,
            self._module_calls(),
            self._constants,
        )

    def _name_inputs(self) -> list[str]:
        """Where each input is kept in the model, or what its argument is called. Constants that the model has no name
        for get one that is none of its own."""
        known = self._spec.constant_names
        names = [
            known.get(given.name) if given.kind == GraphInput.Kind.CONSTANT else given.name for given in self._inputs
        ]
        taken = {name for name, given in zip(names, self._inputs, strict=True) if given.kind != GraphInput.Kind.USER}
        anonymous = (name for number in itertools.count() if (name := f"lifted_tensor_{number}") not in taken)
        return [name or next(anonymous) for name in names]

    def _add_inputs(self) -> list[InputSpec]:
        kinds = [_KINDS[given.kind] for given in self._inputs]
        names = _placeholder_names(self._targets, kinds)
        leaves = iter(self._spec.inputs)
        specs = []
        for index, (kind, name) in enumerate(zip(kinds, names, strict=True)):
            leaf = next(leaves) if kind == InputKind.USER_INPUT else None
            if leaf is not None and self._inputs[index].value is None:
                specs.append(self._add_literal(index, name, leaf.value))
            else:
                specs.append(self._add_tensor(index, kind, name))
        return specs

    def _add_literal(self, index: int, name: str, value: Any) -> InputSpec:
        self._placeholders[index] = self._writer.placeholder(name, value)
        return InputSpec(InputKind.USER_INPUT, ConstantArgument(name, value), None)

    def _add_tensor(self, index: int, kind: InputKind, name: str) -> InputSpec:
        given, data = self._inputs[index], self._inputs[index].data
        value = self._builder.value(given.value, data is not None and data.requires_grad)
        node = self._placeholders[index] = self._writer.placeholder(name, value)
        self._builder.define(given.value, node)
        if kind == InputKind.USER_INPUT:
            return InputSpec(kind, TensorArgument(name), None)
        in_state = kind == InputKind.PARAMETER or (kind == InputKind.BUFFER and given.persistent)
        target = self._targets[index]
        if kind == InputKind.PARAMETER and data is not None and not isinstance(data, torch.nn.Parameter):
            # TorchScript files have tensors for them.
            data = torch.nn.Parameter(data, requires_grad=data.requires_grad)
        (self._state_dict if in_state else self._constants)[target] = data
        persistent = given.persistent if kind == InputKind.BUFFER else None
        return InputSpec(kind, TensorArgument(name), target, persistent)

    def _add_outputs(self) -> list[OutputSpec]:
        specs: list[OutputSpec] = []
        values: list[Any] = []
        written: set[Any] = set()
        literals = iter(self._spec.outputs)
        for output in self._graph.outputs:
            if output.kind == GraphOutput.Kind.USER:
                literal = next(literals)
                value = self._builder.output(output) if literal is IN_GRAPH else literal
                specs.append(OutputSpec(OutputKind.USER_OUTPUT, _argument(value), None))
            else:
                value = self._unshared(self._builder.output(output), written)
                specs.append(self._mutation(output, value))
            values.append(value)
            if isinstance(value, Node):
                written.add(value)
        self._writer.output(tuple(values))
        return specs

    def _unshared(self, value: Node, written: set[Any]) -> Node:
        """A signature tells writes apart by the node that is written, so each needs one of its own."""
        if value not in written:
            return value
        return self._writer.call(torch.ops.aten.alias.default, "alias", (value,), {}, dict(value.meta))

    def _mutation(self, output: GraphOutput, value: Node) -> OutputSpec:
        target = self._inputs[output.target]
        argument = TensorArgument(value.name)
        if target.kind == GraphInput.Kind.USER:
            return OutputSpec(OutputKind.USER_INPUT_MUTATION, argument, self._placeholders[output.target].name)
        kind = OutputKind.BUFFER_MUTATION if target.kind == GraphInput.Kind.BUFFER else OutputKind.PARAMETER_MUTATION
        return OutputSpec(kind, argument, target.name)

    def _module_calls(self) -> list[ModuleCallEntry]:
        spec = self._spec
        names = names_in_code(spec.forward_names)
        signature = ModuleCallSignature([], [], spec.in_spec, spec.out_spec, forward_arg_names=names)
        return [ModuleCallEntry("", signature)]


def _argument(value: Any) -> ArgumentSpec:
    if not isinstance(value, Node):
        return ConstantArgument("", value)
    number = value.meta["val"]
    if isinstance(number, torch.Tensor):
        return TensorArgument(value.name)
    if isinstance(number, torch.SymFloat):
        return SymFloatArgument(value.name)
    return SymBoolArgument(value.name) if isinstance(number, torch.SymBool) else SymIntArgument(value.name)


def _kept_by_fx(name: str) -> str:
    """`name`, or what fx makes of a name like `input`, which is Python's own, whenever it copies a graph: the signature
    wouldn't find it any more. (These are the nodes' names. Arguments keep theirs.)"""
    return name_in_graph(name)


def _placeholder_names(names: Sequence[str], kinds: Sequence[InputKind]) -> list[str]:
    """The names that torch.export gives its inputs: "p_layer1_0_weight" for a parameter, arguments as they are."""
    taken: set[str] = set()
    result = list(names)
    for user in (True, False):  # the user's names come first: others make way for them
        for index, (name, kind) in enumerate(zip(names, kinds, strict=True)):
            if (kind == InputKind.USER_INPUT) == user:
                plain = _PREFIXES.get(kind, "") + re.sub(r"\W", "_", name).lower()
                result[index] = unique_name(_kept_by_fx(plain) if user else plain, taken)
    return result
