"""The `ExportedProgram` that a trace gives."""

from __future__ import annotations

import copy
import io
import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch

from tracejet._C import Graph
from tracejet.export.compat.graphs import graph_module
from tracejet.export.compat.programs import EXPORTED_PROGRAM_FIELDS
from tracejet.export.materialize import Materializer
from tracejet.export.program_module import finish
from tracejet.export.runner_state import RunnerState
from tracejet.export.summary import content_text, inputs_text
from tracejet.frontend.call_spec import CallSpec
from tracejet.patches.refcounted_patch import without_collections


class ExportedProgram(torch.export.ExportedProgram):
    """A traced program: a `torch.export.ExportedProgram` like any other, that also holds the C++ graph it comes from.

    Its Python side (`graph_module`, `graph_signature`, `state_dict`, ...) is made from that graph when somebody looks
    at it for the first time, so compiling the program doesn't wait for it.

    Attributes:
        slow_calls: how often the trace had to ask PyTorch's functions in Python, by operator, where tracejet has no
            shape rule or decomposition of its own. Empty for most models, and for copies of a program.
    """

    slow_calls: Mapping[str, int] = MappingProxyType({})

    def __init__(self, graph: Graph, call_spec: CallSpec, slow_calls: Mapping[str, int]):
        # Not super().__init__(): it would want the Python side now, and check it.
        self._lock = threading.RLock()
        self._native = graph
        self._tracejet_call_spec = call_spec
        self.slow_calls = slow_calls
        self._written: _Written | None = None

    @property
    def _tracejet_graph(self) -> Graph | None:
        """The C++ graph; None once the program's Python side has been edited and says something else."""
        written = self.__dict__.get("_written")
        if written is not None and not written.is_unchanged(self):
            return None
        return self.__dict__.get("_native")

    def __repr__(self) -> str:
        graph = self._tracejet_graph
        if graph is None:
            return f"<ExportedProgram: {len(self.graph.nodes)} fx nodes, edited since it was traced>"
        return f"<ExportedProgram: {inputs_text(self._tracejet_call_spec.inputs)}; {content_text(graph)}>"

    def __getattr__(self, name: str) -> Any:
        if name == "_example_inputs":  # apart from the rest: they may be large
            self._example_inputs = self._tracejet_call_spec.example_inputs()
            return self._example_inputs
        if name in EXPORTED_PROGRAM_FIELDS and "_graph_module" not in self.__dict__:
            self._materialize()
            return getattr(self, name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def module(self, *args: Any, **kwargs: Any) -> torch.nn.Module:
        """As of any ExportedProgram, and it refuses what the trace doesn't hold for: other plain values than the traced
        ones, and tensors that share memory with one that the program writes to. As in eager's batch norm, gradients
        don't flow into what it leaves in buffers. A second one has the state that the first one began with."""
        program = self._with_keywords_of_code()
        module = torch.export.ExportedProgram.module(program, *args, **kwargs)
        finish(self, module, self.runner_state)
        return module

    def _with_keywords_of_code(self) -> torch.export.ExportedProgram:
        """PyTorch binds the example to the module's code, where a keyword may have another name."""
        signature = self.module_call_graph[0].signature
        if self.example_inputs is None or signature is None or signature.forward_arg_names is None:
            return self
        args, kwargs = self.example_inputs
        renamed = dict(zip(signature.forward_arg_names[len(args) :], kwargs.values(), strict=True))
        if renamed.keys() == kwargs.keys():
            return self
        return _of_state({**self._state(), "_example_inputs": (args, renamed)})

    @property
    def runner_state(self) -> RunnerState:
        """What those that run this program begin with."""
        return self.__dict__.setdefault("_runner_state", RunnerState())

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
            with without_collections.held():
                state = Materializer(self._native, self._tracejet_call_spec).state()
            self.__dict__.update(state)
            self._written = _Written(self)

    def _state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in EXPORTED_PROGRAM_FIELDS}

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
    made = graph_module(graph, dict(module.named_children()))
    made.meta.update(module.meta)
    return made


def _load(content: bytes) -> torch.export.ExportedProgram:
    return torch.export.load(io.BytesIO(content))


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
