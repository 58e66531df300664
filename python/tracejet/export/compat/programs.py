"""ExportedPrograms and the modules that torch.export makes of them."""

from __future__ import annotations

from typing import Any

import torch
from torch.export._tree_utils import reorder_kwargs
from torch.fx import GraphModule
from torch.utils import _pytree as pytree

__all__ = ["reorder_kwargs"]


def exported_program_state(
    module: GraphModule,
    signature: Any,
    state_dict: dict[str, torch.Tensor],
    range_constraints: dict[Any, Any],
    module_call_graph: list[Any],
    constants: dict[str, Any],
) -> dict[str, Any]:
    """The attributes that `ExportedProgram.__init__` sets, without the example inputs."""
    from torch._export.verifier import Verifier

    return {
        "_graph_module": module,
        "_graph_signature": signature,
        "_state_dict": state_dict,
        "_range_constraints": range_constraints,
        "_module_call_graph": module_call_graph,
        "_constants": constants,
        "_verifiers": [Verifier],
        "_guards_code": [],
    }


EXPORTED_PROGRAM_FIELDS = frozenset(
    (
        "_graph_module",
        "_graph_signature",
        "_state_dict",
        "_range_constraints",
        "_module_call_graph",
        "_example_inputs",
        "_constants",
        "_verifiers",
        "_guards_code",
    )
)


def call_structure(module: GraphModule) -> pytree.TreeSpec:
    """How the (args, kwargs) of `program.module()` are nested."""
    spec: pytree.TreeSpec = module._in_spec
    return spec


def argument_names(module: GraphModule) -> list[str]:
    """What the code of `program.module()` calls its arguments."""
    names: list[str] = module.graph._codegen.pytree_info.orig_args
    return names


def drop_checks_of_sizes(module: torch.nn.Module) -> None:
    """Has `program.module()` no longer compare sizes with the program's ranges, as a hook of torch.export does."""
    module._forward_pre_hooks.clear()


def storage_identity(tensor: torch.Tensor) -> int:
    """The same number for tensors that share a storage, one without memory too, which `data_ptr` doesn't tell."""
    return tensor.untyped_storage()._cdata
