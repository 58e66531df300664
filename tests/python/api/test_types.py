"""What type checkers and `dir` learn of tracejet."""

from __future__ import annotations

import importlib
from pathlib import Path

import tracejet

PUBLIC = """
BaseEngineCache BuildWarning CompileReport CompileSettings CompiledModule ConstraintViolation DataDependent
DecompositionTable Engine EngineReport EngineWarning Error ErrorCode Input InvalidInput Kernel Latency Profile Report
ShapeError UnsupportedOperator Verification VerificationError __version__ check cmake_prefix_path compile diagnose
dynamo engines load measure_latency optimization_profile refit_module_weights register_engine save
save_model_repository save_onnx show_config trace unregister_engine verify write_report
""".split()


def test_the_package_says_that_it_has_types() -> None:
    assert (Path(tracejet.__file__).parent / "py.typed").exists()


def test_public_names_are_these() -> None:
    assert [name for name in dir(tracejet) if not name.startswith("_") or name == "__version__"] == sorted(PUBLIC)
    assert sorted(tracejet.__all__) == sorted(PUBLIC)
    dynamo = importlib.import_module("tracejet.dynamo")
    upstreams = [
        "compile",
        "convert_exported_program_to_serialized_trt_engine",
        "get_dynamic_shapes_args",
        "get_dynamic_shapes_kwargs",
        "refit_module_weights",
        "trace",
    ]
    assert sorted(dynamo.__all__) == sorted(
        [*upstreams, "Backend", "BackendReport", "EagerWarning", "GraphRecord", "backend"]
    )
