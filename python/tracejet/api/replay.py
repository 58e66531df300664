"""Programs that have no C++ graph behind them: they are traced, node by node, and keep the lines of their models."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch.fx import GraphModule, Interpreter, Node
from torch.utils import _pytree as pytree

from tracejet import _C
from tracejet.api import session_program
from tracejet.export.compat.programs import drop_checks_of_sizes
from tracejet.export.exported_program import ExportedProgram
from tracejet.frontend.input import Input, input_like
from tracejet.frontend.input_shapes import UNBOUNDED
from tracejet.frontend.session import Options, Session
from tracejet.patches.refcounted_patch import without_collections


def retraced(program: torch.export.ExportedProgram, options: Options | None = None) -> ExportedProgram:
    """Traces a program that has no C++ graph: one that was loaded, edited, or made by torch.export."""
    ranges = program.range_constraints
    constants = {spec.name: spec.value for spec in _input_specs(program) if hasattr(spec, "value")}
    values = {node.name: node.meta["val"] for node in program.graph.find_nodes(op="placeholder")}
    leaves = []
    for spec in _input_specs(program):
        value = constants[spec.name] if spec.name in constants else values[spec.name]
        leaves.append(_as_input(value, ranges) if isinstance(value, torch.Tensor) else value)
    args, kwargs = pytree.tree_unflatten(leaves, program.call_spec.in_spec)
    module = program.module(check_guards=False)
    drop_checks_of_sizes(module)  # the trace knows the ranges by itself
    module.forward = _replaying(module)
    session = Session(module, args, kwargs, strict=False, options=options or Options())
    with without_collections.held():
        session_program.run(session)
    return session_program.program_of(session, module)


def _input_specs(program: torch.export.ExportedProgram) -> Iterable[Any]:
    kind = torch.export.graph_signature.InputKind.USER_INPUT
    return [spec.arg for spec in program.graph_signature.input_specs if spec.kind == kind]


def _as_input(value: torch.Tensor, ranges: Mapping[Any, Any]) -> Input:
    """Describes a placeholder: dynamic where its sizes are symbols."""
    sizes, names = [], {}
    for axis, size in enumerate(value.shape):
        if isinstance(size, int):
            low = opt = high = size
        else:
            symbol = size.node.expr
            constraint = ranges.get(symbol)
            low = int(constraint.lower) if constraint is not None else 0
            high = int(constraint.upper) if constraint is not None and constraint.upper < UNBOUNDED else UNBOUNDED
            opt = min(max(size.node.hint if size.node.hint is not None else 2, low), high)
            names[axis] = str(symbol)
        sizes.append((low, opt, high))
    return input_like(value, sizes, {axis: name for axis, name in names.items() if name.isidentifier()})


def _replaying(module: GraphModule) -> Callable[..., Any]:
    """A forward that runs the module's graph as `module.forward` does, and tells the tracer where each node is from."""

    @functools.wraps(module.forward)
    def forward(*args: Any, **kwargs: Any) -> Any:
        leaves = pytree.tree_leaves((args, kwargs))
        results = Replay(module, garbage_collect_values=False).run(*leaves, enable_io_processing=False)
        return module.graph.process_outputs(results)

    return forward


class Replay(Interpreter):
    """Runs a graph under the tracer that listens."""

    extra_traceback = False  # would change the messages of our exceptions, by which they are known

    def run_node(self, n: Node) -> Any:
        tracer = _C.Tracer.current()
        assert tracer is not None
        modules = _modules_of(n)
        for path, kind in modules:
            tracer.enter_module(path, kind)
        tracer.set_replayed(n.meta.get("stack_trace", ""))
        try:
            return super().run_node(n)
        finally:
            tracer.set_replayed(None)
            for _ in modules:
                tracer.exit_module()

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        # What is decomposed otherwise may lie in memory otherwise, and then a view of it is one of a copy.
        target = torch.ops.aten.reshape.default if target == torch.ops.aten.view.default else target
        return super().call_function(target, args, kwargs)


def _modules_of(node: Node) -> list[tuple[str, str]]:
    """The modules whose forward was running, outermost first, by path and type."""
    frames = (node.meta.get("nn_module_stack") or {}).values()
    return [
        (path, kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}") for path, kind in frames
    ]
