"""Holds where a program's tensors claim to be against PyTorch's own fake tensors."""

from __future__ import annotations

from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv
from torch.utils import _pytree as pytree


def assert_devices_as_faked(program: torch.export.ExportedProgram) -> None:
    """Runs the program's nodes on fake tensors, at the sizes it was traced with; each must be where the program says.

    The GPU that a program is for needn't exist.
    """
    values: dict[torch.fx.Node, Any] = {}
    with FakeTensorMode(shape_env=ShapeEnv(), allow_non_fake_inputs=True):
        for node in program.graph.nodes:
            if node.op == "placeholder":
                values[node] = pytree.tree_map(_at_hints, node.meta.get("val"))
            elif node.op == "call_function":
                args, kwargs = torch.fx.map_arg((node.args, node.kwargs), lambda argument: values[argument])
                values[node] = node.target(*args, **kwargs)
                faked, claimed = (_devices(value) for value in (values[node], node.meta.get("val")))
                assert faked == claimed, f"{node.format_node()}: {claimed} in the program, {faked} by fake tensors"


def _at_hints(value: Any) -> Any:
    """A value of the same kind without symbols."""
    if isinstance(value, torch.SymInt):
        return int(value.node.hint)
    if not isinstance(value, torch.Tensor):
        return value
    sizes, strides = ([int(_at_hints(size)) for size in sizes] for sizes in (value.shape, value.stride()))
    return torch.empty_strided(sizes, strides, dtype=value.dtype, device=value.device)


def _devices(value: Any) -> list[torch.device]:
    return [leaf.device for leaf in pytree.tree_leaves(value) if isinstance(leaf, torch.Tensor)]
