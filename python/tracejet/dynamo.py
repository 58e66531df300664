"""`tracejet.dynamo`: the names under which Torch-TensorRT offers tracing and compiling, and torch.compile's backend."""

from tracejet.api.compile import compile, refit_module_weights
from tracejet.api.serialized_engine import convert_exported_program_to_serialized_trt_engine
from tracejet.api.trace import trace
from tracejet.frontend.dynamic_shapes import get_dynamic_shapes_args, get_dynamic_shapes_kwargs
from tracejet.torch_compile.backend import Backend, EagerWarning
from tracejet.torch_compile.compile_report import BackendReport, GraphRecord
from tracejet.torch_compile.entry_points import tracejet as backend

__all__ = [
    "Backend",
    "BackendReport",
    "EagerWarning",
    "GraphRecord",
    "backend",
    "compile",
    "convert_exported_program_to_serialized_trt_engine",
    "get_dynamic_shapes_args",
    "get_dynamic_shapes_kwargs",
    "refit_module_weights",
    "trace",
]
