"""What the arguments of `trace` and `diagnose` ask for, checked."""

from __future__ import annotations

from typing import Any

import torch

from tracejet import _C
from tracejet.api.decompositions import DecompositionTable, chosen_table
from tracejet.frontend.input_shapes import shown
from tracejet.frontend.session import Options


def options_of_call(
    device: torch.device | str | None,
    asserts: bool,
    decompositions: str | DecompositionTable,
    decompose_attention: bool,
    use_fp32_acc: bool,
    enable_experimental_decompositions: bool,
) -> Options:
    """How a call's model is traced. Raises InvalidInput for a wrong argument."""
    table = chosen_table(
        decompositions,
        decompose_attention=decompose_attention,
        use_fp32_acc=use_fp32_acc,
        enable_experimental_decompositions=enable_experimental_decompositions,
    )
    return Options(_checked_device(device), asserts, table)


#: Devices that a trace can be for. Others have backends that PyTorch must be built with to so much as name them.
_KNOWN = ("cpu", "cuda", "meta")


def _checked_device(device: Any) -> torch.device | None:
    """The `device` argument of `trace`. Raises InvalidInput where it is none that a trace can be for."""
    if device is None:
        return None
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError):
        raise _C.InvalidInput(
            f"device: expected a torch.device or its name, got {shown(device)}", _C.ErrorCode.INVALID_SETTING
        ) from None
    if found.type not in _KNOWN:
        raise _C.InvalidInput(
            f"device: a trace can be for {', '.join(_KNOWN)}, got {found.type}", _C.ErrorCode.INVALID_SETTING
        )
    return found
