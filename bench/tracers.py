"""The two ways from a model to its lowered ExportedProgram, each as two steps to be run and timed in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from testing.curated_table import curated_decompositions
from testing.models import Case


def by_tracejet(model: torch.nn.Module, case: Case, dynamic: bool) -> dict[str, Callable[[], Any]]:
    """The two steps: running forward, and making the ExportedProgram that Python sees."""
    import tracejet

    args, kwargs = case.tracejet_inputs() if dynamic else case.example()
    steps: dict[str, Any] = {}

    def capture() -> None:
        steps["program"] = tracejet.trace(model, arg_inputs=args, kwarg_inputs=kwargs)

    def build() -> Any:
        return steps.pop("program").graph_module

    return {"capture": capture, "build": build}


def by_torch_export(model: torch.nn.Module, case: Case, dynamic: bool) -> dict[str, Callable[[], Any]]:
    args, kwargs = case.example()
    dynamic_shapes = case.dynamic_shapes() if dynamic else None
    table = curated_decompositions()
    steps: dict[str, Any] = {}

    def export() -> None:
        steps["program"] = torch.export.export(model, args, kwargs, dynamic_shapes=dynamic_shapes, strict=False)

    def decompose() -> Any:
        return steps.pop("program").run_decompositions(dict(table)).graph_module

    return {"export": export, "decompose": decompose}


TRACERS = {"tracejet": by_tracejet, "torch.export": by_torch_export}
