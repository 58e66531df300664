"""`check`: asks an engine about a program without compiling it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from tracejet import _C
from tracejet._C import CompileSettings
from tracejet.api.compile_report import CompileReport
from tracejet.api.engine_report import EngineReport, report_on
from tracejet.api.native_program import native
from tracejet.api.session_program import graph_of


def check(
    mod: nn.Module | torch.export.ExportedProgram,
    *,
    engine: str | None = None,
    arg_inputs: Sequence[Any] | None = None,
    kwarg_inputs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
) -> EngineReport:
    """Says which calls of a program `engine` takes, and which not and why. Nothing is compiled.

    Where no engine is named and the first one doesn't take all of them, `plan` of the report says how `compile` splits
    the program.

    Args:
        mod: a program from `trace` or `torch.export`, or a module, which is traced first.
        engine: one of `engines()`, by default the first, or "onnx" for what can be written as an ONNX file.
        arg_inputs, kwarg_inputs, dynamic_shapes: what a module is traced with: see `trace`.

    Returns:
        An `EngineReport`: `ok`, and the calls that are refused, each with its reason, its line, and the dtypes and
        shapes of its tensors.

    Raises:
        InvalidInput: there is no such engine, or it doesn't run on the program's device.
        Error: what `trace` raises of a module.
    """
    graph = graph_of(native(mod, arg_inputs, kwarg_inputs, dynamic_shapes))
    report = report_on(graph, engine)
    if engine is None and not report.ok:
        report.plan = CompileReport(_C.ProgramRunner(graph, CompileSettings(dryrun=True)).report())
    return report
