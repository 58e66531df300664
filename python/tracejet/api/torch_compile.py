"""`compile(model, ir="torch_compile")`: a model that is compiled when it is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.utils import _pytree as pytree

from tracejet._C import CompileSettings, ErrorCode, InvalidInput
from tracejet.frontend.input import Input


def compile_later(
    mod: nn.Module | Callable[..., Any], settings: CompileSettings, inputs: Sequence[Any] | None = None
) -> Any:
    """What `torch.compile(mod, backend="tracejet")` gives, with these settings.

    `inputs` say whether sizes vary: where one does, all sizes are dynamic from the first call on.
    """
    if isinstance(mod, torch.export.ExportedProgram):
        raise InvalidInput(
            'ir="torch_compile" takes a module; a program is compiled with ir="dynamo"', ErrorCode.INVALID_SETTING
        )
    is_dynamic = any(isinstance(leaf, Input) and leaf.is_dynamic for leaf in pytree.tree_leaves(inputs))
    return torch.compile(mod, backend="tracejet", dynamic=True if is_dynamic else None, options=settings.as_dict())
