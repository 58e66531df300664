"""Traces PyTorch models to Core ATen in C++, and compiles them for CPUs and GPUs."""

import os as _os

import torch as _torch  # noqa: F401  (its libraries have to be loaded before the core's)

from tracejet.torch_version import check_torch_version as _check_torch_version
from tracejet.torch_version import made_by_cmake as _made_by_cmake

_check_torch_version()

from tracejet import dynamo
from tracejet._C import (
    CompileSettings,
    ConstraintViolation,
    DataDependent,
    Error,
    ErrorCode,
    InvalidInput,
    ShapeError,
    UnsupportedOperator,
    __version__,
)
from tracejet.api.check import check
from tracejet.api.compile import CompiledModule, compile, optimization_profile, refit_module_weights, save_onnx
from tracejet.api.compile_report import BuildWarning, CompileReport
from tracejet.api.config import show_config
from tracejet.api.copies import register_copies as _register_copies
from tracejet.api.decompositions import DecompositionTable
from tracejet.api.engine import Engine, engines, register_engine, unregister_engine
from tracejet.api.engine_cache import BaseEngineCache
from tracejet.api.engine_report import EngineReport, EngineWarning
from tracejet.api.error_docs import document_errors as _document_errors
from tracejet.api.files import load, save
from tracejet.api.kernel_profile import Kernel, Profile
from tracejet.api.model_repository import save_model_repository
from tracejet.api.profiles import profile_of_this_call as _profile_of_this_call
from tracejet.api.trace import diagnose, trace
from tracejet.api.verify import Verification, VerificationError, verify
from tracejet.engines.inductor import register as _register_inductor
from tracejet.engines.tensorrt import register as _register_tensorrt
from tracejet.frontend.input import Input
from tracejet.frontend.log import follow_environment as _follow_environment
from tracejet.frontend.report import Report
from tracejet.html_report.latency import Latency, measure_latency
from tracejet.html_report.page import write_report
from tracejet.patches import size_questions as _size_questions  # noqa: F401  (completes PyTorch's symbolic numbers)
from tracejet.patches import sym_node as _sym_node  # noqa: F401
from tracejet.torch_compile.registration import register as _register_backends

#: Where CMake finds the C++ package (`-DCMAKE_PREFIX_PATH=…`): in an installed tracejet, or in a source tree's build.
cmake_prefix_path: str = getattr(_made_by_cmake(), "CMAKE_PREFIX_PATH", "") or _os.path.dirname(
    _os.path.abspath(__file__)
)

_document_errors()
_register_copies()
_follow_environment()
_register_backends()
_register_tensorrt(_profile_of_this_call)
_register_inductor()

__all__ = [
    "BaseEngineCache",
    "BuildWarning",
    "CompileReport",
    "CompileSettings",
    "CompiledModule",
    "ConstraintViolation",
    "DataDependent",
    "DecompositionTable",
    "Engine",
    "EngineReport",
    "EngineWarning",
    "Error",
    "ErrorCode",
    "Input",
    "InvalidInput",
    "Kernel",
    "Latency",
    "Profile",
    "Report",
    "ShapeError",
    "UnsupportedOperator",
    "Verification",
    "VerificationError",
    "__version__",
    "check",
    "cmake_prefix_path",
    "compile",
    "diagnose",
    "dynamo",
    "engines",
    "load",
    "measure_latency",
    "optimization_profile",
    "refit_module_weights",
    "register_engine",
    "save",
    "save_model_repository",
    "save_onnx",
    "show_config",
    "trace",
    "unregister_engine",
    "verify",
    "write_report",
]


def __dir__() -> list[str]:
    """What is public, without the packages that it is made of."""
    return sorted(name for name in globals() if name.startswith("__") or name in __all__)
