"""`trace` and `diagnose`: what the user calls."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import nn

from tracejet import _C
from tracejet._binding import either_name
from tracejet._call_spec import constant_names
from tracejet._capture import Capture, Options
from tracejet._decompositions import DecompositionTable
from tracejet._engine_report import EngineReport, report_on
from tracejet._program import ExportedProgram
from tracejet._report import Report


def trace(
    mod: nn.Module,
    inputs: Sequence[Any] | None = None,
    *,
    arg_inputs: Sequence[Any] | None = None,
    kwarg_inputs: Mapping[str, Any] | None = None,
    strict: bool = False,
    device: torch.device | str | None = None,
    decompositions: str | DecompositionTable = "tensorrt",
    decompose_attention: bool = False,
    use_fp32_acc: bool = True,
    enable_experimental_decompositions: bool = False,
    prefer_deferred_runtime_asserts_over_guards: bool = True,
    validate: Literal["warn", "error"] | None = None,
    engine: str = "openvino",
) -> ExportedProgram:
    """Traces `mod` once and gives its program in Core ATen, the operators that engines lack already decomposed.

    Args:
        mod: the model. Its weights are shared with the program, not copied; it is unchanged afterwards, also when
            the trace fails.
        inputs, arg_inputs: what forward takes by position (two names of one argument): any pytree of Tensor (static),
            `Input` (its axes may be dynamic), numbers, strings, booleans and None.
        kwarg_inputs: what forward takes by keyword.
        strict: TorchDynamo captures the model first, and refuses Python code that it doesn't understand; it needs
            example data and takes far longer. What it captured is then traced as without `strict`.
        device: where the program is to run, by default where the model is. Parameters, buffers and inputs count as
            being there, whatever they are in fact; the device needn't exist here, and isn't touched where it does.
        decompositions: what is done with each operator while tracing: "tensorrt", "core_aten", "none", or a
            `DecompositionTable` that starts from one of these.
        decompose_attention: scaled_dot_product_attention and its backends are expanded, whatever `decompositions` says.
        use_fp32_acc: attention that is expanded computes 16-bit floats in float32 and rounds its result once, as
            PyTorch's kernels do. If not, it computes in the dtype of its inputs, which is Torch-TensorRT's default.
        enable_experimental_decompositions: Torch-TensorRT's name for `decompositions="core_aten"`.
        prefer_deferred_runtime_asserts_over_guards: what the trace relies on that ranges can't say (a size is a
            multiple of 8, or twice another) is checked when the program runs. If not, it is a ConstraintViolation.
        validate: what happens where `engine` can't run the whole program: "warn" warns of it, "error" raises
            UnsupportedOperator, whose `report` is what `check` gives. By default nobody asks the engine.
        engine: the one to validate for: "openvino", "aten" or "onnx".

    Returns:
        A `torch.export.ExportedProgram`. Its Python side (`graph_module`, `graph_signature`, ...) is made when
        somebody looks at it.

    Raises:
        InvalidInput: an argument doesn't fit forward, or an Input contradicts itself.
        ConstraintViolation: the model can't take every size that was declared. The message lists all problems with
            their lines and fixes; the exception's `report` is what `diagnose` gives.
        UnsupportedOperator, ShapeError, DataDependent: what the model does can't be captured; the message names the
            operator and the model's line.
    """
    if validate not in (None, "warn", "error"):
        raise _C.InvalidInput(f'validate: expected "warn", "error" or None, got {validate!r}')
    capture = Capture.of_call(
        mod,
        either_name(inputs, arg_inputs),
        kwarg_inputs,
        strict=strict,
        options=Options.of_call(
            device,
            prefer_deferred_runtime_asserts_over_guards,
            decompositions,
            decompose_attention,
            use_fp32_acc,
            enable_experimental_decompositions,
        ),
    )
    capture = capture.run_for_all_data().for_all_branches()
    if capture.violated_conditions():
        report = capture.report()
        violation = _C.ConstraintViolation(str(report))
        violation.report = report
        raise violation
    if validate is not None:
        _validate(report_on(capture.graph, engine), is_error=validate == "error")
    call_spec = dataclasses.replace(capture.call_spec, constant_names=constant_names(capture.graph, mod))
    return ExportedProgram(capture.graph, call_spec, capture.slow_calls)


def diagnose(
    mod: nn.Module,
    inputs: Sequence[Any] | None = None,
    *,
    arg_inputs: Sequence[Any] | None = None,
    kwarg_inputs: Mapping[str, Any] | None = None,
    strict: bool = False,
    device: torch.device | str | None = None,
    decompositions: str | DecompositionTable = "tensorrt",
    decompose_attention: bool = False,
    use_fp32_acc: bool = True,
    enable_experimental_decompositions: bool = False,
    prefer_deferred_runtime_asserts_over_guards: bool = True,
) -> Report:
    """Traces `mod` and reports everything that keeps the sizes of its inputs from varying as declared.

    Takes what `trace` takes, and raises only where that call itself is wrong. What ends the trace is a problem of the
    report like others; `report.suggested_inputs()` are inputs with which a trace succeeds.
    """
    capture = Capture.of_call(
        mod,
        either_name(inputs, arg_inputs),
        kwarg_inputs,
        strict=strict,
        options=Options.of_call(
            device,
            prefer_deferred_runtime_asserts_over_guards,
            decompositions,
            decompose_attention,
            use_fp32_acc,
            enable_experimental_decompositions,
        ),
    )
    try:
        return capture.run_for_all_data().for_all_branches().report()
    except Exception as error:
        return capture.report(error)


def _validate(report: EngineReport, is_error: bool) -> None:
    if report.ok:
        return
    if not is_error:
        warnings.warn(str(report), stacklevel=3)
        return
    error = _C.UnsupportedOperator(str(report))
    error.report = report
    raise error
