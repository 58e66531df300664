"""Traces PyTorch models to Core ATen in C++, and compiles them for CPUs and GPUs."""

import torch as _torch  # noqa: F401  (its libraries have to be loaded before the core's)

from tracejet import _size_questions, _symbolic, dynamo  # noqa: F401  (completes PyTorch's symbolic numbers)
from tracejet._C import (
    CompileSettings,
    ConstraintViolation,
    DataDependent,
    Error,
    InvalidInput,
    ShapeError,
    UnsupportedOperator,
    __version__,
)
from tracejet._check import check
from tracejet._compile import CompiledModule, compile, save_onnx
from tracejet._decompositions import DecompositionTable
from tracejet._engine import Engine, engines, register_engine, unregister_engine
from tracejet._engine_report import EngineReport, EngineWarning
from tracejet._input import Input
from tracejet._report import Report
from tracejet._trace import diagnose, trace
from tracejet._verify import Verification, VerificationError, verify

__all__ = [
    "CompileSettings",
    "CompiledModule",
    "ConstraintViolation",
    "DataDependent",
    "DecompositionTable",
    "Engine",
    "EngineReport",
    "EngineWarning",
    "Error",
    "Input",
    "InvalidInput",
    "Report",
    "ShapeError",
    "UnsupportedOperator",
    "Verification",
    "VerificationError",
    "__version__",
    "check",
    "compile",
    "diagnose",
    "dynamo",
    "engines",
    "register_engine",
    "save_onnx",
    "trace",
    "unregister_engine",
    "verify",
]
