"""What TorchDynamo knows of the frame that it compiles, beside the graph that it gives to a backend."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import nn
from torch.fx import Node
from torch.multiprocessing.reductions import StorageWeakRef


def compile_id() -> tuple[int, int]:
    """Which frame is being compiled, and how often it has been before."""
    from torch._guards import CompileContext

    found = CompileContext.current_compile_id()
    if found is None or found.frame_id is None:
        return (0, 0)
    return (found.frame_id, found.frame_compile_id or 0)


def is_of_a_module(placeholder: Node) -> bool:
    """Whether a graph's input is an attribute of a module, rather than something that the caller passes."""
    source = getattr(placeholder, "_dynamo_source", None)
    return source is not None and bool(source.guard_source.is_unspecialized_nn_module())


def compiled_modules() -> Iterator[nn.Module]:
    """The modules that the frame's code has reached so far."""
    from torch._dynamo.symbolic_convert import InstructionTranslator

    for variable in InstructionTranslator.current_tx().output.side_effects.id_to_variable.values():
        value = getattr(variable, "value", None)
        if isinstance(value, nn.Module):
            yield value


def bounds(size: torch.SymInt) -> tuple[int, int | None]:
    """The least and the greatest value of a symbolic size, as far as guards say; None: no greatest."""
    node = size.node
    found = node.shape_env.bound_sympy(node.expr)
    lower, upper = (int(bound) if bound.is_Integer else None for bound in (found.lower, found.upper))
    return (lower if lower is not None else -(2**63)), upper


def is_symbol(size: Any) -> bool:
    """Whether a size is a symbol of its own, rather than computed from others."""
    return isinstance(size, torch.SymInt) and bool(size.node.expr.is_Symbol)


def text_of(size: torch.SymInt) -> str:
    """The size's expression: "s77", "2*s77"."""
    return str(size.node.expr)


def hint_of(size: torch.SymInt) -> int:
    """What the size is in the call that is compiled."""
    return int(size.node.hint)


def has_hint(size: int | torch.SymInt) -> bool:
    """Whether it is known in the call that is compiled: what depends on data is not."""
    return isinstance(size, int) or bool(size.node.has_hint())


def storage_of(tensor: torch.Tensor) -> int:
    """The same for all tensors that are views of one memory."""
    return int(StorageWeakRef(tensor.untyped_storage()).cdata)


def add_backends(backends: Iterable[tuple[str, Any]]) -> None:
    """Adds backends to those that torch.compile knows by name, but for names that it knows."""
    from torch._dynamo.backends import registry

    for name, backend in backends:
        if name not in registry._BACKENDS:
            registry.register_backend(backend, name=name)


def backend_that_registers_itself(module: str, name: str) -> Any:
    """The backend that a module registers as it is imported, taken out again: whoever asks will register it."""
    from torch._dynamo.backends import registry

    importlib.import_module(module)
    return registry._COMPILER_FNS.pop(name)
