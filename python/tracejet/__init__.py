"""Traces PyTorch models to Core ATen in C++, and compiles them for CPUs and GPUs."""

import torch as _torch  # noqa: F401  (its libraries have to be loaded before the core's)

from tracejet import _size_questions, _symbolic, dynamo  # noqa: F401  (completes PyTorch's symbolic numbers)
from tracejet._C import (
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
from tracejet._engine_report import EngineReport, EngineWarning
from tracejet._input import Input
from tracejet._report import Report
from tracejet._trace import diagnose, trace
from tracejet._verify import Verification, VerificationError, verify

__all__ = [
    "CompiledModule",
    "ConstraintViolation",
    "DataDependent",
    "DecompositionTable",
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
    "save_onnx",
    "trace",
    "verify",
]
