"""The `ExportedProgram` that a trace gives."""

from __future__ import annotations

import copy
import gc
import io
import itertools
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
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
from torch.utils._pytree import TreeSpec, tree_unflatten

from tracejet import _compat
from tracejet._binding import BoundInputs, Leaf, unique_name
from tracejet._C import FxBuilder, Graph, GraphInput, GraphOutput
from tracejet._fx import Writer
from tracejet._input import example_of

#: Stands for a flat output that the graph knows: a tensor or a number.
IN_GRAPH = object()


@dataclass
class CallSpec:
    """How the program is called: what torch.export keeps beside the graph."""

    in_spec: TreeSpec  #: of (args, kwargs)
    out_spec: TreeSpec
    inputs: list[Leaf]  #: in the order of `in_spec`
    outputs: list[Any]  #: in the order of `out_spec`: IN_GRAPH, or a literal that no graph can hold (a string, None)
    forward_names: list[str]  #: one per positional argument, then one per keyword
    constant_names: dict[str, str] = field(default_factory=dict)  #: of constants that are a module's attribute: where

    @classmethod
    def of(cls, bound: BoundInputs, results: Sequence[Any], out_spec: TreeSpec) -> CallSpec:
        """`results`: what the model's forward returned, flattened by `out_spec`."""
        outputs = [IN_GRAPH if isinstance(result, _GRAPH_TYPES) else result for result in results]
        return cls(bound.in_spec, out_spec, bound.leaves, outputs, bound.forward_names)

    def example_inputs(self) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """Arguments that the program can be called with; None where their device isn't there."""
        try:
            with torch.random.fork_rng(devices=()):  # looking at a program doesn't change what a user draws next
                values = [example_of(leaf.value) for leaf in self.inputs]
        except (AssertionError, RuntimeError):  # a program for a GPU, traced where there is none
            return None
        return tree_unflatten(values, self.in_spec)


def _constant_names(graph: Graph, model: torch.nn.Module) -> dict[str, str]:
    """Where in `model` the constants are kept: torch.export names them after that."""
    constants = [given for given in graph.inputs if given.kind == GraphInput.Kind.CONSTANT]
    if not constants:
        return {}
    kept = {
        _identity(value): f"{path}.{name}" if path else name
        for path, module in model.named_modules()
        for name, value in vars(module).items()
        if type(value) is torch.Tensor and value.layout == torch.strided
    }
    found = {given.name: kept.get(_identity(given.data)) for given in constants}
    return {name: path for name, path in found.items() if path is not None}


def _identity(tensor: torch.Tensor) -> tuple[Any, ...]:
    return tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride()


_GRAPH_TYPES = (torch.Tensor, torch.SymInt, torch.SymFloat, torch.SymBool)


class ExportedProgram(torch.export.ExportedProgram):
    """A traced program: a `torch.export.ExportedProgram` like any other, that also holds the C++ graph it comes from.

    Its Python side (`graph_module`, `graph_signature`, `state_dict`, ...) is made from that graph when somebody looks
    at it for the first time, so compiling the program doesn't wait for it.
    """

    def __init__(self, graph: Graph, call_spec: CallSpec):
        # Not super().__init__(): it would want the Python side now, and check it.
        self._lock = threading.RLock()
        self._native = graph
        self._tracejet_call_spec = call_spec
        self._written: _Written | None = None

    @classmethod
    def _from_capture(cls, graph: Graph, call_spec: CallSpec, model: torch.nn.Module) -> ExportedProgram:
        call_spec.constant_names = _constant_names(graph, model)
        return cls(graph, call_spec)

    @property
    def _tracejet_graph(self) -> Graph | None:
        """The C++ graph; None once the program's Python side has been edited and says something else."""
        written = self.__dict__.get("_written")
        if written is not None and not written.is_unchanged(self):
            return None
        return self.__dict__.get("_native")

    def __getattr__(self, name: str) -> Any:
        if name == "_example_inputs":  # apart from the rest: they may be large
            self._example_inputs = self._tracejet_call_spec.example_inputs()
            return self._example_inputs
        if name in _compat.EXPORTED_PROGRAM_FIELDS and "_graph_module" not in self.__dict__:
            self._materialize()
            return getattr(self, name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def module(self, *args: Any, **kwargs: Any) -> torch.nn.Module:
        """As of any ExportedProgram. As in eager's batch norm, gradients don't flow into what it leaves in buffers."""
        module = super().module(*args, **kwargs)
        copies = [node for node in module.graph.nodes if node.target is torch.ops.aten.copy_.default]
        writes = [copy for copy in copies if copy.args[0].op == "get_attr"]
        for write in writes:
            with module.graph.inserting_before(write):
                value = module.graph.call_function(torch.ops.aten.detach.default, (write.args[1],))
            write.update_arg(1, value)
        if writes:
            module.recompile()
        return module

    def run_decompositions(self, *args: Any, **kwargs: Any) -> torch.export.ExportedProgram:
        """As of any ExportedProgram."""
        # A decomposition may give its result other strides than the operator (attention's does), which a view that
        # was traced after it doesn't bear. A reshape becomes whatever the new strides allow.
        relaxed = _of_state({**self._state(), "_graph_module": _with_reshapes(self.graph_module)})
        return torch.export.ExportedProgram.run_decompositions(relaxed, *args, **kwargs)

    def _materialize(self) -> None:
        with self._lock:
            if "_graph_module" in self.__dict__:
                return
            with _no_collection():
                state = _Materializer(self._native, self._tracejet_call_spec).state()
            self.__dict__.update(state)
            self._written = _Written(self)

    def _state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _compat.EXPORTED_PROGRAM_FIELDS}

    def __copy__(self) -> ExportedProgram:
        return _of_state(self._state())

    def __deepcopy__(self, memo: dict[int, Any]) -> ExportedProgram:
        return _of_state(copy.deepcopy(self._state(), memo))

    def __reduce__(self) -> Any:
        # As torch.export.save writes it: GraphModules lose all metadata when they are pickled themselves.
        file = io.BytesIO()
        torch.export.save(self, file)
        return _load, (file.getvalue(),)


def _of_state(state: dict[str, Any]) -> ExportedProgram:
    """A program with a Python side of its own, which may be edited, and so without the C++ graph."""
    program = ExportedProgram.__new__(ExportedProgram)
    program.__dict__.update(state)
    return program


def _with_reshapes(module: torch.fx.GraphModule) -> torch.fx.GraphModule:
    """A copy of `module` with every view a reshape."""
    graph = copy.deepcopy(module.graph)
    for node in graph.find_nodes(op="call_function", target=torch.ops.aten.view.default):
        node.target = torch.ops.aten.reshape.default
    made = _compat.graph_module(graph, dict(module.named_children()))
    made.meta.update(module.meta)
    return made


def _load(content: bytes) -> torch.export.ExportedProgram:
    return torch.export.load(io.BytesIO(content))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Many objects are made and none become garbage: collections would only cost."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class _Written:
    """What the Python side of a program looked like when it was made, to notice edits of it."""

    def __init__(self, program: torch.export.ExportedProgram):
        self._graph = program.graph_module.graph
        self._nodes = _fingerprint(program.graph_module)
        self._tensors = _tensors(program)

    def is_unchanged(self, program: torch.export.ExportedProgram) -> bool:
        if program.graph_module.graph is not self._graph:
            return False
        now, tensors = _fingerprint(program.graph_module), _tensors(program)
        return (
            len(now) == len(self._nodes)
            and all(a is b for a, b in zip(now, self._nodes, strict=True))
            and tensors.keys() == self._tensors.keys()
            and all(tensors[name] is self._tensors[name] for name in tensors)
        )


def _fingerprint(module: torch.fx.GraphModule) -> list[Any]:
    # fx gives a node a new tuple whenever an argument changes.
    graphs = [part.graph for part in module.modules() if isinstance(part, torch.fx.GraphModule)]
    return [part for graph in graphs for node in graph.nodes for part in (node, node.target, node.args, node.kwargs)]


def _tensors(program: torch.export.ExportedProgram) -> dict[str, Any]:
    return {**program.state_dict, **program.constants}


_KINDS = {
    GraphInput.Kind.PARAMETER: InputKind.PARAMETER,
    GraphInput.Kind.BUFFER: InputKind.BUFFER,
    GraphInput.Kind.CONSTANT: InputKind.CONSTANT_TENSOR,
    GraphInput.Kind.USER: InputKind.USER_INPUT,
}
_PREFIXES = {InputKind.PARAMETER: "p_", InputKind.BUFFER: "b_", InputKind.CONSTANT_TENSOR: "c_"}


class _Materializer:
    """Makes the Python side of a program from its C++ graph."""

    def __init__(self, graph: Graph, call_spec: CallSpec):
        self._graph = graph
        self._inputs = list(graph.inputs)
        self._spec = call_spec
        self._writer = Writer()
        with _compat.inductor_left_alone():
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
        return _compat.exported_program_state(
            self._writer.module(),
            ExportGraphSignature(input_specs, output_specs),
            self._state_dict,
            self._writer.numbers.range_constraints,
            self._module_calls(),
            self._constants,
        )

    def _name_inputs(self) -> list[str]:
        """Where each input is kept in the model, or what its argument is called."""
        known = self._spec.constant_names
        anonymous = (f"lifted_tensor_{number}" for number in itertools.count())
        return [
            given.name if given.kind != GraphInput.Kind.CONSTANT else known.get(given.name) or next(anonymous)
            for given in self._inputs
        ]

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
        (self._state_dict if in_state else self._constants)[target] = data
        persistent = given.persistent if kind == InputKind.BUFFER else None
        return InputSpec(kind, TensorArgument(name), target, persistent)

    def _add_outputs(self) -> list[OutputSpec]:
        specs: list[OutputSpec] = []
        values: list[Any] = []
        literals = iter(self._spec.outputs)
        for output in self._graph.outputs:
            if output.kind == GraphOutput.Kind.USER:
                literal = next(literals)
                value = self._builder.output(output) if literal is IN_GRAPH else literal
                specs.append(OutputSpec(OutputKind.USER_OUTPUT, _argument(value), None))
            else:
                value = self._unshared(self._builder.output(output), values)
                specs.append(self._mutation(output, value))
            values.append(value)
        self._writer.output(tuple(values))
        return specs

    def _unshared(self, value: Node, written: list[Any]) -> Node:
        """A signature tells writes apart by the node that is written, so each needs one of its own."""
        if not any(value is other for other in written):
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
        signature = ModuleCallSignature([], [], spec.in_spec, spec.out_spec, forward_arg_names=spec.forward_names)
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


def _placeholder_names(names: Sequence[str], kinds: Sequence[InputKind]) -> list[str]:
    """The names that torch.export gives its inputs: "p_layer1_0_weight" for a parameter, arguments as they are."""
    taken: set[str] = set()
    result = list(names)
    for user in (True, False):  # the user's names come first: others make way for them
        for index, (name, kind) in enumerate(zip(names, kinds, strict=True)):
            if (kind == InputKind.USER_INPUT) == user:
                result[index] = unique_name(_PREFIXES.get(kind, "") + re.sub(r"\W", "_", name).lower(), taken)
    return result
