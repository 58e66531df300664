"""strict=True: TorchDynamo reads the model's Python code first, and what it makes of it is traced."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from tracejet.frontend.dynamic_shapes import get_dynamic_shapes_args, get_dynamic_shapes_kwargs
from tracejet.frontend.input import example_of


def dynamo_capture(model: nn.Module, arg_inputs: Any, kwarg_inputs: Any, device: torch.device | None) -> nn.Module:
    """The model as straight-line code that shares its parameters. What Dynamo refuses, it refuses in its own words.

    Dynamo runs where the model is; `device` then takes that place in the code.
    """
    args, kwargs = pytree.tree_map(example_of, (tuple(arg_inputs or ()), dict(kwarg_inputs or {})))
    shapes = {**get_dynamic_shapes_args(model, arg_inputs), **get_dynamic_shapes_kwargs(kwarg_inputs)}
    exported = torch.export.export(model, args, kwargs, dynamic_shapes=shapes, strict=True)
    if device is not None:
        for node in exported.graph.nodes:
            if node.kwargs.get("device") is not None:
                node.kwargs = {**node.kwargs, "device": device}
        exported.graph_module.recompile()
    return exported.module(check_guards=False)  # the Inputs' ranges are enforced anyway
