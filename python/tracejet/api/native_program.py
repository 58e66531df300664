"""What has a C++ graph: programs of `trace` and `load`, and what is made of models and other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from tracejet import _C
from tracejet.api.replay import retraced
from tracejet.api.trace import trace
from tracejet.export.exported_program import ExportedProgram


def native(
    mod: nn.Module | torch.export.ExportedProgram,
    args: Sequence[Any] | None,
    kwargs: Mapping[str, Any] | None,
    dynamic_shapes: Any = None,
) -> ExportedProgram:
    """A program with a C++ graph: a module is traced with the arguments; a program has one, or else (loaded, edited,
    made by torch.export) is traced itself."""
    if not isinstance(mod, torch.export.ExportedProgram):
        return trace(mod, arg_inputs=args, kwarg_inputs=kwargs, dynamic_shapes=dynamic_shapes)
    if dynamic_shapes is not None:
        raise _C.InvalidInput(
            "dynamic_shapes: a program has its ranges already; pass the module", _C.ErrorCode.DYNAMIC_SHAPES
        )
    return mod if getattr(mod, "_tracejet_graph", None) is not None else retraced(mod)
