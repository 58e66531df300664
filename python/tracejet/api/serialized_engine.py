"""`convert_exported_program_to_serialized_trt_engine`: a program as one engine of TensorRT's, in bytes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from tracejet import _C
from tracejet._C import CompileSettings, ErrorCode, UnsupportedOperator
from tracejet.api.compile_settings import settings_of, with_settings
from tracejet.api.native_program import native
from tracejet.api.session_program import graph_of
from tracejet.engines.profiles import declared_profiles, profiles_in
from tracejet.engines.tensorrt.build import build
from tracejet.engines.tensorrt.engine import TensorRT
from tracejet.engines.tensorrt.library import load
from tracejet.engines.tensorrt.network import Network
from tracejet.frontend.binding import either_name


@with_settings
def convert_exported_program_to_serialized_trt_engine(
    exported_program: nn.Module | torch.export.ExportedProgram,
    inputs: Sequence[Any] | None = None,
    *,
    arg_inputs: Sequence[Any] | None = None,
    kwarg_inputs: Mapping[str, Any] | None = None,
    settings: CompileSettings | None = None,
    enabled_precisions: Collection[torch.dtype] | None = None,
    **keywords: Any,
) -> bytes:
    """A whole program as one engine of TensorRT's: the bytes that its runtime, `trtexec` and others load.

    TensorRT-RTX builds it on any machine, for the GPUs that `compute_capabilities` names; TensorRT for the GPU at hand.
    Inputs of the engine are called as in the program's ONNX form, and are as many as the program reads.

    Args:
        exported_program: a program from `trace` or `torch.export`, for any device, or a module (which is traced first).
        inputs, arg_inputs: what a module is traced with: see `trace`.
        kwarg_inputs: the same for keywords.
        settings: the settings below in one object; keywords beside it come first.
        enabled_precisions: another way to say `precision`: the narrowest of these.
        {settings}

    Raises:
        UnsupportedOperator: lists every operator that TensorRT doesn't take, with its lines.
        InvalidInput: TensorRT isn't installed, or can't do what a setting asks for.
    """
    chosen = settings_of(keywords, settings, enabled_precisions)
    library = load()
    TensorRT(load).check_settings(chosen)
    traced = native(exported_program, either_name(inputs, arg_inputs), kwarg_inputs)
    program = _C.onnx_for_tensorrt(graph_of(traced), chosen.precision)
    network = Network(library, program)
    if network.refused:
        raise UnsupportedOperator(program.report(network.refused), ErrorCode.ENGINE_REFUSAL)
    with declared_profiles(profiles_in(traced._tracejet_call_spec)):
        return build(network, chosen)
