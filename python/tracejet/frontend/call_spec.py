"""How a program is called: what torch.export keeps beside the graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils._pytree import TreeSpec, tree_unflatten

from tracejet._C import Graph, GraphInput
from tracejet.frontend.binding import BoundInputs, Leaf
from tracejet.frontend.input import example_of

#: Stands for a flat output that the graph knows: a tensor or a number.
IN_GRAPH = object()
_GRAPH_TYPES = (torch.Tensor, torch.SymInt, torch.SymFloat, torch.SymBool)


@dataclass
class CallSpec:
    """How the program is called: what torch.export keeps beside the graph."""

    in_spec: TreeSpec  #: of (args, kwargs)
    out_spec: TreeSpec
    inputs: list[Leaf]  #: in the order of `in_spec`
    outputs: list[Any]  #: in the order of `out_spec`: IN_GRAPH, or a literal that no graph can hold (a string, None)
    forward_names: list[str]  #: one per positional argument, then one per keyword
    defaults: dict[str, Any] | None = None  #: forward's own, by name; None where it isn't known: files don't keep them
    constant_names: dict[str, str] = field(default_factory=dict)  #: of constants that are a module's attribute: where

    @classmethod
    def of(cls, bound: BoundInputs, results: Sequence[Any], out_spec: TreeSpec) -> CallSpec:
        """`results`: what the model's forward returned, flattened by `out_spec`."""
        outputs = [IN_GRAPH if isinstance(result, _GRAPH_TYPES) else result for result in results]
        return cls(bound.in_spec, out_spec, bound.leaves, outputs, bound.forward_names, bound.defaults)

    def gives_like(self, other: CallSpec) -> bool:
        """Whether forward returned the same, without what the graphs know of it."""
        return bool(self.out_spec == other.out_spec and self.outputs == other.outputs)

    def example_inputs(self) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """Arguments that the program can be called with; None where their device isn't there."""
        try:
            with torch.random.fork_rng(devices=()):  # looking at a program doesn't change what a user draws next
                values = [example_of(leaf.value) for leaf in self.inputs]
        except (AssertionError, RuntimeError):  # a program for a GPU, traced where there is none
            return None
        return tree_unflatten(values, self.in_spec)


def constant_names(graph: Graph, model: torch.nn.Module) -> dict[str, str]:
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
